//! Parameters, outputs and names.

use std::collections::BTreeSet;

use shared::keys::FileName;

use crate::document::{Template, references, text, texts};

#[test]
fn every_parameter_says_what_it_is_and_what_is_wrong_with_a_bad_value() {
    let template = Template::load();
    for (name, parameter) in template.section("Parameters") {
        for field in ["Description", "ConstraintDescription"] {
            assert!(parameter[field].is_string(), "{name} has no {field}");
        }
        let bounded = ["AllowedPattern", "AllowedValues", "MinValue"]
            .iter()
            .any(|rule| !parameter[rule].is_null());
        assert!(bounded, "{name} takes anything");
        let least = parameter["MinValue"].is_null();
        assert_eq!(least, parameter["MaxValue"].is_null(), "{name} is bounded on one side only");
    }
}

#[test]
fn only_the_alert_address_has_to_be_given() {
    let template = Template::load();
    let parameters = template.section("Parameters").iter();
    let required: Vec<&String> = parameters
        .filter(|(_, parameter)| parameter["Default"].is_null())
        .map(|(name, _)| name)
        .collect();
    assert_eq!(required, ["AlertEmail"]);
}

#[test]
fn every_parameter_is_used_and_shown_in_one_group() {
    let template = Template::load();
    let groups = &template.section("Metadata")["AWS::CloudFormation::Interface"]["ParameterGroups"];
    let mut shown: Vec<String> = groups
        .as_array()
        .expect("groups")
        .iter()
        .flat_map(|group| texts(&group["Parameters"]))
        .collect();
    shown.sort();
    let mut declared: Vec<String> = template.section("Parameters").keys().cloned().collect();
    declared.sort();
    assert_eq!(shown, declared);
    let mut used = BTreeSet::new();
    for section in ["Conditions", "Globals", "Resources", "Outputs"] {
        used.extend(template.section(section).values().flat_map(references));
    }
    for parameter in declared {
        assert!(used.contains(&parameter), "{parameter} changes nothing");
    }
}

#[test]
fn reference_defaults_are_kept() {
    let template = Template::load();
    let expected = [
        ("IndexCode", "IBOV"),
        ("Segment", "2"),
        ("PageSize", "1000"),
        ("HttpTimeout", "15"),
        ("FileName", "ibov_setor.parquet"),
        ("DatabaseName", "default"),
        ("GlueJobName", "glue_job_refinamento_bovespa"),
        ("MorningSchedule", "cron(0 10 ? * MON-FRI *)"),
        ("EveningSchedule", "cron(0 21 ? * MON-FRI *)"),
        ("Architecture", "arm64"),
        ("MaxReceiveCount", "5"),
    ];
    for (parameter, default) in expected {
        assert_eq!(template.default_of(parameter), default, "{parameter}");
    }
}

#[test]
fn the_evening_fetch_has_an_hour_that_its_check_can_come_after() {
    let template = Template::load();
    let pattern = |name: &str| text(&template.section("Parameters")[name]["AllowedPattern"]);
    assert_eq!(pattern("EveningSchedule"), r"^cron\(.+\)$");
    assert_eq!(pattern("MorningSchedule"), r"^(cron|rate)\(.+\)$");
}

#[test]
fn index_code_is_what_the_functions_accept() {
    let template = Template::load();
    let pattern = text(&template.section("Parameters")["IndexCode"]["AllowedPattern"]);
    assert_eq!(pattern, "^[A-Z][A-Z0-9]{3}$");
}

#[test]
fn file_name_is_what_the_functions_accept() {
    let template = Template::load();
    let pattern = text(&template.section("Parameters")["FileName"]["AllowedPattern"]);
    let longest = format!("{}.parquet", "x".repeat(92));
    assert_eq!(pattern, r"^[A-Za-z0-9][A-Za-z0-9._-]{0,91}\.parquet$");
    assert!(
        longest.parse::<FileName>().is_ok() && format!("x{longest}").parse::<FileName>().is_err()
    );
}

#[test]
fn several_stacks_fit_in_one_account() {
    let template = Template::load();
    let names = [
        ("AWS::Budgets::Budget", "Budget"),
        ("AWS::CloudWatch::Alarm", "AlarmName"),
        ("AWS::CloudWatch::Dashboard", "DashboardName"),
        ("AWS::Events::Rule", "Name"),
        ("AWS::Glue::Job", "Name"),
        ("AWS::IAM::Role", "RoleName"),
        ("AWS::Logs::LogGroup", "LogGroupName"),
        ("AWS::S3::Bucket", "BucketName"),
        ("AWS::SNS::Topic", "TopicName"),
        ("AWS::SQS::Queue", "QueueName"),
        ("AWS::Scheduler::Schedule", "Name"),
        ("AWS::Scheduler::ScheduleGroup", "Name"),
        ("AWS::Serverless::Function", "FunctionName"),
    ];
    let mut taken = BTreeSet::new();
    for (resource_type, property) in names {
        for resource in template.of_type(resource_type) {
            let name = &template.properties(resource)[property];
            let name = name.get("BudgetName").unwrap_or(name);
            let named = references(name);
            let own = named.iter().any(|name| name == "AWS::StackName" || name == "GlueJobName");
            assert!(name.is_null() || own, "{resource} is called {} in every stack", text(name));
            let unique = name.is_null() || taken.insert((resource_type, text(name)));
            assert!(unique, "{resource} shares its name with another resource");
        }
    }
}

#[test]
fn stack_tells_what_people_and_programs_need_to_reach_it() {
    let template = Template::load();
    let outputs: Vec<(&str, String)> = template
        .section("Outputs")
        .iter()
        .map(|(name, output)| {
            assert!(output["Description"].is_string(), "{name} is not described");
            (name.as_str(), text(&output["Value"]))
        })
        .collect();
    let expected: BTreeSet<(&str, String)> = [
        ("AlertsTopicArn", "AlertsTopic"),
        ("BucketName", "LakeBucket"),
        ("CompletionDlqUrl", "CompletionDlq"),
        ("CompletionQueueUrl", "CompletionQueue"),
        ("CompletionsTopicArn", "CompletionsTopic"),
        ("DatabaseName", "DatabaseName"),
        ("FetchDlqUrl", "FetchDlq"),
        ("FetchQueueUrl", "FetchQueue"),
        ("GlueDlqUrl", "GlueDlq"),
        ("GlueJobName", "GlueJob"),
        ("GlueQueueUrl", "GlueQueue"),
        ("ParquetDlqUrl", "ParquetDlq"),
        ("ParquetQueueUrl", "ParquetQueue"),
        ("WorkGroupName", "QueryWorkGroup"),
    ]
    .into_iter()
    .map(|(name, resource)| (name, format!("${{{resource}}}")))
    .collect();
    assert_eq!(BTreeSet::from_iter(outputs), expected);
}
