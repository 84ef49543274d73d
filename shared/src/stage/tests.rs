use std::sync::Mutex;

use serde_json::json;

use super::*;

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct TestError(&'static str);

impl StageError for TestError {
    fn kind(&self) -> Kind {
        match self.0 {
            "refused" => Kind::Refused,
            _ => Kind::Transient,
        }
    }

    fn code(&self) -> &'static str {
        self.0
    }

    fn object(&self) -> Option<String> {
        Some("s3://bucket/key".to_owned())
    }
}

/// Keeps what is parked, or refuses to.
#[derive(Default)]
struct Memory {
    parked: Mutex<Vec<Parked>>,
    broken: bool,
}

impl DeadLetters for Memory {
    async fn park(&self, parked: &Parked) -> Result<(), ParkingError> {
        if self.broken {
            return Err(crate::aws::CallError::not_sent("SendMessage", &"queue is gone").into());
        }
        self.parked.lock().unwrap().push(parked.clone());
        Ok(())
    }
}

fn stage(broken: bool) -> Stage<Memory> {
    Stage {
        name: "fetcher",
        max_receive_count: 5,
        dead_letters: Memory { broken, ..Memory::default() },
    }
}

fn invocation(time: Duration) -> Invocation {
    Invocation { request_id: "request-1".to_owned(), deadline: Instant::now() + time }
}

/// Bodies say what happens to them; ids are their positions.
fn event(bodies: &[&str], receive_count: u32) -> SqsEvent {
    let records: Vec<_> = bodies
        .iter()
        .enumerate()
        .map(|(position, body)| {
            json!({"messageId": position.to_string(), "body": body,
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

#[tokio::test]
async fn each_record_is_settled_by_itself() {
    let stage = stage(false);
    let failed = run(&stage, &["done", "refused", "busy", "panic", "nothing"], 1).await;
    assert_eq!(failed, ["2", "3"], "only what may pass comes again");
    let parked = stage.dead_letters.parked.lock().unwrap();
    assert_eq!(parked.iter().map(|each| each.body.as_str()).collect::<Vec<_>>(), ["refused"]);
}

#[tokio::test]
async fn the_last_attempt_parks_with_its_cause() {
    let stage = stage(false);
    assert_eq!(run(&stage, &["busy", "panic"], 5).await, Vec::<String>::new());
    let parked = stage.dead_letters.parked.lock().unwrap();
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

#[test]
fn attributes_hold_only_what_sqs_takes() {
    let message = Message { id: "1".to_owned(), body: "b".to_owned(), receive_count: 1 };
    let failure = Failure {
        kind: Kind::Refused,
        code: "x",
        error: format!("a\u{0}b{}", "é".repeat(5_000)),
        object: None,
    };
    let parked = Parked::new("fetcher", &message, &failure, "");
    assert!(attribute(&parked, "error").starts_with("a\u{fffd}bé"));
    assert_eq!(attribute(&parked, "error").chars().count(), 1_000);
    assert!(!parked.attributes.iter().any(|(name, _)| matches!(*name, "object" | "request_id")));
}
