//! Topics, who may publish to them, and the alarms.

use serde_json::Value;

use crate::document::{STAGES, Template, allows, repository, text, texts};

#[test]
fn every_alarm_mails_people() {
    let template = Template::load();
    for alarm in template.of_type("AWS::CloudWatch::Alarm") {
        let properties = template.properties(alarm);
        assert_eq!(texts(&properties["AlarmActions"]), ["${AlertsTopic}"], "{alarm}");
        assert!(properties["ActionsEnabled"].is_null(), "{alarm}");
        assert_eq!(
            properties["TreatMissingData"], "notBreaching",
            "{alarm}: an idle stack is a healthy one"
        );
    }
}

#[test]
fn a_second_failure_mails_again() {
    let template = Template::load();
    for (stage, ..) in STAGES {
        let alarm = template.properties(&format!("{stage}ParkedAlarm"));
        // It counts arrivals, so it falls back to zero while the queue is still full.
        assert_metric(
            alarm,
            "AWS/SQS",
            "NumberOfMessagesSent",
            "QueueName",
            &format!("${{{stage}Dlq.QueueName}}"),
        );
        assert_eq!(
            (text(&alarm["Statistic"]).as_str(), template.number(&alarm["Period"])),
            ("Sum", 300)
        );
        assert_goes_off_at_one(&template, alarm);
    }
}

#[test]
fn a_waiting_dead_letter_is_seen_by_a_metric_that_is_always_there() {
    let template = Template::load();
    for (stage, ..) in STAGES {
        let alarm = template.properties(&format!("{stage}DlqDepthAlarm"));
        // SQS omits the metric of messages in flight if there are none, and a sum with a missing metric is missing.
        assert!(alarm["Metrics"].is_null(), "{stage}");
        assert_metric(
            alarm,
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            "QueueName",
            &format!("${{{stage}Dlq.QueueName}}"),
        );
        assert_eq!(alarm["Statistic"], "Maximum", "{stage}");
        assert_goes_off_at_one(&template, alarm);
    }
}

#[test]
fn every_function_has_alarms_on_errors_and_throttles() {
    let template = Template::load();
    for (_, function, _) in STAGES {
        for metric in ["Errors", "Throttles"] {
            let alarm = template.properties(&format!("{function}{metric}Alarm"));
            assert_metric(alarm, "AWS/Lambda", metric, "FunctionName", &format!("${{{function}}}"));
            assert_eq!(alarm["Statistic"], "Sum", "{function} {metric}");
        }
    }
}

#[test]
fn a_queue_that_nobody_reads_is_noticed_but_not_one_that_retries() {
    let template = Template::load();
    for (stage, ..) in STAGES {
        let alarm = template.properties(&format!("{stage}AgeAlarm"));
        let queue = format!("${{{stage}Queue.QueueName}}");
        assert_metric(alarm, "AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", &queue);
        let retention = template
            .number(&template.properties(&format!("{stage}Queue"))["MessageRetentionPeriod"]);
        let default =
            |parameter: &str| template.default_of(parameter).parse::<u64>().expect("a number");
        let attempts = default("MaxReceiveCount");
        // Each wait may be twice the one before, or the visibility timeout after a function died.
        let waits = (1..attempts).map(|failed| default("BackoffBase") << (failed - 1));
        let longest: u64 = waits.map(|wait| wait.max(default("VisibilityTimeout"))).sum();
        let threshold = template.number(&alarm["Threshold"]);
        assert!(threshold > longest + attempts * default("FunctionTimeout"), "{stage}");
        assert!(threshold < retention / 2, "{stage}: there must be time to act");
    }
}

#[test]
fn a_missing_portfolio_is_noticed_only_where_one_was_expected() {
    let template = Template::load();
    assert_eq!(template.resource("NoNewPortfolioAlarm")["Condition"], "RunsOnSchedule");
    let seconds = assert_tells_silence(&template, "NoNewPortfolioAlarm", "ParquetQueue");
    let days = seconds / 86_400;
    assert!(days > 4, "a weekend with two holidays has four days without a portfolio");
    assert!(days <= 7, "CloudWatch looks back seven days at most");
}

#[test]
fn ticks_that_stop_are_noticed_whether_or_not_something_is_fetched() {
    let template = Template::load();
    assert!(template.resource("SilenceAlarm")["Condition"].is_null());
    let seconds = assert_tells_silence(&template, "SilenceAlarm", "CompletionQueue");
    assert_eq!(template.default_of("TickSchedule"), "rate(15 minutes)");
    assert!(seconds >= 4 * 15 * 60, "one late tick is no silence");
    assert!(seconds <= 2 * 60 * 60, "a run whose end nobody hears of waits that much longer");
}

/// The seconds of silence after which the alarm goes off.
fn assert_tells_silence(template: &Template, alarm: &str, queue: &str) -> u64 {
    let alarm = template.properties(alarm);
    // Sent messages are only reported if there are any; those that Lambda receives are also reported as zero.
    let queue = format!("${{{queue}.QueueName}}");
    assert_metric(alarm, "AWS/SQS", "NumberOfMessagesReceived", "QueueName", &queue);
    assert_eq!(alarm["Statistic"], "Sum");
    assert_eq!(alarm["ComparisonOperator"], "LessThanThreshold");
    assert_eq!(template.number(&alarm["Threshold"]), 1);
    assert!(alarm["DatapointsToAlarm"].is_null(), "every period has to be silent");
    template.number(&alarm["Period"]) * template.number(&alarm["EvaluationPeriods"])
}

#[test]
fn an_event_that_no_queue_took_is_noticed() {
    let template = Template::load();
    let rule = &template.properties("GlueStateChangeRule")["Targets"][0];
    assert!(rule["DeadLetterConfig"].is_object(), "only then is this metric the one that counts");
    let alarm = template.properties("LostEventsAlarm");
    let metric = "InvocationsFailedToBeSentToDlq";
    assert_metric(alarm, "AWS/Events", metric, "RuleName", "${GlueStateChangeRule}");
    assert_goes_off_at_one(&template, alarm);
}

#[test]
fn a_schedule_that_does_not_reach_its_queue_is_noticed() {
    let template = Template::load();
    let expected = [
        ("SchedulesDroppedAlarm", "InvocationDroppedCount"),
        ("SchedulesLostAlarm", "InvocationsFailedToBeSentToDeadLetterCount"),
    ];
    for (alarm, metric) in expected {
        let alarm = template.properties(alarm);
        assert_metric(alarm, "AWS/Scheduler", metric, "ScheduleGroup", "${ScheduleGroup}");
        assert_eq!(alarm["Statistic"], "Sum", "{metric}");
        assert_goes_off_at_one(&template, alarm);
    }
}

#[test]
fn alerts_come_from_alarms_of_this_stack() {
    let template = Template::load();
    let publishers = publishers(&template, "AlertsTopic");
    assert_eq!(publishers.len(), 1, "glue-notifier's right is in its role");
    assert_eq!(publishers[0]["Principal"]["Service"], "cloudwatch.amazonaws.com");
    let condition = &publishers[0]["Condition"];
    assert_eq!(text(&condition["StringEquals"]["aws:SourceAccount"]), "${AWS::AccountId}");
    let own = "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:${AWS::StackName}-*";
    assert_eq!(text(&condition["ArnLike"]["aws:SourceArn"]), own);
    for alarm in template.of_type("AWS::CloudWatch::Alarm") {
        let name = text(&template.properties(alarm)["AlarmName"]);
        assert!(
            name.starts_with("${AWS::StackName}-"),
            "{alarm}: the topic takes no alarm called {name}"
        );
    }
}

#[test]
fn nobody_publishes_completions_without_the_right_in_a_role() {
    assert_eq!(publishers(&Template::load(), "CompletionsTopic"), Vec::<&Value>::new());
}

fn publishers<'a>(template: &'a Template, topic: &str) -> Vec<&'a Value> {
    let mut statements = template.statements_for("Topics", topic);
    statements.retain(|statement| allows(statement));
    for statement in &statements {
        assert_eq!(texts(&statement["Action"]), ["sns:Publish"]);
        assert_eq!(texts(&statement["Resource"]), [format!("${{{topic}}}")]);
    }
    statements
}

#[test]
fn topics_refuse_unencrypted_transport() {
    let template = Template::load();
    for topic in template.of_type("AWS::SNS::Topic") {
        let statements = template.statements_for("Topics", topic);
        let refusals: Vec<&&Value> =
            statements.iter().filter(|statement| statement["Effect"] == "Deny").collect();
        assert_eq!(refusals.len(), 1, "{topic}");
        assert_eq!(refusals[0]["Principal"], "*", "{topic}");
        // SNS accepts no wildcard here, and only actions about topics.
        assert_eq!(refusals[0]["Action"], "sns:Publish", "{topic}");
        assert_eq!(texts(&refusals[0]["Resource"]), [format!("${{{topic}}}")]);
        let expected = serde_json::json!({"Bool": {"aws:SecureTransport": "false"}});
        assert_eq!(refusals[0]["Condition"], expected, "{topic}");
    }
}

#[test]
fn mail_is_not_filtered_and_completion_mail_is_optional() {
    let template = Template::load();
    let expected = [
        ("AlertSubscription", "${AlertsTopic}", "${AlertEmail}", Value::Null),
        (
            "CompletionSubscription",
            "${CompletionsTopic}",
            "${CompletionEmail}",
            "HasCompletionEmail".into(),
        ),
    ];
    for (name, topic, address, condition) in expected {
        let subscription = template.properties(name);
        assert_eq!(text(&subscription["TopicArn"]), topic);
        assert_eq!(subscription["Protocol"], "email");
        assert_eq!(text(&subscription["Endpoint"]), address);
        assert!(
            subscription["FilterPolicy"].is_null(),
            "{name}: alarms carry no attributes to filter by"
        );
        assert_eq!(template.resource(name)["Condition"], condition, "{name}");
    }
}

#[test]
fn readme_counts_the_alarms_and_what_they_cost() {
    let template = Template::load();
    let alarms = template.of_type("AWS::CloudWatch::Alarm");
    let metrics: usize = alarms
        .iter()
        .map(|alarm| {
            let queries = template.properties(alarm)["Metrics"].as_array();
            queries.map_or(1, |queries| {
                queries.iter().filter(|query| query["MetricStat"].is_object()).count()
            })
        })
        .sum();
    let readme = std::fs::read_to_string(repository().join("infra/README.md"))
        .expect("infra/README.md can be read");
    let counted = format!("{} alarms over {metrics} metrics", alarms.len());
    assert!(readme.contains(&counted), "infra/README.md does not say {counted:?}");
}

fn assert_metric(value: &Value, namespace: &str, metric: &str, dimension: &str, of: &str) {
    assert_eq!(value["Namespace"], namespace, "{metric} of {of}");
    assert_eq!(value["MetricName"], metric, "of {of}");
    let dimensions = value["Dimensions"].as_array().expect("a metric has dimensions");
    let dimensions: Vec<[String; 2]> =
        dimensions.iter().map(|entry| [text(&entry["Name"]), text(&entry["Value"])]).collect();
    assert_eq!(dimensions, [[dimension.to_owned(), of.to_owned()]], "{metric}");
}

fn assert_goes_off_at_one(template: &Template, alarm: &Value) {
    let name = text(&alarm["AlarmName"]);
    assert_eq!(alarm["ComparisonOperator"], "GreaterThanOrEqualToThreshold", "{name}");
    assert_eq!(template.number(&alarm["Threshold"]), 1, "{name}");
    assert_eq!(template.number(&alarm["EvaluationPeriods"]), 1, "{name}");
}
