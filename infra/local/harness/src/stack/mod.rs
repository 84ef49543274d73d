//! A deployed stack: its clients, its outputs, its four stages.

pub mod athena;
pub mod dead_letters;

use std::{collections::BTreeMap, fmt, str::FromStr};

use anyhow::{Context as _, Result, bail};
use aws_sdk_glue::types::JobRun;

use crate::aws::{Clients, explain};

/// The four stages of the chain, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// B3 → landing.
    Fetch,
    /// landing → raw.
    Parquet,
    /// raw → a Glue run.
    Glue,
    /// The run's end → a notification.
    Completion,
}

impl Stage {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Fetch, Self::Parquet, Self::Glue, Self::Completion];

    /// The name that queue and dead-letter queue begin with.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Parquet => "parquet",
            Self::Glue => "glue",
            Self::Completion => "completion",
        }
    }

    /// The function behind its queue.
    #[must_use]
    pub fn function(self) -> &'static str {
        match self {
            Self::Fetch => "fetcher",
            Self::Parquet => "parquet-writer",
            Self::Glue => "glue-trigger",
            Self::Completion => "glue-notifier",
        }
    }

    fn output(self, what: &str) -> String {
        let (first, rest) = self.name().split_at(1);
        format!("{}{rest}{what}Url", first.to_uppercase())
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Stage {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match Self::ALL.into_iter().find(|stage| text == stage.name() || text == stage.function()) {
            Some(stage) => Ok(stage),
            None => bail!("{text:?} is no stage; the stages are fetch, parquet, glue, completion"),
        }
    }
}

/// A stack, local or in the cloud.
#[derive(Debug, Clone)]
pub struct Stack {
    /// Its name.
    pub name: String,
    /// Clients of the account that it is in.
    pub clients: Clients,
    /// Its outputs.
    pub outputs: BTreeMap<String, String>,
}

impl Stack {
    /// Reads the outputs of a stack that exists.
    ///
    /// # Errors
    /// When there is none of that name, or it cannot be read.
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

    /// The value of an output.
    ///
    /// # Errors
    /// When the stack has none of that name.
    pub fn output(&self, name: &str) -> Result<&str> {
        self.outputs
            .get(name)
            .map(String::as_str)
            .with_context(|| format!("stack {} has no output {name}", self.name))
    }

    /// The lake's bucket.
    ///
    /// # Errors
    /// As [`Stack::output`].
    pub fn bucket(&self) -> Result<&str> {
        self.output("BucketName")
    }

    /// The URL of a stage's queue.
    ///
    /// # Errors
    /// As [`Stack::output`].
    pub fn queue_url(&self, stage: Stage) -> Result<&str> {
        self.output(&stage.output("Queue"))
    }

    /// The URL of a stage's dead-letter queue.
    ///
    /// # Errors
    /// As [`Stack::output`].
    pub fn dlq_url(&self, stage: Stage) -> Result<&str> {
        self.output(&stage.output("Dlq"))
    }

    /// The physical name of a stage's function.
    #[must_use]
    pub fn function_name(&self, stage: Stage) -> String {
        format!("{}-{}", self.name, stage.function())
    }

    /// Asks the fetcher for a portfolio. What is not given is the stack's own.
    ///
    /// # Errors
    /// When the message cannot be sent.
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
    ///
    /// # Errors
    /// When it cannot be sent.
    pub async fn send(&self, stage: Stage, body: &str) -> Result<String> {
        let sent = self
            .clients
            .sqs
            .send_message()
            .queue_url(self.queue_url(stage)?)
            .message_body(body)
            .send()
            .await;
        let sent =
            sent.map_err(explain).with_context(|| format!("cannot send to the {stage} queue"))?;
        Ok(sent.message_id().unwrap_or_default().to_owned())
    }

    /// Every run of the stack's Glue job, newest first.
    ///
    /// # Errors
    /// When Glue cannot be asked.
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

    /// The keys of the lake's objects below a prefix, in order.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub async fn keys(&self, prefix: &str) -> Result<Vec<String>> {
        let mut pages = self
            .clients
            .s3
            .list_objects_v2()
            .bucket(self.bucket()?)
            .prefix(prefix)
            .into_paginator()
            .send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(explain).with_context(|| format!("cannot list {prefix}"))?;
            keys.extend(
                page.contents().iter().filter_map(|object| object.key().map(str::to_owned)),
            );
        }
        Ok(keys)
    }

    /// The content of one object.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn read(&self, key: &str) -> Result<Vec<u8>> {
        let object = self.clients.s3.get_object().bucket(self.bucket()?).key(key).send().await;
        let object = object.map_err(explain).with_context(|| format!("cannot read {key}"))?;
        Ok(object.body.collect().await.with_context(|| format!("cannot read {key}"))?.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_found_by_its_name_or_its_functions() {
        for stage in Stage::ALL {
            assert_eq!(stage.name().parse::<Stage>().unwrap(), stage);
            assert_eq!(stage.function().parse::<Stage>().unwrap(), stage);
        }
        assert!("landing".parse::<Stage>().is_err());
        assert_eq!(Stage::Parquet.output("Dlq"), "ParquetDlqUrl");
    }
}
