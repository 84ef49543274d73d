use std::sync::Mutex;

use serde_json::json;
use tokio::time::Instant;

use super::*;
use crate::{
    aws::{CallError, Cause},
    failure::{Class, Code, Failure},
};

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct TestError(String);

impl StageError for TestError {
    fn failure(&self) -> Failure {
        let failure = match self.0.as_str() {
            "refused" => Failure::permanent(Code::UnknownEvent),
            "denied" => Failure::new(Code::AwsAccessDenied, Class::Denied),
            _ => Failure::transient(Code::AwsBusy),
        };
        let retry_after = (self.0 == "asked to wait").then_some(Duration::from_secs(7_000));
        failure.on("s3://bucket/key").retry_after(retry_after)
    }
}

/// Does what the body of a message says. Each word of a body is a task.
struct Script;

impl Handler for Script {
    const STAGE: &'static str = "fetch";
    type Task = String;
    type Error = TestError;

    async fn from_environment(_: &Environment, _: &Connections) -> Result<Self, SettingError> {
        Ok(Self)
    }

    fn decode(&self, message: &Message) -> Decoded<String, TestError> {
        match message.body.as_str() {
            "undecodable" => Err(TestError("refused".to_owned())),
            "undecodable panic" => panic!("index out of bounds"),
            body => Ok(body.split(' ').map(|word| Ok(word.replace('_', " "))).collect()),
        }
    }

    async fn perform(&self, batch: Batch<'_, String>) -> Vec<Result<Outcome, Failed>> {
        let script = async |word: String| match word.as_str() {
            "done" => Ok(Outcome::Done),
            "nothing" => Ok(Outcome::NothingToDo("object gone")),
            "panic" => panic!("index out of bounds"),
            "hang" => std::future::pending().await,
            _ => Err(TestError(word)),
        };
        batch.each(16, script).await
    }
}

/// Records parked and postponed messages, or fails if `broken`.
#[derive(Default)]
struct Memory {
    parked: Mutex<Vec<Parked>>,
    postponed: Mutex<Vec<(String, Duration)>>,
    broken: bool,
}

impl Memory {
    fn fail_if_broken(&self) -> Result<(), CallError> {
        match self.broken {
            true => Err(CallError::new("SendMessage", "", Cause::Invalid, "queue is gone")),
            false => Ok(()),
        }
    }
}

impl Queues for Memory {
    async fn park(&self, parked: &Parked) -> Result<(), CallError> {
        self.fail_if_broken()?;
        self.parked.lock().unwrap().push(parked.clone());
        Ok(())
    }

    async fn postpone(&self, message: &Message, delay: Duration) -> Result<(), CallError> {
        self.fail_if_broken()?;
        self.postponed.lock().unwrap().push((message.receipt_handle.clone(), delay));
        Ok(())
    }
}

fn stage(broken: bool) -> Stage<Script, Memory> {
    Stage {
        handler: Script,
        max_receive_count: 5,
        backoff_base: Duration::from_secs(100),
        queues: Memory { broken, ..Memory::default() },
    }
}

fn invocation(time: Duration) -> Invocation {
    let deadline = Instant::now() + time;
    Invocation { request_id: "request-1".to_owned(), deadline }
}

/// A message for each body, with its index as message id.
fn event(bodies: &[&str], receive_count: u32) -> SqsEvent {
    let records: Vec<_> = bodies
        .iter()
        .enumerate()
        .map(|(position, body)| {
            json!({"messageId": position.to_string(), "body": body,
                   "receiptHandle": format!("receipt-{position}"),
                   "attributes": {"ApproximateReceiveCount": receive_count.to_string()}})
        })
        .collect();
    serde_json::from_value(json!({"Records": records})).unwrap()
}

async fn run(stage: &Stage<Script, Memory>, bodies: &[&str], receive_count: u32) -> Vec<String> {
    run_for(Duration::from_secs(60), stage, bodies, receive_count).await
}

async fn run_for(
    time: Duration,
    stage: &Stage<Script, Memory>,
    bodies: &[&str],
    receive_count: u32,
) -> Vec<String> {
    let response = stage.handle(event(bodies, receive_count), &invocation(time)).await.unwrap();
    response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
}

fn attribute(parked: &Parked, name: &str) -> String {
    parked.attributes.iter().find(|(key, _)| *key == name).unwrap().1.clone()
}

#[tokio::test]
async fn each_record_is_settled_by_itself() {
    let stage = stage(false);
    let failed = run(&stage, &["done", "refused", "busy", "panic", "nothing"], 1).await;
    assert_eq!(failed, ["2", "3"], "only failures that may pass are retried");
    let parked = stage.queues.parked.lock().unwrap();
    assert_eq!(parked.iter().map(|parked| parked.body.as_str()).collect::<Vec<_>>(), ["refused"]);
}

#[tokio::test]
async fn the_last_attempt_parks_with_its_cause() {
    let stage = stage(false);
    assert_eq!(run(&stage, &["busy", "panic"], 5).await, Vec::<String>::new());
    let parked = stage.queues.parked.lock().unwrap();
    let [busy, panic] = parked.as_slice() else { panic!("{parked:?}") };
    assert_eq!(busy.body, "busy");
    assert_eq!(attribute(busy, "stage"), "fetch");
    assert_eq!(attribute(busy, "code"), "aws-busy");
    assert_eq!(attribute(busy, "class"), "transient");
    assert_eq!(attribute(busy, "object"), "s3://bucket/key");
    assert_eq!(attribute(busy, "attempts"), "5");
    assert_eq!(attribute(busy, "request_id"), "request-1");
    assert_eq!(attribute(panic, "error"), "the handler panicked: index out of bounds");
    assert!(busy.attributes.len() <= 10, "SQS takes ten attributes");
}

#[tokio::test]
async fn a_right_that_is_missing_is_tried_again_once_before_its_message_is_parked() {
    let stage = stage(false);
    assert_eq!(run(&stage, &["denied", "refused"], 1).await, ["0"], "may just have been granted");
    assert_eq!(stage.queues.postponed.lock().unwrap().len(), 1);
    assert_eq!(run(&stage, &["denied"], 2).await, Vec::<String>::new());
    let parked = stage.queues.parked.lock().unwrap();
    let denied = parked.iter().find(|parked| parked.body == "denied").unwrap();
    assert_eq!(attribute(denied, "code"), "aws-access-denied");
    assert_eq!(attribute(denied, "class"), "denied");
    assert_eq!(attribute(denied, "attempts"), "2");
}

#[tokio::test]
async fn where_there_is_one_attempt_a_right_that_is_missing_parks() {
    let stage = Stage { max_receive_count: 1, ..stage(false) };
    assert_eq!(run(&stage, &["denied"], 1).await, Vec::<String>::new());
    assert_eq!(stage.queues.parked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_parked_comes_again() {
    assert_eq!(run(&stage(true), &["refused", "done"], 1).await, ["0"]);
}

#[tokio::test]
async fn a_hanging_record_fails_alone_before_the_function_does() {
    let time = Duration::from_millis(50);
    assert_eq!(run_for(time, &stage(false), &["hang", "done"], 1).await, ["0"]);
}

#[tokio::test]
async fn a_record_without_an_id_fails_the_batch() {
    let event = serde_json::from_value(json!({"Records": [{"body": "done"}]})).unwrap();
    let answer = stage(false).handle(event, &invocation(Duration::from_secs(60))).await;
    assert_eq!(answer.map(|_| ()), Err(UnidentifiedRecord));
}

#[tokio::test]
async fn a_message_that_cannot_be_decoded_harms_no_other() {
    let stage = stage(false);
    let bodies = ["undecodable", "done", "undecodable panic", "busy"];
    assert_eq!(run(&stage, &bodies, 1).await, ["2", "3"]);
    let parked = stage.queues.parked.lock().unwrap();
    assert_eq!(
        parked.iter().map(|parked| parked.body.as_str()).collect::<Vec<_>>(),
        ["undecodable"]
    );
}

#[tokio::test]
async fn a_message_waits_for_all_of_its_parts() {
    let stage = stage(false);
    let bodies = ["hang done", "done done", "panic refused done", "refused done"];
    let failed = run_for(Duration::from_millis(50), &stage, &bodies, 1).await;
    assert_eq!(failed, ["0", "2"]);
    let parked = stage.queues.parked.lock().unwrap();
    let [parked] = parked.as_slice() else { panic!("{parked:?}") };
    assert_eq!(
        (parked.body.as_str(), attribute(parked, "error").as_str()),
        ("refused done", "refused")
    );
}

#[tokio::test]
async fn a_task_that_hangs_occupies_one_place_only() {
    let deadline = Instant::now() + Duration::from_secs(1);
    let invocation = Invocation { request_id: String::new(), deadline };
    let mut batch = Batch::new(&invocation);
    let messages = Message::of_batch(event(&["hang", "1", "2", "3"], 1)).unwrap();
    for message in &messages {
        batch.add(message, message.body.clone());
    }
    let results = batch.each(2, async |body: String| match body.as_str() {
        "hang" => std::future::pending().await,
        _ => {
            // Has to be looked at twice, so that a task begun after the deadline fails.
            tokio::task::yield_now().await;
            Ok::<_, TestError>(Outcome::Done)
        }
    });
    let results: Vec<_> = results.await.into_iter().map(|result| result.is_ok()).collect();
    assert_eq!(results, [false, true, true, true]);
}

#[tokio::test]
async fn work_for_all_tasks_together_fails_for_each() {
    let invocation = invocation(Duration::from_millis(50));
    for (work, code) in [("busy", Code::AwsBusy), ("panic", Code::Bug), ("hang", Code::OutOfTime)] {
        let mut batch = Batch::new(&invocation);
        let messages = Message::of_batch(event(&["1", "2"], 1)).unwrap();
        for message in &messages {
            batch.add(message, ());
        }
        let results = batch.together(async |_| match work {
            "busy" => Err(TestError("busy".to_owned())),
            "panic" => panic!("index out of bounds"),
            _ => std::future::pending().await,
        });
        let codes: Vec<_> =
            results.await.into_iter().map(|result| result.unwrap_err().failure().code).collect();
        assert_eq!(codes, [code, code]);
    }
}

#[tokio::test]
async fn what_comes_again_waits_longer_each_time() {
    let stage = stage(false);
    for attempt in [1, 3] {
        assert_eq!(run(&stage, &["done", "busy"], attempt).await, ["1"]);
    }
    let postponed = stage.queues.postponed.lock().unwrap();
    let [(first, short), (_, long)] = postponed.as_slice() else { panic!("{postponed:?}") };
    assert_eq!(first, "receipt-1");
    assert!((50..=100).contains(&short.as_secs()), "{short:?}");
    assert!((200..=400).contains(&long.as_secs()), "{long:?}");
}

#[tokio::test]
async fn an_error_that_quotes_a_body_is_cut() {
    let stage = stage(false);
    run(&stage, &["é".repeat(100_000).as_str()], 5).await;
    let parked = stage.queues.parked.lock().unwrap();
    assert_eq!(attribute(&parked[0], "error"), "é".repeat(1_000));
}

#[tokio::test]
async fn whoever_asks_to_be_left_alone_is_left_alone_for_as_long() {
    let stage = stage(false);
    run(&stage, &["asked_to_wait"], 1).await;
    let postponed = stage.queues.postponed.lock().unwrap();
    let [(_, delay)] = postponed.as_slice() else { panic!("{postponed:?}") };
    assert_eq!(*delay, Duration::from_secs(7_000), "longer than our own first wait");
}

#[tokio::test]
async fn failing_to_postpone_changes_nothing() {
    assert_eq!(run(&stage(true), &["busy", "done"], 1).await, ["0"]);
}
