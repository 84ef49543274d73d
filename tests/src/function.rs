//! The built functions, each by itself: its process, and in Lambda's place a server that has one batch of messages.

use std::{
    fs::{self, File},
    process::{ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, anyhow, bail};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, Uri},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use harness::{
    checkout::{
        Workspace,
        cargo::{self, Executables},
    },
    processes::Processes,
    progress::Progress,
};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    process::Command,
    sync::{OnceCell, mpsc},
};

const PATIENCE: Duration = Duration::from_secs(120);

/// Built once per process.
static BUILT: OnceCell<Executables> = OnceCell::const_new();

/// What became of a function that was started and given a batch.
#[derive(Debug)]
pub enum Ended {
    /// It has answered, with the ids of the messages that are to come again.
    Answered { again: Vec<String>, log: String },
    /// It ended before it asked for work.
    AtItsStart { status: ExitStatus, log: String },
}

impl Ended {
    pub fn log(&self) -> &str {
        match self {
            Self::Answered { log, .. } | Self::AtItsStart { log, .. } => log,
        }
    }
}

/// Starts a function with these variables and no others, and gives it one message with the id `1`.
pub async fn given(function: &str, variables: &[(&str, &str)], message: &str) -> Result<Ended> {
    let program = BUILT.get_or_try_init(build).await?.get(function).context("no such function")?;
    let (answers, mut answer) = mpsc::channel(1);
    let lambda = Lambda { batch: batch(message).into(), given: Arc::default(), answers };
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?.to_string();
    let server = tokio::spawn(axum::serve(listener, lambda.router()).into_future());
    let folder = tempfile::tempdir()?;
    let (log, errors) = (folder.path().join("log"), folder.path().join("errors"));
    let mut child = Command::new(program)
        .env_clear()
        .envs(OF_LAMBDA)
        .env("AWS_LAMBDA_RUNTIME_API", address)
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(File::create(&log)?)
        .stderr(File::create(&errors)?)
        .kill_on_drop(true)
        .spawn()?;
    let said = || Ok::<_, anyhow::Error>(fs::read_to_string(&log)? + &fs::read_to_string(&errors)?);
    let ended = tokio::select! {
        answer = answer.recv() => {
            let answer: Value = serde_json::from_slice(&answer.context("no answer")?)?;
            Ended::Answered { again: failed(&answer)?, log: said()? }
        }
        status = child.wait() => Ended::AtItsStart { status: status?, log: said()? },
        () = tokio::time::sleep(PATIENCE) => bail!("{function} has not answered: {}", said()?),
    };
    child.kill().await?;
    server.abort();
    Ok(ended)
}

/// The ids of the messages that are to come again.
fn failed(answer: &Value) -> Result<Vec<String>> {
    let failures = answer.get("batchItemFailures").and_then(Value::as_array);
    let failures = failures.with_context(|| format!("no list of failures: {answer}"))?;
    let ids = failures.iter().filter_map(|failure| failure.get("itemIdentifier")?.as_str());
    Ok(ids.map(str::to_owned).collect())
}

/// What Lambda sets, and credentials that nobody knows.
const OF_LAMBDA: [(&str, &str); 8] = [
    ("AWS_ACCESS_KEY_ID", "test"),
    ("AWS_SECRET_ACCESS_KEY", "test"),
    ("AWS_REGION", "us-east-1"),
    ("AWS_LAMBDA_FUNCTION_NAME", "function"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
    ("AWS_LAMBDA_LOG_GROUP_NAME", "group"),
    ("AWS_LAMBDA_LOG_STREAM_NAME", "stream"),
];

fn batch(message: &str) -> String {
    let attributes = json!({"ApproximateReceiveCount": "1"});
    json!({"Records": [{
        "messageId": "1", "receiptHandle": "receipt", "body": message,
        "eventSource": "aws:sqs", "attributes": attributes,
    }]})
    .to_string()
}

/// Lambda's Runtime API.
#[derive(Clone)]
struct Lambda {
    batch: Arc<str>,
    /// Whether the batch has been handed out.
    given: Arc<AtomicBool>,
    answers: mpsc::Sender<Bytes>,
}

impl Lambda {
    fn router(self) -> Router {
        Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .fallback(post(answered))
            .with_state(self)
    }
}

/// The batch, once.
async fn next(State(lambda): State<Lambda>) -> Response {
    if lambda.given.swap(true, Ordering::SeqCst) {
        std::future::pending::<()>().await;
    }
    let deadline = SystemTime::now() + PATIENCE;
    let deadline = deadline.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis().to_string();
    let headers = [
        ("lambda-runtime-aws-request-id", "request"),
        ("lambda-runtime-deadline-ms", &deadline),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:0:function:function"),
    ];
    (headers, lambda.batch.to_string()).into_response()
}

async fn answered(State(lambda): State<Lambda>, _path: Uri, body: Bytes) -> StatusCode {
    // Nobody waits for a second answer.
    let _late = lambda.answers.try_send(body);
    StatusCode::ACCEPTED
}

async fn build() -> Result<Executables> {
    let (workspace, processes) = (Workspace::locate()?, Processes::default());
    let step = Progress::stderr().step("build", "build the functions");
    let built = cargo::build_functions(&workspace, &processes, &step).await;
    let built = built.map_err(|error| anyhow!("{error:#}"))?;
    step.done("built");
    Ok(built)
}
