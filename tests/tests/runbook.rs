//! The runbooks name every kind of failure that a message can be parked with.

use std::{collections::BTreeSet, fs};

use anyhow::{Context as _, Result};
use e2e::local;

/// The names in the bodies of a source's `fn code`, and those in its `code: "…"`.
fn codes(source: &str) -> BTreeSet<String> {
    let bodies = source.split("fn code(").skip(1).map(|rest| {
        let end = rest.find("\n    }\n").unwrap_or(rest.len());
        rest.get(..end).unwrap_or_default()
    });
    let fields =
        source.split(" code: ").skip(1).map(|rest| rest.lines().next().unwrap_or_default());
    let literals = bodies.chain(fields).flat_map(|text| text.split('"').skip(1).step_by(2));
    let kebab = |text: &&str| {
        !text.is_empty() && text.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '-'))
    };
    literals.filter(kebab).map(str::to_owned).collect()
}

#[test]
fn every_kind_of_failure_stands_in_both_runbooks() -> Result<()> {
    let mut all = BTreeSet::new();
    for folder in ["shared/src", "services"] {
        for file in local::sources(&local::in_workspace(folder)?)? {
            let text = fs::read_to_string(&file)?;
            let (program, _) = text.split_once("#[cfg(test)]").unwrap_or((&text, ""));
            if !file.ends_with("tests.rs") {
                all.extend(codes(program));
            }
        }
    }
    for known in ["b3-html", "quantity-total", "aws-busy", "run-failed", "out-of-time", "bug"] {
        assert!(all.contains(known), "{known} was not found: {all:?}");
    }
    for name in ["README.md", "README.pt-BR.md"] {
        let text = fs::read_to_string(local::in_workspace(name)?).context(name)?;
        let missing: Vec<_> =
            all.iter().filter(|code| !text.contains(&format!("`{code}`"))).collect();
        assert!(missing.is_empty(), "{name} says nothing of {missing:?}");
    }
    Ok(())
}
