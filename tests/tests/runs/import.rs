//! What people have kept, imported into a lake of this machine and processed again.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use chrono::NaiveDate;
use e2e::{
    days::{self, session},
    ibov::{self, Ended},
    local,
};
use harness::b3_server::{B3Server, Day};
use serde_json::Value;
use shared::b3::decode;

/// Runs a command on a lake, and expects an exit code.
async fn ibov_on(lake: &Path, arguments: &[&str], code: i32) -> Result<Ended> {
    let lake = lake.to_str().context("a path that is not UTF-8")?;
    let arguments = [arguments, &["--lake", lake]].concat();
    let ended = ibov::run_without_spark(&arguments, &[]).await?;
    assert_eq!(ended.code, Some(code), "{arguments:?}: {}\n{}", ended.stdout, ended.stderr);
    Ok(ended)
}

async fn import(lake: &Path, files: &Path, code: i32) -> Result<Value> {
    let files = files.to_str().context("a path that is not UTF-8")?;
    ibov_on(lake, &["import", files, "--json"], code).await?.document()
}

async fn fetch(lake: &Path, server: &B3Server, day: Day) -> Result<Value> {
    server.publish("IBOV", day);
    ibov_on(lake, &["run", "--b3-url", server.base_url(), "--json"], 0).await?.document()
}

/// The names of the files in one of a report's lists.
fn names(report: &Value, list: &str) -> Vec<String> {
    let files = report[list].as_array().into_iter().flatten();
    let names = files.filter_map(|entry| {
        Some(Path::new(entry["file"].as_str()?).file_name()?.to_string_lossy().into_owned())
    });
    names.collect()
}

fn days_of(lake: &Path) -> Result<Vec<NaiveDate>> {
    let mut days = Vec::new();
    for entry in fs::read_dir(lake.join("refined"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        days.push(name.strip_prefix("Data=").context("another folder")?.parse()?);
    }
    days.sort();
    Ok(days)
}

/// The portfolio with another quantity, so that its answer is another one.
fn other(date: NaiveDate) -> Day {
    let mut day = days::small(date);
    day.results[3].theorical_qty = "1.000".to_owned();
    day.header.theorical_qty = "6.016.778.816".to_owned();
    day
}

/// The quantity of a day, as the table has it.
async fn quantity(lake: &Path, date: NaiveDate) -> Result<String> {
    let sql = format!(
        "SELECT 'sum=' || CAST(sum(soma_qtd_teorica) AS varchar) || '.' AS q FROM tb_ibov_refined WHERE data = DATE '{date}'"
    );
    let shown = ibov_on(lake, &["query", &sql], 0).await?.stdout;
    let (_, rest) = shown.split_once("sum=").with_context(|| shown.clone())?;
    Ok(rest.split_once('.').context("no end")?.0.to_owned())
}

/// The only file of a folder.
fn only_file(folder: &Path) -> Result<PathBuf> {
    Ok(fs::read_dir(folder)?
        .next()
        .with_context(|| format!("nothing in {}", folder.display()))??
        .path())
}

#[test]
fn files_that_were_kept_join_the_lake_and_fetched_answers_win() -> Result<()> {
    local::run(async {
        let folder = tempfile::tempdir()?;
        let (lake, files) = (folder.path().join("lake"), folder.path().join("kept files"));
        fs::create_dir(&files)?;
        let server = B3Server::start().await?;
        let today = session(0);
        fetch(&lake, &server, days::small(today)).await?;

        for (name, offset) in [("1.csv", -4), ("2.csv", -3), ("3.csv", -2), ("4.csv", -1)] {
            fs::write(files.join(name), days::csv(&days::small(session(offset)), true))?;
        }
        // Saved again as UTF-8, with an American number.
        let bad = decode(days::csv(&days::small(session(-5)), true));
        let bad = bad.replacen("9,667", "9.667", 1);
        fs::write(files.join("5 bad.csv"), bad)?;
        fs::write(files.join("6 fetched.csv"), days::csv(&other(today), true))?;
        let old = NaiveDate::from_ymd_opt(2009, 12, 30).context("no date")?;
        fs::write(files.join("7 old.csv"), days::csv(&days::small(old), true))?;
        fs::write(files.join("8 tickers.csv"), days::csv(&days::small(session(-5)), false))?;

        let report = import(&lake, &files, 1).await?;
        assert_eq!(names(&report, "taken"), ["1.csv", "2.csv", "3.csv", "4.csv", "6 fetched.csv"]);
        assert!(report["taken"][4]["newer"].is_string(), "{report}");
        assert_eq!(names(&report, "refused"), ["5 bad.csv", "7 old.csv", "8 tickers.csv"]);
        let refused = &report["refused"];
        let reason = refused[0]["reason"].as_str().context("no reason")?;
        assert!(reason.contains("line 5") && reason.contains("9.667"), "{reason}");
        assert_eq!(refused[1]["code"], "before-first-month");
        assert!(refused[1]["reason"].as_str().is_some_and(|reason| reason.contains("FirstMonth")));
        assert_eq!(refused[2]["code"], "other-segment");
        assert_eq!(report["refined"], true);
        let dates: Vec<_> = (-4..=0).map(session).collect();
        assert_eq!(days_of(&lake)?, dates);
        assert_eq!(quantity(&lake, today).await?, "6016778817", "the fetched answer stays");

        let again = import(&lake, &files, 1).await?;
        assert_eq!(names(&again, "taken"), Vec::<String>::new());
        assert_eq!(names(&again, "there").len(), 5);

        // B3 answers for a day that was imported.
        let document = fetch(&lake, &server, other(session(-1))).await?;
        assert_eq!(document["days"], 5);
        assert_eq!(quantity(&lake, session(-1)).await?, "6016778816", "the fetched answer wins");

        reprocessing_makes_good_what_is_wrong(&lake).await
    })
}

/// A raw file that another parser wrote, and rows that another job wrote.
async fn reprocessing_makes_good_what_is_wrong(lake: &Path) -> Result<()> {
    let (first, second) = (session(-4), session(-3));
    let raw = only_file(&lake.join(format!("raw/date={first}")))?;
    let good = fs::read(&raw)?;
    fs::write(&raw, "of another parser")?;
    let sector = lake.join(format!("refined/Data={second}/Setor=Mats Básicos %2F Mineração"));
    let rows = only_file(&sector)?;
    let right = fs::read(&rows)?;
    fs::write(&rows, "of another job")?;
    let (from, to) = (first.to_string(), second.to_string());
    let arguments = ["reprocess", "--from", &from, "--to", &to, "--json"];
    let document = ibov_on(lake, &arguments, 0).await?.document()?;
    let changed = |place: usize| &document["dates"][place]["raw_changed"];
    assert_eq!((changed(0), changed(1)), (&true.into(), &false.into()), "{document}");
    assert_eq!(fs::read(&raw)?, good);
    assert_eq!(fs::read(only_file(&sector)?)?.len(), right.len());
    let nothing = ["reprocess", "--from", "2019-01-01", "--to", "2019-12-31", "--json"];
    let ended = ibov_on(lake, &nothing, 1).await?;
    let cause = ended.document()?["error"]["cause"].as_str().map(str::to_owned);
    let cause = cause.context("a failure without a cause")?;
    assert!(cause.contains("no landing object of IBOV from 2019-01-01"), "{cause}");
    assert!(ended.stderr.contains("no landing object of IBOV from 2019-01-01"), "{}", ended.stderr);
    Ok(())
}

#[test]
fn an_import_that_was_interrupted_takes_the_rest_the_next_time() -> Result<()> {
    local::run(async {
        let folder = tempfile::tempdir()?;
        let (lake, files) = (folder.path().join("lake"), folder.path().join("files"));
        fs::create_dir(&files)?;
        let dates: Vec<_> = (-30..=-1).map(session).collect();
        for date in &dates {
            fs::write(files.join(format!("{date}.csv")), days::csv(&days::small(*date), true))?;
        }
        let [lake_name, files_name] =
            [&lake, &files].map(|path| path.to_string_lossy().into_owned());
        let arguments = ["import", &files_name, "--lake", &lake_name];
        // Before anything is in landing/, and before what is there has become raw files.
        for moment in ["put them into landing/", "refine what is new"] {
            let mut interrupted = ibov::start(&arguments, &[]).await?;
            interrupted.until_it_says(moment).await?;
            interrupted.signal("INT").await?;
            let ended = interrupted.end().await?;
            assert_eq!(ended.code, Some(130), "{}", ended.stderr);
            let advice = "the same command again takes the rest";
            assert!(ended.stderr.contains(advice), "{}", ended.stderr);
        }
        assert!(!lake.join("refined").exists(), "the test came too late");

        let report = import(&lake, &files, 0).await?;
        assert_eq!((names(&report, "taken").len(), names(&report, "there").len()), (0, 30));
        assert_eq!(days_of(&lake)?, dates);
        Ok(())
    })
}
