//! The Glue job, its events and its tables.

use serde_json::{Value, json};

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
fn glue_job_gets_the_arguments_that_do_not_change_from_run_to_run() {
    let template = Template::load();
    let arguments = &template.properties("GlueJob")["DefaultArguments"];
    let expected = [
        ("--runtime", "glue"),
        ("--source", "s3://${LakeBucket}/raw/"),
        ("--target", "s3://${LakeBucket}/refined/"),
        ("--database", "${DatabaseName}"),
        ("--table", "tb_ibov_refined"),
        ("--filename", "${FileName}"),
    ];
    for (name, value) in expected {
        assert_eq!(text(&arguments[name]), value, "{name}");
    }
    for per_run in ["--dates", "--claim_id"] {
        assert!(arguments[per_run].is_null(), "{per_run} is for the run to say");
    }
}

#[test]
fn glue_logs_go_to_groups_that_expire() {
    // Glue would make groups of its own, kept for ever, and the role could not write to them.
    let template = Template::load();
    let prefix =
        text(&template.properties("GlueJob")["DefaultArguments"]["--custom-logGroup-prefix"]);
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
fn raw_table_projects_its_partitions_up_to_ten_days_ahead() {
    let template = Template::load();
    let table = &template.properties("RawTable")["TableInput"];
    let parameters = &table["Parameters"];
    assert_eq!(parameters["projection.enabled"], "true");
    assert_eq!(parameters["projection.date.type"], "date");
    assert_eq!(parameters["projection.date.format"], "yyyy-MM-dd");
    let range = text(&parameters["projection.date.range"]);
    assert!(range.ends_with(",NOW+10DAYS"), "{range}");
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

fn columns(value: &Value) -> Vec<String> {
    let columns = value.as_array().expect("a list of columns");
    columns
        .iter()
        .map(|column| format!("{} {}", text(&column["Name"]), text(&column["Type"])))
        .collect()
}
