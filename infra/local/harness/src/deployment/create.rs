use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use aws_sdk_cloudformation::types::{Capability, Parameter, ResourceStatus, StackStatus};

use super::{Package, StackConfig};
use crate::{
    aws::{Clients, explain},
    failure::Failure,
    stack::Stack,
};

const DEADLINE: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(50);

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
        let answer = clients.cloudformation.describe_stacks().stack_name(name).send().await;
        let answer = answer.map_err(explain)?;
        let stack = answer.stacks().first().with_context(|| format!("stack {name} is gone"))?;
        let status = stack.stack_status();
        if status == Some(&StackStatus::CreateComplete) {
            return Ok(());
        }
        if status != Some(&StackStatus::CreateInProgress) {
            let reason = stack.stack_status_reason().unwrap_or("without a reason");
            return Err(creation_failure(clients, name, reason).await.into());
        }
        if Instant::now() > deadline {
            let cause = format!("stack {name} was not complete after {} s", DEADLINE.as_secs());
            return Err(Failure::new("deploy", cause).into());
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Names the first resource that failed: the later ones fail because of it.
async fn creation_failure(clients: &Clients, name: &str, reason: &str) -> Failure {
    let events = clients.cloudformation.describe_stack_events().stack_name(name).send().await;
    let events = events.map(|answer| answer.stack_events.unwrap_or_default()).unwrap_or_default();
    let first = events
        .iter()
        .rev()
        .find(|event| event.resource_status() == Some(&ResourceStatus::CreateFailed));
    let Some(event) = first else {
        return Failure::new("deploy", format!("stack {name} could not be created: {reason}"));
    };
    let cause = format!(
        "{} {} could not be created: {}",
        event.resource_type().unwrap_or("resource"),
        event.logical_resource_id().unwrap_or("?"),
        event.resource_status_reason().unwrap_or("no reason was given")
    );
    let object = event.logical_resource_id().map(str::to_owned);
    Failure { object, ..Failure::new("deploy", cause) }
}
