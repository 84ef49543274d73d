//! A record of the runs whose end people were notified of.

use std::collections::BTreeSet;

use shared::{
    aws::{Bucket as _, CallError, Condition},
    failpoint,
};

use crate::state::State;

const TOLD: &str = "control/refine/told/";

/// Progress of recording the end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    New,
    /// The run's dates are parked, but people are not notified yet.
    Parked,
    Told,
}

/// The runs whose end people were notified of, among those whose ids begin with `run_id`.
pub async fn told(state: &impl State, run_id: &str) -> Result<BTreeSet<String>, CallError> {
    let objects = state.bucket().list(&key(run_id), None).await?.into_iter();
    let told = objects.filter(|object| !object.is_empty);
    Ok(told.filter_map(|object| Some(object.key.strip_prefix(TOLD)?.to_owned())).collect())
}

pub(super) async fn progress(state: &impl State, run_id: &str) -> Result<Progress, CallError> {
    let key = key(run_id);
    let objects = state.bucket().list(&key, None).await?;
    Ok(match objects.into_iter().find(|object| object.key == key) {
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
