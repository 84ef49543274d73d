//! The rules of checkov, the second opinion on the template, that the template overrides.

use crate::document::{Template, repository, text};

#[test]
fn every_exception_says_why_beside_its_resource() {
    let template = Template::load();
    let mut exceptions = 0;
    for (name, resource) in template.section("Resources") {
        let skipped = resource["Metadata"]["checkov"]["skip"].as_array().into_iter().flatten();
        for exception in skipped {
            let (id, reason) = (text(&exception["id"]), text(&exception["comment"]));
            assert!(id.starts_with("CKV_AWS_"), "{name}: {id:?} is no rule of checkov's");
            assert!(reason.split_whitespace().count() > 4, "{name}: {id} is skipped: {reason:?}");
            exceptions += 1;
        }
    }
    assert!(exceptions > 0, "checkov reads the exceptions from here");
}

#[test]
fn nothing_is_overlooked_everywhere() {
    let checks = std::fs::read_to_string(repository().join(".ci/run")).expect(".ci/run");
    let call = checks.split_once("bin/checkov ").expect("somebody asks for the second opinion").1;
    let call = call.split_once("\nstep ").expect("a step follows").0;
    for way in ["--skip-check", "--soft-fail", "--check", "--baseline", "CKV_"] {
        assert!(!call.contains(way), "{way} would hide a finding on every resource");
    }
    assert!(
        !repository().join(".checkov.yaml").exists(),
        "a file that nobody reads the template by"
    );
}
