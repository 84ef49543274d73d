//! Follows one portfolio through the chain, by what can be seen of it from outside.

use std::{collections::HashSet, future::Future, time::Duration};

use anyhow::{Context as _, Result, anyhow};
use aws_sdk_glue::types::{JobRun, JobRunState};
use chrono::NaiveDate;
use shared::{events::RunState, landing::Envelope, portfolio::Warning};

use crate::{
    aws::explain,
    emulator::{Logs, outbox, outbox::Mail},
    failure::Failure,
    progress::{Progress, Step},
    stack::{Stack, Stage, dead_letters},
};

const POLL: Duration = Duration::from_millis(150);

/// What is there before a request, so that only what comes of it is followed.
#[derive(Debug, Clone, Default)]
pub struct Before {
    landing: HashSet<String>,
    runs: HashSet<String>,
    mails: usize,
    parked: usize,
}

/// A Glue run that ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlueRun {
    /// Its id.
    pub id: String,
    /// Its state, as Glue spells it.
    pub state: String,
    /// How long it ran.
    pub seconds: i64,
}

/// What a request left behind on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journey {
    /// The session that the portfolio is for.
    pub date: NaiveDate,
    /// B3's answer.
    pub landing_key: String,
    /// What is odd about it.
    pub warnings: Vec<Warning>,
    /// The Parquet file.
    pub raw_key: String,
    /// The run that refined it.
    pub glue_run: GlueRun,
    /// The mail that says so.
    pub notification: Mail,
}

/// One stack in the emulator, seen from outside.
#[derive(Debug, Clone)]
pub struct Chain<'a> {
    stack: &'a Stack,
    logs: Logs,
}

impl<'a> Chain<'a> {
    /// Of this stack, with the emulator's logs.
    #[must_use]
    pub fn new(stack: &'a Stack, logs: Logs) -> Self {
        Self { stack, logs }
    }

    /// Notes what is there now.
    ///
    /// # Errors
    /// When the stack cannot be looked at.
    pub async fn before(&self) -> Result<Before> {
        let landing = self.stack.keys("landing/").await?.into_iter().collect();
        let runs =
            self.stack.runs().await?.iter().filter_map(|run| run.id().map(str::to_owned)).collect();
        let mut parked = 0;
        for stage in Stage::ALL {
            parked += dead_letters::depth(self.stack, stage).await?;
        }
        Ok(Before { landing, runs, mails: outbox::read(&self.logs.outbox())?.len(), parked })
    }

    /// Follows what was asked for since `before`, stage by stage, until its completion is mailed.
    ///
    /// # Errors
    /// A [`Failure`] as soon as anything is parked, a run fails, or an alert is mailed.
    pub async fn follow(&self, before: &Before, progress: &Progress) -> Result<Journey> {
        let step = progress.step("fetcher", "fetch the portfolio");
        let landing_key =
            self.seen(before, &step, "waiting for landing/", || self.new_landing(before)).await?;
        step.done(&landing_key);
        let date = date_of(&landing_key)?;
        let warnings = self.warnings(&landing_key).await?;

        let step = progress.step("parquet-writer", "write Parquet");
        let raw_key = self.seen(before, &step, "waiting for raw/", || self.raw(date)).await?;
        step.done(&raw_key);

        let step = progress.step("glue-trigger", "start the Glue run");
        let id = self.seen(before, &step, "waiting for a run", || self.new_run(before)).await?;
        step.done(&id);

        let step = progress.step("glue", "refine with Spark");
        let glue_run = self.seen(before, &step, "RUNNING", || self.ended(&id)).await?;
        step.done(format_args!("{} after {} s", glue_run.state, glue_run.seconds));

        let step = progress.step("glue-notifier", "notify");
        let notification =
            self.seen(before, &step, "waiting for the mail", || self.completion(before)).await?;
        step.done(format_args!("{} to {}", notification.topic_name(), notification.to));
        Ok(Journey { date, landing_key, warnings, raw_key, glue_run, notification })
    }

    /// Polls until `look` finds something, and stops at the first sign of failure anywhere.
    async fn seen<T, F>(
        &self,
        before: &Before,
        step: &Step,
        waiting: &str,
        look: impl Fn() -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<Option<T>>>,
    {
        step.note(waiting);
        loop {
            if let Some(found) = look().await? {
                return Ok(found);
            }
            self.fail_if_anything_failed(before).await?;
            tokio::time::sleep(POLL).await;
        }
    }

    async fn fail_if_anything_failed(&self, before: &Before) -> Result<()> {
        let depths = futures::future::try_join_all(
            Stage::ALL.map(|stage| dead_letters::depth(self.stack, stage)),
        )
        .await?;
        if depths.iter().sum::<usize>() > before.parked {
            for (stage, _) in Stage::ALL.into_iter().zip(&depths).filter(|(_, depth)| **depth > 0) {
                if let Some(parked) =
                    dead_letters::peek(self.stack, stage).await?.into_iter().next_back()
                {
                    return Err(Failure {
                        logs: Some(self.logs.function(self.stack, stage)),
                        ..parked.failure()
                    }
                    .into());
                }
            }
        }
        let mails = outbox::read(&self.logs.outbox())?;
        match mails.iter().skip(before.mails).find(|mail| self.is_alert(mail)) {
            Some(alert) => Err(self.alerted(alert).await.into()),
            None => Ok(()),
        }
    }

    fn is_alert(&self, mail: &Mail) -> bool {
        self.stack.output("AlertsTopicArn").is_ok_and(|arn| arn == mail.topic)
    }

    async fn alerted(&self, alert: &Mail) -> Failure {
        // Alarms and the notifier both mail here; a failed run explains more than either.
        if let Ok(runs) = self.stack.runs().await
            && let Some(run) = runs.iter().find(|run| failed(run))
        {
            return self.failed_run(run);
        }
        let cause =
            format!("{}: {}", alert.subject(), alert.message.lines().next().unwrap_or_default());
        Failure { logs: Some(self.logs.folder().to_path_buf()), ..Failure::new("alert", cause) }
    }

    async fn new_landing(&self, before: &Before) -> Result<Option<String>> {
        Ok(self.stack.keys("landing/").await?.into_iter().find(|key| !before.landing.contains(key)))
    }

    async fn raw(&self, date: NaiveDate) -> Result<Option<String>> {
        Ok(self.stack.keys(&format!("raw/date={date}/")).await?.into_iter().next())
    }

    async fn new_run(&self, before: &Before) -> Result<Option<String>> {
        let runs = self.stack.runs().await?;
        Ok(runs
            .iter()
            .filter_map(JobRun::id)
            .find(|id| !before.runs.contains(*id))
            .map(str::to_owned))
    }

    /// `None` while the run runs.
    async fn ended(&self, id: &str) -> Result<Option<GlueRun>> {
        let request = self
            .stack
            .clients
            .glue
            .get_job_run()
            .job_name(self.stack.output("GlueJobName")?)
            .run_id(id);
        let answer = request
            .send()
            .await
            .map_err(explain)
            .with_context(|| format!("cannot look at run {id}"))?;
        let run = answer.job_run().with_context(|| format!("run {id} is gone"))?;
        if failed(run) {
            return Err(self.failed_run(run).into());
        }
        Ok((run.job_run_state() == Some(&JobRunState::Succeeded)).then(|| GlueRun {
            id: id.to_owned(),
            state: JobRunState::Succeeded.as_str().to_owned(),
            seconds: i64::from(run.execution_time()),
        }))
    }

    fn failed_run(&self, run: &JobRun) -> Failure {
        let id = run.id().unwrap_or_default();
        let state = run.job_run_state().map_or("failed", JobRunState::as_str);
        let cause = format!("Glue run {state}: {}", run.error_message().unwrap_or("no message"));
        Failure {
            object: Some(id.to_owned()),
            logs: Some(self.logs.glue_run(id)),
            ..Failure::new("glue", cause)
        }
    }

    /// The functions log them; here they are found again in what they were found in.
    async fn warnings(&self, landing_key: &str) -> Result<Vec<Warning>> {
        let envelope = Envelope::parse(&self.stack.read(landing_key).await?)?;
        let (_, warnings) = envelope.portfolio()?;
        Ok(warnings)
    }

    async fn completion(&self, before: &Before) -> Result<Option<Mail>> {
        let topic = self.stack.output("CompletionsTopicArn")?;
        let mails = outbox::read(&self.logs.outbox())?;
        Ok(mails.into_iter().skip(before.mails).find(|mail| mail.topic == topic))
    }
}

fn failed(run: &JobRun) -> bool {
    let state = run.job_run_state().map_or("UNKNOWN", JobRunState::as_str);
    matches!(RunState::from_name(state), RunState::Failed(_))
}

fn date_of(landing_key: &str) -> Result<NaiveDate> {
    let date = landing_key.split('/').find_map(|part| part.strip_prefix("date="));
    date.and_then(|date| date.parse().ok()).ok_or_else(|| anyhow!("{landing_key} names no date"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_is_in_the_landing_key() {
        let key = "landing/index=IBOV/date=2026-11-20/20261120T130003.123Z-0123456789abcdef.json";
        assert_eq!(date_of(key).unwrap(), NaiveDate::from_ymd_opt(2026, 11, 20).unwrap());
        assert!(date_of("landing/index=IBOV/x.json").is_err());
    }
}
