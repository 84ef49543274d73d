//! What deployments and releases take from the checkout. The workflows themselves are linted in `.ci/run`.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use e2e::local;
use serde_yaml_ng::Value;

fn text(path: &str) -> Result<String> {
    let path = local::in_workspace(path)?;
    fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
}

/// The scripts of a workflow's steps.
fn scripts(workflow: &str) -> Result<Vec<String>> {
    let workflow: Value = serde_yaml_ng::from_str(&text(workflow)?)?;
    let jobs = workflow.get("jobs").and_then(Value::as_mapping).context("a workflow has jobs")?;
    let steps = jobs.values().filter_map(|job| job.get("steps")?.as_sequence()).flatten();
    Ok(steps.filter_map(|step| step.get("run")?.as_str()).map(str::to_owned).collect())
}

#[test]
fn the_committed_configuration_of_sam_names_no_stack_and_no_person() -> Result<()> {
    let committed = text("samconfig.toml")?;
    let settings: Vec<&str> = committed.lines().filter(|line| !line.starts_with('#')).collect();
    for personal in ["@", "AlertEmail", "stack_name", "region", "profile", "parameter_overrides"] {
        ensure!(
            !settings.iter().any(|line| line.contains(personal)),
            "samconfig.toml holds {personal}; `sam deploy --guided` writes it there unless it is given --config-file"
        );
    }
    ensure!(
        text(".gitignore")?.lines().any(|line| line == "samconfig.local.toml"),
        "somebody's own configuration could be committed"
    );
    Ok(())
}

#[test]
fn the_committed_configuration_of_sam_builds_the_template_and_asks_nothing() -> Result<()> {
    let committed = text("samconfig.toml")?;
    let expected = [
        ("build", "template_file = \"infra/template.yaml\""),
        ("validate", "template_file = \"infra/template.yaml\""),
        ("deploy", "capabilities = \"CAPABILITY_IAM\""),
        ("deploy", "resolve_s3 = true"),
        ("deploy", "confirm_changeset = false"),
        ("deploy", "fail_on_empty_changeset = false"),
    ];
    for (command, setting) in expected {
        let header = format!("[default.{command}.parameters]");
        let (_, section) =
            committed.split_once(&header).with_context(|| format!("{header} is missing"))?;
        let section = section.split("\n[").next().unwrap_or_default();
        ensure!(section.lines().any(|line| line == setting), "{header} lacks {setting}");
    }
    Ok(())
}

#[test]
fn a_deployment_sets_parameters_that_the_template_has() -> Result<()> {
    let scripts = scripts(".github/workflows/deploy.yml")?;
    let deploy =
        scripts.iter().find(|script| script.contains("sam deploy")).context("sam deploy")?;
    let template = text("infra/template.yaml")?;
    let set: Vec<&str> = deploy
        .split('"')
        .filter_map(|word| word.split_once("=$"))
        .map(|(parameter, _)| parameter)
        .collect();
    ensure!(set == ["AlertEmail", "Architecture"], "{set:?}");
    for parameter in set {
        ensure!(template.contains(&format!("\n  {parameter}:\n    Type: ")), "{parameter}");
    }
    Ok(())
}

#[test]
fn the_archive_of_a_release_has_what_a_deployment_needs() -> Result<()> {
    let scripts = scripts(".github/workflows/release.yml")?;
    let archive =
        scripts.iter().find(|script| script.contains("ibov-stack-")).context("no archive")?;
    let files: Vec<&str> = archive.split_whitespace().filter(|word| word.contains('.')).collect();
    let needed =
        ["infra/glue/refine.py", "infra/smoke.py", "infra/deploy-role.yaml", "samconfig.toml"];
    for file in needed {
        ensure!(files.contains(&file), "the archive lacks {file}");
        ensure!(local::in_workspace(file)?.is_file(), "{file} is not there");
    }
    // `sam build` writes the way from its folder to the job's script into the template that it leaves there.
    ensure!(text("infra/template.yaml")?.contains("ScriptLocation: glue/refine.py"));
    ensure!(files.contains(&".aws-sam/build"), "the archive lacks what sam built");
    Ok(())
}
