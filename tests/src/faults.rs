//! A stack that tests break, on an emulator whose Glue runs take half a second and do as they are told.
//!
//! All stacks of a process share one emulator. Messages that fail come again after seconds, not minutes.

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
use shared::refine::State as _;
use tokio::sync::OnceCell;

use crate::{days, local, pipeline::Pipeline};

/// Nobody stops it: its standard input closes when this process ends, and with it everything that it started.
static EMULATOR: OnceCell<LocalRuntime> = OnceCell::const_new();

/// A minute of a Glue job's timeout. A job may run for fifteen: what hangs does so for longer than a test takes.
const GLUE_MINUTE: Duration = Duration::from_secs(20);
/// After so many seconds a message comes again whose function died. Less than the template allows, and more than a
/// function takes that lives: else it would get its message twice at once.
const COMES_AGAIN_SECONDS: u32 = 20;
/// When a tick is sent while something is waited for: the schedule's quarter of an hour is too long.
const FIRST_TICK: Duration = Duration::from_secs(1);
/// By so much longer is waited before each further tick. On a slow machine one would otherwise always be on its way,
/// and who waits for an empty queue would wait for ever.
const RARER: f64 = 1.5;
/// For so long the event of a run's end may be on its way.
const UNDER_WAY: TimeDelta = TimeDelta::seconds(3);

/// How the Glue runs of a stack end.
#[derive(Debug, Clone, Copy)]
pub enum Order {
    /// Well.
    Succeed,
    /// With this message, and the lake stays as it is.
    Fail(&'static str),
    /// The same for one run: the one that is going on, or the next one. The others end well.
    FailOnce(&'static str),
    /// Not before there is another order, or Glue's timeout.
    Hang,
}

/// A stack that can be broken.
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
        let runtime = EMULATOR.get_or_try_init(start_emulator).await?;
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

    /// Messages whose function fails or dies come again after so many seconds, unless it says otherwise.
    pub async fn comes_again_after(&self, seconds: u32) -> Result<()> {
        for stage in Stage::ALL {
            let (url, name) = (self.stack.queue_url(stage)?, QueueAttributeName::VisibilityTimeout);
            self.set_attribute(url, name, &seconds.to_string()).await?;
        }
        Ok(())
    }

    /// The small portfolio of a day, published and asked for.
    pub async fn fetch(&self, date: NaiveDate) -> Result<Day> {
        let day = days::small(date);
        self.fetch_day(&day).await?;
        Ok(day)
    }

    /// A portfolio, published and asked for.
    pub async fn fetch_day(&self, day: &Day) -> Result<()> {
        self.b3.publish("IBOV", day.clone());
        self.stack.request_fetch(None, None).await?;
        Ok(())
    }

    /// Tells how Glue runs end from now on; those that hang hear it, too.
    pub fn order_runs(&self, order: Order) -> Result<()> {
        let file = self.orders()?;
        fs::create_dir_all(file.parent().context("a file without a folder")?)?;
        let text = match order {
            Order::Succeed => String::new(),
            Order::Fail(message) => format!("fail {message}"),
            Order::FailOnce(message) => format!("fail-once {message}"),
            Order::Hang => "hang".to_owned(),
        };
        // In one step: a run may be reading.
        let written = file.with_extension("new");
        fs::write(&written, text)?;
        fs::rename(&written, &file).with_context(|| format!("cannot write {}", file.display()))
    }

    /// How often glue-trigger found a run active, and left what is due to its end.
    pub fn left_to_an_end(&self) -> usize {
        self.log(Stage::Glue).matches("a run is active, its end starts the next one").count()
    }

    /// Waits until glue-trigger has left something to the end of a run once more than `before`.
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

    /// Whether a run has read its raw files.
    pub(crate) fn has_read(&self, run_id: &str) -> bool {
        let read = self.orders().map(|file| file.with_extension("read"));
        let read = read.and_then(|file| Ok(fs::read_to_string(file)?)).unwrap_or_default();
        read.lines().any(|line| line == run_id)
    }

    fn orders(&self) -> Result<PathBuf> {
        Ok(self.logs().folder().join("glue-orders").join(self.stack.output("GlueJobName")?))
    }

    /// Arms a failpoint of a stage's function.
    pub fn arm(&self, stage: Stage, failpoint: &str) -> Result<()> {
        let folder = self.failpoints(stage);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(failpoint), "")?;
        Ok(())
    }

    /// Waits until a failpoint has killed a stage's function. Nothing ticks meanwhile: the tick would have the
    /// notifier do what another function is to die of.
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

    /// Where all services answer.
    pub fn endpoint(&self) -> &str {
        self.runtime.endpoint()
    }

    /// Sends what the tick's schedule sends.
    pub async fn tick(&self) -> Result<()> {
        self.stack.send(Stage::Completion, r#"{"tick":true}"#).await?;
        Ok(())
    }

    /// As [`Pipeline::until`], with a tick now and then. None comes while a run is active or has just ended: its event
    /// is on its way then, and two that take in one end at the same moment tell people twice.
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

    /// The notifier's mails to people. Alarms mail them, too, and are left out.
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

async fn start_emulator() -> Result<LocalRuntime> {
    let runner = local::in_workspace("tests/tests/faults/glue_runner.py")?;
    let options = EmulatorOptions::default().with_glue_runner(runner).with_glue_minute(GLUE_MINUTE);
    local::start_emulator(options).await
}
