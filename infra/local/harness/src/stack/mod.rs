//! A deployed stack and the operations on it: its queues and dead-letter queues, its lake, its Glue runs, its tables.

pub mod athena;
pub mod dead_letters;
pub mod logs;
pub mod named_queries;
mod only_reads;
mod queue_counts;
mod stage;
pub mod status;

use std::{
    collections::{BTreeMap, HashSet},
    ops::RangeInclusive,
};

use anyhow::{Context as _, Result};
use aws_sdk_glue::types::{JobRun, JobRunState};
use aws_sdk_s3::types::Object;
use aws_smithy_types::error::metadata::ProvideErrorMetadata as _;
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde_json::json;
use shared::keys::LandingKey;

pub use self::{only_reads::only_reads, queue_counts::QueueCounts, stage::Stage};
use crate::aws::{Clients, explain};

/// A stack in the emulator or in AWS.
#[derive(Debug, Clone)]
pub struct Stack {
    pub name: String,
    pub clients: Clients,
    pub outputs: BTreeMap<String, String>,
}

/// An object in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredObject {
    pub key: String,
    /// Without quotes.
    pub etag: String,
    /// In bytes.
    pub size: i64,
    /// When it was written, in milliseconds since 1970.
    pub modified_ms: i64,
}

impl StoredObject {
    fn of(object: &Object) -> Option<Self> {
        Some(Self {
            key: object.key()?.to_owned(),
            size: object.size().unwrap_or_default(),
            etag: object.e_tag()?.trim_matches('"').to_owned(),
            modified_ms: object.last_modified()?.to_millis().ok()?,
        })
    }
}

impl Stack {
    /// Reads the outputs of a stack that exists.
    pub async fn describe(clients: Clients, name: &str) -> Result<Self> {
        let answer = clients.cloudformation.describe_stacks().stack_name(name).send().await;
        let answer =
            answer.map_err(explain).with_context(|| format!("cannot read stack {name}"))?;
        let stack =
            answer.stacks().first().with_context(|| format!("there is no stack named {name}"))?;
        let outputs = stack
            .outputs()
            .iter()
            .filter_map(|o| Some((o.output_key()?.to_owned(), o.output_value()?.to_owned())))
            .collect();
        Ok(Self { name: name.to_owned(), clients, outputs })
    }

    pub fn output(&self, name: &str) -> Result<&str> {
        self.outputs
            .get(name)
            .map(String::as_str)
            .with_context(|| format!("stack {} has no output {name}", self.name))
    }

    /// Name of the lake's bucket.
    pub fn bucket(&self) -> Result<&str> {
        self.output("BucketName")
    }

    pub fn queue_url(&self, stage: Stage) -> Result<&str> {
        self.output(&stage.url_output("Queue"))
    }

    pub fn dlq_url(&self, stage: Stage) -> Result<&str> {
        self.output(&stage.url_output("Dlq"))
    }

    /// The physical name of a stage's function.
    pub fn function_name(&self, stage: Stage) -> String {
        format!("{}-{}", self.name, stage.function())
    }

    /// Sends a fetch request and returns its message id. The stack fills in what is `None`.
    pub async fn request_fetch(
        &self,
        index: Option<&str>,
        segment: Option<&str>,
    ) -> Result<String> {
        let mut body = serde_json::Map::new();
        for (name, value) in [("index", index), ("segment", segment)] {
            if let Some(value) = value {
                body.insert(name.to_owned(), value.into());
            }
        }
        self.send(Stage::Fetch, &serde_json::Value::from(body).to_string()).await
    }

    /// Sends a message to a stage's queue and returns its id.
    pub async fn send(&self, stage: Stage, body: &str) -> Result<String> {
        let request = self.clients.sqs.send_message().queue_url(self.queue_url(stage)?);
        let sent = request.message_body(body).send().await;
        let sent =
            sent.map_err(explain).with_context(|| format!("cannot send to the {stage} queue"))?;
        Ok(sent.message_id().unwrap_or_default().to_owned())
    }

    /// Has a landing object processed again, by the message that S3 sends about a new one.
    pub async fn announce(&self, landing: &LandingKey) -> Result<()> {
        self.send(Stage::Parquet, &created(self.bucket()?, landing, Utc::now())).await?;
        Ok(())
    }

    /// About how many messages a stage's queue holds: visible, in flight and delayed.
    pub async fn waiting(&self, stage: Stage) -> Result<usize> {
        Ok(self.queue_counts(stage).await?.total())
    }

    /// The messages of a stage's queue, as SQS counts them.
    pub async fn queue_counts(&self, stage: Stage) -> Result<QueueCounts> {
        let counts = QueueCounts::read(&self.clients, self.queue_url(stage)?).await;
        counts.with_context(|| format!("cannot look at the {stage} queue"))
    }

    /// Every run of the stack's Glue job, newest first.
    pub async fn runs(&self) -> Result<Vec<JobRun>> {
        let request = self.clients.glue.get_job_runs().job_name(self.output("GlueJobName")?);
        let mut pages = request.into_paginator().send();
        let mut runs = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(explain).context("cannot list the Glue runs")?;
            runs.extend(page.job_runs.unwrap_or_default());
        }
        Ok(runs)
    }

    /// The latest runs of the stack's Glue job, newest first.
    pub async fn latest_runs(&self) -> Result<Vec<JobRun>> {
        /// The runs that may begin between two looks, and more.
        const LATEST: i32 = 50;
        let request = self.clients.glue.get_job_runs().job_name(self.output("GlueJobName")?);
        let answer = request.max_results(LATEST).send().await.map_err(explain);
        let answer = answer.context("cannot list the Glue runs")?;
        let mut runs = answer.job_runs.unwrap_or_default();
        let started = |run: &JobRun| run.started_on().and_then(|time| time.to_millis().ok());
        runs.sort_by_key(|run| std::cmp::Reverse(started(run)));
        Ok(runs)
    }

    /// Whether no run is active, and people were notified of how the newest one ended, and each that is not `known`.
    pub async fn is_idle(&self, known: &HashSet<String>) -> Result<bool> {
        const TOLD: &str = "control/refine/told/";
        let runs = self.latest_runs().await?;
        if runs.iter().any(is_active) {
            return Ok(false);
        }
        for (place, id) in runs.iter().filter_map(JobRun::id).enumerate() {
            if place > 0 && known.contains(id) {
                continue;
            }
            let told = self.objects(&format!("{TOLD}{id}")).await?;
            if !told.iter().any(|told| told.size > 0) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The keys of the lake's objects below a prefix, in order.
    pub async fn keys(&self, prefix: &str) -> Result<Vec<String>> {
        let request = self.clients.s3.list_objects_v2().bucket(self.bucket()?).prefix(prefix);
        let mut pages = request.into_paginator().send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(explain).with_context(|| format!("cannot list {prefix}"))?;
            keys.extend(
                page.contents().iter().filter_map(|object| object.key().map(str::to_owned)),
            );
        }
        Ok(keys)
    }

    /// The folders directly below a prefix, each with the prefix and a slash at its end, in order.
    pub async fn folders(&self, prefix: &str) -> Result<Vec<String>> {
        let request = self.clients.s3.list_objects_v2().bucket(self.bucket()?).prefix(prefix);
        let mut pages = request.delimiter("/").into_paginator().send();
        let mut folders = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(explain).with_context(|| format!("cannot list {prefix}"))?;
            let found = page.common_prefixes().iter();
            folders.extend(found.filter_map(|folder| folder.prefix().map(str::to_owned)));
        }
        Ok(folders)
    }

    /// The lake's objects below a prefix, in the order of their keys.
    pub async fn objects(&self, prefix: &str) -> Result<Vec<StoredObject>> {
        let request = self.clients.s3.list_objects_v2().bucket(self.bucket()?).prefix(prefix);
        let mut pages = request.into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(explain).with_context(|| format!("cannot list {prefix}"))?;
            found.extend(page.contents().iter().filter_map(StoredObject::of));
        }
        Ok(found)
    }

    /// The objects `<prefix>date=<date>/…` of some dates, in the order of their keys. Lists no others but the rest of a
    /// page.
    pub async fn objects_of(
        &self,
        prefix: &str,
        dates: &RangeInclusive<NaiveDate>,
    ) -> Result<Vec<StoredObject>> {
        // A slash goes before any digit.
        let (before, behind) =
            (format!("{prefix}date={}", dates.start()), format!("{prefix}date={}0", dates.end()));
        let request = self.clients.s3.list_objects_v2().bucket(self.bucket()?).prefix(prefix);
        let mut pages = request.start_after(&before).into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(explain).with_context(|| format!("cannot list {prefix}"))?;
            let objects = page.contents().iter().filter_map(StoredObject::of);
            found.extend(objects.filter(|object| object.key < behind));
            if page.contents().iter().filter_map(Object::key).any(|key| key >= behind.as_str()) {
                break;
            }
        }
        Ok(found)
    }

    /// The values of the parameters that the stack has now.
    pub async fn parameters(&self) -> Result<BTreeMap<String, String>> {
        let request = self.clients.cloudformation.describe_stacks().stack_name(&self.name);
        let answer = request.send().await.map_err(explain);
        let answer = answer.with_context(|| format!("cannot read stack {}", self.name))?;
        let parameters = answer.stacks().iter().flat_map(|stack| stack.parameters());
        let named = parameters.filter_map(|parameter| {
            Some((parameter.parameter_key()?.to_owned(), parameter.parameter_value()?.to_owned()))
        });
        Ok(named.collect())
    }

    /// Writes one of the lake's objects unless it is there. Returns whether it was written.
    pub async fn put_new(&self, key: &str, body: Vec<u8>) -> Result<bool> {
        let request = self.clients.s3.put_object().bucket(self.bucket()?).key(key);
        let request = request.if_none_match("*").content_type("application/json");
        match request.body(body.into()).send().await {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some("PreconditionFailed") => Ok(false),
            Err(error) => Err(explain(error)).with_context(|| format!("cannot write {key}")),
        }
    }

    /// The content of one of the lake's objects.
    pub async fn read(&self, key: &str) -> Result<Vec<u8>> {
        let object = self.clients.s3.get_object().bucket(self.bucket()?).key(key).send().await;
        let object = object.map_err(explain).with_context(|| format!("cannot read {key}"))?;
        Ok(object.body.collect().await.with_context(|| format!("cannot read {key}"))?.to_vec())
    }
}

fn is_active(run: &JobRun) -> bool {
    !matches!(
        run.job_run_state(),
        Some(
            JobRunState::Succeeded
                | JobRunState::Failed
                | JobRunState::Error
                | JobRunState::Expired
                | JobRunState::Stopped
                | JobRunState::Timeout
        )
    )
}

/// S3's message about a new landing object, with the fields that its readers insist on.
fn created(bucket: &str, landing: &LandingKey, at: DateTime<Utc>) -> String {
    // S3 encodes keys. Of the characters in a landing key, that changes only the equals sign.
    let key = landing.to_string().replace('=', "%3D");
    json!({"Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventTime": at.to_rfc3339_opts(SecondsFormat::Millis, true),
        "eventName": "ObjectCreated:Put",
        "userIdentity": {},
        "requestParameters": {},
        "responseElements": {},
        "s3": {"bucket": {"name": bucket}, "object": {"key": key}},
    }]})
    .to_string()
}

#[cfg(test)]
mod tests {
    use shared::events::S3Message;

    use super::*;

    #[test]
    fn the_message_about_a_landing_object_is_understood_as_that_of_s3() {
        let key = "landing/index=IBOV/date=2026-11-20/20261120T130003.123Z-0123456789abcdef.json";
        let message = created("bucket", &key.parse().unwrap(), Utc::now());
        let Ok(S3Message::Created(objects)) = S3Message::parse(&message, "bucket") else {
            panic!("{message}");
        };
        let keys: Vec<_> = objects.into_iter().map(|object| object.unwrap().key).collect();
        assert_eq!(keys, [key]);
    }
}
