//! Waits of `ibov import` and `ibov reprocess` on a stack where something failed, earlier or meanwhile.

use std::{collections::BTreeSet, time::Duration};

use anyhow::Result;
use chrono::NaiveDate;
use e2e::{
    days::session,
    faults::{Bench, Order},
    local,
};
use harness::{
    journey::Tracker,
    progress::Progress,
    reprocess::{Pace, reprocess},
    stack::Stage,
    unfinished::{Wait, until_finished},
};

/// Longer than anything here takes.
const LIMIT: Duration = Duration::from_secs(120);

/// Sends what `work` sends, and waits for a date as an import does.
async fn refined(
    bench: &Bench,
    date: NaiveDate,
    work: impl Future<Output = Result<()>>,
) -> Result<()> {
    let tracker = Tracker::new(&bench.stack, bench.logs());
    let before = tracker.snapshot().await?;
    work.await?;
    let (index, dates) = ("IBOV".parse()?, BTreeSet::from([date]));
    let watch = async || tracker.fail_if_anything_was_parked(&before).await;
    let wait = Wait { index: &index, dates: &dates, limit: LIMIT };
    until_finished(&wait, &tracker, &before, &watch, |_| {}).await
}

#[test]
fn a_date_that_was_parked_before_keeps_nothing_waiting() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("waits-parked").await?;
        let (parked, other) = (session(0), session(1));
        bench.order_runs(Order::FailOnce("no such table"))?;
        bench.fetch(parked).await?;
        bench.parked(Stage::Glue, 1).await?;
        bench.settled().await?;

        let fetched = async {
            bench.fetch(other).await?;
            bench.until("the answer", || bench.newest_landing(other)).await.map(drop)
        };
        refined(&bench, other, fetched).await?;
        let nothing = async { Ok(()) };
        let error = refined(&bench, parked, nothing).await.expect_err("that date is not refined");
        for part in [parked.to_string().as_str(), "redrive glue"] {
            assert!(error.to_string().contains(part), "{part} is missing in {error}");
        }

        // Its raw file stays as it is, and a forced request has it tried again.
        let (index, watch) = ("IBOV".parse()?, async || Ok(()));
        let (pace, progress) = ((Pace::LOCAL, LIMIT), Progress::silent());
        let dates = (parked, other);
        let done = reprocess(&bench.stack, &index, dates, pace, &watch, &progress).await?;
        assert!(done.len() == 2 && !done.iter().any(|done| done.raw_changed), "{done:?}");
        bench.done_says_so(parked).await
    })
}

#[test]
fn a_run_that_failed_without_a_date_left_keeps_nothing_waiting() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("waits-for-runs").await?;
        let date = session(0);
        bench.fetch(date).await?;
        bench.refined(date).await?;
        bench.settled().await?;
        bench.order_runs(Order::FailOnce("stopped"))?;
        let by_hand = async { bench.start_by_hand(&[date]).await.map(drop) };
        refined(&bench, date, by_hand).await?;
        assert_eq!((bench.dead_letters().await?, bench.alerts()?.len()), (0, 1));
        Ok(())
    })
}
