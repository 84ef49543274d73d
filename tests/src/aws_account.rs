//! A stand-in for an AWS account: the services that people sign in with, and one stack with one queue.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::Result;
use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, Method, Request, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

/// Name of the one stack.
pub const STACK: &str = "ibov";
/// The session token that IAM Identity Center accepts.
pub const SSO_TOKEN: &str = "sso-token";
/// The refresh token that IAM Identity Center and AWS Sign-In accept.
pub const REFRESH_TOKEN: &str = "refresh-token";
/// The role that STS lets callers assume.
pub const ROLE: &str = "arn:aws:iam::123456789012:role/operator";
/// The role that IAM Identity Center has assigned.
pub const SSO_ROLE: &str = "Operator";

/// A valid access key of a user.
pub const GOOD_KEY: &str = "AKIAGOOD";
/// Access key of an expired session.
pub const EXPIRED_KEY: &str = "ASIAEXPIRED";
/// Access key that STS issues.
pub const ROLE_KEY: &str = "ASIAROLE";
/// Access key that IAM Identity Center issues.
pub const SSO_KEY: &str = "ASIASSO";
/// Access key that AWS Sign-In issues.
pub const LOGIN_KEY: &str = "ASIALOGIN";

const EXPIRES: &str = "2099-01-01T00:00:00Z";

/// The running stand-in. Dropping it stops it.
#[derive(Debug)]
pub struct AwsAccount {
    endpoint: String,
    calls: Calls,
    server: JoinHandle<std::io::Result<()>>,
}

/// Each call's operation and the access key that signed it.
#[derive(Debug, Clone, Default)]
struct Calls(Arc<Mutex<Vec<(String, String)>>>);

impl Calls {
    fn lock(&self) -> MutexGuard<'_, Vec<(String, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AwsAccount {
    /// Starts the stand-in on a free port of 127.0.0.1.
    pub async fn open() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let calls = Calls::default();
        let router = Router::new().fallback(answer).with_state((calls.clone(), endpoint.clone()));
        let server = tokio::spawn(axum::serve(listener, router).into_future());
        Ok(Self { endpoint, calls, server })
    }

    /// Of all services.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The access keys that signed the calls of an operation, in order.
    pub fn signers(&self, operation: &str) -> Vec<String> {
        let calls = self.calls.lock();
        calls.iter().filter(|(name, _)| name == operation).map(|(_, key)| key.clone()).collect()
    }
}

impl Drop for AwsAccount {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(
    State((calls, endpoint)): State<(Calls, String)>,
    request: Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap_or_default();
    let body = String::from_utf8_lossy(&body).into_owned();
    let operation = operation(&parts.method, &parts.uri, &parts.headers, &body);
    let key = signer(&parts.headers);
    calls.lock().push((operation.clone(), key.clone()));
    let fields = form(&body);
    match operation.as_str() {
        "GetRoleCredentials" => role_credentials(&parts.uri, &parts.headers),
        "CreateOAuth2Token" => login_token(&body),
        "CreateToken" => sso_token(&body),
        "AssumeRoleWithWebIdentity" => web_identity(&fields),
        _ => match refused(&key) {
            Some((code, message)) => error(StatusCode::FORBIDDEN, code, message),
            None if operation == "AssumeRole" => assume_role(&fields),
            None if operation == "DescribeStacks" => stacks(&fields, &endpoint),
            None if operation == "SendMessage" => json_answer(
                StatusCode::OK,
                "",
                &json!({"MessageId": "m-1", "MD5OfMessageBody": "99914b932bd37a50b983c5e7c90ae93b"}),
            ),
            None => error(StatusCode::BAD_REQUEST, "InvalidAction", "no such operation"),
        },
    }
}

/// The query protocol names the operation in the body, other protocols in a header or by the path.
fn operation(method: &Method, uri: &Uri, headers: &HeaderMap, body: &str) -> String {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok());
    match (method.as_str(), uri.path(), target) {
        ("GET", "/federation/credentials", _) => "GetRoleCredentials".to_owned(),
        ("POST", "/v1/token", _) => "CreateOAuth2Token".to_owned(),
        ("POST", "/token", _) => "CreateToken".to_owned(),
        (_, _, Some(target)) => target.rsplit('.').next().unwrap_or_default().to_owned(),
        (method, path, None) => {
            form(body).remove("Action").unwrap_or_else(|| format!("{method} {path}"))
        }
    }
}

fn signer(headers: &HeaderMap) -> String {
    let header = headers.get("authorization").and_then(|value| value.to_str().ok());
    let credential = header.and_then(|header| header.split("Credential=").nth(1));
    credential.and_then(|scope| scope.split('/').next()).unwrap_or_default().to_owned()
}

fn form(body: &str) -> BTreeMap<String, String> {
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    let decoded =
        pairs.map(|(name, value)| (name.to_owned(), value.replace("%3A", ":").replace("%2F", "/")));
    decoded.collect()
}

fn refused(key: &str) -> Option<(&'static str, &'static str)> {
    match key {
        GOOD_KEY | ROLE_KEY | SSO_KEY | LOGIN_KEY => None,
        EXPIRED_KEY => {
            Some(("ExpiredToken", "The security token included in the request is expired"))
        }
        _ => {
            Some(("InvalidClientTokenId", "The security token included in the request is invalid."))
        }
    }
}

fn error(status: StatusCode, code: &str, message: &str) -> Response {
    let body = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    );
    (status, [("content-type", "text/xml")], body).into_response()
}

fn json_answer(status: StatusCode, error: &str, body: &Value) -> Response {
    let headers = [("content-type", "application/json"), ("x-amzn-errortype", error)];
    (status, headers, body.to_string()).into_response()
}

fn assume_role(fields: &BTreeMap<String, String>) -> Response {
    if fields.get("RoleArn").map(String::as_str) != Some(ROLE) {
        return error(
            StatusCode::FORBIDDEN,
            "AccessDenied",
            "not authorized to perform: sts:AssumeRole",
        );
    }
    role("AssumeRole")
}

fn web_identity(fields: &BTreeMap<String, String>) -> Response {
    match fields.get("WebIdentityToken").map(String::as_str) {
        Some("web-token") => role("AssumeRoleWithWebIdentity"),
        _ => error(StatusCode::BAD_REQUEST, "ExpiredTokenException", "Token expired"),
    }
}

fn role(operation: &str) -> Response {
    let body = format!(
        "<{operation}Response><{operation}Result><AssumedRoleUser><Arn>{ROLE}/s</Arn><AssumedRoleId>AROA:s</AssumedRoleId>\
         </AssumedRoleUser><Credentials><AccessKeyId>{ROLE_KEY}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
         <SessionToken>t</SessionToken><Expiration>{EXPIRES}</Expiration></Credentials></{operation}Result></{operation}Response>"
    );
    (StatusCode::OK, [("content-type", "text/xml")], body).into_response()
}

fn role_credentials(uri: &Uri, headers: &HeaderMap) -> Response {
    let token = headers.get("x-amz-sso_bearer_token").and_then(|value| value.to_str().ok());
    if token != Some(SSO_TOKEN) {
        let body = json!({"message": "Session token not found or invalid"});
        return json_answer(StatusCode::UNAUTHORIZED, "UnauthorizedException", &body);
    }
    if !uri.query().unwrap_or_default().contains(&format!("role_name={SSO_ROLE}")) {
        let body = json!({"message": "No access"});
        return json_answer(StatusCode::FORBIDDEN, "ForbiddenException", &body);
    }
    let credentials = json!({"accessKeyId": SSO_KEY, "secretAccessKey": "s", "sessionToken": "t",
                             "expiration": 4_070_908_800_000_i64});
    json_answer(StatusCode::OK, "", &json!({"roleCredentials": credentials}))
}

/// IAM Identity Center refreshes a session.
fn sso_token(body: &str) -> Response {
    let asked: Value = serde_json::from_str(body).unwrap_or_default();
    if asked.get("refreshToken").and_then(Value::as_str) != Some(REFRESH_TOKEN) {
        let body = json!({"error": "invalid_grant"});
        return json_answer(StatusCode::BAD_REQUEST, "InvalidGrantException", &body);
    }
    let body = json!({"accessToken": SSO_TOKEN, "tokenType": "Bearer", "expiresIn": 28_800});
    json_answer(StatusCode::OK, "", &body)
}

/// AWS Sign-In refreshes a login.
fn login_token(body: &str) -> Response {
    let asked: Value = serde_json::from_str(body).unwrap_or_default();
    if asked.get("refreshToken").and_then(Value::as_str) != Some(REFRESH_TOKEN) {
        let body = json!({"error": "TOKEN_EXPIRED", "message": "the refresh token has expired"});
        return json_answer(StatusCode::UNAUTHORIZED, "AccessDeniedException", &body);
    }
    let credentials =
        json!({"accessKeyId": LOGIN_KEY, "secretAccessKey": "s", "sessionToken": "t"});
    let body = json!({"accessToken": credentials, "tokenType": "aws_sigv4", "expiresIn": 900,
                      "refreshToken": REFRESH_TOKEN});
    json_answer(StatusCode::OK, "", &body)
}

fn stacks(fields: &BTreeMap<String, String>, endpoint: &str) -> Response {
    let name = fields.get("StackName").map(String::as_str).unwrap_or_default();
    if name != STACK {
        let message = format!("Stack with id {name} does not exist");
        return error(StatusCode::BAD_REQUEST, "ValidationError", &message);
    }
    let body = format!(
        "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>{STACK}</StackName>\
         <CreationTime>2026-11-20T13:00:03Z</CreationTime><StackStatus>CREATE_COMPLETE</StackStatus>\
         <Outputs><member><OutputKey>FetchQueueUrl</OutputKey><OutputValue>{endpoint}/123456789012/ibov-fetch-queue</OutputValue></member></Outputs>\
         </member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
    );
    (StatusCode::OK, [("content-type", "text/xml")], body).into_response()
}
