//! Calls of the services that are asked for little: alarms and ages of CloudWatch, schedules, lines of CloudWatch Logs.
//!
//! These calls only read, and each service answers in JSON. Their SDK crates would bring 14 more crates, among them a
//! second `http`, and features that all other SDK crates would have to be built with, those in the functions too. The
//! signature is `aws-sigv4`'s, which the SDK uses itself.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, Result, anyhow};
use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4::SigningParams,
};
use serde_json::Value;
use shared::http;

use super::CallFailure;

const TIMEOUT: Duration = Duration::from_secs(10);
const ATTEMPTS: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// A service that speaks JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    CloudWatch,
    Logs,
    Scheduler,
}

impl Service {
    /// In signatures, and at the beginning of its address.
    fn name(self) -> &'static str {
        match self {
            Self::CloudWatch => "monitoring",
            Self::Logs => "logs",
            Self::Scheduler => "scheduler",
        }
    }

    /// What an operation is called in the header; Scheduler's are paths.
    fn target(self, operation: &str) -> String {
        match self {
            Self::CloudWatch => format!("GraniteServiceVersion20100801.{operation}"),
            Self::Logs => format!("Logs_20140328.{operation}"),
            Self::Scheduler => operation.to_owned(),
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::CloudWatch => "application/x-amz-json-1.0",
            Self::Logs | Self::Scheduler => "application/x-amz-json-1.1",
        }
    }

    fn address(self, region: &str) -> String {
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        format!("https://{}.{region}.{domain}", self.name())
    }
}

/// Signed calls.
#[derive(Debug, Clone)]
pub struct JsonCalls {
    config: SdkConfig,
    is_local: bool,
    /// Made with the first call: it reads the machine's certificates.
    client: Arc<OnceLock<reqwest::Client>>,
}

/// One request: with a body, or a path alone.
struct Request<'a> {
    method: reqwest::Method,
    url: String,
    headers: Vec<(&'a str, String)>,
    body: String,
}

impl JsonCalls {
    pub(super) fn new(config: &SdkConfig, is_local: bool) -> Self {
        Self { config: config.clone(), is_local, client: Arc::default() }
    }

    /// Calls an operation by its name.
    ///
    /// # Errors
    /// A [`CallFailure`] with what the service said, or why it could not be asked.
    pub async fn call(&self, service: Service, operation: &str, input: &Value) -> Result<Value> {
        let headers = vec![
            ("content-type", service.content_type().to_owned()),
            ("x-amz-target", service.target(operation)),
        ];
        let (method, url) = (reqwest::Method::POST, format!("{}/", self.address(service)?));
        self.send(service, &Request { method, url, headers, body: input.to_string() }).await
    }

    /// Reads what is at a path, which may have a query.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn get(&self, service: Service, path: &str) -> Result<Value> {
        let url = format!("{}{path}", self.address(service)?);
        let method = reqwest::Method::GET;
        self.send(service, &Request { method, url, headers: vec![], body: String::new() }).await
    }

    fn address(&self, service: Service) -> Result<String> {
        match self.config.endpoint_url() {
            Some(url) => Ok(url.trim_end_matches('/').to_owned()),
            None => Ok(service.address(self.region()?)),
        }
    }

    fn region(&self) -> Result<&str> {
        self.config.region().map(AsRef::as_ref).context("no region is set")
    }

    /// Throttling and a service's own trouble pass; a read may be repeated.
    async fn send(&self, service: Service, request: &Request<'_>) -> Result<Value> {
        let mut pause = FIRST_PAUSE;
        for _ in 1..ATTEMPTS {
            match self.attempt(service, request).await? {
                Ok(answer) => return Ok(answer),
                Err(failure) if !passes(&failure) => return Err(failure.into()),
                Err(_) => tokio::time::sleep(pause).await,
            }
            pause *= 2;
        }
        Ok(self.attempt(service, request).await??)
    }

    async fn attempt(
        &self,
        service: Service,
        request: &Request<'_>,
    ) -> Result<Result<Value, CallFailure>> {
        let signature = self.sign(service, request).await?;
        let call = self.client()?.request(request.method.clone(), &request.url);
        let headers = request.headers.iter().map(|(name, value)| (*name, value.as_str()));
        let signed = signature.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let call = headers.chain(signed).fold(call, |call, (name, value)| call.header(name, value));
        let unreached = || format!("{} cannot be reached", service.name());
        let answer = call.body(request.body.clone()).send().await.with_context(unreached)?;
        let status = answer.status();
        let named = answer.headers().get("x-amzn-errortype").and_then(|name| name.to_str().ok());
        let named = named.map(str::to_owned);
        let text = answer.text().await.with_context(unreached)?;
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        if status.is_success() {
            return Ok(Ok(body));
        }
        let field = |name: &str| body.get(name).and_then(Value::as_str);
        let code = named.as_deref().or_else(|| field("__type")).or_else(|| field("Code"));
        let message = field("message").or_else(|| field("Message")).unwrap_or(&text);
        Ok(Err(CallFailure::answered(plain(code.unwrap_or("Unknown")), message, status.as_u16())))
    }

    async fn sign(&self, service: Service, request: &Request<'_>) -> Result<Vec<(String, String)>> {
        let provider = self.config.credentials_provider().context("there are no credentials")?;
        let identity = provider.provide_credentials().await?.into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(self.region()?)
            .name(service.name())
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let headers = request.headers.iter().map(|(name, value)| (*name, value.as_str()));
        let body = SignableBody::Bytes(request.body.as_bytes());
        let signable = SignableRequest::new(request.method.as_str(), &request.url, headers, body)?;
        let (signature, _) = sign(signable, &parameters)?.into_parts();
        let headers = signature.headers();
        Ok(headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    fn client(&self) -> Result<&reqwest::Client> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let builder = http::builder()?.timeout(TIMEOUT);
        // The user's proxy may be needed to reach AWS, but never for the emulator.
        let builder = if self.is_local { builder.no_proxy() } else { builder };
        let client = builder.build().map_err(|error| anyhow!("no HTTPS here: {error}"))?;
        Ok(self.client.get_or_init(|| client))
    }
}

/// `AccessDeniedException`, from `com.amazonaws.logs#AccessDeniedException` or `AccessDeniedException:http://…`.
fn plain(code: &str) -> &str {
    let code = code.rsplit_once('#').map_or(code, |(_, name)| name);
    code.split_once(':').map_or(code, |(name, _)| name)
}

fn passes(failure: &CallFailure) -> bool {
    let code = failure.code.as_deref().unwrap_or_default();
    code.contains("Throttl") || code.contains("Unavailable") || code.contains("Internal")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_errors_name_is_told_without_its_surroundings() {
        for code in ["com.amazonaws.logs#Denied", "Denied:http://x/", "Denied"] {
            assert_eq!(plain(code), "Denied");
        }
    }

    #[test]
    fn each_service_has_an_address_in_each_region() {
        let address = Service::CloudWatch.address("sa-east-1");
        assert_eq!(address, "https://monitoring.sa-east-1.amazonaws.com");
        let address = Service::Logs.address("cn-north-1");
        assert_eq!(address, "https://logs.cn-north-1.amazonaws.com.cn");
    }
}
