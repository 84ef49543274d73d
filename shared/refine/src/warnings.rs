//! What the job found odd about dates that it refined all the same.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Deserialize;
use shared::{
    aws::{Bucket as _, CallError, Get},
    failure::readable,
};

use crate::{
    listing::{Listing, done_key},
    run::Run,
    state::State,
};

/// The job's own words about each date.
pub type Warnings = BTreeMap<NaiveDate, Vec<String>>;

/// What the job writes into `done`, as far as it matters here.
#[derive(Deserialize)]
struct Done {
    run_id: String,
    #[serde(default)]
    warnings: Vec<String>,
}

/// What a run says in `done` of its dates. A date that another run has refined since is for that run to tell.
pub(super) async fn warnings(
    state: &impl State,
    run: &Run,
    listing: &Listing,
) -> Result<Warnings, CallError> {
    const MAX_BYTES: i64 = 1024 * 1024;
    let (dates, mut found) = (run.started_for(), Warnings::new());
    for done in listing.done.iter().filter(|(date, _)| dates.contains_key(date)) {
        let Get::Bytes(bytes) = state.bucket().get(&done_key(done), MAX_BYTES).await? else {
            continue;
        };
        // One that cannot be read was written before there were warnings, or not by the job.
        let said = serde_json::from_slice::<Done>(&bytes).ok();
        let said = said.filter(|said| said.run_id == run.id && !said.warnings.is_empty());
        let words = said.map(|said| said.warnings.iter().map(|text| readable(text)).collect());
        found.extend(words.map(|words| (done.0, words)));
    }
    Ok(found)
}
