//! Denying rights, and restoring them.

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::{Value, json};

use super::Bench;

/// A policy as it was before a right was denied.
#[derive(Debug)]
#[must_use = "what is denied stays denied until this is given back"]
pub struct Denied {
    resource: Resource,
    policy: String,
}

#[derive(Debug)]
enum Resource {
    Bucket(String),
    Queue(String),
    Topic(String),
}

impl Bench {
    /// Denies an action on a queue to everyone but the account's root.
    pub async fn deny_on_queue(&self, url: &str, action: &str) -> Result<Denied> {
        let policy = self.attribute(url, QueueAttributeName::Policy).await?.unwrap_or_default();
        self.set_policy(url, &denying(&policy, action, "*")?).await?;
        Ok(Denied { resource: Resource::Queue(url.to_owned()), policy })
    }

    /// Removes a queue's policy, by which S3 and EventBridge may send to it. Roles keep their own rights.
    pub async fn close_queue(&self, url: &str) -> Result<Denied> {
        let policy = self.attribute(url, QueueAttributeName::Policy).await?.unwrap_or_default();
        self.set_policy(url, "").await?;
        Ok(Denied { resource: Resource::Queue(url.to_owned()), policy })
    }

    /// Denies publishing to a topic to everyone but the account's root.
    pub async fn deny_publishing(&self, topic_output: &str) -> Result<Denied> {
        let topic = self.stack.output(topic_output)?;
        let answer = self.stack.clients.sns.get_topic_attributes().topic_arn(topic).send().await?;
        let policy = answer.attributes().and_then(|all| all.get("Policy")).cloned();
        let policy = policy.unwrap_or_default();
        self.set_topic_policy(topic, &denying(&policy, "sns:Publish", "*")?).await?;
        Ok(Denied { resource: Resource::Topic(topic.to_owned()), policy })
    }

    /// Denies writing keys with a prefix to everyone but the account's root.
    pub async fn deny_writing(&self, prefix: &str) -> Result<Denied> {
        let bucket = self.stack.bucket()?;
        let answer = self.stack.clients.s3.get_bucket_policy().bucket(bucket).send().await?;
        let policy = answer.policy().context("the bucket has no policy")?.to_owned();
        let keys = format!("arn:aws:s3:::{bucket}/{prefix}*");
        self.set_bucket_policy(bucket, &denying(&policy, "s3:PutObject", &keys)?).await?;
        Ok(Denied { resource: Resource::Bucket(bucket.to_owned()), policy })
    }

    /// Restores a denied right.
    pub async fn allow_again(&self, denied: Denied) -> Result<()> {
        match denied.resource {
            Resource::Bucket(bucket) => self.set_bucket_policy(&bucket, &denied.policy).await,
            Resource::Queue(url) => self.set_policy(&url, &denied.policy).await,
            Resource::Topic(topic) => self.set_topic_policy(&topic, &denied.policy).await,
        }
    }

    async fn set_bucket_policy(&self, bucket: &str, policy: &str) -> Result<()> {
        let request = self.stack.clients.s3.put_bucket_policy().bucket(bucket).policy(policy);
        request.send().await.with_context(|| format!("cannot set the policy of {bucket}"))?;
        Ok(())
    }

    async fn set_policy(&self, url: &str, policy: &str) -> Result<()> {
        self.set_attribute(url, QueueAttributeName::Policy, policy).await
    }

    async fn attribute(&self, url: &str, name: QueueAttributeName) -> Result<Option<String>> {
        let request = self.stack.clients.sqs.get_queue_attributes().queue_url(url);
        let answer = request.attribute_names(name.clone()).send().await?;
        Ok(answer.attributes().and_then(|all: &HashMap<_, _>| all.get(&name)).cloned())
    }

    pub async fn set_attribute(
        &self,
        url: &str,
        name: QueueAttributeName,
        value: &str,
    ) -> Result<()> {
        let request = self.stack.clients.sqs.set_queue_attributes().queue_url(url);
        let changed = request.attributes(name.clone(), value).send().await;
        changed.with_context(|| format!("cannot set {name} of {url}"))?;
        Ok(())
    }

    async fn set_topic_policy(&self, topic: &str, policy: &str) -> Result<()> {
        let request = self.stack.clients.sns.set_topic_attributes().topic_arn(topic);
        let changed = request.attribute_name("Policy").attribute_value(policy).send().await;
        changed.with_context(|| format!("cannot set the policy of {topic}"))?;
        Ok(())
    }
}

/// `policy` with one more statement.
fn denying(policy: &str, action: &str, resource: &str) -> Result<String> {
    let mut document: Value = match policy {
        "" => json!({"Version": "2012-10-17", "Statement": []}),
        policy => serde_json::from_str(policy).context("a policy that is no JSON")?,
    };
    let statements = document.get_mut("Statement").and_then(Value::as_array_mut);
    let statement =
        json!({"Effect": "Deny", "Principal": "*", "Action": action, "Resource": resource});
    statements.context("a policy without statements")?.push(statement);
    Ok(document.to_string())
}
