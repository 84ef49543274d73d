//! Events that come twice, late, out of order, in an envelope, from a foreign bucket, or about deleted objects.

use anyhow::{Context as _, Result};
use chrono::NaiveDate;
use e2e::{aws_messages, days, faults::Bench, local};
use harness::stack::{Stage, dead_letters};

const GONE: &str = "Utilidade Públ / Água Saneamento";
const HEIR: &str = "Mats Básicos / Mineração";

fn date() -> NaiveDate {
    days::session(0)
}

/// Key of the date's raw file.
fn raw() -> String {
    format!("raw/date={}/ibov_setor.parquet", date())
}

/// Makes two landing objects of the date, and returns the older one first.
async fn two_contents(bench: &Bench) -> Result<[String; 2]> {
    let day = bench.fetch(date()).await?;
    bench.refined(date()).await?;
    let older = bench.newest_landing(date()).await?.context("no landing object")?;
    bench.fetch_day(&days::without_sector(day, GONE, HEIR)).await?;
    bench
        .until("a second landing object", || async {
            Ok(bench.newest_landing(date()).await?.filter(|newest| *newest != older))
        })
        .await?;
    bench.refined(date()).await?;
    let newer = bench.newest_landing(date()).await?.context("no landing object")?;
    Ok([older, newer])
}

#[test]
fn what_comes_again_or_late_changes_nothing() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("events-again").await?;
        let [older, newer] = two_contents(&bench).await?;
        let (bucket, job) = (bench.stack.bucket()?, bench.stack.output("GlueJobName")?);
        let before = bench.versions("").await?;
        let (mails, runs) = (bench.completions()?.len(), bench.stack.runs().await?);
        assert_eq!((mails, runs.len()), (2, 2));

        let landing = aws_messages::created(bucket, &[&newer]);
        let raw_created = aws_messages::created(bucket, &[&raw()]);
        let late = aws_messages::created(bucket, &[&older]);
        let both = aws_messages::created(bucket, &[&newer, &older]);
        for body in [
            &landing,
            &landing,
            &late,
            &both,
            &aws_messages::through_sns(&late),
            &aws_messages::test_event(bucket),
        ] {
            bench.stack.send(Stage::Parquet, body).await?;
        }
        for body in [
            &raw_created,
            &raw_created,
            &aws_messages::through_sns(&raw_created),
            &aws_messages::test_event(bucket),
        ] {
            bench.stack.send(Stage::Glue, body).await?;
        }
        for run in &runs {
            let ended = aws_messages::run_ended(job, run.id().unwrap_or_default(), "SUCCEEDED");
            bench.stack.send(Stage::Completion, &ended).await?;
            bench.stack.send(Stage::Completion, &aws_messages::through_sns(&ended)).await?;
        }
        bench.settled().await?;
        assert_eq!(bench.versions("").await?, before, "every object of the lake");
        assert_eq!(bench.stack.runs().await?.len(), runs.len(), "runs");
        assert_eq!((bench.completions()?.len(), bench.alerts()?.len()), (mails, 0), "mails");
        assert_eq!(bench.dead_letters().await?, 0);
        Ok(())
    })
}

#[test]
fn the_newest_content_wins_in_whatever_order_events_come() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("events-reordered").await?;
        let [older, newer] = two_contents(&bench).await?;
        let bucket = bench.stack.bucket()?;
        let wanted = bench.stack.read(&raw()).await?;
        let runs = bench.stack.runs().await?.len();
        for order in [[&older, &newer], [&newer, &older]] {
            let apart = order.map(|key| aws_messages::created(bucket, &[key]));
            let together = [aws_messages::created(bucket, &order.map(String::as_str))];
            for bodies in [apart.as_slice(), together.as_slice()] {
                let gone = bench.stack.clients.s3.delete_object().bucket(bucket).key(raw());
                gone.send().await?;
                for body in bodies {
                    bench.stack.send(Stage::Parquet, body).await?;
                }
                bench
                    .until("raw to be written from the newer one", || async {
                        if bench.stack.keys(&raw()).await?.is_empty() {
                            return Ok(None);
                        }
                        let landing = bench.metadata(&raw()).await?.remove("landing-key");
                        Ok(landing.filter(|landing| *landing == newer))
                    })
                    .await?;
                bench.settled().await?;
                assert_eq!(bench.stack.read(&raw()).await?, wanted, "{bodies:?}");
            }
        }
        // The older content may have been in raw and refined for a moment, before the newer one was refined again.
        assert_eq!(bench.refined_from(date()).await?, Some(newer));
        assert!(
            bench.stack.runs().await?.len() <= runs + 6,
            "two runs where the older one came first"
        );
        assert_eq!(bench.dead_letters().await?, 0);
        Ok(())
    })
}

#[test]
fn an_object_that_is_gone_is_nothing_to_do() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("events-gone").await?;
        let bucket = bench.stack.bucket()?;
        let landing =
            "landing/index=IBOV/date=2026-11-20/20261120T130003.123Z-0123456789abcdef.json";
        bench.stack.send(Stage::Parquet, &aws_messages::created(bucket, &[landing])).await?;
        bench.stack.send(Stage::Glue, &aws_messages::created(bucket, &[&raw()])).await?;
        for (stage, why) in [(Stage::Parquet, "object gone"), (Stage::Glue, "nothing is due")] {
            bench
                .until("the event to be dropped", || async {
                    Ok(bench.log(stage).contains(why).then_some(()))
                })
                .await?;
        }
        bench.settled().await?;
        assert_eq!(bench.dead_letters().await?, 0);
        assert!(bench.stack.keys("").await?.is_empty(), "something was written");
        Ok(())
    })
}

#[test]
fn a_raw_file_that_somebody_else_wrote_is_parked_and_refined_once_it_is_ours() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("foreign-file").await?;
        bench.put(&raw(), b"PAR1".to_vec()).await?;
        let parked = bench.parked(Stage::Glue, 1).await?.remove(0);
        assert_eq!(parked.attribute("code"), Some("run-failed"));
        let object = format!("s3://{}/{}", bench.stack.bucket()?, raw());
        assert!(parked.cause().contains(&object), "{}", parked.cause());
        bench.settled().await?;
        assert_eq!(bench.runs_of(date()).await?, 1, "it is tried once");

        // A raw file of parquet-writer replaces it.
        bench.fetch(date()).await?;
        bench.refined(date()).await?;
        dead_letters::redrive(&bench.stack, Stage::Glue).await?;
        bench.settled().await?;
        assert_eq!((bench.dead_letters().await?, bench.runs_of(date()).await?), (0, 2));
        Ok(())
    })
}

#[test]
fn what_is_not_ours_is_parked_and_touches_nothing() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("events-foreign").await?;
        let bucket = bench.stack.bucket()?;
        let created = |key: &str| aws_messages::created(bucket, &[key]);
        let ours = "landing/index=IBOV/date=2026-11-20/20261120T130003.123Z-0123456789abcdef.json";
        let strange = [
            (Stage::Parquet, aws_messages::created("somebody-elses", &[ours]), "foreign-bucket"),
            (Stage::Parquet, aws_messages::test_event("somebody-elses"), "foreign-bucket"),
            (Stage::Parquet, created(&raw()), "unknown-key"),
            (
                Stage::Parquet,
                created("landing/index=IBOV/date=2026-11-20/../../x.json"),
                "unknown-key",
            ),
            (
                Stage::Parquet,
                created(ours).replace("ObjectCreated:Put", "ObjectRemoved:Delete"),
                "unknown-event",
            ),
            (
                Stage::Glue,
                aws_messages::through_sns(&aws_messages::created("somebody-elses", &[&raw()])),
                "foreign-bucket",
            ),
            (Stage::Glue, created(ours), "unknown-key"),
            (Stage::Glue, created("raw/date=2026-13-45/ibov_setor.parquet"), "unknown-key"),
            (Stage::Glue, created("raw/date=2026-11-20/other.parquet"), "other-file-name"),
            (Stage::Glue, "{\"Records\":[]}".to_owned(), "unknown-event"),
            (Stage::Glue, "{\"refine\":{\"date\":\"2026-11-20\"}}".to_owned(), "no-raw-file"),
            (
                Stage::Glue,
                "{\"refine\":{\"date\":\"2026-11-21\",\"force\":true}}".to_owned(),
                "no-raw-file",
            ),
            (Stage::Completion, "{\"tick\":false}".to_owned(), "unknown-event"),
            (
                Stage::Completion,
                aws_messages::run_ended(bench.stack.output("GlueJobName")?, "jr_none", "FAILED"),
                "run-unknown",
            ),
            (Stage::Fetch, "{\"index\":\"IBOV\",\"pages\":3}".to_owned(), "unknown-event"),
            (Stage::Fetch, "[]".to_owned(), "unknown-event"),
        ];
        for (stage, body, _) in &strange {
            bench.stack.send(*stage, body).await?;
        }
        for stage in Stage::ALL {
            let sent: Vec<_> = strange.iter().filter(|(of, _, _)| *of == stage).collect();
            let parked = bench.parked(stage, sent.len()).await?;
            assert_eq!(parked.len(), sent.len(), "{parked:?}");
            for (_, body, kind) in sent {
                let found = parked.iter().find(|message| message.body == *body);
                let found = found.with_context(|| format!("{body} is not parked untouched"))?;
                assert_eq!(found.attribute("code"), Some(*kind), "{body}");
                assert_eq!(found.attribute("attempts"), Some("1"), "{body}");
            }
        }
        bench.settled().await?;
        assert!(bench.stack.keys("").await?.is_empty(), "something was written");
        assert!(bench.stack.runs().await?.is_empty(), "a run was started");
        Ok(())
    })
}
