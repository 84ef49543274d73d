//! Runs the Python tests, so that `cargo test` covers everything.

use std::{collections::BTreeMap, fs};

use anyhow::{Context as _, Result, ensure};
use e2e::{local, python};

/// Runs all tests of a folder. It also fails if there are none or one is skipped.
fn pytest(folder: &str) -> Result<()> {
    local::run(async {
        let reports = tempfile::tempdir()?;
        let report = reports.path().join("report.xml");
        let arguments = [
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "--quiet",
            folder,
            &format!("--junitxml={}", report.display()),
        ]
        .map(str::to_owned);
        let _turn = local::turn().await?;
        python::run(arguments, &local::in_workspace("")?)
            .await
            .with_context(|| format!("pytest {folder}"))?;
        let counts = counts(&fs::read_to_string(&report)?)?;
        println!("{folder}: {counts:?}");
        let count = |name: &str| {
            counts
                .get(name)
                .copied()
                .with_context(|| format!("the report of {folder} does not count {name}"))
        };
        ensure!(count("tests")? > 0, "{folder} holds no test");
        ensure!(count("skipped")? == 0, "{} tests of {folder} were skipped", count("skipped")?);
        Ok(())
    })
}

/// The integer attributes of the report's one `testsuite`.
fn counts(report: &str) -> Result<BTreeMap<String, u32>> {
    let (_, suite) = report.split_once("<testsuite ").context("the report holds no testsuite")?;
    let (attributes, _) = suite.split_once('>').context("the report ends too early")?;
    let pairs = attributes.split("\" ").filter_map(|attribute| attribute.split_once("=\""));
    Ok(pairs.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect())
}

#[test]
fn the_tests_of_the_glue_job_pass() -> Result<()> {
    pytest("infra/glue/tests")
}

#[test]
fn the_tests_of_athenas_sql_pass() -> Result<()> {
    pytest("infra/athena/tests")
}

#[test]
fn the_tests_of_the_emulator_pass() -> Result<()> {
    pytest("infra/local/tests")
}

#[test]
fn the_tests_of_the_notebook_pass() -> Result<()> {
    pytest("infra/athena/notebook/tests")
}

#[test]
fn the_tests_of_the_grafana_dashboard_pass() -> Result<()> {
    pytest("infra/grafana/tests")
}

#[test]
fn the_counts_of_a_report_are_read() -> Result<()> {
    let report = r#"<?xml?><testsuites name="pytest tests"><testsuite name="pytest" errors="0" skipped="2" tests="12" time="1.5">"#;
    let counts = counts(report)?;
    ensure!(
        counts
            == BTreeMap::from([
                ("errors".to_owned(), 0),
                ("skipped".to_owned(), 2),
                ("tests".to_owned(), 12)
            ]),
        "{counts:?}"
    );
    Ok(())
}
