//! `ibov report` from outside: the page of a lake with two sessions, as Chrome shows it.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use e2e::{browser, days::session, ibov, local};
use harness::b3_server::{B3Server, Day};
use serde_json::Value;

#[test]
fn the_report_of_a_lake_is_a_page_that_everybody_can_read_and_that_asks_nobody() -> Result<()> {
    local::run(async {
        let folder = tempfile::tempdir()?;
        let lake = folder.path().join("lake").display().to_string();
        let page = folder.path().join("page.html");
        let path = page.to_str().context("a path that is not UTF-8")?;
        let server = B3Server::start().await?;
        let (before, newest) = (session(-1), session(0));
        let mut first = Day::sample()?.dated(before);
        let left = first.results.iter_mut().find(|row| row.cod == "RAIZ4");
        left.context("the sample has no RAIZ4")?.cod = "XPTO3".to_owned();
        for day in [first, Day::sample()?.dated(newest)] {
            server.publish("IBOV", day);
            let arguments = ["run", "--b3-url", server.base_url(), "--lake", &lake, "--quiet"];
            let ended = ibov::run_without_spark(&arguments, &[]).await?;
            assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        }

        let arguments = ["report", "--lake", &lake, "--out", path, "--lang", "en"];
        let ended = ibov::run(&arguments, &[]).await?;
        assert_eq!((ended.code, ended.stdout.trim()), (Some(0), path), "{}", ended.stderr);
        let text = fs::read_to_string(&page)?;
        for part in ["<title>Not B3", "<strong>XPTO3</strong>", "<strong>RAIZ4</strong>", "<svg"] {
            assert!(text.contains(part), "{part}");
        }

        assert!(text.contains("Every session that has landed is refined."));
        let page_of_due = folder.path().join("due.html");
        let is_due = format!("Landed, and not refined yet:</strong> <time datetime=\"{before}\">");
        let landed = Path::new(&lake).join(format!("landing/index=IBOV/date={before}"));
        let answer = fs::read_dir(&landed)?.next().context("nothing has landed")??.path();
        // The day has rows, but not those of this answer.
        fs::copy(&answer, landed.join("20991231T000000.000Z-0123456789abcdef.json"))?;
        let path_of_due = page_of_due.to_str().context("a path that is not UTF-8")?;
        let arguments = ["report", "--lake", &lake, "--out", path_of_due, "--lang", "en"];
        let ended = ibov::run(&arguments, &[]).await?;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(fs::read_to_string(&page_of_due)?.contains(&is_due));

        let Some(seen) = browser::look_at(&page, folder.path()).await? else {
            return Ok(());
        };
        works_by_keyboard(&seen["keyboard"])?;
        assert_eq!(seen["title"], format!("Not B3's data: IBOV, portfolio of {newest}"));
        let whole = serde_json::json!({"stocks": 82, "filter": false, "buttons": 0});
        assert_eq!(seen["without_script"], whole, "without scripts the page is whole");
        Ok(())
    })
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
