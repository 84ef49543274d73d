//! Queues and dead-letter queues, and who may send to them.

use serde_json::Value;

use crate::document::{STAGES, Template, allows, text, texts};

const FOURTEEN_DAYS: u64 = 14 * 24 * 3600;

#[test]
fn every_queue_has_a_dead_letter_queue_that_outlives_it() {
    let template = Template::load();
    assert_eq!(template.of_type("AWS::SQS::Queue").len(), 2 * STAGES.len());
    for (stage, ..) in STAGES {
        let queue = template.properties(&format!("{stage}Queue"));
        let dead_letters = template.properties(&format!("{stage}Dlq"));
        let redrive = &queue["RedrivePolicy"];
        assert_eq!(text(&redrive["deadLetterTargetArn"]), format!("${{{stage}Dlq.Arn}}"));
        assert_eq!(
            text(&redrive["maxReceiveCount"]),
            "${MaxReceiveCount}",
            "{stage}: functions are told the same"
        );
        let kept = template.number(&dead_letters["MessageRetentionPeriod"]);
        assert_eq!(
            kept, FOURTEEN_DAYS,
            "{stage}: SQS keeps no message longer, and people need the time"
        );
        assert!(kept > template.number(&queue["MessageRetentionPeriod"]), "{stage}");
        assert!(dead_letters["RedrivePolicy"].is_null(), "{stage}: a dead-letter queue is the end");
    }
}

#[test]
fn every_dead_letter_queue_takes_messages_of_its_own_queue_only() {
    let template = Template::load();
    for (stage, ..) in STAGES {
        let allowed = &template.properties(&format!("{stage}Dlq"))["RedriveAllowPolicy"];
        assert_eq!(allowed["redrivePermission"], "byQueue", "{stage}");
        // Written out, because queue and dead-letter queue cannot refer to each other.
        let name = text(&template.properties(&format!("{stage}Queue"))["QueueName"]);
        let arn =
            format!("arn:${{AWS::Partition}}:sqs:${{AWS::Region}}:${{AWS::AccountId}}:{name}");
        assert_eq!(texts(&allowed["sourceQueueArns"]), [arn], "{stage}");
    }
}

#[test]
fn visibility_covers_six_timeouts_and_the_batching_window() {
    let template = Template::load();
    let globals = &template.section("Globals")["Function"];
    for (stage, function, _) in STAGES {
        let own_timeout = &template.properties(function)["Timeout"];
        let timeout =
            template.number(if own_timeout.is_null() { &globals["Timeout"] } else { own_timeout });
        let window = &event_of(&template, function)["MaximumBatchingWindowInSeconds"];
        let window = if window.is_null() { 0 } else { template.number(window) };
        let visibility =
            template.number(&template.properties(&format!("{stage}Queue"))["VisibilityTimeout"]);
        assert!(
            visibility >= 6 * timeout + window,
            "{stage}: {visibility} s, 6 × {timeout} s + {window} s"
        );
    }
}

#[test]
fn attempts_of_one_message_outlast_an_hour_of_trouble_but_not_the_queue() {
    let template = Template::load();
    let base = template.number(&template.section("Parameters")["BackoffBase"]["Default"]);
    let attempts = template.number(&template.section("Parameters")["MaxReceiveCount"]["Default"]);
    let longest: u64 = (1..attempts).map(|failed| base << (failed - 1)).sum();
    assert!(longest / 2 >= 3600, "half of each wait is jitter: {longest} s at most");
    for (stage, ..) in STAGES {
        let queue = template.properties(&format!("{stage}Queue"));
        assert!(longest < template.number(&queue["MessageRetentionPeriod"]), "{stage}");
    }
}

#[test]
fn no_setting_lets_a_queue_forget_a_message_between_its_attempts() {
    // Ten hours, the longest wait of the functions.
    const LONGEST_WAIT: u64 = 36_000;
    let template = Template::load();
    let parameter = |name: &str| template.number(&template.section("Parameters")[name]["MaxValue"]);
    let wait = LONGEST_WAIT.max(parameter("VisibilityTimeout"));
    let longest = (parameter("MaxReceiveCount") - 1) * wait;
    for (stage, ..) in STAGES {
        let queue = template.properties(&format!("{stage}Queue"));
        assert!(
            longest < template.number(&queue["MessageRetentionPeriod"]),
            "{stage}: {longest} s"
        );
    }
}

#[test]
fn every_queue_is_encrypted_by_sqs_itself() {
    let template = Template::load();
    for queue in template.of_type("AWS::SQS::Queue") {
        assert_eq!(template.properties(queue)["SqsManagedSseEnabled"], true, "{queue}");
    }
}

#[test]
fn every_queue_refuses_unencrypted_transport() {
    let template = Template::load();
    for queue in template.of_type("AWS::SQS::Queue") {
        let refuses = template.statements_for("Queues", queue).into_iter().any(|statement| {
            statement["Effect"] == "Deny"
                && statement["Principal"] == "*"
                && statement["Action"] == "sqs:*"
                && statement["Condition"]["Bool"]["aws:SecureTransport"] == "false"
        });
        assert!(refuses, "{queue} has no policy that denies plain HTTP");
    }
}

#[test]
fn every_queue_has_one_policy() {
    // The last one deployed would silently replace the others.
    let template = Template::load();
    for queue in template.of_type("AWS::SQS::Queue") {
        let wanted = format!("${{{queue}}}");
        let policies = template.of_type("AWS::SQS::QueuePolicy").into_iter();
        let policies: Vec<&str> = policies
            .filter(|policy| texts(&template.properties(policy)["Queues"]).contains(&wanted))
            .collect();
        assert_eq!(policies.len(), 1, "{queue}: {policies:?}");
    }
}

#[test]
fn only_s3_and_eventbridge_are_let_in_and_only_to_their_queues() {
    let template = Template::load();
    for queue in template.of_type("AWS::SQS::Queue") {
        let expected: &[&str] = match queue {
            "ParquetQueue" | "GlueQueue" => &["s3.amazonaws.com"],
            "CompletionQueue" | "CompletionDlq" => &["events.amazonaws.com"],
            _ => &[],
        };
        let senders: Vec<String> = senders(&template, queue)
            .iter()
            .map(|statement| text(&statement["Principal"]["Service"]))
            .collect();
        assert_eq!(senders, expected, "{queue}");
    }
}

#[test]
fn s3_may_write_to_its_queues_only_from_the_lake_bucket() {
    let template = Template::load();
    for queue in ["ParquetQueue", "GlueQueue"] {
        for statement in senders(&template, queue) {
            assert_sends_only_to(queue, statement);
            let name = &template.properties("LakeBucket")["BucketName"]["Fn::If"];
            let source = &statement["Condition"]["ArnEquals"]["aws:SourceArn"]["Fn::If"];
            assert_eq!(source[0], name[0], "{queue}: the same condition on both sides");
            for branch in [1, 2] {
                let arn = format!("arn:${{AWS::Partition}}:s3:::{}", text(&name[branch]));
                assert_eq!(text(&source[branch]), arn, "{queue}");
            }
        }
    }
}

#[test]
fn eventbridge_may_write_to_the_completion_queue_only_from_its_rule() {
    let template = Template::load();
    let rule = text(&template.properties("GlueStateChangeRule")["Name"]);
    let arn =
        format!("arn:${{AWS::Partition}}:events:${{AWS::Region}}:${{AWS::AccountId}}:rule/{rule}");
    for queue in ["CompletionQueue", "CompletionDlq"] {
        for statement in senders(&template, queue) {
            assert_sends_only_to(queue, statement);
            assert_eq!(text(&statement["Condition"]["ArnEquals"]["aws:SourceArn"]), arn, "{queue}");
        }
    }
}

/// The statements that allow sending to a queue.
fn senders<'a>(template: &'a Template, queue: &str) -> Vec<&'a Value> {
    template
        .statements_for("Queues", queue)
        .into_iter()
        .filter(|statement| allows(statement))
        .collect()
}

fn assert_sends_only_to(queue: &str, statement: &Value) {
    assert_eq!(texts(&statement["Action"]), ["sqs:SendMessage"], "{queue}");
    assert_eq!(texts(&statement["Resource"]), [format!("${{{queue}.Arn}}")]);
    let account = &statement["Condition"]["StringEquals"]["aws:SourceAccount"];
    assert_eq!(text(account), "${AWS::AccountId}", "{queue}");
}

/// The one event of a function.
fn event_of<'a>(template: &'a Template, function: &str) -> &'a Value {
    let events =
        template.properties(function)["Events"].as_object().expect("a function has events");
    assert_eq!(events.len(), 1, "{function} has one queue");
    &events.values().next().expect("one event")["Properties"]
}
