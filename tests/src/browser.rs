//! A page of `ibov report` in Chrome, and what has to hold of every such page.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::{local, python};

const BROWSERS: [&str; 7] = [
    "google-chrome",
    "google-chrome-stable",
    "chromium",
    "chromium-browser",
    "chromium-headless-shell",
    "chrome-headless-shell",
    "chrome",
];

/// Opens a page, light and dark, on a phone and on a desk, with the keyboard alone, and without scripts. Fails if it says
/// anything in the console, asks for anything, is too wide, or if axe-core objects. `None` if there is no Chrome.
pub async fn look_at(page: &Path, folder: &Path) -> Result<Option<Value>> {
    let Some(chrome) = chrome()? else {
        println!("skipped: no Chrome is on the path, and CHROME names none");
        return Ok(None);
    };
    let script = local::in_workspace("tests/tests/runs/report/look_at_page.py")?;
    let arguments = [script, page.to_path_buf(), chrome];
    let _turn = local::turn().await?;
    let seen: Value = serde_json::from_str(&python::run(arguments, folder).await?)?;
    holds_in_every_view(&seen)?;
    Ok(Some(seen))
}

/// `CHROME`, which has to be there then, or what the path has.
fn chrome() -> Result<Option<PathBuf>> {
    if let Some(named) = env::var_os("CHROME") {
        let named = PathBuf::from(named);
        ensure!(named.is_file(), "CHROME names {}, which is not there", named.display());
        return Ok(Some(named));
    }
    let path = env::var_os("PATH").context("no PATH")?;
    let mut found = BROWSERS.iter().flat_map(|name| {
        env::split_paths(&path).map(|folder| folder.join(name)).collect::<Vec<_>>()
    });
    Ok(found.find(|program| program.is_file()))
}

/// Light and dark, on a phone and on a desk.
fn holds_in_every_view(seen: &Value) -> Result<()> {
    const VIEWS: usize = 4;
    let views = seen.get("views").and_then(Value::as_array).context("no views")?;
    ensure!(views.len() == VIEWS, "{} views", views.len());
    for view in views {
        let fact = |name: &str| view.get(name).cloned().unwrap_or_default();
        let name = fact("view");
        for (fact_name, meaning) in [
            ("said", "messages in the console"),
            ("requests", "requests"),
            ("violations", "what axe-core objects to"),
        ] {
            let found = fact(fact_name);
            ensure!(found == serde_json::json!([]), "{meaning} ({name}): {found}");
        }
        let excess = fact("too_wide");
        ensure!(excess == 0, "{excess} pixels to scroll sideways ({name})");
    }
    Ok(())
}
