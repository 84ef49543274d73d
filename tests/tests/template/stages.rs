//! The four functions, what feeds them, and the schedules.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::document::{STAGES, Template, repository, text, texts};

/// The schedules that fetch.
const FETCHES: [&str; 2] = ["EveningFetch", "MorningFetch"];

#[test]
fn every_stage_is_a_queue_a_dead_letter_queue_and_a_function() {
    let template = Template::load();
    assert_eq!(template.of_type("AWS::Serverless::Function").len(), STAGES.len());
    for (stage, function, binary) in STAGES {
        let properties = template.properties(function);
        assert_eq!(text(&properties["FunctionName"]), format!("${{AWS::StackName}}-{binary}"));
        let variables = &properties["Environment"]["Variables"];
        assert_eq!(text(&variables["QUEUE_URL"]), format!("${{{stage}Queue}}"), "{function}");
        assert_eq!(text(&variables["DLQ_URL"]), format!("${{{stage}Dlq}}"), "{function}");
        let (_, event) = only_event(&template, function);
        assert_eq!(event["Type"], "SQS", "{function}");
        assert_eq!(
            text(&event["Properties"]["Queue"]),
            format!("${{{stage}Queue.Arn}}"),
            "{function}"
        );
    }
}

#[test]
fn one_bad_message_does_not_fail_its_batch() {
    let template = Template::load();
    for (_, function, _) in STAGES {
        let (_, event) = only_event(&template, function);
        assert_eq!(
            texts(&event["Properties"]["FunctionResponseTypes"]),
            ["ReportBatchItemFailures"],
            "{function}"
        );
    }
}

#[test]
fn only_what_asks_somebody_elses_server_has_a_bound() {
    // A bound keeps Lambda from polling an idle queue less often, so the template has to give a reason for it.
    let template = Template::load();
    for (_, function, _) in STAGES {
        let (_, event) = only_event(&template, function);
        let bound = &event["Properties"]["ScalingConfig"];
        let expected = match function {
            "Fetcher" => serde_json::json!({"MaximumConcurrency": 2}),
            _ => Value::Null,
        };
        assert_eq!(*bound, expected, "{function}: 2 is the least that Lambda accepts");
        assert!(
            template.properties(function)["ReservedConcurrentExecutions"].is_null(),
            "{function}: taken from others"
        );
    }
}

#[test]
fn a_batch_above_ten_has_the_window_that_lambda_demands() {
    let template = Template::load();
    let least_window =
        template.number(&template.section("Parameters")["GlueBatchingWindow"]["MinValue"]);
    for (_, function, _) in STAGES {
        let (_, event) = only_event(&template, function);
        let window = &event["Properties"]["MaximumBatchingWindowInSeconds"];
        if template.number(&event["Properties"]["BatchSize"]) > 10 {
            assert_eq!(text(window), "${GlueBatchingWindow}", "{function}");
            assert!(least_window >= 1);
        } else {
            assert!(window.is_null(), "{function} would wait for nothing");
        }
    }
}

#[test]
fn fetch_requests_come_one_at_a_time() {
    let template = Template::load();
    let (_, event) = only_event(&template, "Fetcher");
    assert_eq!(event["Properties"]["BatchSize"], 1);
}

#[test]
fn every_function_is_built_from_a_crate_of_this_workspace() {
    let template = Template::load();
    assert_eq!(template.section("Globals")["Function"]["Runtime"], "provided.al2023");
    for (_, function, binary) in STAGES {
        let metadata = &template.resource(function)["Metadata"];
        assert_eq!(metadata["BuildMethod"], "rust-cargolambda", "{function}");
        assert_eq!(metadata["BuildProperties"]["Binary"], binary, "{function}");
        assert_eq!(
            template.properties(function)["CodeUri"],
            "..",
            "{function}: the workspace, seen from infra/"
        );
        let manifest = repository().join("services").join(binary).join("Cargo.toml");
        assert!(manifest.is_file(), "{} does not exist", manifest.display());
    }
}

#[test]
fn every_function_has_a_log_group_of_its_own() {
    let template = Template::load();
    for (_, function, binary) in STAGES {
        let group = format!("{function}Logs");
        assert_eq!(
            text(&template.properties(function)["LoggingConfig"]["LogGroup"]),
            format!("${{{group}}}")
        );
        let name = text(&template.properties(&group)["LogGroupName"]);
        assert_eq!(name, format!("/aws/lambda/${{AWS::StackName}}-{binary}"));
    }
}

#[test]
fn every_log_group_expires() {
    let template = Template::load();
    let groups = template.of_type("AWS::Logs::LogGroup");
    assert_eq!(groups.len(), STAGES.len() + 2, "one per function, two of the Glue job: {groups:?}");
    for group in groups {
        assert_eq!(
            text(&template.properties(group)["RetentionInDays"]),
            "${LogRetentionDays}",
            "{group}"
        );
    }
}

#[test]
fn functions_get_the_variables_that_they_read() {
    let template = Template::load();
    let shared = variables(&template.section("Globals")["Function"]);
    assert_eq!(shared, ["BACKOFF_BASE", "MAX_RECEIVE_COUNT", "RUST_LOG"]);
    let expected: [(&str, &[&str]); 4] = [
        (
            "Fetcher",
            &[
                "B3_BASE_URL",
                "DLQ_URL",
                "HTTP_TIMEOUT",
                "INDEX",
                "PAGE_SIZE",
                "QUEUE_URL",
                "S3_BUCKET",
                "SEGMENT",
            ],
        ),
        ("ParquetWriter", &["DLQ_URL", "FILENAME", "INDEX", "QUEUE_URL", "S3_BUCKET", "SEGMENT"]),
        ("GlueTrigger", &["DLQ_URL", "FILENAME", "GLUE_JOB_NAME", "QUEUE_URL", "S3_BUCKET"]),
        (
            "GlueNotifier",
            &[
                "ALERTS_TOPIC_ARN",
                "COMPLETIONS_TOPIC_ARN",
                "DLQ_URL",
                "FILENAME",
                "GLUE_DLQ_ARN",
                "GLUE_DLQ_URL",
                "GLUE_JOB_NAME",
                "GLUE_QUEUE_ARN",
                "INDEX",
                "MAIL_LANGUAGE",
                "QUEUE_URL",
                "S3_BUCKET",
                "STACK_NAME",
            ],
        ),
    ];
    for (function, names) in expected {
        assert_eq!(variables(template.properties(function)), names, "{function}");
    }
}

#[test]
fn glue_notifier_parks_failed_dates_on_the_queue_that_glue_trigger_redrives_from() {
    let template = Template::load();
    let variables = &template.properties("GlueNotifier")["Environment"]["Variables"];
    assert_eq!(text(&variables["GLUE_DLQ_URL"]), "${GlueDlq}");
    assert_eq!(text(&variables["GLUE_DLQ_ARN"]), "${GlueDlq.Arn}");
    assert_eq!(text(&variables["GLUE_QUEUE_ARN"]), "${GlueQueue.Arn}");
    assert_eq!(text(&variables["STACK_NAME"]), "${AWS::StackName}");
}

#[test]
fn every_schedule_has_a_role_and_the_dead_letter_queue_of_its_stage() {
    let template = Template::load();
    let schedules = template.of_type("AWS::Scheduler::Schedule");
    let expected: BTreeSet<&str> = FETCHES.into_iter().chain(["SessionCheck", "Tick"]).collect();
    assert_eq!(BTreeSet::from_iter(schedules.iter().copied()), expected);
    for schedule in schedules {
        let properties = template.properties(schedule);
        let target = &properties["Target"];
        let stage = if FETCHES.contains(&schedule) { "Fetch" } else { "Completion" };
        assert_eq!(text(&target["Arn"]), format!("${{{stage}Queue.Arn}}"), "{schedule}");
        assert_eq!(
            text(&target["RoleArn"]),
            "${ScheduleRole.Arn}",
            "{schedule}: unlike a rule, it needs one"
        );
        let parked = text(&target["DeadLetterConfig"]["Arn"]);
        assert_eq!(parked, format!("${{{stage}Dlq.Arn}}"), "{schedule}");
        assert!(template.number(&target["RetryPolicy"]["MaximumRetryAttempts"]) > 0, "{schedule}");
        let zone = if schedule == "SessionCheck" { "Atlantic/Cape_Verde" } else { "UTC" };
        assert_eq!(properties["ScheduleExpressionTimezone"], zone, "{schedule}");
    }
}

#[test]
fn fetches_can_be_switched_off_and_ask_for_index_and_segment() {
    let template = Template::load();
    for schedule in FETCHES {
        assert_eq!(text(&template.properties(schedule)["State"]), "${ScheduleState}", "{schedule}");
        let expected = serde_json::json!({"index": "${IndexCode}", "segment": "${Segment}"});
        assert_eq!(input(&template, schedule), expected, "{schedule}");
    }
}

#[test]
fn tick_comes_every_quarter_of_an_hour_even_where_nothing_is_fetched_by_itself() {
    let template = Template::load();
    let tick = template.properties("Tick");
    assert_eq!(tick["State"], "ENABLED");
    assert_eq!(text(&tick["ScheduleExpression"]), "${TickSchedule}");
    assert_eq!(template.default_of("TickSchedule"), "rate(15 minutes)");
    assert_eq!(input(&template, "Tick"), serde_json::json!({"tick": true}));
    // The next tick supersedes one that is late.
    assert_eq!(tick["Target"]["RetryPolicy"]["MaximumEventAgeInSeconds"], 15 * 60);
}

#[test]
fn a_missed_session_is_looked_for_an_hour_after_the_evening_fetch_wherever_there_is_one() {
    let template = Template::load();
    let (check, evening) =
        (template.properties("SessionCheck"), template.properties("EveningFetch"));
    assert_eq!(check["ScheduleExpression"], evening["ScheduleExpression"]);
    assert_eq!(check["State"], evening["State"]);
    // Its clock is an hour behind that of the fetch, so the same hour comes an hour later.
    assert_eq!(evening["ScheduleExpressionTimezone"], "UTC");
    assert_eq!(check["ScheduleExpressionTimezone"], "Atlantic/Cape_Verde");
    let expected = serde_json::json!({"session_check": "<aws.scheduler.scheduled-time>"});
    assert_eq!(input(&template, "SessionCheck"), expected);
}

/// The message of a schedule.
fn input(template: &Template, schedule: &str) -> Value {
    let input = text(&template.properties(schedule)["Target"]["Input"]);
    serde_json::from_str(&input).expect("the input is JSON")
}

/// The name and the content of a function's one event.
fn only_event<'a>(template: &'a Template, function: &str) -> (&'a str, &'a Value) {
    let events =
        template.properties(function)["Events"].as_object().expect("a function has events");
    assert_eq!(events.len(), 1, "{function} has one queue");
    events.iter().next().map(|(name, event)| (name.as_str(), event)).expect("one event")
}

fn variables(function: &Value) -> Vec<&str> {
    let variables =
        function["Environment"]["Variables"].as_object().expect("a function has variables");
    let mut names: Vec<&str> = variables.keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}
