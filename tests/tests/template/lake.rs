//! The bucket, its notifications, and what could make the stack undeployable.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::document::{Template, references, text, texts};

#[test]
fn bucket_name_is_written_out_so_that_no_circle_exists() {
    let template = Template::load();
    let name = &template.properties("LakeBucket")["BucketName"]["Fn::If"];
    assert_eq!(name[0], "HasBucketName");
    assert_eq!(text(&name[1]), "${BucketName}");
    assert_eq!(text(&name[2]), "${AWS::StackName}-lake-${AWS::AccountId}");
    for policy in template.of_type("AWS::SQS::QueuePolicy") {
        let named = references(template.properties(policy));
        assert!(!named.contains("LakeBucket"), "{policy} refers to the bucket, which waits for it");
    }
}

#[test]
fn no_two_resources_wait_for_each_other() {
    let template = Template::load();
    let resources = template.section("Resources");
    let mut waiting: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (name, resource) in resources {
        let mut needed = references(resource);
        needed.extend(texts(&resource["DependsOn"]));
        needed.retain(|needed| resources.contains_key(needed));
        waiting.insert(name, needed);
    }
    // Deploys each resource whose dependencies are deployed, as CloudFormation does.
    while !waiting.is_empty() {
        let ready: Vec<String> = waiting
            .iter()
            .filter(|(_, needed)| needed.iter().all(|name| !waiting.contains_key(name.as_str())))
            .map(|(name, _)| (*name).to_owned())
            .collect();
        assert!(!ready.is_empty(), "these wait for each other: {waiting:#?}");
        waiting.retain(|name, _| !ready.iter().any(|ready| ready == name));
    }
}

#[test]
fn bucket_waits_for_the_policies_of_the_queues_that_it_notifies() {
    // S3 tests each queue of the configuration, and refuses the bucket if it may not send to one.
    let template = Template::load();
    let awaited = texts(&template.resource("LakeBucket")["DependsOn"]);
    for notification in notifications(&template) {
        let queue =
            references(&notification["Queue"]).pop_first().expect("a notification names a queue");
        assert!(awaited.contains(&format!("{queue}Policy")), "{queue}");
    }
}

#[test]
fn landing_feeds_the_parquet_queue_and_raw_the_glue_queue() {
    let template = Template::load();
    let routes: BTreeSet<[String; 4]> = notifications(&template)
        .iter()
        .map(|notification| {
            let rule = |name: &str| {
                let rules =
                    notification["Filter"]["S3Key"]["Rules"].as_array().into_iter().flatten();
                rules.filter(|rule| rule["Name"] == name).map(|rule| text(&rule["Value"])).collect()
            };
            [
                rule("prefix"),
                rule("suffix"),
                text(&notification["Event"]),
                text(&notification["Queue"]),
            ]
        })
        .collect();
    // What parquet-writer writes must not come back to it, nor what the Glue job writes to glue-trigger.
    let expected = [
        ["landing/", ".json", "s3:ObjectCreated:*", "${ParquetQueue.Arn}"],
        ["raw/", ".parquet", "s3:ObjectCreated:*", "${GlueQueue.Arn}"],
    ];
    assert_eq!(routes, expected.map(|route| route.map(str::to_owned)).into());
}

#[test]
fn lake_survives_its_stack_but_not_a_deployment_that_never_succeeded() {
    let template = Template::load();
    // A bucket that outlives a failed first deployment would occupy the name that the second attempt needs.
    assert_eq!(template.resource("LakeBucket")["DeletionPolicy"], "RetainExceptOnCreate");
    assert_eq!(template.resource("LakeBucket")["UpdateReplacePolicy"], "Retain");
}

#[test]
fn lake_is_versioned_and_old_versions_and_unfinished_uploads_expire() {
    let template = Template::load();
    let bucket = template.properties("LakeBucket");
    assert_eq!(bucket["VersioningConfiguration"]["Status"], "Enabled");
    let rules = bucket["LifecycleConfiguration"]["Rules"].as_array().expect("lifecycle rules");
    let days = |path: &str| rules.iter().find_map(|rule| rule.pointer(path)?.as_u64());
    assert_eq!(days("/NoncurrentVersionExpiration/NoncurrentDays"), Some(30));
    assert_eq!(days("/AbortIncompleteMultipartUpload/DaysAfterInitiation"), Some(7));
    for rule in rules {
        assert_eq!(rule["Status"], "Enabled", "{}", rule["Id"]);
        for other in ["ExpirationDate", "Transitions"] {
            assert!(rule[other].is_null(), "{}: landing/ is kept for ever", rule["Id"]);
        }
    }
}

#[test]
fn of_the_lakes_objects_only_results_of_queries_and_notes_about_runs_expire() {
    let template = Template::load();
    let rules = &template.properties("LakeBucket")["LifecycleConfiguration"]["Rules"];
    let rules = rules.as_array().expect("lifecycle rules").iter();
    let expire = rules
        .filter_map(|rule| Some((rule["Prefix"].as_str(), rule["ExpirationInDays"].as_u64()?)));
    let expected = [
        (Some("athena/"), 7),
        (Some("control/refine/failed/"), 11),
        (Some("control/refine/told/"), 400),
    ];
    assert_eq!(expire.collect::<Vec<_>>(), expected);
}

#[test]
fn a_mark_goes_before_the_request_that_its_date_waits_for() {
    // S3 rounds up to the next midnight, and deletes within a day from then.
    const ROUNDING_AND_DELAY_DAYS: u64 = 2;
    const DAY_SECONDS: u64 = 24 * 60 * 60;
    let template = Template::load();
    let rules = &template.properties("LakeBucket")["LifecycleConfiguration"]["Rules"];
    let mut rules = rules.as_array().expect("lifecycle rules").iter();
    let marks = rules.find(|rule| rule["Prefix"] == "control/refine/failed/").expect("a rule");
    let marked = marks["ExpirationInDays"].as_u64().expect("days") + ROUNDING_AND_DELAY_DAYS;
    let parked =
        template.properties("GlueDlq")["MessageRetentionPeriod"].as_u64().expect("seconds");
    assert!(marked * DAY_SECONDS < parked, "a date would be held back by nobody's request");
}

#[test]
fn lake_is_not_public() {
    let template = Template::load();
    let block = template.properties("LakeBucket")["PublicAccessBlockConfiguration"].as_object();
    let block = block.expect("public access is blocked");
    assert_eq!(block.len(), 4);
    assert!(block.values().all(|blocked| blocked == true), "{block:?}");
}

#[test]
fn lake_refuses_unencrypted_transport() {
    let template = Template::load();
    let refusal = &template.properties("LakeBucketPolicy")["PolicyDocument"]["Statement"][0];
    assert_eq!(refusal["Effect"], "Deny");
    assert_eq!(refusal["Principal"], "*");
    assert_eq!(refusal["Action"], "s3:*");
    assert_eq!(texts(&refusal["Resource"]), ["${LakeBucket.Arn}", "${LakeBucket.Arn}/*"]);
    assert_eq!(refusal["Condition"]["Bool"]["aws:SecureTransport"], "false");
}

#[test]
fn no_managed_kms_keys() {
    // S3 and CloudWatch cannot send to a queue or topic with an AWS-managed key, and do not report that.
    let template = Template::load();
    for (name, resource) in template.section("Resources") {
        let written = resource["Properties"].to_string().to_lowercase();
        for trace in ["kms", "alias/aws"] {
            assert!(!written.contains(trace), "{name} mentions {trace}");
        }
    }
    let encryption =
        &template.properties("LakeBucket")["BucketEncryption"]["ServerSideEncryptionConfiguration"];
    assert_eq!(encryption[0]["ServerSideEncryptionByDefault"]["SSEAlgorithm"], "AES256");
}

fn notifications(template: &Template) -> &Vec<Value> {
    template.properties("LakeBucket")["NotificationConfiguration"]["QueueConfigurations"]
        .as_array()
        .expect("the bucket notifies queues")
}
