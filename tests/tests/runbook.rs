//! The runbooks name every failure that a message can be parked with.

use std::fs;

use anyhow::{Context as _, Result};
use e2e::local;
use shared::failure::Code;
use strum::VariantArray as _;

#[test]
fn every_kind_of_failure_stands_in_both_runbooks() -> Result<()> {
    for name in ["README.md", "README.pt-BR.md"] {
        let text = fs::read_to_string(local::in_workspace(name)?).context(name)?;
        let missing: Vec<_> =
            Code::VARIANTS.iter().filter(|code| !text.contains(&format!("`{code}`"))).collect();
        assert!(missing.is_empty(), "{name} says nothing of {missing:?}");
    }
    Ok(())
}
