//! A deployed stack with a stand-in B3 of its own.

use std::{collections::BTreeMap, future::Future, time::Duration};

use anyhow::{Context as _, Result, bail};
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use harness::{
    aws::local_config,
    b3_server::B3Server,
    deployment::StackConfig,
    emulator::{Logs, Mail},
    journey::{Journey, Snapshot},
    local_runtime::LocalRuntime,
    progress::Progress,
    stack::{Stack, Stage, dead_letters, dead_letters::Parked},
};
use refine::{AwsState, Listing, State as _, told};
use shared::settings::Environment;
use tokio::{
    runtime::Handle,
    sync::SemaphorePermit,
    time::{Instant, sleep, timeout},
};

use crate::{aws_messages, diagnosis, local};

/// Long enough for a Spark run on a busy machine.
const DEADLINE: Duration = Duration::from_secs(240);
const POLL: Duration = Duration::from_millis(200);

#[derive(Debug)]
pub struct Pipeline {
    pub stack: Stack,
    /// The server that the stack takes for B3's. It has no portfolio until a test publishes one.
    pub b3: B3Server,
    /// The stack's refine state, as the functions see it.
    pub refine: AwsState,
    runtime: &'static LocalRuntime,
    /// Where Spark carries the runs out.
    turn: Option<SemaphorePermit<'static>>,
}

impl Drop for Pipeline {
    /// Has the emulator delete the stack, since it polls all queues and evaluates all alarms that it has.
    fn drop(&mut self) {
        let name = &self.stack.name;
        let deletion = self.stack.clients.cloudformation.delete_stack().stack_name(name);
        // Without a runtime the process is about to end, and the emulator with it.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(deletion.send());
        }
    }
}

impl Pipeline {
    /// Deploys a stack with database, job and bucket of its own.
    pub async fn deploy(name: &str) -> Result<Self> {
        Self::deploy_with(name, |config| config).await
    }

    /// Deploys a stack with parameters that differ from those of the local run.
    pub async fn deploy_with(
        name: &str,
        change: impl FnOnce(StackConfig) -> StackConfig,
    ) -> Result<Self> {
        let turn = local::turn().await?;
        let mut pipeline = Self::deploy_on(local::emulator().await?, name, change).await?;
        pipeline.turn = Some(turn);
        Ok(pipeline)
    }

    /// Ends this stack's turn to use Spark.
    pub fn needs_no_more_runs(&mut self) {
        self.turn = None;
    }

    /// Deploys a stack on an emulator other than the shared one.
    pub async fn deploy_on(
        runtime: &'static LocalRuntime,
        name: &str,
        change: impl FnOnce(StackConfig) -> StackConfig,
    ) -> Result<Self> {
        let b3 = B3Server::start().await?;
        let database = name.replace('-', "_");
        let config = StackConfig::new(name, b3.base_url())
            .with("DatabaseName", &database)
            .with("GlueJobName", name);
        let stack = runtime.deploy(&change(config), &Progress::silent()).await?;
        let refine = refine_state(&stack, runtime.endpoint())?;
        Ok(Self { stack, b3, refine, runtime, turn: None })
    }

    /// The logs of the emulator, its functions and its Glue runs.
    pub fn logs(&self) -> Logs {
        self.runtime.logs()
    }

    /// Where all AWS services answer.
    pub fn endpoint(&self) -> &str {
        self.runtime.endpoint()
    }

    /// What the stack holds now, so that only what is new is followed.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        self.runtime.tracker(&self.stack).snapshot().await
    }

    /// Sends a fetch request and follows the portfolio until its completion is mailed.
    ///
    /// # Errors
    /// At the first failure of a stage, or after the deadline.
    pub async fn fetch_to_the_end(&self) -> Result<Journey> {
        let before = self.snapshot().await?;
        self.stack.request_fetch(None, None).await?;
        self.follow(&before).await
    }

    /// Follows what happened since `before` until a completion is mailed.
    pub async fn follow(&self, before: &Snapshot) -> Result<Journey> {
        let tracker = self.runtime.tracker(&self.stack);
        let progress = Progress::silent();
        self.in_time("the mail about a completed run", tracker.follow(before, &progress)).await
    }

    /// Waits until `look` finds something.
    ///
    /// # Errors
    /// When `look` fails or the deadline passes. The message says what was expected, and shows the state of the stack.
    pub async fn until<T, F>(&self, what: &str, look: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = Result<Option<T>>>,
    {
        let deadline = Instant::now() + DEADLINE;
        self.in_time(what, async {
            while Instant::now() < deadline {
                if let Some(found) = look().await? {
                    return Ok(found);
                }
                sleep(POLL).await;
            }
            bail!("never seen")
        })
        .await
    }

    async fn in_time<T>(&self, what: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
        let failure = match timeout(DEADLINE, work).await {
            Ok(Ok(found)) => return Ok(found),
            Ok(Err(error)) => error,
            Err(_) => anyhow::anyhow!("not within {} s", DEADLINE.as_secs()),
        };
        let state = diagnosis::of(&self.stack, &self.logs()).await;
        Err(failure.context(format!(
            "waited for {what} in stack {}, which stands like this:\n{state}\n",
            self.stack.name
        )))
    }

    /// Waits until a stage's dead-letter queue holds `count` messages, and leaves them there.
    pub async fn parked(&self, stage: Stage, count: usize) -> Result<Vec<Parked>> {
        self.until(&format!("{count} messages on the {stage} dead-letter queue"), || async move {
            if dead_letters::depth(&self.stack, stage).await? < count {
                return Ok(None);
            }
            Ok(Some(dead_letters::peek(&self.stack, stage).await?)
                .filter(|parked| parked.len() >= count))
        })
        .await
    }

    /// Waits until no queue holds a message, visible, in flight or delayed.
    pub async fn quiet(&self) -> Result<()> {
        self.until("all queues to be empty", || async {
            for stage in Stage::ALL {
                if self.stack.waiting(stage).await? > 0 {
                    return Ok(None);
                }
            }
            Ok(Some(()))
        })
        .await
    }

    /// Whether no run is active, people know how each one ended, and nothing is due.
    pub async fn nothing_to_refine(&self) -> Result<bool> {
        let known = told(&self.refine, "").await?;
        let runs = self.refine.runs().await?;
        if runs.iter().any(|run| run.is_active() || !known.contains(&run.id)) {
            return Ok(false);
        }
        Ok(Listing::read(&self.refine).await?.due().is_empty())
    }

    /// Fills a stage's batch with messages that mean nothing, so that its function gets what the batching window
    /// gathered.
    pub async fn fill_batch(&self, stage: Stage) -> Result<()> {
        /// Batch size of the emulator.
        const FULL: usize = 10;
        for _ in 0..FULL {
            self.stack.send(stage, &aws_messages::test_event(self.stack.bucket()?)).await?;
        }
        Ok(())
    }

    /// The mails to one of the stack's topics, in order.
    pub fn mails(&self, topic_output: &str) -> Result<Vec<Mail>> {
        let topic = self.stack.output(topic_output)?;
        let mut mails = self.logs().mails()?;
        mails.retain(|mail| mail.topic == topic);
        Ok(mails)
    }

    /// Every object of the lake below `prefix`, with a text that changes whenever the object is written.
    pub async fn versions(&self, prefix: &str) -> Result<BTreeMap<String, String>> {
        let mut versions = BTreeMap::new();
        for key in self.stack.keys(prefix).await? {
            let head = self.head(&key).await?;
            let written = head.last_modified().context("an object without a time")?.to_string();
            versions.insert(key, format!("{} {written}", head.e_tag().unwrap_or_default()));
        }
        Ok(versions)
    }

    /// The S3 metadata that one object was written with.
    pub async fn metadata(&self, key: &str) -> Result<BTreeMap<String, String>> {
        Ok(self.head(key).await?.metadata.unwrap_or_default().into_iter().collect())
    }

    async fn head(&self, key: &str) -> Result<HeadObjectOutput> {
        let request = self.stack.clients.s3.head_object().bucket(self.stack.bucket()?).key(key);
        request.send().await.with_context(|| format!("cannot look at {key}"))
    }

    /// Writes an object to the lake directly.
    pub async fn put(&self, key: &str, body: Vec<u8>) -> Result<()> {
        let request = self.stack.clients.s3.put_object().bucket(self.stack.bucket()?).key(key);
        let written = request.body(body.into()).send().await;
        written.with_context(|| format!("cannot write {key}"))?;
        Ok(())
    }

    /// Writes the raw file of a date, as if parquet-writer had.
    pub async fn put_raw(&self, date: &str, body: &[u8]) -> Result<()> {
        let key = format!("raw/date={date}/ibov_setor.parquet");
        let stamp = "20261120T130003.123Z-0123456789abcdef";
        let landing = format!("landing/index=IBOV/date={date}/{stamp}.json");
        let request = self.stack.clients.s3.put_object().bucket(self.stack.bucket()?).key(&key);
        let request = request.metadata("landing-key", landing).body(body.to_vec().into());
        request.send().await.with_context(|| format!("cannot write {key}"))?;
        Ok(())
    }
}

fn refine_state(stack: &Stack, endpoint: &str) -> Result<AwsState> {
    let (bucket, job) = (stack.bucket()?, stack.output("GlueJobName")?);
    let settings =
        [("S3_BUCKET", bucket), ("FILENAME", "ibov_setor.parquet"), ("GLUE_JOB_NAME", job)];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let environment = Environment::from_iter(settings);
    Ok(AwsState::from_environment(&environment, &local_config(endpoint)?)?)
}
