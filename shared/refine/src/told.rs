//! Which ends of runs people know of.

use std::collections::BTreeSet;

use shared::{
    aws::{Bucket as _, CallError, Condition},
    failpoint,
};

use crate::state::State;

const TOLD: &str = "control/refine/told/";

/// How far the end of a run has been dealt with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    New,
    /// The run's dates are parked, and people are not notified yet.
    Parked,
    Told,
}

/// The runs whose ends people were notified of, among those whose ids begin with `run_id`.
pub async fn told(state: &impl State, run_id: &str) -> Result<BTreeSet<String>, CallError> {
    let noted = state.bucket().list(&key(run_id), None).await?.into_iter();
    let noted = noted.filter(|object| !object.is_empty);
    Ok(noted.filter_map(|object| Some(object.key.strip_prefix(TOLD)?.to_owned())).collect())
}

pub(super) async fn progress(state: &impl State, run_id: &str) -> Result<Progress, CallError> {
    let key = key(run_id);
    let noted = state.bucket().list(&key, None).await?.into_iter();
    Ok(match noted.into_iter().find(|object| object.key == key) {
        None => Progress::New,
        Some(object) if object.is_empty => Progress::Parked,
        Some(_) => Progress::Told,
    })
}

pub(super) async fn note(
    state: &impl State,
    run_id: &str,
    progress: Progress,
) -> Result<(), CallError> {
    let text = if progress == Progress::Told { "told\n" } else { "" };
    let key = key(run_id);
    let put = state.bucket().put(&key, text.into(), &Condition::Always);
    failpoint::around("set-told", put).await
}

fn key(run_id: &str) -> String {
    format!("{TOLD}{run_id}")
}
