use std::sync::Mutex;

use serde_json::json;

use super::*;
use crate::aws::CallError;

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct TestError(&'static str);

impl StageError for TestError {
    fn kind(&self) -> Kind {
        match self.0 {
            "refused" => Kind::Refused,
            "denied" => Kind::Denied,
            _ => Kind::Transient,
        }
    }

    fn code(&self) -> &'static str {
        self.0
    }

    fn object(&self) -> Option<String> {
        Some("s3://bucket/key".to_owned())
    }

    fn retry_after(&self) -> Option<Duration> {
        (self.0 == "asked to wait").then_some(Duration::from_secs(7_000))
    }
}

/// Keeps what is parked and postponed, or refuses to.
#[derive(Default)]
struct Memory {
    parked: Mutex<Vec<Parked>>,
    postponed: Mutex<Vec<(String, Duration)>>,
    broken: bool,
}

impl Memory {
    fn fail_if_broken(&self) -> Result<(), CallError> {
        match self.broken {
            true => Err(CallError::not_sent("SendMessage", &"queue is gone")),
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

fn stage(broken: bool) -> Stage<Memory> {
    Stage {
        name: "fetcher",
        max_receive_count: 5,
        backoff_base: Duration::from_secs(100),
        queues: Memory { broken, ..Memory::default() },
    }
}

fn invocation(time: Duration) -> Invocation {
    let deadline = Instant::now() + time;
    Invocation { request_id: "request-1".to_owned(), deadline, ends: deadline }
}

/// Bodies say what happens to them; ids are their positions.
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

async fn run(stage: &Stage<Memory>, bodies: &[&str], receive_count: u32) -> Vec<String> {
    run_for(Duration::from_secs(60), stage, bodies, receive_count).await
}

async fn run_for(
    time: Duration,
    stage: &Stage<Memory>,
    bodies: &[&str],
    receive_count: u32,
) -> Vec<String> {
    let handle = |message: Message| async move {
        match message.body.as_str() {
            "done" => Ok(Outcome::Done),
            "nothing" => Ok(Outcome::NothingToDo("object gone")),
            "refused" => Err(TestError("refused")),
            "denied" => Err(TestError("denied")),
            "asked to wait" => Err(TestError("asked to wait")),
            "panic" => panic!("index out of bounds"),
            "hang" => std::future::pending().await,
            _ => Err(TestError("busy")),
        }
    };
    let response =
        stage.run(event(bodies, receive_count), &invocation(time), handle).await.unwrap();
    response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
}

fn attribute(parked: &Parked, name: &str) -> String {
    parked.attributes.iter().find(|(key, _)| *key == name).unwrap().1.clone()
}

#[test]
fn work_that_comes_first_leaves_half_of_the_time() {
    let begun = Instant::now();
    let whole = invocation(Duration::from_secs(60));
    let first = whole.first_half();
    let (used, left) = (first.deadline - begun, whole.deadline - first.deadline);
    assert!(used >= Duration::from_secs(30) && left > Duration::ZERO, "{used:?}, {left:?}");
    assert_eq!(first.ends, whole.ends);
    assert!(invocation(Duration::ZERO).first_half().deadline <= Instant::now(), "there is none");
}

#[tokio::test]
async fn each_record_is_settled_by_itself() {
    let stage = stage(false);
    let failed = run(&stage, &["done", "refused", "busy", "panic", "nothing"], 1).await;
    assert_eq!(failed, ["2", "3"], "only what may pass comes again");
    let parked = stage.queues.parked.lock().unwrap();
    assert_eq!(parked.iter().map(|each| each.body.as_str()).collect::<Vec<_>>(), ["refused"]);
}

#[tokio::test]
async fn the_last_attempt_parks_with_its_cause() {
    let stage = stage(false);
    assert_eq!(run(&stage, &["busy", "panic"], 5).await, Vec::<String>::new());
    let parked = stage.queues.parked.lock().unwrap();
    let [busy, panic] = parked.as_slice() else { panic!("{parked:?}") };
    assert_eq!(busy.body, "busy");
    assert_eq!(attribute(busy, "stage"), "fetcher");
    assert_eq!(attribute(busy, "kind"), "busy");
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
    assert_eq!(run(&stage, &["denied", "refused"], 1).await, ["0"], "it may just have been given");
    assert_eq!(stage.queues.postponed.lock().unwrap().len(), 1);
    assert_eq!(run(&stage, &["denied"], 2).await, Vec::<String>::new());
    let parked = stage.queues.parked.lock().unwrap();
    let denied = parked.iter().find(|parked| parked.body == "denied").unwrap();
    assert_eq!(attribute(denied, "kind"), "denied");
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
    let handle = |_| async { Ok::<_, TestError>(Outcome::Done) };
    assert_eq!(
        stage(false).run(event, &invocation(Duration::from_secs(60)), handle).await,
        Err(UnidentifiedRecord)
    );
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

#[test]
fn an_error_that_quotes_a_body_is_cut() {
    let error = TestError(Box::leak("é".repeat(100_000).into_boxed_str()));
    assert_eq!(Failure::new(&error).error, "é".repeat(1_000));
}

#[tokio::test]
async fn whoever_asks_to_be_left_alone_is_left_alone_for_as_long() {
    let stage = stage(false);
    run(&stage, &["asked to wait"], 1).await;
    let postponed = stage.queues.postponed.lock().unwrap();
    let [(_, delay)] = postponed.as_slice() else { panic!("{postponed:?}") };
    assert_eq!(*delay, Duration::from_secs(7_000), "longer than the first wait of our own");
}

#[tokio::test]
async fn failing_to_postpone_changes_nothing() {
    assert_eq!(run(&stage(true), &["busy", "done"], 1).await, ["0"]);
}
