//! For every stage: it fails, the cause is repaired, the message is redriven, and the chain completes as if nothing had
//! happened.

use anyhow::{Context as _, Result};
use chrono::NaiveDate;
use e2e::{days, faults::Bench, local};
use harness::{
    b3_server::Reply,
    stack::{Stage, dead_letters},
};

/// The cause of the only message that a stage has parked.
async fn cause(bench: &Bench, stage: Stage) -> Result<(String, String)> {
    let parked = bench.parked(stage, 1).await?;
    let [parked] = parked.as_slice() else { panic!("{parked:?}") };
    let kind = parked.attribute("code").context("no code")?;
    assert_eq!(parked.attribute("stage"), Some(stage.name()));
    Ok((kind.to_owned(), parked.cause().to_owned()))
}

/// Redrives, and expects the chain to complete as if nothing had happened.
async fn completes(bench: &Bench, stage: Stage, date: NaiveDate) -> Result<()> {
    assert_eq!(dead_letters::redrive(&bench.stack, stage).await?, 1, "messages moved");
    // The redriven message must suffice without a tick.
    bench.until("the mail", || async { Ok(bench.completions()?.pop()) }).await?;
    bench.refined(date).await?;
    assert_eq!(bench.dead_letters().await?, 0);
    assert_eq!(bench.runs_of(date).await?, 1, "runs");
    let subject = format!("IBOV refined: {date}");
    let mails = bench.completions()?.iter().filter(|mail| mail.subject() == subject).count();
    assert_eq!(mails, 1, "mails about {date}");
    assert_eq!(bench.alerts()?.len(), 0, "no run has failed");
    Ok(())
}

#[test]
fn a_refused_answer_is_fetched_again_by_redrive() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("redrive-fetch").await?;
        bench.b3.reply(Reply::EnglishShapes);
        bench.fetch(days::session(0)).await?;
        let (kind, words) = cause(&bench, Stage::Fetch).await?;
        assert_eq!(kind, "en-us-format");
        assert!(words.contains("en-us format"), "{words}");
        bench.b3.reply(Reply::Portfolio);
        completes(&bench, Stage::Fetch, days::session(0)).await
    })
}

#[test]
fn a_raw_file_that_could_not_be_written_is_written_by_redrive() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("redrive-parquet").await?;
        let denied = bench.deny_writing("raw/").await?;
        bench.fetch(days::session(0)).await?;
        let (kind, words) = cause(&bench, Stage::Parquet).await?;
        assert_eq!(kind, "aws-access-denied");
        assert!(words.starts_with("PutObject failed: AccessDenied"), "{words}");
        bench.allow_again(denied).await?;
        completes(&bench, Stage::Parquet, days::session(0)).await
    })
}

#[test]
fn a_date_whose_job_was_gone_is_refined_by_redrive() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("redrive-glue").await?;
        let (glue, name) = (&bench.stack.clients.glue, bench.stack.output("GlueJobName")?);
        let job = glue.get_job().job_name(name).send().await?.job.context("no job")?;
        glue.delete_job().job_name(name).send().await?;
        bench.fetch(days::session(0)).await?;
        let (kind, words) = cause(&bench, Stage::Glue).await?;
        assert_eq!(kind, "aws-not-found");
        assert!(words.starts_with("GetJobRuns failed: EntityNotFoundException"), "{words}");
        let again = glue.create_job().name(name).set_role(job.role).set_command(job.command);
        again
            .set_non_overridable_arguments(job.non_overridable_arguments)
            .set_execution_property(job.execution_property)
            .set_timeout(job.timeout)
            .send()
            .await?;
        completes(&bench, Stage::Glue, days::session(0)).await
    })
}

#[test]
fn a_mail_that_could_not_be_sent_is_sent_by_redrive() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("redrive-completion").await?;
        let denied = bench.deny_publishing("CompletionsTopicArn").await?;
        bench.fetch(days::session(0)).await?;
        let (kind, words) = cause(&bench, Stage::Completion).await?;
        assert_eq!(kind, "aws-access-denied");
        assert!(words.starts_with("Publish failed: AuthorizationError"), "{words}");
        assert_eq!(bench.completions()?.len(), 0);
        let run = bench.stack.runs().await?.pop().and_then(|run| run.id).context("no run")?;
        assert!(!bench.told(&run).await?, "nobody was told");
        bench.allow_again(denied).await?;
        completes(&bench, Stage::Completion, days::session(0)).await
    })
}

#[test]
fn a_redriven_message_that_fails_again_is_parked_again() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("redrive-too-soon").await?;
        bench.b3.publish("IBOV", days::small(days::session(0)));
        bench.b3.reply(Reply::NullResults);
        bench.stack.request_fetch(None, None).await?;
        let first = bench.parked(Stage::Fetch, 1).await?.remove(0);
        dead_letters::redrive(&bench.stack, Stage::Fetch).await?;
        let again = bench
            .until("the message to be parked again", || async {
                let parked = dead_letters::peek(&bench.stack, Stage::Fetch).await?;
                Ok(parked
                    .into_iter()
                    .find(|one| one.attribute("request_id") != first.attribute("request_id")))
            })
            .await?;
        assert_eq!(
            (again.body, again.attributes.get("code")),
            (first.body, first.attributes.get("code"))
        );
        Ok(())
    })
}
