//! The usual packaging: code and scripts go to a bucket, and the template names them there.

use std::{
    fs,
    io::{Cursor, Write as _},
    path::Path,
};

use anyhow::{Context as _, Result, bail};
use aws_sdk_s3::primitives::ByteStream;
use serde_yaml_ng::{Mapping, Value};
use tokio::task::JoinSet;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::{
    aws::{Clients, explain},
    checkout::functions::Executables,
};

/// Bucket of the emulator for code, scripts and the packaged template.
pub const BUCKET: &str = "ibov-artifacts";

/// A template whose code and scripts are uploaded.
#[derive(Debug, Clone)]
pub struct Package {
    /// Where CloudFormation reads the template.
    pub template_url: String,
}

/// Uploads the functions, the scripts and the template that names them.
///
/// # Errors
/// When a file cannot be read or uploaded, or the template is not as expected.
pub async fn upload(
    clients: &Clients,
    endpoint: &str,
    template: &Path,
    executables: &Executables,
) -> Result<Package> {
    let text = fs::read_to_string(template)
        .with_context(|| format!("cannot read {}", template.display()))?;
    let folder = template.parent().unwrap_or(Path::new("."));
    let packaged =
        rewrite(&text, BUCKET).with_context(|| format!("cannot package {}", template.display()))?;
    clients
        .s3
        .create_bucket()
        .bucket(BUCKET)
        .send()
        .await
        .map_err(explain)
        .context("cannot create the bucket for artifacts")?;
    let mut uploads = JoinSet::new();
    for binary in packaged.binaries {
        let executable = executables
            .get(&binary)
            .with_context(|| format!("the template wants {binary}, which was not built"))?
            .clone();
        let clients = clients.clone();
        uploads.spawn(async move {
            let archive = tokio::task::spawn_blocking(move || zip_function(&executable)).await??;
            put(&clients, &zip_key(&binary), archive).await
        });
    }
    for script in packaged.scripts {
        let path = folder.join(&script);
        let content = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let clients = clients.clone();
        uploads.spawn(async move { put(&clients, &script, content).await });
    }
    while let Some(uploaded) = uploads.join_next().await {
        uploaded??;
    }
    put(clients, "template.yaml", packaged.template.into_bytes()).await?;
    Ok(Package { template_url: format!("{endpoint}/{BUCKET}/template.yaml") })
}

async fn put(clients: &Clients, key: &str, content: Vec<u8>) -> Result<()> {
    let request = clients.s3.put_object().bucket(BUCKET).key(key).body(ByteStream::from(content));
    // Hashing tens of megabytes to sign them for the loopback interface is the slowest part of a deployment.
    request
        .customize()
        .disable_payload_signing()
        .send()
        .await
        .map_err(explain)
        .with_context(|| format!("cannot upload {key}"))?;
    Ok(())
}

fn zip_key(binary: &str) -> String {
    format!("{binary}.zip")
}

/// A function's archive: one executable file `bootstrap`, stored rather than compressed, which costs more time than it saves here.
fn zip_function(executable: &Path) -> Result<Vec<u8>> {
    let content =
        fs::read(executable).with_context(|| format!("cannot read {}", executable.display()))?;
    let mut archive = ZipWriter::new(Cursor::new(Vec::with_capacity(content.len() + 1024)));
    archive.start_file(
        "bootstrap",
        SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .unix_permissions(0o755),
    )?;
    archive.write_all(&content)?;
    Ok(archive.finish()?.into_inner())
}

/// The template with S3 places instead of local ones, and what has to lie there.
#[derive(Debug, PartialEq, Eq)]
struct Rewritten {
    template: String,
    binaries: Vec<String>,
    scripts: Vec<String>,
}

/// Only `CodeUri` and `ScriptLocation` change; `!Sub` and its like stay what they are.
fn rewrite(text: &str, bucket: &str) -> Result<Rewritten> {
    let mut document: Value = serde_yaml_ng::from_str(text).context("it is not YAML")?;
    let resources = document
        .get_mut("Resources")
        .and_then(Value::as_mapping_mut)
        .context("it has no Resources")?;
    let (mut binaries, mut scripts) = (Vec::new(), Vec::new());
    for (name, resource) in resources.iter_mut() {
        let name = name.as_str().unwrap_or_default();
        match resource.get("Type").and_then(Value::as_str) {
            Some("AWS::Serverless::Function") => binaries
                .push(place_code(resource, bucket).with_context(|| format!("function {name}"))?),
            Some("AWS::Glue::Job") => scripts.extend(
                place_script(resource, bucket).with_context(|| format!("Glue job {name}"))?,
            ),
            Some(_) | None => {}
        }
    }
    if binaries.is_empty() {
        bail!("it has no function");
    }
    Ok(Rewritten { template: serde_yaml_ng::to_string(&document)?, binaries, scripts })
}

fn place_code(function: &mut Value, bucket: &str) -> Result<String> {
    let metadata = function
        .get("Metadata")
        .and_then(|m| m.get("BuildProperties"))
        .and_then(|p| p.get("Binary"));
    let binary = metadata
        .and_then(Value::as_str)
        .context("has no Metadata.BuildProperties.Binary")?
        .to_owned();
    let properties = function
        .get_mut("Properties")
        .and_then(Value::as_mapping_mut)
        .context("has no Properties")?;
    let code = Mapping::from_iter([
        (Value::from("Bucket"), Value::from(bucket)),
        (Value::from("Key"), Value::from(zip_key(&binary))),
    ]);
    properties.insert(Value::from("CodeUri"), Value::Mapping(code));
    Ok(binary)
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
    use std::io::Read as _;

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
        let rewritten = rewrite(TEMPLATE, "b").unwrap();
        assert_eq!(rewritten.binaries, ["fetcher"]);
        assert_eq!(rewritten.scripts, ["glue/refine.py"]);
        let mut expected: Value = serde_yaml_ng::from_str(TEMPLATE).unwrap();
        expected["Resources"]["Fetcher"]["Properties"]["CodeUri"] =
            serde_yaml_ng::from_str("{Bucket: b, Key: fetcher.zip}").unwrap();
        expected["Resources"]["Job"]["Properties"]["Command"]["ScriptLocation"] =
            Value::from("s3://b/glue/refine.py");
        assert_eq!(serde_yaml_ng::from_str::<Value>(&rewritten.template).unwrap(), expected);
    }

    #[test]
    fn tags_survive() {
        let template = rewrite(TEMPLATE, "b").unwrap().template;
        for tag in
            ["!Sub ${AWS::StackName}-fetch-queue", "!GetAtt Dlq.Arn", "!Ref MaxReceiveCount", "!If"]
        {
            assert!(template.contains(tag), "{tag} in\n{template}");
        }
    }

    #[test]
    fn a_function_that_names_no_binary_is_refused() {
        let error = rewrite(&TEMPLATE.replace("Binary", "Other"), "b").unwrap_err();
        assert!(format!("{error:#}").contains("function Fetcher"), "{error:#}");
    }

    #[test]
    fn the_archive_holds_an_executable_bootstrap() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("fetcher");
        fs::write(&file, b"\x7fELF").unwrap();
        let mut archive = zip::ZipArchive::new(Cursor::new(zip_function(&file).unwrap())).unwrap();
        let mut entry = archive.by_name("bootstrap").unwrap();
        assert_eq!(entry.unix_mode().unwrap() & 0o777, 0o755);
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        assert_eq!(content, b"\x7fELF");
    }
}
