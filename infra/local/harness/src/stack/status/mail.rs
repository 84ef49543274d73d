//! Who gets the mails about failures.

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::{aws::explain, stack::Stack};

/// A subscription to the alerts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Subscription {
    /// Such as an address.
    pub to: String,
    /// Whether somebody has clicked the link that AWS sent.
    pub is_confirmed: bool,
}

pub(super) async fn subscriptions(stack: &Stack) -> Result<Vec<Subscription>> {
    let topic = stack.output("AlertsTopicArn")?;
    let request = stack.clients.sns.list_subscriptions_by_topic().topic_arn(topic);
    let answer = request.send().await.map_err(explain);
    let answer = answer.context("cannot read the subscriptions of the alerts")?;
    let subscriptions = answer.subscriptions().iter().map(|subscription| Subscription {
        to: subscription.endpoint().unwrap_or_default().to_owned(),
        is_confirmed: subscription.subscription_arn().is_some_and(|arn| arn.starts_with("arn:")),
    });
    Ok(subscriptions.collect())
}
