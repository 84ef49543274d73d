use anyhow::{Context as _, Result, bail};
use serde_yaml_ng::{Mapping, Value, value::TaggedValue};

/// A template that names its code and scripts in S3, and what has to be uploaded there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PackagedTemplate {
    /// JSON.
    pub(super) text: String,
    pub(super) binaries: Vec<Binary>,
    /// Paths beside the template, which are the keys too.
    pub(super) scripts: Vec<String>,
}

/// A function's binary, and the key of its archive.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Binary {
    pub(super) name: String,
    pub(super) key: String,
}

impl PackagedTemplate {
    /// Only `CodeUri` and `ScriptLocation` change.
    pub(super) fn new(text: &str, bucket: &str) -> Result<Self> {
        let mut document: Value = serde_yaml_ng::from_str(text).context("it is not YAML")?;
        let resources = document
            .get_mut("Resources")
            .and_then(Value::as_mapping_mut)
            .context("it has no Resources")?;
        let (mut binaries, mut scripts) = (Vec::new(), Vec::new());
        for (name, resource) in resources.iter_mut() {
            let name = name.as_str().unwrap_or_default();
            match resource.get("Type").and_then(Value::as_str) {
                Some("AWS::Serverless::Function") => binaries.push(
                    place_code(resource, bucket).with_context(|| format!("function {name}"))?,
                ),
                Some("AWS::Glue::Job") => scripts.extend(
                    place_script(resource, bucket).with_context(|| format!("Glue job {name}"))?,
                ),
                Some(_) | None => {}
            }
        }
        if binaries.is_empty() {
            bail!("it has no function");
        }
        Ok(Self { text: json(document)?, binaries, scripts })
    }
}

/// The template without everything but the bucket, the tables and what Athena has. Nothing sends or receives messages.
pub(super) fn tables_only(text: &str) -> Result<String> {
    const TYPES: [&str; 5] = [
        "AWS::S3::Bucket",
        "AWS::Glue::Database",
        "AWS::Glue::Table",
        "AWS::Athena::WorkGroup",
        "AWS::Athena::NamedQuery",
    ];
    const OUTPUTS: [&str; 3] = ["BucketName", "DatabaseName", "WorkGroupName"];
    let mut document: Value = serde_yaml_ng::from_str(text).context("it is not YAML")?;
    let resources = document.get_mut("Resources").and_then(Value::as_mapping_mut);
    let resources = resources.context("it has no Resources")?;
    resources.retain(|_, resource| {
        resource.get("Type").and_then(Value::as_str).is_some_and(|kind| TYPES.contains(&kind))
    });
    for (_, resource) in resources.iter_mut() {
        if resource.get("Type").and_then(Value::as_str) == Some("AWS::S3::Bucket")
            && let Some(bucket) = resource.as_mapping_mut()
        {
            bucket.remove("DependsOn");
            if let Some(properties) = bucket.get_mut("Properties").and_then(Value::as_mapping_mut) {
                properties.remove("NotificationConfiguration");
            }
        }
    }
    if let Some(outputs) = document.get_mut("Outputs").and_then(Value::as_mapping_mut) {
        outputs.retain(|name, _| name.as_str().is_some_and(|name| OUTPUTS.contains(&name)));
    }
    json(document)
}

/// JSON, as its strings are strings to everybody: a YAML writer leaves `OFF` without quotes, and CloudFormation's YAML,
/// which is of an older version, has it mean `false`.
fn json(document: Value) -> Result<String> {
    Ok(serde_json::to_string_pretty(&in_long_form(document))?)
}

/// `!Sub x` as `{"Fn::Sub": "x"}`, since JSON has no tags.
fn in_long_form(value: Value) -> Value {
    match value {
        Value::Sequence(items) => items.into_iter().map(in_long_form).collect(),
        Value::Mapping(entries) => Value::Mapping(
            entries.into_iter().map(|(key, value)| (key, in_long_form(value))).collect(),
        ),
        Value::Tagged(tagged) => {
            let TaggedValue { tag, value } = *tagged;
            let tag = tag.to_string();
            let function = match tag.trim_start_matches('!') {
                name @ ("Ref" | "Condition") => name.to_owned(),
                name => format!("Fn::{name}"),
            };
            let argument = match value {
                // The long form has the resource and its attribute apart.
                Value::String(name) if function == "Fn::GetAtt" => {
                    name.splitn(2, '.').map(Value::from).collect()
                }
                value => in_long_form(value),
            };
            Value::Mapping(Mapping::from_iter([(Value::from(function), argument)]))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

fn place_code(function: &mut Value, bucket: &str) -> Result<Binary> {
    let name = function
        .get("Metadata")
        .and_then(|metadata| metadata.get("BuildProperties"))
        .and_then(|properties| properties.get("Binary"))
        .and_then(Value::as_str)
        .context("has no Metadata.BuildProperties.Binary")?
        .to_owned();
    let key = format!("{name}.zip");
    let properties = function
        .get_mut("Properties")
        .and_then(Value::as_mapping_mut)
        .context("has no Properties")?;
    let code = Mapping::from_iter([
        (Value::from("Bucket"), Value::from(bucket)),
        (Value::from("Key"), Value::from(key.as_str())),
    ]);
    properties.insert(Value::from("CodeUri"), Value::Mapping(code));
    Ok(Binary { name, key })
}

/// A script that already lies in S3 stays there.
fn place_script(job: &mut Value, bucket: &str) -> Result<Option<String>> {
    let command =
        job.get_mut("Properties").and_then(|p| p.get_mut("Command")).context("has no Command")?;
    let location = command.get_mut("ScriptLocation").context("has no ScriptLocation")?;
    match location.as_str().map(str::to_owned) {
        Some(local) if !local.starts_with("s3://") => {
            *location = Value::from(format!("s3://{bucket}/{local}"));
            Ok(Some(local))
        }
        Some(_) | None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = r"
Transform: AWS::Serverless-2016-10-31
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !Sub ${AWS::StackName}-fetch-queue
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dlq.Arn, maxReceiveCount: !Ref MaxReceiveCount}
  Fetcher:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: rust-cargolambda, BuildProperties: {Binary: fetcher}}
    Properties:
      CodeUri: ..
      Environment: {Variables: {S3_BUCKET: !If [Named, !Ref BucketName, !Sub '${AWS::StackName}-lake']}}
  Job:
    Type: AWS::Glue::Job
    Properties: {Command: {Name: glueetl, ScriptLocation: glue/refine.py}}
";

    #[test]
    fn code_and_script_are_named_in_the_bucket_and_nothing_else_changes() {
        let packaged = PackagedTemplate::new(TEMPLATE, "b").unwrap();
        assert_eq!(packaged.binaries[0].name, "fetcher");
        assert_eq!(packaged.scripts, ["glue/refine.py"]);
        let mut expected = in_long_form(serde_yaml_ng::from_str(TEMPLATE).unwrap());
        expected["Resources"]["Fetcher"]["Properties"]["CodeUri"] =
            serde_yaml_ng::from_str("{Bucket: b, Key: fetcher.zip}").unwrap();
        expected["Resources"]["Job"]["Properties"]["Command"]["ScriptLocation"] =
            Value::from("s3://b/glue/refine.py");
        assert_eq!(serde_yaml_ng::from_str::<Value>(&packaged.text).unwrap(), expected);
    }

    #[test]
    fn functions_of_the_template_have_their_long_form() {
        let text = PackagedTemplate::new(TEMPLATE, "b").unwrap().text;
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        let resources = &document["Resources"];
        let wanted = serde_json::json!({
            "QueueName": {"Fn::Sub": "${AWS::StackName}-fetch-queue"},
            "RedrivePolicy": {
                "deadLetterTargetArn": {"Fn::GetAtt": ["Dlq", "Arn"]},
                "maxReceiveCount": {"Ref": "MaxReceiveCount"},
            },
        });
        assert_eq!(resources["Queue"]["Properties"], wanted);
        let bucket = &resources["Fetcher"]["Properties"]["Environment"]["Variables"]["S3_BUCKET"];
        let wanted = serde_json::json!({"Fn::If": ["Named", {"Ref": "BucketName"}, {"Fn::Sub": "${AWS::StackName}-lake"}]});
        assert_eq!(bucket, &wanted);
    }

    #[test]
    fn a_string_that_older_yaml_takes_for_a_boolean_stays_a_string() {
        let template =
            TEMPLATE.replace("QueueName:", "FlexibleTimeWindow: {Mode: 'OFF'}\n      QueueName:");
        let text = PackagedTemplate::new(&template, "b").unwrap().text;
        assert!(text.contains(r#""Mode": "OFF""#), "{text}");
    }

    #[test]
    fn the_tables_alone_have_nothing_that_works() {
        let text = tables_only(
            &TEMPLATE.replace(
                "Resources:",
                "Outputs: {BucketName: {Value: b}, QueueUrl: {Value: u}}\nResources:\n  Bucket:\n    Type: AWS::S3::Bucket\n    DependsOn: Queue\n    Properties: {BucketName: b, NotificationConfiguration: {}}",
            ),
        );
        let expected: Value = serde_yaml_ng::from_str(
            "{Transform: AWS::Serverless-2016-10-31, Outputs: {BucketName: {Value: b}}, Resources: {Bucket: {Type: AWS::S3::Bucket, Properties: {BucketName: b}}}}",
        )
        .unwrap();
        assert_eq!(serde_yaml_ng::from_str::<Value>(&text.unwrap()).unwrap(), expected);
    }

    #[test]
    fn a_function_that_names_no_binary_is_refused() {
        let error = PackagedTemplate::new(&TEMPLATE.replace("Binary", "Other"), "b").unwrap_err();
        assert!(format!("{error:#}").contains("function Fetcher"), "{error:#}");
    }
}
