//! The trigger's side of the lake: it looks at raw/.

use aws_sdk_s3::Client;
use shared::{
    aws::{CallError, Cause},
    lake::RawKey,
};

#[derive(Clone, Debug)]
pub(crate) struct Lake {
    client: Client,
    bucket: String,
}

impl Lake {
    pub(crate) fn new(client: Client, bucket: String) -> Self {
        Self { client, bucket }
    }

    pub(crate) fn bucket(&self) -> &str {
        &self.bucket
    }

    pub(crate) fn uri(&self, key: &RawKey) -> String {
        format!("s3://{}/{key}", self.bucket)
    }

    /// Whether the object is still there: its event may be older than its deletion.
    pub(crate) async fn exists(&self, key: &RawKey) -> Result<bool, CallError> {
        let request = self.client.head_object().bucket(&self.bucket).key(key.to_string());
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error) => {
                let error = CallError::from_sdk("HeadObject", &self.uri(key), &error);
                match error.cause {
                    Cause::NotFound => Ok(false),
                    _ => Err(error),
                }
            }
        }
    }
}
