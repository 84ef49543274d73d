//! The end of the walk: files that people kept are added to three days that were fetched, and all of it is looked at.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use e2e::{
    browser,
    days::{self, session},
    ibov,
};
use serde_json::{Value, json};
use shared::b3::decode;

async fn run(lake: &Path, arguments: &[&str], code: i32) -> Result<ibov::Ended> {
    let ended = ibov::run(&[arguments, &["--lake", path(lake)?]].concat(), &[]).await?;
    assert_eq!(ended.code, Some(code), "{arguments:?}: {}\n{}", ended.stdout, ended.stderr);
    Ok(ended)
}

/// The four days before those that were fetched, and one whose number is American.
pub(crate) async fn import_five_files(lake: &Path, folder: &Path) -> Result<()> {
    let files = folder.join("kept");
    fs::create_dir(&files)?;
    for offset in [-6, -5, -4, -3] {
        let date = session(offset);
        fs::write(files.join(format!("{date}.csv")), days::csv(&days::small(date), true))?;
    }
    let bad = decode(days::csv(&days::small(session(-7)), true));
    fs::write(files.join("bad.csv"), bad.replacen("9,667", "9.667", 1))?;

    let report = run(lake, &["import", path(&files)?, "--json"], 1).await?.document()?;
    let count = |list: &str| report[list].as_array().map(Vec::len);
    let counts = (count("taken"), count("there"), count("refused"));
    assert_eq!(counts, (Some(4), Some(0), Some(1)), "{report}");
    assert_eq!(report["refused"][0]["code"], "en-us-format");
    Ok(())
}

/// Seven days: CMIN3 was in the index on all but the second of the days that were fetched.
pub(crate) async fn look_at_the_whole_history(lake: &Path, folder: &Path) -> Result<()> {
    let (oldest, newest) = (session(-6), session(0));
    let sql = "SELECT count(DISTINCT data) AS days FROM tb_ibov_refined WHERE soma_part > 0";
    let shown = run(lake, &["query", sql, "--format", "json"], 0).await?.stdout;
    assert_eq!(serde_json::from_str::<Value>(&shown)?, json!([{"days": 7}]));

    let dates = [session(-1).to_string(), newest.to_string()];
    let arguments = ["diff", &dates[0], &dates[1], "--json"];
    let document = run(lake, &arguments, 0).await?.document()?;
    let changed = |list: &str| document[list][0]["codigo"].clone();
    assert_eq!((changed("entered"), changed("left")), (json!("CMIN3"), json!("ITUB4")));

    let document = run(lake, &["history", "cmin3", "--json"], 0).await?.document()?;
    let days = document["days"].as_array().context("no days")?;
    let ends = days.first().zip(days.last()).map(|(first, last)| (&first["date"], &last["date"]));
    assert_eq!(ends, Some((&json!(oldest), &json!(newest))));
    assert_eq!(days.len(), 6);

    let page = folder.join("page.html");
    run(lake, &["report", "--out", path(&page)?, "--lang", "pt"], 0).await?;
    let Some(seen) = browser::look_at(&page, folder).await? else { return Ok(()) };
    let title = seen["title"].as_str().context("no title")?;
    let mark = "Não são dados da B3: IBOV, carteira de ";
    assert!(
        title.starts_with(mark) && title.ends_with(&newest.format("%d/%m/%Y").to_string()),
        "{title}"
    );
    let text = seen["text"].as_str().context("no text")?;
    assert!(text.contains("As linhas passam por todos os 7 pregões."), "{text}");
    Ok(())
}

fn path(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is not UTF-8")
}
