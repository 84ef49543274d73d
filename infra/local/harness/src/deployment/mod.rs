//! Creates a stack from a packaged template through CloudFormation's API.

pub mod package;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use aws_sdk_cloudformation::types::{Capability, Parameter, ResourceStatus, StackStatus};

use crate::{
    aws::{Clients, explain},
    deployment::package::Package,
    failure::Failure,
    stack::Stack,
};

const DEADLINE: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(150);

/// Where completions are mailed to in a local stack. Nothing leaves the machine.
pub const COMPLETION_EMAIL: &str = "team@example.com";
/// Where alerts are mailed to in a local stack.
pub const ALERT_EMAIL: &str = "oncall@example.com";

/// What a local stack is deployed with.
#[derive(Debug, Clone)]
pub struct StackConfig {
    /// Its name: everything in it is named from it.
    pub name: String,
    /// Index that it serves.
    pub index: String,
    /// Segment that it serves.
    pub segment: String,
    /// The server that it asks.
    pub b3_base_url: String,
    /// Template parameters that replace or join the local ones.
    pub parameters: BTreeMap<String, String>,
}

impl StackConfig {
    /// IBOV by sector, from this server.
    #[must_use]
    pub fn new(name: &str, b3_base_url: &str) -> Self {
        Self {
            name: name.to_owned(),
            index: "IBOV".to_owned(),
            segment: "2".to_owned(),
            b3_base_url: b3_base_url.to_owned(),
            parameters: BTreeMap::new(),
        }
    }

    /// Replaces or adds a template parameter.
    #[must_use]
    pub fn with(mut self, parameter: &str, value: &str) -> Self {
        self.parameters.insert(parameter.to_owned(), value.to_owned());
        self
    }

    /// All parameters. Times are short and messages are received once: a person is waiting and nobody would redeliver.
    fn all_parameters(&self) -> BTreeMap<String, String> {
        let local = [
            ("IndexCode", self.index.as_str()),
            ("Segment", &self.segment),
            ("B3BaseUrl", &self.b3_base_url),
            ("Architecture", architecture()),
            ("AlertEmail", ALERT_EMAIL),
            ("CompletionEmail", COMPLETION_EMAIL),
            ("ScheduleState", "DISABLED"),
            ("CreateDatabase", "true"),
            ("FunctionTimeout", "20"),
            ("HttpTimeout", "5"),
            ("VisibilityTimeout", "130"),
            ("GlueBatchingWindow", "1"),
            ("ArtifactBucket", package::BUCKET),
            ("MaxReceiveCount", "1"),
            // What does come again, in tests, comes when the queue says so.
            ("BackoffBase", "0"),
            // Recorded portfolios are of any year, and nobody pays for listing partitions here.
            ("FirstMonth", "2010-01"),
        ];
        let mut all: BTreeMap<String, String> =
            local.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        all.extend(self.parameters.clone());
        all
    }
}

/// What Lambda calls the architecture of this machine, which the functions were built for.
fn architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }
}

/// Creates the stack and waits until it is complete.
///
/// # Errors
/// A [`Failure`] with the first resource that failed and its reason.
pub async fn create(clients: Clients, package: &Package, config: &StackConfig) -> Result<Stack> {
    let parameters = config.all_parameters().into_iter().map(|(name, value)| {
        Parameter::builder().parameter_key(name).parameter_value(value).build()
    });
    let request = clients
        .cloudformation
        .create_stack()
        .stack_name(&config.name)
        .template_url(&package.template_url)
        .set_parameters(Some(parameters.collect()))
        .set_capabilities(Some(vec![
            Capability::CapabilityIam,
            Capability::CapabilityNamedIam,
            Capability::CapabilityAutoExpand,
        ]));
    request
        .send()
        .await
        .map_err(explain)
        .with_context(|| format!("cannot create stack {}", config.name))?;
    wait_until_complete(&clients, &config.name).await?;
    Stack::describe(clients, &config.name).await
}

async fn wait_until_complete(clients: &Clients, name: &str) -> Result<()> {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let answer = clients
            .cloudformation
            .describe_stacks()
            .stack_name(name)
            .send()
            .await
            .map_err(explain)?;
        let stack = answer.stacks().first().with_context(|| format!("stack {name} is gone"))?;
        let status = stack.stack_status();
        if status == Some(&StackStatus::CreateComplete) {
            return Ok(());
        }
        if status != Some(&StackStatus::CreateInProgress) {
            let reason = stack.stack_status_reason().unwrap_or("without a reason");
            return Err(why(clients, name, reason).await.into());
        }
        if Instant::now() > deadline {
            return Err(Failure::new(
                "deploy",
                format!("stack {name} was not complete after {} s", DEADLINE.as_secs()),
            )
            .into());
        }
        tokio::time::sleep(POLL).await;
    }
}

/// The first resource that failed: those after it fail because it did.
async fn why(clients: &Clients, name: &str, reason: &str) -> Failure {
    let events = clients.cloudformation.describe_stack_events().stack_name(name).send().await;
    let events = events.map(|answer| answer.stack_events.unwrap_or_default()).unwrap_or_default();
    let first = events
        .iter()
        .rev()
        .find(|event| event.resource_status() == Some(&ResourceStatus::CreateFailed));
    match first {
        Some(event) => Failure {
            object: event.logical_resource_id().map(str::to_owned),
            ..Failure::new(
                "deploy",
                format!(
                    "{} {} could not be created: {}",
                    event.resource_type().unwrap_or("resource"),
                    event.logical_resource_id().unwrap_or("?"),
                    event.resource_status_reason().unwrap_or("no reason was given")
                ),
            )
        },
        None => Failure::new("deploy", format!("stack {name} could not be created: {reason}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_parameters_replace_the_local_ones() {
        let parameters = StackConfig::new("s", "http://b3")
            .with("MaxReceiveCount", "3")
            .with("PageSize", "10")
            .all_parameters();
        assert_eq!(parameters["MaxReceiveCount"], "3");
        assert_eq!(parameters["PageSize"], "10");
        assert_eq!(parameters["B3BaseUrl"], "http://b3");
    }
}
