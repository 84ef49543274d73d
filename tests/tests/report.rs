//! `ibov report` from outside: the page of a lake with two sessions, as Chrome shows it.
#![allow(clippy::indexing_slicing, reason = "a test that finds something else has failed")]

use std::{env, fs, path::PathBuf};

use anyhow::{Context as _, Result, ensure};
use e2e::{days::session, ibov, local, python};
use harness::b3_server::{B3Server, Day};
use serde_json::Value;

const BROWSERS: [&str; 7] = [
    "google-chrome",
    "google-chrome-stable",
    "chromium",
    "chromium-browser",
    "chromium-headless-shell",
    "chrome-headless-shell",
    "chrome",
];

#[test]
fn the_report_of_a_lake_is_a_page_that_everybody_can_read_and_that_asks_nobody() -> Result<()> {
    local::run(async {
        let folder = tempfile::tempdir()?;
        let lake = folder.path().join("lake").display().to_string();
        let page = folder.path().join("page.html").display().to_string();
        let server = B3Server::start().await?;
        let (before, newest) = (session(-1), session(0));
        let mut first = Day::sample()?.dated(before);
        let left = first.results.iter_mut().find(|row| row.cod == "RAIZ4");
        left.context("the sample has no RAIZ4")?.cod = "XPTO3".to_owned();
        for day in [first, Day::sample()?.dated(newest)] {
            server.publish("IBOV", day);
            let arguments = ["run", "--b3-url", server.base_url(), "--lake", &lake, "--quiet"];
            let ended = ibov::run(&arguments, &[]).await?;
            assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        }

        let arguments = ["report", "--lake", &lake, "--out", &page, "--lang", "en"];
        let ended = ibov::run(&arguments, &[]).await?;
        assert_eq!((ended.code, ended.stdout.trim()), (Some(0), page.as_str()), "{}", ended.stderr);
        let text = fs::read_to_string(&page)?;
        for part in ["<title>Not B3", "<strong>XPTO3</strong>", "<strong>RAIZ4</strong>", "<svg"] {
            assert!(text.contains(part), "{part}");
        }

        let Some(chrome) = chrome()? else {
            println!("skipped: no Chrome is on the path, and CHROME names none");
            return Ok(());
        };
        let script = local::in_workspace("tests/tests/report/look_at_page.py")?;
        let arguments = [script, page.into(), chrome];
        let seen: Value = serde_json::from_str(&python::run(arguments, folder.path()).await?)?;
        holds_in_every_view(&seen)?;
        works_by_keyboard(&seen["keyboard"])?;
        assert_eq!(seen["title"], format!("Not B3's data: IBOV, portfolio of {newest}"));
        let whole = serde_json::json!({"stocks": 82, "filter": false, "buttons": 0});
        assert_eq!(seen["without_script"], whole, "without scripts the page is whole");
        Ok(())
    })
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
    let views = seen["views"].as_array().context("no views")?;
    assert_eq!(views.len(), 4);
    for view in views {
        let name = &view["view"];
        for (fact, meaning) in [
            ("said", "messages in the console"),
            ("requests", "requests"),
            ("violations", "what axe-core objects to"),
        ] {
            assert_eq!(view[fact], serde_json::json!([]), "{meaning} ({name})");
        }
        assert_eq!(view["too_wide"], 0, "pixels to scroll sideways ({name})");
    }
    Ok(())
}

fn works_by_keyboard(keyboard: &Value) -> Result<()> {
    assert_eq!(keyboard["first_stop"], "Skip to the content");
    assert_eq!(keyboard["skipped_to"], "content");
    let codes = |order: &str| -> Result<Vec<String>> {
        Ok(serde_json::from_value(keyboard[order].clone())?)
    };
    let by_weight = codes("by_weight")?;
    assert_eq!(by_weight.first().map(String::as_str), Some("VALE3"), "the heaviest");
    let mut sorted = by_weight;
    sorted.sort();
    assert_eq!(codes("by_code")?, sorted);
    assert_eq!(keyboard["order"], "ascending");
    assert_eq!(keyboard["said_of_order"], "Sorted by Ticker, ascending");
    sorted.reverse();
    assert_eq!(codes("backwards")?, sorted);
    let mut mining = codes("filtered")?;
    mining.sort();
    assert!(mining.contains(&"VALE3".to_owned()) && mining.len() < 10, "{mining:?}");
    let said = format!("{} of 82 stocks shown", mining.len());
    assert_eq!(keyboard["said_of_filter"], said.as_str());
    Ok(())
}
