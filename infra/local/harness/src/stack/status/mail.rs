//! Who gets the mails about failures.

use anyhow::{Context as _, Result};
use aws_sdk_sns::types;
use serde::Serialize;

use crate::{aws::explain, stack::Stack};

/// A subscription of a mailbox to the alerts. A function or a queue that is subscribed is nobody who hears of anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Subscription {
    /// Such as an address.
    pub to: String,
    /// Whether somebody has clicked the link that AWS sent.
    pub is_confirmed: bool,
}

/// How SNS names the ARN of a subscription that was cancelled in the last days.
const DELETED: &str = "Deleted";

impl Subscription {
    /// `None` for what mails nobody.
    fn of(subscription: &types::Subscription) -> Option<Self> {
        let is_mail = matches!(subscription.protocol(), Some("email" | "email-json"));
        let arn = subscription.subscription_arn().unwrap_or_default();
        (is_mail && arn != DELETED).then(|| Self {
            to: subscription.endpoint().unwrap_or_default().to_owned(),
            is_confirmed: arn.starts_with("arn:"),
        })
    }
}

pub(super) async fn subscriptions(stack: &Stack) -> Result<Vec<Subscription>> {
    let topic = stack.output("AlertsTopicArn")?;
    let request = stack.clients.sns.list_subscriptions_by_topic().topic_arn(topic);
    let mut pages = request.into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(explain).context("cannot read the subscriptions of the alerts")?;
        found.extend(page.subscriptions().iter().filter_map(Subscription::of));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_mailboxes_that_may_still_get_mails_count() {
        let of = |protocol: &str, arn: &str| {
            let subscription = types::Subscription::builder().protocol(protocol).endpoint("to");
            Subscription::of(&subscription.subscription_arn(arn).build())
        };
        let is_confirmed = |found: Option<Subscription>| found.map(|found| found.is_confirmed);
        assert_eq!(is_confirmed(of("email", "arn:aws:sns:r:0:t:s")), Some(true));
        assert_eq!(is_confirmed(of("email-json", "arn:aws:sns:r:0:t:s")), Some(true));
        assert_eq!(is_confirmed(of("email", "PendingConfirmation")), Some(false));
        assert_eq!(of("email", "Deleted"), None);
        assert_eq!(of("sqs", "arn:aws:sns:r:0:t:s"), None);
    }
}
