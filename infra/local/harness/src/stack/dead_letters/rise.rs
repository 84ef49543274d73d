//! Noticing that a message is parked.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;

use super::depth;
use crate::stack::{Stack, Stage};

const STAGES: usize = Stage::ALL.len();

/// The fewest messages that each dead-letter queue was seen to hold. Where others take messages away meanwhile, one
/// that is parked after that is noticed all the same.
#[derive(Debug, Default)]
pub struct Rise([AtomicUsize; STAGES]);

impl Rise {
    /// Counts what is parked now.
    pub async fn begin(stack: &Stack) -> Result<Self> {
        Ok(Self(depths(stack).await?.map(AtomicUsize::new)))
    }

    /// A stage that has parked a message since.
    pub async fn look(&self, stack: &Stack) -> Result<Option<Stage>> {
        Ok(self.of(depths(stack).await?))
    }

    fn of(&self, depths: [usize; STAGES]) -> Option<Stage> {
        let mut risen = None;
        for ((stage, fewest), depth) in Stage::ALL.into_iter().zip(&self.0).zip(depths) {
            if depth > fewest.fetch_min(depth, Ordering::Relaxed) {
                risen = risen.or(Some(stage));
            }
        }
        risen
    }
}

async fn depths(stack: &Stack) -> Result<[usize; STAGES]> {
    let depths = Stage::ALL.map(|stage| depth(stack, stage));
    let [one, two, three, four] = depths;
    let (one, two, three, four) = futures::future::try_join4(one, two, three, four).await?;
    Ok([one, two, three, four])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redrive_of_others_hides_no_new_failure() {
        let rise = Rise([3, 0, 2, 0].map(AtomicUsize::new));
        assert_eq!(rise.of([3, 0, 2, 0]), None);
        assert_eq!(rise.of([0, 0, 2, 0]), None);
        // Fewer than at first, in the stage and in all of them.
        assert_eq!(rise.of([1, 0, 2, 0]), Some(Stage::ALL[0]));
        assert_eq!(rise.of([0, 0, 0, 1]), Some(Stage::ALL[3]));
    }
}
