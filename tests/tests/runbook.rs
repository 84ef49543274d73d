//! The runbooks explain every failure that a message can be parked with, and no other.

use std::{collections::BTreeSet, fs};

use anyhow::{Context as _, Result};
use e2e::local;
use shared::failure::Code;
use strum::VariantArray as _;

/// The codes that a runbook's table explains: those in its second column, which is called so.
fn explained(runbook: &str) -> BTreeSet<&str> {
    let lines = runbook.lines().skip_while(|line| !line.contains(" | code | "));
    let rows = lines.skip(2).take_while(|line| line.starts_with("| "));
    let cells = rows.filter_map(|row| row.split('|').nth(2));
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn every_code_of_a_failure_stands_in_both_runbooks_and_no_other() -> Result<()> {
    let all: BTreeSet<_> = Code::VARIANTS.iter().map(|code| code.name()).collect();
    for name in ["docs/runbook.md", "docs/pt-BR/runbook.md"] {
        let runbook = fs::read_to_string(local::in_workspace(name)?).context(name)?;
        let explained = explained(&runbook);
        let missing: Vec<_> = all.difference(&explained).collect();
        assert!(missing.is_empty(), "{name} does not explain {missing:?}");
        let gone: Vec<_> = explained.difference(&all).collect();
        assert!(gone.is_empty(), "{name} explains {gone:?}, which no message is parked with");
    }
    Ok(())
}
