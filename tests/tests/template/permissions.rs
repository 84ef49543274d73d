//! The actions and resources of each role, repeated here so that a change is a deliberate one.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::document::{STAGES, Template, allows, text, texts};

const LAKE: &str = "${LakeBucket.Arn}";
const JOB: &str = "arn:${AWS::Partition}:glue:${AWS::Region}:${AWS::AccountId}:job/${GlueJob}";
const CATALOG: &str = "arn:${AWS::Partition}:glue:${AWS::Region}:${AWS::AccountId}";

#[test]
fn no_policy_has_a_wildcard_action() {
    let template = Template::load();
    for (owner, statement) in
        template.statements().into_iter().filter(|(_, statement)| allows(statement))
    {
        assert!(statement["NotAction"].is_null(), "{owner}: NotAction allows all the rest");
        let actions = texts(&statement["Action"]);
        assert!(!actions.is_empty(), "{owner}");
        for action in actions {
            assert!(!action.contains('*'), "{owner} allows {action}");
        }
    }
}

#[test]
fn no_permission_covers_every_resource() {
    let template = Template::load();
    for role in template.of_type("AWS::IAM::Role") {
        for statement in statements_of(&template, role) {
            assert!(statement["NotResource"].is_null(), "{role}");
            for resource in texts(&statement["Resource"]) {
                // Only X-Ray has no resources that a policy could name.
                let nameless = statement["Sid"] == "Trace";
                assert_eq!(resource == "*", nameless, "{role}: {}", statement["Sid"]);
            }
        }
    }
}

#[test]
fn every_right_is_written_in_this_file() {
    let template = Template::load();
    for role in template.of_type("AWS::IAM::Role") {
        let properties = template.properties(role);
        assert!(
            properties["ManagedPolicyArns"].is_null(),
            "{role}: AWS changes its own policies as it likes"
        );
    }
    // These would let SAM add managed policies of its own.
    for (_, function, _) in STAGES {
        assert!(template.properties(function)["Policies"].is_null(), "{function}");
    }
}

#[test]
fn every_function_has_a_role_of_its_own() {
    let template = Template::load();
    let mut roles = BTreeSet::new();
    for (_, function, _) in STAGES {
        let role = text(&template.properties(function)["Role"]);
        assert_eq!(role, format!("${{{function}Role.Arn}}"));
        assert!(roles.insert(role), "{function} shares its role");
    }
}

#[test]
fn every_role_trusts_one_service() {
    let template = Template::load();
    for role in template.of_type("AWS::IAM::Role") {
        let trusted: Vec<String> =
            template.properties(role)["AssumeRolePolicyDocument"]["Statement"]
                .as_array()
                .expect("a trust policy has statements")
                .iter()
                .map(|statement| text(&statement["Principal"]["Service"]))
                .collect();
        let expected = match role {
            "ScheduleRole" => "scheduler.amazonaws.com",
            "GlueJobRole" | "VisualJobRole" => "glue.amazonaws.com",
            _ => "lambda.amazonaws.com",
        };
        assert_eq!(trusted, [expected], "{role}");
    }
}

#[test]
fn schedules_are_trusted_by_account_and_schedule_group() {
    // Scheduler passes the ARN of the group; with the ARN of a schedule here, every delivery would fail.
    let template = Template::load();
    let condition = &template.properties("ScheduleRole")["AssumeRolePolicyDocument"]["Statement"]
        [0]["Condition"];
    assert_eq!(text(&condition["StringEquals"]["aws:SourceAccount"]), "${AWS::AccountId}");
    assert_eq!(text(&condition["ArnEquals"]["aws:SourceArn"]), "${ScheduleGroup.Arn}");
    for schedule in template.of_type("AWS::Scheduler::Schedule") {
        let group = text(&template.properties(schedule)["GroupName"]);
        assert_eq!(group, "${ScheduleGroup}", "{schedule} would not be trusted");
    }
}

#[test]
fn no_policy_of_a_resource_names_a_role() {
    // SNS and SQS refuse a policy with a principal that IAM does not show everywhere yet, and the stack fails.
    let template = Template::load();
    for (owner, statement) in template.statements() {
        assert!(statement["Principal"]["AWS"].is_null(), "{owner}: {}", statement["Sid"]);
    }
}

#[test]
fn functions_are_traced_only_if_asked_and_only_then_may_they_trace() {
    let template = Template::load();
    assert_eq!(template.default_of("Tracing"), "false");
    let condition = &template.section("Conditions")["Traces"];
    assert_eq!(*condition, json!({"Fn::Equals": [{"Ref": "Tracing"}, "true"]}));
    let mode = &template.section("Globals")["Function"]["Tracing"];
    assert_eq!(*mode, json!({"Fn::If": ["Traces", "Active", "PassThrough"]}));
    let statement = json!({
        "Sid": "Trace",
        "Effect": "Allow",
        "Action": ["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
        "Resource": "*",
    });
    for (_, function, _) in STAGES {
        assert!(template.properties(function)["Tracing"].is_null(), "{function} has its own way");
        let policy = &template.properties(&format!("{function}Role"))["Policies"][1]["Fn::If"];
        assert_eq!(policy[0], "Traces", "{function}");
        // A traced function has to upload its traces.
        assert_eq!(policy[1]["PolicyDocument"]["Statement"], json!([statement]), "{function}");
        assert_eq!(policy[2], json!({"Ref": "AWS::NoValue"}), "{function}");
    }
}

#[test]
fn every_function_reads_its_own_queue_parks_in_its_own_dead_letter_queue_and_logs_to_its_own_group()
{
    let template = Template::load();
    for (stage, function, _) in STAGES {
        let rights = rights_of(&template, &format!("{function}Role"));
        for action in [
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "sqs:ChangeMessageVisibility",
            "sqs:GetQueueAttributes",
        ] {
            assert_eq!(
                resources(&rights, action),
                [format!("${{{stage}Queue.Arn}}")],
                "{function}: {action}"
            );
        }
        let mut parks_in = vec![format!("${{{stage}Dlq.Arn}}")];
        if function == "GlueNotifier" {
            // The dates of a failed run.
            parks_in.push("${GlueDlq.Arn}".to_owned());
        }
        assert_eq!(resources(&rights, "sqs:SendMessage"), parks_in, "{function}");
        for action in ["logs:CreateLogStream", "logs:PutLogEvents"] {
            assert_eq!(
                resources(&rights, action),
                [format!("${{{function}Logs.Arn}}")],
                "{function}: {action}"
            );
        }
        let of_a_stage = rights
            .iter()
            .filter(|(action, _)| action.starts_with("sqs:") || action.starts_with("logs:"));
        assert_eq!(of_a_stage.count(), 4 + parks_in.len() + 2, "{function}: more than it needs");
    }
}

#[test]
fn fetcher_may_list_read_and_write_landing_and_write_rejected() {
    let expected = [
        ("s3:ListBucket", LAKE.to_owned()),
        ("s3:GetObject", format!("{LAKE}/landing/index=${{IndexCode}}/*")),
        ("s3:PutObject", format!("{LAKE}/landing/index=${{IndexCode}}/*")),
        ("s3:PutObject", format!("{LAKE}/rejected/index=${{IndexCode}}/*")),
    ];
    assert_rights_beyond_a_stage("FetcherRole", &expected);
}

#[test]
fn parquet_writer_may_read_landing_and_replace_raw() {
    let expected = [
        ("s3:ListBucket", LAKE.to_owned()),
        ("s3:GetObject", format!("{LAKE}/landing/*")),
        // If-Match is a PutObject that also asks for GetObject.
        ("s3:GetObject", format!("{LAKE}/raw/*")),
        ("s3:PutObject", format!("{LAKE}/raw/*")),
    ];
    assert_rights_beyond_a_stage("ParquetWriterRole", &expected);
}

#[test]
fn glue_trigger_may_list_what_is_due_take_up_requests_and_start_its_job() {
    let mut expected = rights_to_reconcile();
    expected.extend([
        ("s3:PutObject", format!("{LAKE}/control/refine/failed/*")),
        ("s3:DeleteObject", format!("{LAKE}/control/refine/done/*")),
    ]);
    assert_rights_beyond_a_stage("GlueTriggerRole", &expected);
}

#[test]
fn glue_notifier_may_besides_mark_what_failed_read_warnings_and_publish() {
    let mut expected = rights_to_reconcile();
    expected.extend([
        ("s3:GetObject", format!("{LAKE}/control/refine/done/*")),
        ("s3:GetObject", format!("{LAKE}/control/refine/failed/*")),
        ("s3:PutObject", format!("{LAKE}/control/refine/failed/*")),
        ("s3:PutObject", format!("{LAKE}/control/refine/told/*")),
        ("s3:DeleteObject", format!("{LAKE}/control/refine/done/*")),
        ("sns:Publish", "${AlertsTopic}".to_owned()),
        ("sns:Publish", "${CompletionsTopic}".to_owned()),
    ]);
    assert_rights_beyond_a_stage("GlueNotifierRole", &expected);
}

/// Either function starts a run for what is due, unless one is active.
fn rights_to_reconcile() -> Vec<(&'static str, String)> {
    vec![
        ("s3:ListBucket", LAKE.to_owned()),
        ("glue:StartJobRun", JOB.to_owned()),
        ("glue:GetJobRuns", JOB.to_owned()),
    ]
}

#[test]
fn schedules_may_send_to_their_stages_only() {
    let template = Template::load();
    let expected = ["FetchQueue", "FetchDlq", "CompletionQueue", "CompletionDlq"]
        .map(|queue| ("sqs:SendMessage".to_owned(), format!("${{{queue}.Arn}}")));
    assert_eq!(rights_of(&template, "ScheduleRole"), BTreeSet::from(expected));
}

#[test]
fn glue_job_may_read_raw_replace_refined_record_it_and_register_partitions_of_its_table() {
    let template = Template::load();
    let rights = rights_of(&template, "GlueJobRole");
    let [done, failed, refined] =
        ["control/refine/done/date=*/*", "control/refine/failed/date=*/*", "refined/Data=*"]
            .map(|keys| format!("{LAKE}/{keys}"));
    assert_eq!(resources(&rights, "s3:DeleteObject"), [done.clone(), refined.clone()]);
    assert_eq!(resources(&rights, "s3:PutObject"), [done, failed, refined]);
    let mut readable: Vec<String> = resources(&rights, "s3:GetObject");
    readable.retain(|resource| resource.starts_with(LAKE));
    assert_eq!(readable, [format!("{LAKE}/raw/*")]);
    let s3_actions = rights.iter().map(|(action, _)| action.as_str());
    let s3_actions: BTreeSet<&str> =
        s3_actions.filter(|action| action.starts_with("s3:")).collect();
    let expected = ["s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject"];
    assert_eq!(s3_actions, BTreeSet::from(expected));
    let partitions = [
        format!("{CATALOG}:catalog"),
        format!("{CATALOG}:database/${{DatabaseName}}"),
        format!("{CATALOG}:table/${{DatabaseName}}/tb_ibov_refined"),
    ];
    let catalog_actions: BTreeSet<&str> = rights
        .iter()
        .map(|(action, _)| action.as_str())
        .filter(|action| action.starts_with("glue:"))
        .collect();
    let expected = [
        "BatchCreatePartition",
        "BatchDeletePartition",
        "BatchUpdatePartition",
        "GetPartitions",
        "GetTable",
    ];
    assert_eq!(
        Vec::from_iter(&catalog_actions),
        expected.map(|action| format!("glue:{action}")).each_ref()
    );
    for action in catalog_actions {
        assert_eq!(resources(&rights, action), partitions, "{action}");
    }
}

#[test]
fn the_visual_job_may_read_raw_and_write_to_its_own_folder_and_table_alone() {
    let table = format!("{CATALOG}:table/${{DatabaseName}}/tb_ibov_refined_visual");
    let mut expected = vec![
        ("s3:ListBucket", LAKE.to_owned()),
        ("s3:GetObject", format!("{LAKE}/raw/*")),
        ("s3:GetObject", format!("{LAKE}/scripts/*")),
    ];
    for action in ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"] {
        expected.push((action, format!("{LAKE}/refined_visual/*")));
    }
    for action in ["glue:GetTable", "glue:GetPartitions", "glue:BatchCreatePartition"] {
        expected.push((action, format!("{CATALOG}:catalog")));
        expected.push((action, format!("{CATALOG}:database/${{DatabaseName}}")));
        expected.push((action, table.clone()));
    }
    assert_rights_beyond_a_stage("VisualJobRole", &expected);
}

#[test]
fn glue_job_may_read_its_script_from_the_packaging_bucket_of_this_account() {
    let template = Template::load();
    let script = statements_of(&template, "GlueJobRole")
        .into_iter()
        .find(|statement| statement["Sid"] == "ReadScript")
        .expect("the job may read its script");
    assert_eq!(texts(&script["Action"]), ["s3:GetObject"]);
    let bucket = &script["Resource"]["Fn::If"];
    assert_eq!(bucket[0], "HasArtifactBucket");
    assert_eq!(text(&bucket[1]), "arn:${AWS::Partition}:s3:::${ArtifactBucket}/*");
    assert_eq!(text(&bucket[2]), "arn:${AWS::Partition}:s3:::aws-sam-cli-managed-default-*/*");
    assert_eq!(
        text(&script["Condition"]["StringEquals"]["aws:ResourceAccount"]),
        "${AWS::AccountId}"
    );
}

#[test]
fn a_missing_object_answers_404_to_those_who_look_for_one() {
    // S3 answers 403 instead unless the caller may list. A HEAD names no prefix, so the condition must let that pass.
    let template = Template::load();
    let expected: [(&str, &[&str]); 6] = [
        // It reads the newest landing object of its listing, which may have been deleted since.
        ("FetcherRole", &["landing/index=${IndexCode}/*"]),
        ("ParquetWriterRole", &["landing/*", "raw/*"]),
        ("GlueTriggerRole", &["raw/*", "control/refine/*"]),
        ("GlueNotifierRole", &["raw/*", "control/refine/*", "landing/index=${IndexCode}/*"]),
        ("GlueJobRole", &["raw/*", "refined/Data=*", "control/refine/done/date=*"]),
        ("VisualJobRole", &["raw/*", "refined_visual/*"]),
    ];
    for (role, prefixes) in expected {
        let condition = listing_condition(&template, role);
        assert_eq!(texts(&condition["StringLikeIfExists"]["s3:prefix"]), prefixes, "{role}");
    }
}

fn assert_rights_beyond_a_stage(role: &str, expected: &[(&str, String)]) {
    let template = Template::load();
    let rights: BTreeSet<(String, String)> = rights_of(&template, role)
        .into_iter()
        .filter(|(action, _)| {
            !["sqs:", "logs:", "xray:"].iter().any(|service| action.starts_with(service))
        })
        .collect();
    let expected =
        expected.iter().map(|(action, resource)| ((*action).to_owned(), resource.clone()));
    assert_eq!(rights, expected.collect(), "{role}");
}

/// Every pair of action and resource that a role's own policies allow.
fn rights_of(template: &Template, role: &str) -> BTreeSet<(String, String)> {
    let mut rights = BTreeSet::new();
    for statement in statements_of(template, role) {
        for action in texts(&statement["Action"]) {
            rights.extend(
                texts(&statement["Resource"])
                    .into_iter()
                    .map(|resource| (action.clone(), resource)),
            );
        }
    }
    rights
}

fn resources(rights: &BTreeSet<(String, String)>, action: &str) -> Vec<String> {
    rights
        .iter()
        .filter(|(allowed, _)| allowed == action)
        .map(|(_, resource)| resource.clone())
        .collect()
}

fn statements_of<'a>(template: &'a Template, role: &str) -> Vec<&'a Value> {
    template
        .statements()
        .into_iter()
        .filter(|(owner, _)| *owner == role)
        .map(|(_, statement)| statement)
        .collect()
}

fn listing_condition<'a>(template: &'a Template, role: &str) -> &'a Value {
    let listing = statements_of(template, role)
        .into_iter()
        .find(|statement| statement["Action"] == "s3:ListBucket");
    &listing.unwrap_or_else(|| panic!("{role} may not list"))["Condition"]
}
