//! Glue runs that fail.

use anyhow::{Context as _, Result};
use e2e::{local, pipeline::Pipeline};
use ibov::deploy::ALERT_EMAIL;

#[test]
fn a_failed_run_is_mailed_with_its_cause() -> Result<()> {
    local::run(async {
        let pipeline = Pipeline::deploy("damaged").await?;
        pipeline.put_raw("2026-11-20", b"PAR1 and then nothing of the sort").await?;
        let is_about_the_run = |subject: &str| subject.starts_with("IBOV refine");
        let alert = pipeline
            .until("a mail about the failed run", || async {
                let mails = pipeline.mails("AlertsTopicArn")?;
                Ok(mails.into_iter().find(|mail| is_about_the_run(mail.subject())))
            })
            .await?;
        let run = pipeline.stack.runs().await?.pop().context("no run was started")?;
        assert_eq!(run.job_run_state().map(|state| state.as_str()), Some("FAILED"));
        assert_eq!(alert.to, ALERT_EMAIL);
        assert_eq!(alert.subject(), "IBOV refine FAILED: 2026-11-20");
        let cause = run.error_message().context("a failed run without a cause")?;
        assert!(cause.contains("raw/date=2026-11-20/ibov_setor.parquet"), "{cause}");
        for part in ["2026-11-20", run.id().unwrap_or_default(), cause] {
            assert!(alert.message.contains(part), "{part} is missing in\n{}", alert.message);
        }
        assert!(pipeline.mails("CompletionsTopicArn")?.is_empty(), "a completion of a failed run");
        assert!(pipeline.stack.keys("refined/").await?.is_empty(), "a failed run left data");
        Ok(())
    })
}
