//! Glue runs that fail.

use anyhow::{Context as _, Result};
use e2e::{days, local, pipeline::Pipeline};
use harness::{deployment::ALERT_EMAIL, stack::Stage};
use shared::values::Segment;

use crate::verify;

#[test]
fn a_damaged_raw_file_is_mailed_and_parked_with_its_cause_and_harms_no_other() -> Result<()> {
    local::run(async {
        // Longer than this test, so that one run gets both dates.
        let pipeline =
            Pipeline::deploy_with("damaged", |config| config.with("GlueBatchingWindow", "300"))
                .await?;
        let (good, damaged) = (days::small(days::session(0)), days::session(1).to_string());
        let fetched_at = days::morning(good.date()?);
        let before = pipeline.stack.waiting(Stage::Glue).await?;
        let (landing, body) = days::landing(&good, Segment::BySector, fetched_at)?;
        pipeline.put(&landing.to_string(), body).await?;
        pipeline.put_raw(&damaged, b"PAR1 and then nothing of the sort").await?;
        pipeline
            .until("both raw files' events to be gathered", || async {
                Ok((pipeline.stack.waiting(Stage::Glue).await? == before + 2).then_some(()))
            })
            .await?;
        pipeline.fill_batch(Stage::Glue).await?;

        let is_about_the_run = |subject: &str| subject.starts_with("IBOV refine");
        let alert = pipeline
            .until("a mail about the failed run", || async {
                let mails = pipeline.mails("AlertsTopicArn")?;
                Ok(mails.into_iter().find(|mail| is_about_the_run(mail.subject())))
            })
            .await?;
        let runs = pipeline.stack.runs().await?;
        let [run] = runs.as_slice() else { panic!("{runs:?}") };
        assert_eq!(run.job_run_state().map(|state| state.as_str()), Some("FAILED"));
        assert_eq!(alert.to, ALERT_EMAIL);
        assert_eq!(alert.subject(), format!("IBOV refine FAILED: {damaged}"));
        let cause = run.error_message().context("a failed run without a cause")?;
        for part in [damaged.as_str(), run.id().unwrap_or_default(), cause] {
            assert!(alert.message.contains(part), "{part} is missing in\n{}", alert.message);
        }
        let parked = pipeline.parked(Stage::Glue, 1).await?;
        let [parked] = parked.as_slice() else { panic!("{parked:?}") };
        let raw = format!("raw/date={damaged}/ibov_setor.parquet cannot be read as Parquet");
        let cause = parked.cause();
        assert!(cause.starts_with("FAILED: s3://") && cause.contains(&raw), "{cause}");

        assert!(pipeline.mails("CompletionsTopicArn")?.is_empty(), "a completion of a failed run");
        let left = pipeline.stack.keys(&format!("refined/Data={damaged}/")).await?;
        assert!(left.is_empty(), "a date that failed left {left:?}");
        verify::refined_holds(&pipeline, &good).await?;
        Ok(())
    })
}
