//! What people read in the mails of alarms, in both languages, and when they get one.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::document::{STAGES, Template, text, texts};

/// The longest name that a stack may have, because of the bucket's.
const LONGEST_NAME: &str = "a-stack-whose-name-has-as-many-letters-as-may";
const LONGEST_REGION: &str = "ap-southeast-1";
const LANGUAGES: [&str; 2] = ["en", "pt"];

/// The description of an alarm, as CloudFormation makes it.
fn description(template: &Template, alarm: &str, language: &str) -> String {
    let description = &template.properties(alarm)["AlarmDescription"]["Fn::Sub"];
    let mut read = description[0].as_str().unwrap_or_else(|| panic!("{alarm}")).to_owned();
    for (name, word) in description[1].as_object().unwrap_or_else(|| panic!("{alarm}")) {
        let place = &word["Fn::FindInMap"];
        assert_eq!(place[2], json!({"Ref": "Language"}), "{alarm}: {name}");
        let mapping = &template.section("Mappings")[&text(&place[0])];
        let word = mapping[&text(&place[1])][language].as_str();
        let word = word.unwrap_or_else(|| panic!("{alarm}: {name} has no words in {language}"));
        assert!(read.contains(&format!("${{{name}}}")), "{alarm} does not say {name}");
        read = read.replace(&format!("${{{name}}}"), word);
    }
    read = read.replace("${AWS::StackName}", LONGEST_NAME);
    read = read.replace("${AWS::Region}", LONGEST_REGION);
    assert!(!read.contains("${"), "{alarm} is not filled in: {read}");
    read
}

/// The commands of a description, without stack and region, which each has to name.
fn commands(description: &str) -> Vec<String> {
    let on = format!(" --stack {LONGEST_NAME} --region {LONGEST_REGION}");
    let commands = description.lines().filter_map(|line| line.split_once(": ibov "));
    commands
        .map(|(_, command)| {
            let command = command.strip_suffix(&on);
            command.unwrap_or_else(|| panic!("another stack: {description}")).to_owned()
        })
        .collect()
}

#[test]
fn the_description_of_an_alarm_fits_into_cloudwatch_whatever_the_stack_is_called() {
    const MOST_CHARACTERS: usize = 1024;
    let template = Template::load();
    assert_eq!(LONGEST_NAME.len(), 45);
    for alarm in template.of_type("AWS::CloudWatch::Alarm") {
        for language in LANGUAGES {
            let length = description(&template, alarm, language).chars().count();
            assert!(length <= MOST_CHARACTERS, "{alarm} in {language}: {length}");
        }
    }
}

#[test]
fn an_alarm_says_what_it_means_and_names_the_commands_that_look_and_repair() {
    let template = Template::load();
    for (stage, function, _) in STAGES {
        let stage_name = stage.to_lowercase();
        let of = |command: &str| format!("{command} {stage_name}");
        // What waits in the stage's own queue needs no redrive, but a function that runs.
        let expected = [
            (format!("{stage}ParkedAlarm"), [of("parked"), of("redrive")]),
            (format!("{stage}DlqDepthAlarm"), [of("parked"), of("redrive")]),
            (format!("{stage}AgeAlarm"), [of("logs"), "doctor".to_owned()]),
            (format!("{function}ErrorsAlarm"), [of("logs"), of("redrive")]),
            (format!("{function}ThrottlesAlarm"), ["status".to_owned(), "doctor".to_owned()]),
        ];
        for (alarm, expected) in expected {
            for language in LANGUAGES {
                let read = description(&template, &alarm, language);
                assert_eq!(commands(&read), expected, "{alarm} in {language}");
                let meaning =
                    &template.section("Mappings")["AlarmTexts"][&format!("{stage}Data")][language];
                assert!(read.contains(&text(meaning)), "{alarm} in {language}: for the data?");
            }
        }
    }
    let others: [(&str, &[&str]); 5] = [
        ("LostEventsAlarm", &["status", "doctor"]),
        ("SchedulesDroppedAlarm", &["parked", "redrive fetch", "redrive completion"]),
        ("SchedulesLostAlarm", &["status", "fetch"]),
        ("SilenceAlarm", &["status", "doctor"]),
        ("NoNewPortfolioAlarm", &["status", "fetch"]),
    ];
    for (alarm, expected) in others {
        for language in LANGUAGES {
            assert_eq!(commands(&description(&template, alarm, language)), expected, "{alarm}");
        }
    }
    let alarms = template.of_type("AWS::CloudWatch::Alarm").len();
    assert_eq!(alarms, STAGES.len() * 5 + others.len(), "an alarm that this test does not know");
}

#[test]
fn every_text_of_an_alarm_is_used_and_has_both_languages() {
    let template = Template::load();
    let texts = template.section("Mappings")["AlarmTexts"].as_object().expect("texts");
    let all = template.section("Resources").values().map(Value::to_string).collect::<String>();
    for (name, languages) in texts {
        let languages: BTreeSet<&String> =
            languages.as_object().expect("languages").keys().collect();
        assert!(languages.into_iter().eq(LANGUAGES), "{name}");
        assert!(
            all.contains(&format!(r#"["AlarmTexts","{name}",{{"Ref":"Language"}}]"#)),
            "{name}"
        );
    }
}

#[test]
fn alarms_that_show_a_state_mail_an_all_clear_and_those_that_count_do_not() {
    // A count falls back after a quiet period, repaired or not.
    let template = Template::load();
    for alarm in template.of_type("AWS::CloudWatch::Alarm") {
        let properties = template.properties(alarm);
        let counts = properties["Statistic"] == "Sum"
            && properties["ComparisonOperator"] != "LessThanThreshold";
        let expected: &[&str] = if counts { &[] } else { &["${AlertsTopic}"] };
        assert_eq!(texts(&properties["OKActions"]), expected, "{alarm}");
        assert!(properties["InsufficientDataActions"].is_null(), "{alarm}");
        for (language, words) in [("en", "is the all-clear"), ("pt", "diz que passou")] {
            let read = description(&template, alarm, language);
            assert_eq!(read.contains(words), !counts, "{alarm} in {language}: {read}");
        }
    }
}

#[test]
fn alarms_and_glue_notifier_speak_the_language_of_the_stack() {
    let template = Template::load();
    let language = &template.section("Parameters")["Language"];
    assert_eq!(language["AllowedValues"], json!(LANGUAGES));
    assert_eq!(language["Default"], "en", "as names, codes and log lines are");
    let variables = &template.properties("GlueNotifier")["Environment"]["Variables"];
    assert_eq!(text(&variables["MAIL_LANGUAGE"]), "${Language}");
}

#[test]
fn a_budget_is_optional_and_mails_at_eighty_per_cent_and_when_all_of_it_is_forecast() {
    let template = Template::load();
    assert_eq!(template.default_of("MonthlyBudget"), "0");
    assert_eq!(template.resource("Budget")["Condition"], "HasBudget");
    let none = json!({"Fn::Not": [{"Fn::Equals": [{"Ref": "MonthlyBudget"}, "0"]}]});
    assert_eq!(template.section("Conditions")["HasBudget"], none);
    let budget = template.properties("Budget");
    let limit = json!({"Amount": {"Ref": "MonthlyBudget"}, "Unit": "USD"});
    assert_eq!(budget["Budget"]["BudgetLimit"], limit);
    assert!(budget["Budget"]["CostFilters"].is_null(), "a tag counts only once it is activated");
    let mailed = budget["NotificationsWithSubscribers"].as_array().expect("notifications");
    let mailed: Vec<(String, u64)> = mailed
        .iter()
        .map(|one| {
            let subscriber =
                json!([{"SubscriptionType": "EMAIL", "Address": {"Ref": "AlertEmail"}}]);
            assert_eq!(one["Subscribers"], subscriber);
            let notification = &one["Notification"];
            assert_eq!(notification["ThresholdType"], "PERCENTAGE");
            (text(&notification["NotificationType"]), template.number(&notification["Threshold"]))
        })
        .collect();
    assert_eq!(mailed, [("ACTUAL".to_owned(), 80), ("FORECASTED".to_owned(), 100)]);
}
