//! Following one portfolio through the chain, by what it leaves behind: objects, Glue runs, mails, dead letters.

mod run_log;

use std::{
    collections::HashSet,
    fs,
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use aws_sdk_glue::types::{JobRun, JobRunState};
use chrono::NaiveDate;
use serde::Serialize;
use serde_json::Value;
use shared::{events::RunState, keys::LandingKey, landing::Envelope, portfolio::Warning};

use self::run_log::RunLog;
use crate::{
    aws::explain,
    emulator::{Logs, Mail},
    failure::Failure,
    progress::{Progress, Step},
    stack::{
        Stack, Stage,
        dead_letters::{self, Rise},
    },
    text,
};

/// Bounds of the time between two looks.
const POLL: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(150));

/// What a stack held before a request, so that only what is new is followed.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    landing: HashSet<String>,
    runs: HashSet<String>,
    mails: usize,
    parked: Arc<Rise>,
    /// Length of the fetcher's log.
    fetch_log: usize,
}

/// What came of a fetch request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// A new answer.
    New(LandingKey),
    /// The lake had B3's answer already.
    Unchanged(LandingKey),
}

/// A Glue run that succeeded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GlueRun {
    pub id: String,
    /// As Glue spells it.
    pub state: String,
    pub seconds: i64,
}

/// What a request left behind at each stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journey {
    /// The portfolio's session.
    pub date: NaiveDate,
    /// Key of B3's answer.
    pub landing_key: String,
    /// What is odd about the answer but harmless.
    pub warnings: Vec<Warning>,
    /// Key of the Parquet file.
    pub raw_key: String,
    pub glue_run: GlueRun,
    /// The mails about the completed run: what is odd about its dates, if anything, and its completion.
    pub notifications: Vec<Mail>,
}

/// Watches one stack in the emulator.
#[derive(Debug, Clone)]
pub struct Tracker<'a> {
    stack: &'a Stack,
    logs: Logs,
}

impl<'a> Tracker<'a> {
    pub fn new(stack: &'a Stack, logs: Logs) -> Self {
        Self { stack, logs }
    }

    pub async fn snapshot(&self) -> Result<Snapshot> {
        let landing = self.stack.keys("landing/").await?.into_iter().collect();
        let runs =
            self.stack.runs().await?.iter().filter_map(|run| run.id().map(str::to_owned)).collect();
        let parked = Arc::new(Rise::begin(self.stack).await?);
        let (mails, fetch_log) = (self.logs.mails()?.len(), self.fetch_log().len());
        Ok(Snapshot { landing, runs, mails, parked, fetch_log })
    }

    /// Follows what was requested after `before`, stage by stage, until its completion is mailed.
    ///
    /// # Errors
    /// A [`Failure`] as soon as a message is parked, a run fails, or an alert that is no mere warning is mailed.
    pub async fn follow(&self, before: &Snapshot, progress: &Progress) -> Result<Journey> {
        match self.arrival(before, progress).await? {
            Arrival::New(landing) => self.follow_answer(&landing, before, progress).await,
            Arrival::Unchanged(landing) => {
                let cause = text!(
                    en: "B3's answer is in the lake already, as {landing}",
                    pt: "a resposta da B3 já está no lake, como {landing}",
                );
                Err(Failure::new("fetch", cause).into())
            }
        }
    }

    /// Waits for the answer to what was requested after `before`.
    ///
    /// # Errors
    /// As [`Tracker::follow`].
    pub async fn arrival(&self, before: &Snapshot, progress: &Progress) -> Result<Arrival> {
        let step =
            progress.step("fetch", text!(en: "fetch the portfolio", pt: "buscar a carteira"));
        let arrival =
            self.wait_for(before, &step, waiting_for("landing/"), || self.arrived(before)).await?;
        match &arrival {
            Arrival::New(landing) => step.done(landing),
            Arrival::Unchanged(landing) => {
                step.done(text!(en: "unchanged since {landing}", pt: "sem mudança desde {landing}"))
            }
        }
        Ok(arrival)
    }

    /// Follows a new answer until its completion is mailed.
    ///
    /// # Errors
    /// As [`Tracker::follow`].
    pub async fn follow_answer(
        &self,
        landing: &LandingKey,
        before: &Snapshot,
        progress: &Progress,
    ) -> Result<Journey> {
        let (date, landing_key) = (landing.date, landing.to_string());
        let warnings = self.warnings(&landing_key).await?;

        let step = progress.step("parquet", text!(en: "write Parquet", pt: "gravar o Parquet"));
        let raw_key =
            self.wait_for(before, &step, waiting_for("raw/"), || self.raw_key(date)).await?;
        step.done(&raw_key);

        let step = progress
            .step("glue", text!(en: "start the Glue run", pt: "iniciar a execução do Glue"));
        let run = waiting_for(&text!(en: "a run", pt: "uma execução"));
        let id = self.wait_for(before, &step, run, || self.new_run(before)).await?;
        step.done(&id);

        let step = progress.step("glue", text!(en: "refine with Spark", pt: "refinar com o Spark"));
        let log = RunLog::new(self.logs.glue_run(&id));
        let look = || {
            log.look(&step);
            self.succeeded(&id)
        };
        let glue_run = self.wait_for(before, &step, "RUNNING".to_owned(), look).await?;
        step.part(text!(en: "the run ends", pt: "a execução termina"));
        let GlueRun { state, seconds, .. } = &glue_run;
        step.done(text!(en: "{state} after {seconds} s", pt: "{state} em {seconds} s"));

        let step = progress.step("completion", text!(en: "notify", pt: "notificar"));
        let mail = waiting_for(&text!(en: "the mail", pt: "o e-mail"));
        let notifications = self.wait_for(before, &step, mail, || self.completion(before)).await?;
        let sent: Vec<String> = notifications
            .iter()
            .map(|mail| {
                let (topic, to) = (mail.topic_name(), &mail.to);
                text!(en: "{topic} to {to}", pt: "{topic} para {to}")
            })
            .collect();
        step.done(sent.join(", "));
        Ok(Journey { date, landing_key, warnings, raw_key, glue_run, notifications })
    }

    /// Polls until `look` finds something, and stops at the first failure of any stage.
    async fn wait_for<T, F>(
        &self,
        before: &Snapshot,
        step: &Step,
        waiting: String,
        look: impl Fn() -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<Option<T>>>,
    {
        step.note(waiting);
        let started = Instant::now();
        loop {
            if let Some(found) = look().await? {
                return Ok(found);
            }
            self.fail_if_anything_failed(before).await?;
            tokio::time::sleep(pause(started.elapsed())).await;
        }
    }

    pub(crate) fn stack(&self) -> &Stack {
        self.stack
    }

    /// Whether no Glue run is active, and people were notified of each end since `before`.
    pub(crate) async fn is_idle(&self, before: &Snapshot) -> Result<bool> {
        self.stack.is_idle(&before.runs).await
    }

    pub(crate) async fn fail_if_anything_failed(&self, before: &Snapshot) -> Result<()> {
        self.fail_if_anything_was_parked(before).await?;
        let alerts = self.alerts(before)?;
        match alerts.iter().find(|alert| !alert.is_warning() && !alert.is_all_clear()) {
            Some(alert) => Err(self.alert_failure(alert).await.into()),
            None => Ok(()),
        }
    }

    /// # Errors
    /// A [`Failure`] if a message was parked since `before`. Each date that a run cannot refine is such a message.
    pub async fn fail_if_anything_was_parked(&self, before: &Snapshot) -> Result<()> {
        if let Some(stage) = before.parked.look(self.stack).await?
            && let Some(parked) =
                dead_letters::peek(self.stack, stage).await?.into_iter().next_back()
        {
            let logs = Some(self.logs.function(self.stack, stage));
            return Err(Failure { logs, ..parked.failure() }.into());
        }
        Ok(())
    }

    /// The mails about failures, and about refined dates with something odd, since `before`.
    pub fn alerts(&self, before: &Snapshot) -> Result<Vec<Mail>> {
        let mails = self.logs.mails()?;
        Ok(mails.into_iter().skip(before.mails).filter(|mail| self.is_alert(mail)).collect())
    }

    fn is_alert(&self, mail: &Mail) -> bool {
        self.stack.output("AlertsTopicArn").is_ok_and(|arn| arn == mail.topic)
    }

    async fn alert_failure(&self, alert: &Mail) -> Failure {
        // Alarms and the notifier mail to this topic, but a failed run explains more than either of their mails.
        if let Ok(runs) = self.stack.runs().await
            && let Some(run) = runs.iter().find(|run| has_failed(run))
        {
            return self.failed_run(run);
        }
        let cause =
            format!("{}: {}", alert.subject(), alert.message.lines().next().unwrap_or_default());
        Failure { logs: Some(self.logs.folder().to_path_buf()), ..Failure::new("alert", cause) }
    }

    async fn arrived(&self, before: &Snapshot) -> Result<Option<Arrival>> {
        let keys = self.stack.keys(LandingKey::PREFIX).await?;
        if let Some(new) = keys.iter().find(|key| !before.landing.contains(*key)) {
            return Ok(Some(Arrival::New(new.parse()?)));
        }
        let log = self.fetch_log();
        let unchanged = log.get(before.fetch_log..).and_then(unchanged_answer);
        Ok(unchanged.map(Arrival::Unchanged))
    }

    /// Empty before the fetcher's first line.
    fn fetch_log(&self) -> String {
        let path = self.logs.function(self.stack, Stage::Fetch);
        fs::read_to_string(path).unwrap_or_default()
    }

    async fn raw_key(&self, date: NaiveDate) -> Result<Option<String>> {
        Ok(self.stack.keys(&format!("raw/date={date}/")).await?.into_iter().next())
    }

    async fn new_run(&self, before: &Snapshot) -> Result<Option<String>> {
        let runs = self.stack.runs().await?;
        Ok(runs
            .iter()
            .filter_map(JobRun::id)
            .find(|id| !before.runs.contains(*id))
            .map(str::to_owned))
    }

    /// `None` while the run is active.
    async fn succeeded(&self, id: &str) -> Result<Option<GlueRun>> {
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
        if has_failed(run) {
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
        let why = match run.error_message() {
            Some(message) => message.to_owned(),
            None => text!(en: "no message", pt: "sem mensagem"),
        };
        let cause = text!(en: "Glue run {state}: {why}", pt: "execução do Glue {state}: {why}");
        Failure {
            object: Some(id.to_owned()),
            logs: Some(self.logs.glue_run(id)),
            ..Failure::new("glue", cause)
        }
    }

    /// What is odd about an answer. Computed again from the landing object, because the functions only log it.
    pub async fn warnings(&self, landing_key: &str) -> Result<Vec<Warning>> {
        let envelope = Envelope::parse(&self.stack.read(landing_key).await?)?;
        let (_, warnings) = envelope.portfolio()?;
        Ok(warnings)
    }

    /// What was mailed up to the completion, which goes last.
    async fn completion(&self, before: &Snapshot) -> Result<Option<Vec<Mail>>> {
        let topic = self.stack.output("CompletionsTopicArn")?;
        let new = self.logs.mails()?.into_iter().skip(before.mails);
        // Other stacks in the emulator mail too.
        let mut mails: Vec<Mail> = new
            .filter(|mail| mail.topic == topic || self.is_alert(mail) && mail.is_warning())
            .collect();
        let Some(completion) = mails.iter().position(|mail| mail.topic == topic) else {
            return Ok(None);
        };
        mails.truncate(completion + 1);
        Ok(Some(mails))
    }
}

/// What is there soon is seen soon, and what takes long is not slowed down by looks at it.
fn pause(waited: Duration) -> Duration {
    let (shortest, longest) = POLL;
    (waited / 8).clamp(shortest, longest)
}

fn waiting_for(what: &str) -> String {
    text!(en: "waiting for {what}", pt: "à espera de {what}")
}

/// The answer of an earlier fetch that the fetcher says it has got again. Nothing but its log tells of that.
fn unchanged_answer(log: &str) -> Option<LandingKey> {
    let said = |line: &str| {
        let line: Value = serde_json::from_str(line).ok()?;
        (line.get("message")? == "B3's answer is unchanged")
            .then(|| line.get("landing_key")?.as_str()?.parse().ok())?
    };
    log.lines().find_map(said)
}

fn has_failed(run: &JobRun) -> bool {
    let state = run.job_run_state().map_or("UNKNOWN", JobRunState::as_str);
    matches!(RunState::from_name(state), RunState::Failed(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_frequent_at_first_and_rarer_while_something_takes_long() {
        let of = |milliseconds| pause(Duration::from_millis(milliseconds)).as_millis();
        assert_eq!([0, 100, 400, 1_000, 60_000].map(of), [20, 20, 50, 125, 150]);
    }

    #[test]
    fn an_unchanged_answer_is_known_by_the_fetchers_log() {
        let key = "landing/index=IBOV/date=2026-11-20/20261120T130003.123Z-0123456789abcdef.json";
        let other = r#"{"message":"portfolio fetched","landing_key":"landing/x"}"#;
        let line = format!(r#"{{"message":"B3's answer is unchanged","landing_key":"{key}"}}"#);
        let found = unchanged_answer(&format!("{other}\nnot JSON\n{line}\n"));
        assert_eq!(found.unwrap().to_string(), key);
        assert_eq!(unchanged_answer(other), None);
    }
}
