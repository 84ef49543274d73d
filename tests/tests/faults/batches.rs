//! Batches: a bad message harms none of its neighbours, and equal messages take effect once.

use anyhow::{Context as _, Result};
use chrono::NaiveDate;
use e2e::{aws_messages, days, faults::Bench, local, python};
use harness::stack::Stage;
use serde_json::{Value, json};
use shared::{keys::LandingKey, portfolio::is_weekday, values::Segment};

const NEIGHBOURS: usize = 99;
const POISON: &str = r#"{"refine":{"date":"the day before yesterday"}}"#;

fn dates() -> impl Iterator<Item = NaiveDate> {
    let first = NaiveDate::from_ymd_opt(2026, 1, 1).expect("a day");
    first.iter_days().filter(|date| is_weekday(*date)).take(NEIGHBOURS)
}

fn landing(date: NaiveDate) -> Result<(LandingKey, Vec<u8>)> {
    days::landing(&days::small(date), Segment::BySector, days::morning(date))
}

#[test]
fn a_poison_record_among_a_hundred_harms_no_neighbour() -> Result<()> {
    local::run(async {
        let bench =
            Bench::deploy_with("batch", |config| config.with("FunctionTimeout", "60")).await?;
        bench.comes_again_after(60).await?;
        // First through the queues, batch by batch.
        for (number, date) in dates().enumerate() {
            let (key, body) = landing(date)?;
            bench.put(&key.to_string(), body).await?;
            if number == 50 {
                bench.stack.send(Stage::Parquet, POISON).await?;
                bench.stack.send(Stage::Glue, POISON).await?;
            }
        }
        bench
            .until("all dates to be refined", || async {
                let refined = bench.stack.keys("refined/").await?.len();
                Ok((refined == NEIGHBOURS).then_some(()))
            })
            .await?;
        bench.settled().await?;
        for date in dates() {
            bench.raw_is_what_landing_says(date).await?;
        }
        for stage in [Stage::Parquet, Stage::Glue] {
            let parked = bench.parked(stage, 1).await?;
            assert_eq!(parked.len(), 1, "{parked:?}");
            assert_eq!(parked[0].body, POISON);
        }

        // Then all hundred at once, which makes one run for all dates.
        let runs = bench.stack.runs().await?.len();
        let answer = all_at_once(&bench).await?;
        assert_eq!(
            answer,
            json!({"batchItemFailures": []}),
            "the poison is parked, the others are done"
        );
        bench.settled().await?;
        assert_eq!(bench.parked(Stage::Glue, 2).await?.len(), 2);
        let runs_now = bench.stack.runs().await?;
        assert_eq!(runs_now.len(), runs + 1, "runs");
        let dates_of_run = runs_now[0].arguments().and_then(|all| all.get("--dates"));
        let dates_of_run = dates_of_run.context("a run without dates")?.split(',').count();
        assert_eq!(dates_of_run, 99);
        assert_eq!(bench.alerts()?.len(), 0);
        Ok(())
    })
}

/// Delivers forced requests for all dates, with the poison among them, in one batch.
async fn all_at_once(bench: &Bench) -> Result<Value> {
    let mut bodies: Vec<String> =
        dates().map(|date| json!({"refine": {"date": date, "force": true}}).to_string()).collect();
    bodies.insert(40, POISON.to_owned());
    hand_over(bench, Stage::Glue, &bodies).await
}

/// Invokes a stage's function with one batch of messages.
async fn hand_over(bench: &Bench, stage: Stage, bodies: &[String]) -> Result<Value> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("bodies.json");
    std::fs::write(&file, serde_json::to_vec(bodies)?)?;
    let script = local::in_workspace("tests/tests/faults/invoke.py")?;
    let arguments = [
        script.to_string_lossy().into_owned(),
        bench.endpoint().to_owned(),
        bench.stack.function_name(stage),
        file.to_string_lossy().into_owned(),
    ];
    let said = python::run(arguments, folder.path()).await?;
    serde_json::from_str(&said).with_context(|| format!("the function answered {said}"))
}

#[test]
fn an_end_that_comes_several_times_in_a_batch_is_told_once() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("batch-of-ends").await?;
        let denied = bench.deny_publishing("CompletionsTopicArn").await?;
        bench.fetch(days::session(0)).await?;
        bench.parked(Stage::Completion, 1).await?;
        let run = bench.stack.runs().await?.pop().and_then(|run| run.id).context("no run")?;
        assert!(!bench.told(&run).await?, "nobody could be told");
        bench.allow_again(denied).await?;

        let ended = aws_messages::run_ended(bench.stack.output("GlueJobName")?, &run, "SUCCEEDED");
        let answer = hand_over(&bench, Stage::Completion, &vec![ended; 5]).await?;
        assert_eq!(answer, json!({"batchItemFailures": []}));
        assert!(bench.told(&run).await?);
        assert_eq!(bench.completions()?.len(), 1, "mails");
        Ok(())
    })
}
