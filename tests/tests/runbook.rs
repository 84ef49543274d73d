//! The runbooks explain every failure that a message can be parked with, and no other.

use std::{collections::BTreeSet, fs};

use anyhow::{Context as _, Result};
use e2e::local;

/// The names that a source's `fn code` gives, and those that stand in a `code: "…"`.
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

/// The codes that a runbook's table explains: those in its second column.
fn explained(runbook: &str) -> BTreeSet<String> {
    let rows = runbook.lines().filter(|line| line.starts_with("| "));
    let cells = rows.filter_map(|row| row.split('|').nth(2));
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

#[test]
fn every_code_of_a_failure_stands_in_both_runbooks_and_no_other() -> Result<()> {
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
    for name in ["docs/runbook.md", "docs/pt-BR/runbook.md"] {
        let explained = explained(&fs::read_to_string(local::in_workspace(name)?).context(name)?);
        let missing: Vec<_> = all.difference(&explained).collect();
        assert!(missing.is_empty(), "{name} does not explain {missing:?}");
        let gone: Vec<_> = explained.difference(&all).collect();
        assert!(gone.is_empty(), "{name} explains {gone:?}, which no message is parked with");
    }
    Ok(())
}
