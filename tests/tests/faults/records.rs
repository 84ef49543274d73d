//! Notifications with several records: a bad record hides none of the good ones.

use anyhow::{Context as _, Result};
use chrono::NaiveDate;
use e2e::{aws_messages, days, faults::Bench, local};
use harness::stack::Stage;

fn date() -> NaiveDate {
    days::session(0)
}

/// Key of the date's raw file.
fn raw() -> String {
    format!("raw/date={}/ibov_setor.parquet", date())
}

async fn delete(bench: &Bench, key: &str) -> Result<()> {
    let request = bench.stack.clients.s3.delete_object().bucket(bench.stack.bucket()?).key(key);
    request.send().await.with_context(|| format!("cannot delete {key}"))?;
    Ok(())
}

/// Sends a portfolio through the chain and deletes its raw file. Returns the landing object's key.
async fn without_raw_file(bench: &Bench) -> Result<String> {
    bench.fetch(date()).await?;
    bench.refined(date()).await?;
    delete(bench, &raw()).await?;
    bench.newest_landing(date()).await?.context("no landing object")
}

async fn raw_is_back(bench: &Bench) -> Result<()> {
    bench
        .until("the raw file to be written again", || async {
            Ok((!bench.stack.keys(&raw()).await?.is_empty()).then_some(()))
        })
        .await?;
    bench.raw_is_what_landing_says(date()).await
}

async fn is_parked(
    bench: &Bench,
    stage: Stage,
    body: &str,
    kind: &str,
    attempts: &str,
) -> Result<()> {
    let parked = bench.parked(stage, 1).await?;
    let [parked] = parked.as_slice() else { panic!("{parked:?}") };
    assert_eq!(parked.body, body);
    assert_eq!(parked.attribute("code"), Some(kind));
    assert_eq!(parked.attribute("attempts"), Some(attempts));
    Ok(())
}

#[test]
fn a_bad_record_hides_no_landing_object() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("records-landing").await?;
        let good = without_raw_file(&bench).await?;
        let bucket = bench.stack.bucket()?;
        let ours = aws_messages::created(bucket, &[&good]);
        let body = aws_messages::together(&[
            aws_messages::created("somebody-elses", &[&good]),
            aws_messages::created(bucket, &["landing/index=IBOV/notes.txt"]),
            ours.clone(),
            ours.replace("ObjectCreated:Put", "ObjectRemoved:Delete"),
            aws_messages::created(bucket, &["landing/%FF%FE"]),
        ]);
        bench.stack.send(Stage::Parquet, &body).await?;
        raw_is_back(&bench).await?;
        is_parked(&bench, Stage::Parquet, &body, "foreign-bucket", "1").await?;
        let cause = bench.parked(Stage::Parquet, 1).await?.remove(0).cause().to_owned();
        assert!(cause.starts_with("4 of 5 records failed"), "{cause}");
        let log = bench.log(Stage::Parquet);
        let others = log.lines().filter(|line| line.contains("another record")).count();
        assert_eq!(others, 3, "the other bad records are logged:\n{log}");
        bench.settled().await
    })
}

#[test]
fn a_bad_record_hides_no_raw_file() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("records-raw").await?;
        bench.fetch(date()).await?;
        bench.refined(date()).await?;
        for key in bench.stack.keys(&format!("control/refine/done/date={}/", date())).await? {
            delete(&bench, &key).await?;
        }
        let bucket = bench.stack.bucket()?;
        let body = aws_messages::together(&[
            aws_messages::created(bucket, &["raw/date=2026-11-20/other.parquet", &raw()]),
            aws_messages::created("somebody-elses", &[&raw()]),
        ]);
        bench.stack.send(Stage::Glue, &body).await?;
        // Without a tick: the function itself starts the run, although the message is parked.
        bench
            .until("the date to be refined again", || async {
                Ok((bench.runs_of(date()).await? == 2).then_some(()))
            })
            .await?;
        is_parked(&bench, Stage::Glue, &body, "other-file-name", "1").await?;
        bench.refined(date()).await
    })
}

#[test]
fn a_record_that_may_pass_is_tried_again_before_its_notification_is_parked() -> Result<()> {
    local::run(async {
        let bench =
            Bench::deploy_with("records-again", |config| config.with("BackoffBase", "30")).await?;
        bench.comes_again_after(60).await?;
        let good = without_raw_file(&bench).await?;
        let denied = bench.deny_writing("raw/").await?;
        let body =
            aws_messages::created(bench.stack.bucket()?, &["landing/index=IBOV/notes.txt", &good]);
        bench.stack.send(Stage::Parquet, &body).await?;
        bench
            .until("the message to be tried again", || async {
                let log = bench.log(Stage::Parquet);
                Ok(log.lines().any(|line| line.contains("it will come again")).then_some(()))
            })
            .await?;
        assert!(bench.stack.keys(&raw()).await?.is_empty(), "written without the right");
        bench.allow_again(denied).await?;
        raw_is_back(&bench).await?;
        is_parked(&bench, Stage::Parquet, &body, "unknown-key", "2").await
    })
}
