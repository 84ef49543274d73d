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
        assert!(
            !text(&properties["AlarmDescription"]).is_empty(),
            "{alarm}: the description is what people read"
        );
    }
}

#[test]
fn a_second_failure_mails_again() {
    let template = Template::load();
    for (stage, ..) in STAGES {
        let alarm = template.properties(&format!("{stage}ParkedAlarm"));
        // What arrives, not what is there: it falls back to zero while the queue is still full.
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
fn a_waiting_dead_letter_is_seen_even_while_somebody_looks_at_it() {
    let template = Template::load();
    for (stage, ..) in STAGES {
        let alarm = template.properties(&format!("{stage}DlqDepthAlarm"));
        assert_goes_off_at_one(&template, alarm);
        let queries = alarm["Metrics"].as_array().expect("metric math");
        let query = |id: &str| {
            queries.iter().find(|query| query["Id"] == id).expect("a query of that name")
        };
        assert_eq!(query("depth")["Expression"], "visible + inflight", "{stage}");
        assert_eq!(query("depth")["ReturnData"], true);
        let parts = [
            ("visible", "ApproximateNumberOfMessagesVisible"),
            ("inflight", "ApproximateNumberOfMessagesNotVisible"),
        ];
        for (id, metric) in parts {
            let queue = format!("${{{stage}Dlq.QueueName}}");
            assert_metric(
                &query(id)["MetricStat"]["Metric"],
                "AWS/SQS",
                metric,
                "QueueName",
                &queue,
            );
            assert_eq!(query(id)["MetricStat"]["Stat"], "Maximum", "{stage}");
            assert_eq!(query(id)["ReturnData"], false, "{stage}");
        }
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
        // Each attempt may wait twice as long as the one before, or for a function that died.
        let waits = (1..attempts).map(|failed| default("BackoffBase") << (failed - 1));
        let longest: u64 = waits.map(|wait| wait.max(default("VisibilityTimeout"))).sum();
        let threshold = template.number(&alarm["Threshold"]);
        assert!(threshold > longest + attempts * default("FunctionTimeout"), "{stage}");
        assert!(threshold < retention / 2, "{stage}: there must be time to act");
    }
}

#[test]
fn silence_is_noticed_only_where_something_was_expected() {
    let template = Template::load();
    assert_eq!(template.resource("NoNewPortfolioAlarm")["Condition"], "RunsOnSchedule");
    let alarm = template.properties("NoNewPortfolioAlarm");
    assert_metric(
        alarm,
        "AWS/SQS",
        "NumberOfMessagesSent",
        "QueueName",
        "${ParquetQueue.QueueName}",
    );
    assert_eq!(alarm["ComparisonOperator"], "LessThanThreshold");
    let seconds = template.number(&alarm["Period"]) * template.number(&alarm["EvaluationPeriods"]);
    let days = seconds / 86_400;
    assert!(days > 4, "a weekend with two holidays has four days without a portfolio");
    assert!(days <= 7, "CloudWatch looks back seven days at most");
}

#[test]
fn an_event_that_no_queue_took_is_noticed() {
    let template = Template::load();
    let alarm = template.properties("LostEventsAlarm");
    assert_metric(alarm, "AWS/Events", "FailedInvocations", "RuleName", "${GlueStateChangeRule}");
    assert_goes_off_at_one(&template, alarm);
}

#[test]
fn alerts_come_from_alarms_of_this_stack_and_from_glue_notifier() {
    let template = Template::load();
    let statements = template.statements_for("Topics", "AlertsTopic");
    let publishers: Vec<String> = statements
        .iter()
        .map(|statement| {
            assert!(allows(statement));
            assert_eq!(texts(&statement["Action"]), ["sns:Publish"]);
            assert_eq!(texts(&statement["Resource"]), ["${AlertsTopic}"]);
            text(&statement["Principal"]["Service"]) + &text(&statement["Principal"]["AWS"])
        })
        .collect();
    assert_eq!(publishers, ["cloudwatch.amazonaws.com", "${GlueNotifierRole.Arn}"]);
    let condition = &statements[0]["Condition"];
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
fn completions_come_from_glue_notifier_only() {
    let template = Template::load();
    let statements = template.statements_for("Topics", "CompletionsTopic");
    let publishers: Vec<String> =
        statements.iter().map(|statement| text(&statement["Principal"]["AWS"])).collect();
    assert_eq!(publishers, ["${GlueNotifierRole.Arn}"]);
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
