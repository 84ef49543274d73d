//! A small storm.

use anyhow::{Result, ensure};
use e2e::{local, storm::Storm};

#[test]
fn every_event_of_a_storm_is_in_the_lake_or_parked() -> Result<()> {
    let verdict = local::run(Storm { events: 160, seed: 7 }.run())?;
    ensure!(verdict.broken.is_empty(), "{:?}\n{}", verdict.figures, verdict.broken.join("\n"));
    let figures = verdict.figures;
    ensure!(figures.kills > 0 && figures.failures > 0, "hardly a storm: {figures:?}");
    Ok(())
}
