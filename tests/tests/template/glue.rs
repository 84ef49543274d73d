//! The Glue job, its events and its tables.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shared::portfolio::DAYS_AFTER;

use crate::document::{Template, repository, text, texts};

#[test]
fn glue_runs_one_at_a_time_and_never_again_by_itself() {
    let template = Template::load();
    let job = template.properties("GlueJob");
    assert_eq!(job["ExecutionProperty"]["MaxConcurrentRuns"], 1);
    assert_eq!(job["MaxRetries"], 0);
    assert_eq!(job["JobRunQueuingEnabled"], false);
}

#[test]
fn glue_job_is_as_small_as_spark_on_glue_gets_and_cannot_run_for_ever() {
    let template = Template::load();
    let job = template.properties("GlueJob");
    assert_eq!(job["GlueVersion"], "5.1");
    assert_eq!((&job["WorkerType"], &job["NumberOfWorkers"]), (&json!("G.1X"), &json!(2)));
    assert_eq!(job["Timeout"], 15, "minutes");
}

#[test]
fn glue_job_runs_the_script_of_this_repository() {
    let template = Template::load();
    let command = &template.properties("GlueJob")["Command"];
    assert_eq!(command["Name"], "glueetl");
    let script = repository().join("infra").join(text(&command["ScriptLocation"]));
    assert!(script.is_file(), "{} does not exist", script.display());
}

#[test]
fn no_run_may_say_what_belongs_to_the_stack_and_every_run_says_the_rest() {
    let template = Template::load();
    let job = template.properties("GlueJob");
    let owned = job["NonOverridableArguments"].as_object().expect("arguments");
    let owned: Vec<(&str, String)> =
        owned.iter().map(|(name, value)| (name.as_str(), text(value))).collect();
    let expected = [
        ("--source", "s3://${LakeBucket}/raw/"),
        ("--target", "s3://${LakeBucket}/refined/"),
        ("--database", "${DatabaseName}"),
        ("--table", "tb_ibov_refined"),
        ("--filename", "${FileName}"),
        ("--job-language", "python"),
        ("--job-bookmark-option", "job-bookmark-disable"),
        ("--custom-logGroup-prefix", "/aws-glue/jobs/${AWS::StackName}"),
    ];
    let expected = expected.map(|(name, value)| (name, value.to_owned()));
    assert_eq!(BTreeSet::from_iter(owned), BTreeSet::from(expected));
    // --dates, --etags and --as_of are arguments of a run, which functions and people set.
    assert!(job["DefaultArguments"].is_null(), "an argument with two homes has two values");
}

#[test]
fn glue_job_uses_nothing_that_only_glue_has() {
    // Job.init accepts only texts and serves bookmarks, which are off. Code that is not used cannot fail on AWS alone.
    let template = Template::load();
    let arguments = &template.properties("GlueJob")["NonOverridableArguments"];
    assert_eq!(arguments["--job-bookmark-option"], "job-bookmark-disable");
    let script = script();
    let imports = script.lines().filter(|line| line.trim_start().starts_with(['f', 'i']));
    for line in imports.filter(|line| line.contains("import ")) {
        assert!(!line.contains("awsglue"), "{line}");
    }
}

fn script() -> String {
    std::fs::read_to_string(repository().join("infra/glue/refine.py")).expect("the job's script")
}

#[test]
fn glue_job_takes_the_file_names_that_the_template_takes() {
    let template = Template::load();
    let pattern = text(&template.section("Parameters")["FileName"]["AllowedPattern"]);
    let pattern = pattern.trim_start_matches('^').trim_end_matches('$');
    assert!(script().contains(&format!("re.fullmatch(r\"{pattern}\", text)")), "{pattern}");
}

#[test]
fn glue_logs_go_to_groups_that_expire() {
    // Glue would create log groups of its own that never expire, and the role could not write to them.
    let template = Template::load();
    let prefix = text(
        &template.properties("GlueJob")["NonOverridableArguments"]["--custom-logGroup-prefix"],
    );
    for (group, kind) in [("GlueOutputLogs", "output"), ("GlueErrorLogs", "error")] {
        assert_eq!(text(&template.properties(group)["LogGroupName"]), format!("{prefix}/{kind}"));
    }
}

#[test]
fn rule_hears_every_end_of_this_job_and_nothing_else() {
    let template = Template::load();
    let pattern = &template.properties("GlueStateChangeRule")["EventPattern"];
    assert_eq!(texts(&pattern["source"]), ["aws.glue"]);
    assert_eq!(texts(&pattern["detail-type"]), ["Glue Job State Change"]);
    assert_eq!(texts(&pattern["detail"]["jobName"]), ["${GlueJob}"]);
    let ends = ["SUCCEEDED", "FAILED", "TIMEOUT", "STOPPED", "ERROR", "EXPIRED"];
    assert_eq!(texts(&pattern["detail"]["state"]), ends);
}

#[test]
fn undeliverable_events_go_to_the_dead_letter_queue() {
    let template = Template::load();
    let rule = template.resource("GlueStateChangeRule");
    let targets = rule["Properties"]["Targets"].as_array().expect("the rule has targets");
    assert_eq!(targets.len(), 1);
    let target = &targets[0];
    assert_eq!(text(&target["Arn"]), "${CompletionQueue.Arn}");
    assert_eq!(text(&target["DeadLetterConfig"]["Arn"]), "${CompletionDlq.Arn}");
    assert!(
        target["RoleArn"].is_null(),
        "EventBridge takes no role for SQS; the queue's policy lets it in"
    );
    assert!(template.number(&target["RetryPolicy"]["MaximumRetryAttempts"]) > 0);
    assert_eq!(texts(&rule["DependsOn"]), ["CompletionQueuePolicy", "CompletionDlqPolicy"]);
}

#[test]
fn default_database_is_not_created_unless_asked() {
    // Most accounts have a database called default, and creating it again fails the whole stack.
    let template = Template::load();
    assert_eq!(template.default_of("CreateDatabase"), "false");
    assert_eq!(template.resource("GlueDatabase")["Condition"], "CreatesDatabase");
    let condition = &template.section("Conditions")["CreatesDatabase"];
    assert_eq!(*condition, json!({"Fn::Equals": [{"Ref": "CreateDatabase"}, "true"]}));
    for table in template.of_type("AWS::Glue::Table") {
        let database = &template.properties(table)["DatabaseName"];
        let expected = json!({"Fn::If": ["CreatesDatabase", {"Ref": "GlueDatabase"}, {"Ref": "DatabaseName"}]});
        assert_eq!(
            *database, expected,
            "{table}: after the database where there is one to wait for"
        );
    }
}

#[test]
fn raw_table_projects_its_partitions_from_a_parameter_as_far_as_a_date_is_accepted() {
    let template = Template::load();
    let table = &template.properties("RawTable")["TableInput"];
    let parameters = &table["Parameters"];
    assert_eq!(parameters["projection.enabled"], "true");
    assert_eq!(parameters["projection.date.type"], "date");
    assert_eq!(parameters["projection.date.format"], "yyyy-MM-dd");
    // One day to spare: for three hours Athena's day differs from São Paulo's.
    let range = format!("${{FirstMonth}}-01,NOW+{}DAYS", DAYS_AFTER + 1);
    assert_eq!(text(&parameters["projection.date.range"]), range);
    // ${!date} is how Fn::Sub writes a literal ${date}, which is Athena's placeholder.
    assert_eq!(
        text(&parameters["storage.location.template"]),
        "s3://${LakeBucket}/raw/date=${!date}"
    );
    assert_eq!(columns(&table["PartitionKeys"]), ["date string"]);
}

#[test]
fn tables_have_the_columns_that_are_written_in_lower_case() {
    let template = Template::load();
    let table = |name: &str| &template.properties(name)["TableInput"];
    let raw = [
        "segment string",
        "cod string",
        "asset string",
        "type string",
        "part decimal(6,3)",
        "partacum decimal(6,3)",
        "theoricalqty bigint",
        "datacarteira date",
    ];
    assert_eq!(columns(&table("RawTable")["StorageDescriptor"]["Columns"]), raw);
    let refined = [
        "soma_part decimal(16,3)",
        "total_codigo bigint",
        "soma_qtd_teorica bigint",
        "dias_desde_carteira int",
    ];
    assert_eq!(columns(&table("RefinedTable")["StorageDescriptor"]["Columns"]), refined);
    assert_eq!(columns(&table("RefinedTable")["PartitionKeys"]), ["data date", "setor string"]);
}

#[test]
fn the_visual_jobs_table_is_the_scripts_but_for_its_name_and_place() {
    let template = Template::load();
    let table = |name: &str| template.properties(name)["TableInput"].clone();
    let (mut visual, script) = (table("VisualTable"), table("RefinedTable"));
    assert_eq!(visual["Name"], "tb_ibov_refined_visual");
    let place = &mut visual["StorageDescriptor"]["Location"];
    assert_eq!(text(place), "s3://${LakeBucket}/refined_visual/");
    *place = script["StorageDescriptor"]["Location"].clone();
    for same in ["Name", "Description"] {
        visual[same] = script[same].clone();
    }
    assert_eq!(visual, script);
}

#[test]
fn the_chain_neither_starts_nor_hears_of_the_visual_job() {
    // Its name is not the job's, and everything here says the job's.
    let template = Template::load();
    let pattern = &template.properties("GlueStateChangeRule")["EventPattern"];
    assert_eq!(texts(&pattern["detail"]["jobName"]), ["${GlueJob}"]);
    let started: Vec<String> = template
        .statements()
        .into_iter()
        .filter(|(_, statement)| {
            texts(&statement["Action"]).contains(&"glue:StartJobRun".to_owned())
        })
        .flat_map(|(_, statement)| texts(&statement["Resource"]))
        .collect();
    assert!(!started.is_empty());
    assert!(started.iter().all(|job| job.ends_with(":job/${GlueJob}")), "{started:?}");
    assert_eq!(template.of_type("AWS::Glue::Job"), ["GlueJob"], "people make it: visual-job.json");
    let text = std::fs::read_to_string(repository().join("infra/template.yaml")).expect("template");
    assert!(!text.contains("AWS::Glue::Trigger") && !text.contains("AWS::Glue::Workflow"));
}

fn columns(value: &Value) -> Vec<String> {
    let columns = value.as_array().expect("a list of columns");
    columns
        .iter()
        .map(|column| format!("{} {}", text(&column["Name"]), text(&column["Type"])))
        .collect()
}
