//! The lake of this machine: it only grows, and data of different origins never meet in it.

#[path = "lake/views.rs"]
mod views;
#[path = "lake/walk.rs"]
mod walk;

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use chrono::NaiveDate;
use e2e::{
    days::{self, session},
    ibov::{self, Ended},
    local, python,
};
use harness::b3_server::B3Server;
use serde_json::Value;

/// A proxy that is not there, so that B3 cannot be reached.
const OFFLINE: [(&str, &str); 2] =
    [("HTTPS_PROXY", "http://127.0.0.1:9"), ("https_proxy", "http://127.0.0.1:9")];

/// A run that keeps what a stand-in for B3 answers in `lake`.
async fn run(server: &B3Server, lake: &Path) -> Result<Value> {
    document(ibov::run(&arguments(server, lake)?, &[]).await?)
}

async fn run_without_spark(server: &B3Server, lake: &Path) -> Result<Value> {
    document(ibov::run_without_spark(&arguments(server, lake)?, &[]).await?)
}

fn arguments<'a>(server: &'a B3Server, lake: &'a Path) -> Result<[&'a str; 6]> {
    let lake = lake.to_str().context("a path that is not UTF-8")?;
    Ok(["run", "--b3-url", server.base_url(), "--lake", lake, "--json"])
}

fn document(ended: Ended) -> Result<Value> {
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    ended.document()
}

fn refined(lake: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(lake.join("refined"))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn folders(dates: &[NaiveDate]) -> Vec<String> {
    dates.iter().map(|date| format!("Data={date}")).collect()
}

fn cause(ended: &Ended) -> Result<String> {
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    Ok(ended.document()?["error"]["cause"].as_str().context("no cause")?.to_owned())
}

#[test]
fn days_imports_a_crash_and_an_offline_day_make_one_history_that_is_looked_at() -> Result<()> {
    local::run(async {
        let folder = tempfile::tempdir()?;
        let lake = folder.path().join("a lake");
        let (first, second, third) = (session(-2), session(-1), session(0));
        let server = B3Server::start().await?;

        server.publish("IBOV", days::small(first));
        let document = run(&server, &lake).await?;
        assert_eq!((&document["date"], &document["days"]), (&first.to_string().into(), &1.into()));
        let again = run(&server, &lake).await?;
        assert_eq!(again["glue_run"], Value::Null, "nothing is new");
        for field in ["date", "landing_key", "raw_key", "constituents", "sectors", "totals"] {
            assert_eq!(again[field], document[field], "{field}");
        }

        server.publish("IBOV", days::moved(second));
        let document = run_without_spark(&server, &lake).await?;
        assert_eq!(document["days"], 2);
        assert_eq!(refined(&lake)?, folders(&[first, second]));

        // Both can be looked at, although no stack is up, and nothing can be changed.
        let path = lake.to_str().context("a path that is not UTF-8")?;
        let sql = "SELECT data, sum(soma_part) AS total FROM tb_ibov_refined GROUP BY data";
        let shown = ibov::run(&["query", "--lake", path, sql], &[]).await?;
        assert_eq!(shown.code, Some(0), "{}", shown.stderr);
        for date in [first, second] {
            assert!(shown.stdout.contains(&format!("{date}\t100.000")), "{}", shown.stdout);
        }
        let name = ["query", "--lake", path, "--name", "day-by-sector", "--param"];
        let date = second.to_string();
        let shown = ibov::run(&[&name[..], &[date.as_str()]].concat(), &[]).await?;
        assert!(shown.stdout.contains("Água Saneamento"), "{} {}", shown.stdout, shown.stderr);
        let refused = ibov::run(&["query", "--lake", path, "DROP TABLE tb_ibov_raw"], &[]).await?;
        assert_eq!(refused.code, Some(1));
        assert!(
            refused.stderr.contains("one SELECT, WITH, SHOW or DESCRIBE"),
            "{}",
            refused.stderr
        );

        views::show_what_is_in_it(path, first, second).await?;

        // Killed while Spark runs: the third day has landed and has no rows.
        server.publish("IBOV", days::small(third));
        let arguments = ["run", "--b3-url", server.base_url(), "--lake", path];
        let mut killed = ibov::start(&arguments, &[]).await?;
        killed.until_it_says("refine with Spark").await?;
        killed.signal("KILL").await?;
        assert_eq!(killed.end().await?.code, None);
        assert_eq!(refined(&lake)?, folders(&[first, second]), "a day is refined or it is not");

        let base_url = server.base_url().to_owned();
        drop(server);
        let offline = ["run", "--b3-url", &base_url, "--lake", path, "--json"];
        cause(&ibov::run_without_spark(&offline, &[]).await?)?;
        assert_eq!(refined(&lake)?, folders(&[first, second, third]), "the third is made up for");

        // B3 answers with the third day again: nothing is missing.
        let server = B3Server::start().await?;
        server.publish("IBOV", days::small(third));
        let document = run(&server, &lake).await?;
        assert_eq!((&document["days"], &document["glue_run"]), (&3.into(), &Value::Null));
        assert_eq!(document["sectors"].as_array().map(Vec::len), Some(3));

        walk::import_five_files(&lake, folder.path()).await?;
        walk::look_at_the_whole_history(&lake, folder.path()).await
    })
}

#[test]
fn without_any_day_an_unreachable_b3_is_replaced_by_the_sample_and_later_it_is_a_failure()
-> Result<()> {
    local::run(async {
        python::interpreter().await?;
        let folder = tempfile::tempdir()?;
        let lake = folder.path().join("lake");
        let path = lake.to_str().context("a path that is not UTF-8")?;
        let shown = ibov::run(&["run", "--lake", path, "--quiet"], &OFFLINE).await?;
        assert_eq!(shown.code, Some(0), "{}", shown.stderr);
        assert_eq!(shown.stderr, "");
        assert_eq!(shown.stdout.lines().count(), 1, "{}", shown.stdout);
        assert!(shown.stdout.starts_with("SAMPLE, NOT B3'S DATA: IBOV of "), "{}", shown.stdout);
        assert!(shown.stdout.ends_with("To ask B3 again: cargo ibov run\n"), "{}", shown.stdout);
        assert!(!lake.exists(), "the sample went where B3's days belong");

        // As a run that reached B3 would have left it.
        fs::create_dir_all(lake.join(".ibov"))?;
        let contents = r#"{"origin": "b3", "index": "IBOV", "segment": "2"}"#;
        fs::write(lake.join(".ibov/contents.json"), contents)?;
        fs::create_dir_all(lake.join("landing/index=IBOV/date=2026-11-20"))?;
        let failed = ibov::run(&["run", "--lake", path, "--json"], &OFFLINE).await?;
        let said = cause(&failed)?;
        assert!(said.starts_with("B3 cannot be reached") && said.contains("--sample"), "{said}");
        let quiet = ibov::run(&["run", "--lake", path, "--quiet"], &OFFLINE).await?;
        assert_eq!(quiet.code, Some(1));
        assert_eq!(quiet.stdout, "");
        assert!(
            quiet.stderr.starts_with("ibov: stage source failed: B3 cannot"),
            "{}",
            quiet.stderr
        );

        // Neither the sample nor another server's answers get in there.
        for other in [["--sample", "--json"], ["--b3-url=http://127.0.0.1:9", "--json"]] {
            let refused = ibov::run(&[&["run", "--lake", path][..], &other].concat(), &[]).await?;
            let said = cause(&refused)?;
            assert!(said.contains("holds answers of B3 for IBOV, segment 2"), "{said}");
        }
        Ok(())
    })
}
