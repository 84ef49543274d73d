//! The one lock of the refine state, and its transitions.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::{Moment, control::Source};

/// `control/refine/active.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// Who holds it; nobody if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Holder>,
    /// The claim that was held last. No two states of the lock are thus ever the same bytes, and an ETag
    /// that still matches means that nobody held it in between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<ClaimId>,
}

/// Names one claim, in the lock and among the run's arguments.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ClaimId(String);

impl ClaimId {
    const PREFIX: &str = "refine-";

    /// A claim id of ours from something unique.
    #[must_use]
    pub fn new(unique: &str) -> Self {
        Self(format!("{}{unique}", Self::PREFIX))
    }

    /// `None` for an argument that somebody else made up.
    #[must_use]
    pub fn recognise(argument: &str) -> Option<Self> {
        argument.starts_with(Self::PREFIX).then(|| Self(argument.to_owned()))
    }

    /// As it is passed to the job.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whoever refines now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Told to the run, which is recognised by it if its id never became known.
    pub claim_id: ClaimId,
    /// How far it is.
    pub phase: Phase,
    /// When it was claimed. What was asked for before is answered by its run.
    #[serde(default)]
    pub claimed_at: DateTime<Utc>,
    /// Until when the invocation that wrote this may be alive.
    pub lease_until: DateTime<Utc>,
    /// What is being refined.
    pub dates: BTreeMap<NaiveDate, Source>,
    /// Once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
}

/// How far a holder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// A run is being started, or was.
    Starting,
    /// A run was started.
    Running,
    /// A run ended and its end is being recorded.
    Closing,
}

/// What a lock allows at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Anybody may claim.
    Free,
    /// Somebody is at it.
    Held,
    /// Whoever was starting a run is dead; perhaps it was started.
    StartUnknown(Holder),
    /// A run was started; only Glue knows how it stands.
    Running(String),
    /// Whoever was recording the end of this run is dead.
    HalfClosed(String),
}

impl Lock {
    /// The lock held by `holder`.
    #[must_use]
    pub fn held_by(holder: &Holder) -> Self {
        Self { holder: Some(holder.clone()), last: None }
    }

    /// The lock that nobody holds, after `holder` did.
    #[must_use]
    pub fn free_after(holder: &Holder) -> Self {
        Self { holder: None, last: Some(holder.claim_id.clone()) }
    }

    /// What this lock allows at a moment.
    #[must_use]
    pub fn standing(&self, moment: Moment) -> Standing {
        let Some(holder) = &self.holder else { return Standing::Free };
        let expired = holder.lease_until <= moment.now;
        match (holder.phase, &holder.run_id) {
            (Phase::Starting, _) if expired => Standing::StartUnknown(holder.clone()),
            (Phase::Running, Some(run_id)) => Standing::Running(run_id.clone()),
            (Phase::Closing, Some(run_id)) if expired => Standing::HalfClosed(run_id.clone()),
            (Phase::Running | Phase::Closing, None) if expired => {
                Standing::StartUnknown(holder.clone())
            }
            (Phase::Starting | Phase::Running | Phase::Closing, _) => Standing::Held,
        }
    }

    /// The holder, if it is the one that this run was started for.
    #[must_use]
    pub fn holder_of(&self, run_id: &str, claim_id: Option<&ClaimId>) -> Option<&Holder> {
        self.holder.as_ref().filter(|holder| match &holder.run_id {
            Some(known) => known == run_id,
            None => Some(&holder.claim_id) == claim_id,
        })
    }
}

impl Holder {
    /// Claims dates.
    #[must_use]
    pub fn starting(claim_id: ClaimId, dates: BTreeMap<NaiveDate, Source>, moment: Moment) -> Self {
        let (claimed_at, lease_until) = (moment.now, moment.lease_until());
        Self { claim_id, phase: Phase::Starting, claimed_at, lease_until, dates, run_id: None }
    }

    /// The same claim, taken over by somebody alive.
    #[must_use]
    pub fn renewed(&self, moment: Moment) -> Self {
        Self { lease_until: moment.lease_until(), ..self.clone() }
    }

    /// The claim's run is known.
    #[must_use]
    pub fn running(&self, run_id: &str, moment: Moment) -> Self {
        let run_id = Some(run_id.to_owned());
        Self { phase: Phase::Running, run_id, ..self.renewed(moment) }
    }

    /// The claim's run ended.
    #[must_use]
    pub fn closing(&self, run_id: &str, moment: Moment) -> Self {
        Self { phase: Phase::Closing, ..self.running(run_id, moment) }
    }
}
