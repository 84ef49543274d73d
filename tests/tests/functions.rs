//! The dependencies of a build for AWS.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use e2e::local;
use tokio::process::Command;

/// People sign in to AWS with these; a function has its role.
const FOR_PEOPLE: [&str; 4] = ["aws-sdk-sso v", "aws-sdk-ssooidc v", "aws-sdk-signin v", "p256 v"];
const FUNCTIONS: [&str; 4] = ["fetcher v", "parquet-writer v", "glue-trigger v", "glue-notifier v"];

/// The packages that Cargo compiles at the top of the checkout with these arguments.
async fn packages(arguments: &[&str]) -> Result<BTreeSet<String>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["tree", "--locked", "--offline", "--edges", "normal,build", "--prefix", "none"])
        .args(arguments)
        .current_dir(local::in_workspace("")?);
    let output = command.output().await.context("cannot start cargo")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Repeated packages have a mark.
    let lines = String::from_utf8_lossy(&output.stdout);
    Ok(lines.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).collect())
}

fn holds(packages: &BTreeSet<String>, name: &str) -> bool {
    packages.iter().any(|package| package.starts_with(name))
}

/// `sam build` builds each function by its binary's name at the top of the checkout.
#[test]
fn a_build_of_the_functions_has_none_of_the_ways_in_which_people_sign_in() -> Result<()> {
    local::run(async {
        let deployed = packages(&[]).await?;
        for name in FUNCTIONS {
            ensure!(holds(&deployed, name), "{name} is not built");
        }
        ensure!(!holds(&deployed, "ibov v"), "ibov is built with the functions");
        let operators = packages(&["--package", "ibov"]).await?;
        for name in FOR_PEOPLE {
            ensure!(holds(&operators, name), "ibov lacks {name}");
            ensure!(!holds(&deployed, name), "the functions are built with {name}");
        }
        Ok(())
    })
}

/// Otherwise `cargo ibov run` would build most dependencies again after the tests, and the tests after it.
#[test]
fn ibov_by_itself_has_the_dependencies_of_the_whole_workspace() -> Result<()> {
    local::run(async {
        let with_features = ["--format", "{p} {f}"];
        let own = packages(&[&with_features[..], &["--package", "ibov"]].concat()).await?;
        let all = packages(&[&with_features[..], &["--workspace"]].concat()).await?;
        for package in own {
            ensure!(all.contains(&package), "{package} has other features in the workspace");
        }
        Ok(())
    })
}
