//! A stack that tests break, on an emulator whose Glue runs take half a second and end as a test orders.
//!
//! All stacks of a process share one emulator. Failed messages come again after seconds, not minutes.

mod breaking;
mod settled;

use std::{
    cell::Cell,
    fs,
    future::Future,
    ops::Deref,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use aws_sdk_sqs::types::QueueAttributeName;
use chrono::{NaiveDate, TimeDelta, Utc};
use harness::{
    b3_server::Day,
    deployment::StackConfig,
    emulator::{EmulatorOptions, Mail},
    local_runtime::LocalRuntime,
    stack::Stage,
};
use refine::State as _;
use tokio::sync::OnceCell;

use crate::{days, local, pipeline::Pipeline};

/// It ends with this process, as the shared emulator does.
static EMULATOR: OnceCell<LocalRuntime> = OnceCell::const_new();
/// Where an hour of silence is a minute.
static RESTLESS_EMULATOR: OnceCell<LocalRuntime> = OnceCell::const_new();

/// A minute of a Glue job's timeout. The job's fifteen minutes are thus longer than any test.
const GLUE_MINUTE: Duration = Duration::from_secs(20);
/// A minute of an alarm's period: what is repaired is all clear after 20 seconds, not after five minutes.
const ALARM_MINUTE: Duration = Duration::from_secs(4);
/// The same where silence has to become an alarm during a test. Other tests send no ticks for longer than a minute.
const RESTLESS_ALARM_MINUTE: Duration = Duration::from_secs(1);
/// The visibility timeout, after which the message of a dead function comes again. It is shorter than the template
/// allows, but longer than a living function takes, which would otherwise get its message twice at once.
const COMES_AGAIN_SECONDS: u32 = 20;
/// When a waiting test sends the first tick, as the schedule's quarter of an hour is too long.
const FIRST_TICK: Duration = Duration::from_secs(1);
/// Factor by which the wait grows before each further tick. On a slow machine a tick would otherwise always be on its
/// way, and the queue never empty.
const RARER: f64 = 1.5;
/// How long the event about a run's end may take.
const UNDER_WAY: TimeDelta = TimeDelta::seconds(3);

/// How a stack's Glue runs end.
#[derive(Debug, Clone, Copy)]
pub enum Order {
    Succeed,
    /// With this message, leaving the lake unchanged.
    Fail(&'static str),
    /// The same for the active or next run only. The others succeed.
    FailOnce(&'static str),
    /// Not before another order or Glue's timeout.
    Hang,
}

/// A stack that tests break.
#[derive(Debug)]
pub struct Bench {
    pipeline: Pipeline,
    runtime: &'static LocalRuntime,
}

impl Deref for Bench {
    type Target = Pipeline;

    fn deref(&self) -> &Pipeline {
        &self.pipeline
    }
}

impl Bench {
    /// Deploys a stack.
    pub async fn deploy(name: &str) -> Result<Self> {
        Self::deploy_with(name, |config| config).await
    }

    /// Deploys a stack with other parameters.
    pub async fn deploy_with(
        name: &str,
        change: impl FnOnce(StackConfig) -> StackConfig,
    ) -> Result<Self> {
        let runtime = EMULATOR.get_or_try_init(|| start_emulator(ALARM_MINUTE)).await?;
        Self::deploy_on(runtime, name, change).await
    }

    /// Deploys a stack whose alarm about silence goes off after a minute without a tick.
    pub async fn deploy_restless(name: &str) -> Result<Self> {
        let start = || start_emulator(RESTLESS_ALARM_MINUTE);
        let runtime = RESTLESS_EMULATOR.get_or_try_init(start).await?;
        Self::deploy_on(runtime, name, |config| config).await
    }

    async fn deploy_on(
        runtime: &'static LocalRuntime,
        name: &str,
        change: impl FnOnce(StackConfig) -> StackConfig,
    ) -> Result<Self> {
        let impatient = |config: StackConfig| {
            config
                .with("FunctionTimeout", "15")
                .with("HttpTimeout", "3")
                .with("MaxReceiveCount", "10")
                .with("BackoffBase", "2")
                .with("TickSchedule", "rate(1 day)")
        };
        let pipeline =
            Pipeline::deploy_on(runtime, name, |config| change(impatient(config))).await?;
        let bench = Self { pipeline, runtime };
        bench.comes_again_after(COMES_AGAIN_SECONDS).await?;
        Ok(bench)
    }

    /// Sets the time after which the messages of a function that failed or died come again, unless it set another.
    pub async fn comes_again_after(&self, seconds: u32) -> Result<()> {
        for stage in Stage::ALL {
            let (url, name) = (self.stack.queue_url(stage)?, QueueAttributeName::VisibilityTimeout);
            self.set_attribute(url, name, &seconds.to_string()).await?;
        }
        Ok(())
    }

    /// Publishes and requests the small portfolio of a date.
    pub async fn fetch(&self, date: NaiveDate) -> Result<Day> {
        let day = days::small(date);
        self.fetch_day(&day).await?;
        Ok(day)
    }

    /// Publishes and requests a portfolio.
    pub async fn fetch_day(&self, day: &Day) -> Result<()> {
        self.b3.publish("IBOV", day.clone());
        self.stack.request_fetch(None, None).await?;
        Ok(())
    }

    /// Sets how Glue runs end from now on, including those that hang.
    pub fn order_runs(&self, order: Order) -> Result<()> {
        let file = self.orders()?;
        fs::create_dir_all(file.parent().context("a file without a folder")?)?;
        let text = match order {
            Order::Succeed => String::new(),
            Order::Fail(message) => format!("fail {message}"),
            Order::FailOnce(message) => format!("fail-once {message}"),
            Order::Hang => "hang".to_owned(),
        };
        // Replaced atomically, as a run may be reading.
        let written = file.with_extension("new");
        fs::write(&written, text)?;
        fs::rename(&written, &file).with_context(|| format!("cannot write {}", file.display()))
    }

    /// How often glue-trigger found a run active and left what is due to the run's end.
    pub fn left_to_an_end(&self) -> usize {
        self.log(Stage::Glue).matches("a run is active, its end starts the next one").count()
    }

    /// Waits until glue-trigger has left a date to the end of a run more than `before` times.
    pub async fn is_left_to_an_end(&self, before: usize) -> Result<()> {
        self.until("glue-trigger to leave a date to the end of the run", || async {
            Ok((self.left_to_an_end() > before).then_some(()))
        })
        .await
    }

    /// Publishes the portfolio of a date while a run is active, and waits until glue-trigger has seen its raw file.
    pub async fn fetch_during_a_run(&self, date: NaiveDate) -> Result<()> {
        let left = self.left_to_an_end();
        self.fetch(date).await?;
        self.is_left_to_an_end(left).await
    }

    /// Waits without a tick until a date is refined from its newest landing object.
    pub async fn refined_without_a_tick(&self, date: NaiveDate) -> Result<()> {
        self.until("the date to be refined, without a tick", || async move {
            let newest = self.newest_landing(date).await?;
            Ok((newest.is_some() && self.refined_from(date).await? == newest).then_some(()))
        })
        .await
    }

    /// Starts a run as a person would.
    pub async fn start_by_hand(&self, dates: &[NaiveDate]) -> Result<String> {
        let job = self.stack.output("GlueJobName")?;
        let dates: Vec<_> = dates.iter().map(ToString::to_string).collect();
        let request = self.stack.clients.glue.start_job_run().job_name(job);
        let started = request.arguments("--dates", dates.join(",")).send().await?;
        started.job_run_id().map(str::to_owned).context("a run without an id")
    }

    pub(crate) fn has_read(&self, run_id: &str) -> bool {
        let read = self.orders().map(|file| file.with_extension("read"));
        let read = read.and_then(|file| Ok(fs::read_to_string(file)?)).unwrap_or_default();
        read.lines().any(|line| line == run_id)
    }

    fn orders(&self) -> Result<PathBuf> {
        Ok(self.logs().folder().join("glue-orders").join(self.stack.output("GlueJobName")?))
    }

    pub fn arm(&self, stage: Stage, failpoint: &str) -> Result<()> {
        let folder = self.failpoints(stage);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(failpoint), "")?;
        Ok(())
    }

    /// Waits until a failpoint has killed a stage's function. It sends no ticks, which would have the notifier do what
    /// another function is meant to die of.
    pub async fn killed(&self, stage: Stage, failpoint: &str) -> Result<()> {
        self.until(&format!("{stage} to die {failpoint}"), || async {
            Ok(self.hits(stage).iter().any(|hit| hit == failpoint).then_some(()))
        })
        .await
    }

    /// The failpoints that killed a stage's function, in order.
    pub fn hits(&self, stage: Stage) -> Vec<String> {
        let hits = fs::read_to_string(self.failpoints(stage).join("hits")).unwrap_or_default();
        hits.lines().map(str::to_owned).collect()
    }

    fn failpoints(&self, stage: Stage) -> PathBuf {
        self.logs().folder().join("failpoints").join(self.stack.function_name(stage))
    }

    pub fn endpoint(&self) -> &str {
        self.runtime.endpoint()
    }

    /// Sends the schedule's tick.
    pub async fn tick(&self) -> Result<()> {
        self.stack.send(Stage::Completion, r#"{"tick":true}"#).await?;
        Ok(())
    }

    /// As [`Pipeline::until`], with occasional ticks. It sends none while a run is active or has just ended: two
    /// messages that report the same end at the same moment make for two mails.
    pub async fn until_ticking<T, F>(&self, what: &str, look: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = Result<Option<T>>>,
    {
        let next = Cell::new((Instant::now(), FIRST_TICK));
        self.until(what, || {
            let looking = look();
            let next = &next;
            async move {
                let found = looking.await?;
                let (since, wait) = next.get();
                if found.is_none() && since.elapsed() > wait && self.no_end_is_on_its_way().await? {
                    self.tick().await?;
                    next.set((Instant::now(), wait.mul_f64(RARER)));
                }
                Ok(found)
            }
        })
        .await
    }

    async fn no_end_is_on_its_way(&self) -> Result<bool> {
        let over = Utc::now() - UNDER_WAY;
        let runs = self.refine.runs().await?;
        Ok(runs.iter().all(|run| run.ended_at.is_some_and(|ended_at| ended_at < over)))
    }

    /// The notifier's mails to people, without those of alarms.
    pub fn alerts(&self) -> Result<Vec<Mail>> {
        let mut mails = self.mails("AlertsTopicArn")?;
        mails.retain(|mail| mail.subject().starts_with("IBOV refine"));
        Ok(mails)
    }

    /// The mails about runs that succeeded.
    pub fn completions(&self) -> Result<Vec<Mail>> {
        self.mails("CompletionsTopicArn")
    }

    /// What a stage's function logged: one JSON document a line.
    pub fn log(&self, stage: Stage) -> String {
        fs::read_to_string(self.logs().function(&self.stack, stage)).unwrap_or_default()
    }
}

async fn start_emulator(alarm_minute: Duration) -> Result<LocalRuntime> {
    let runner = local::in_workspace("tests/tests/faults/glue_runner.py")?;
    let options = EmulatorOptions::default()
        .with_glue_runner(runner)
        .with_glue_minute(GLUE_MINUTE)
        .with_alarm_minute(alarm_minute);
    local::start_emulator(options).await
}
