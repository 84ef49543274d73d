//! The actors of a world: the functions, parquet-writer and Glue; and the passing of time after they are done.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use shared::events::RefineRequest;

use super::{
    explorer::{Actor, End, Schedule, explore},
    world::{Lake, World, date},
};
use crate::{Refusal, Run, answer, ended, tick};

/// A message to a function.
#[derive(Clone, Debug)]
pub(super) enum Message {
    /// A raw file was written.
    Raw,
    Refine(RefineRequest),
    /// The run with this id ended.
    Ended(String),
    Tick,
}

pub(super) fn refine(day: u32, force: bool) -> Message {
    Message::Refine(RefineRequest { date: date(day), force, retry_of: None })
}

/// Handles a message as the functions do. `true` acknowledges the message.
pub(super) fn handle(world: &World, message: &Message) -> Actor<bool> {
    let (world, message) = (world.actor(), message.clone());
    Box::pin(async move {
        match message {
            Message::Raw => answer(&world, &[]).await.is_ok(),
            Message::Refine(request) => match answer(&world, &[request]).await {
                // A permanent refusal is parked, and the message acknowledged.
                Ok((refused, _)) => refused.values().all(|refusal| *refusal == Refusal::NoRawFile),
                Err(_) => false,
            },
            Message::Ended(run_id) => {
                let run = world.lake().run(&run_id);
                ended(&world, &world, &[run]).await.is_ok()
            }
            Message::Tick => tick(&world, &world).await.is_ok(),
        }
    })
}

/// parquet-writer writes a raw object, and its event is handled.
pub(super) fn write_raw(world: &World, day: u32, name: &'static str) -> Actor<bool> {
    let world = world.actor();
    Box::pin(async move {
        super::explorer::Step::default().await;
        world.write_raw(day, name);
        handle(&world, &Message::Raw).await
    })
}

/// A person redrives the first parked request, if there is one by then.
pub(super) fn redrive(world: &World) -> Actor<bool> {
    let world = world.actor();
    Box::pin(async move {
        super::explorer::Step::default().await;
        if world.lake().parked.is_empty() {
            return true;
        }
        let request = world.lake().parked.remove(0);
        let handled = handle(&world, &Message::Refine(request.clone())).await;
        if !handled {
            world.lake().parked.push(request);
        }
        true
    })
}

/// The job works for the waiting run, if any, and the event of the run's end is handled.
pub(super) fn work_and_end(world: &World) -> Actor<bool> {
    let world = world.actor();
    Box::pin(async move {
        super::explorer::Step::default().await;
        match world.work().await {
            Some(run) => handle(&world, &Message::Ended(run.id)).await,
            None => true,
        }
    })
}

/// The job works, and the event of the run's end is lost.
pub(super) fn work(world: &World) -> Actor<bool> {
    let world = world.actor();
    Box::pin(async move {
        super::explorer::Step::default().await;
        world.work().await;
        true
    })
}

/// Runs one actor to its end, without interleaving.
pub(super) fn alone<T: Copy + 'static>(actor: Actor<T>) -> T {
    let mut actor = Some(actor);
    let mut result = None;
    explore(0, |schedule| result = schedule.run(vec![actor.take().unwrap()]).pop());
    match result.unwrap() {
        End::Returned(value) => value,
        End::Crashed => panic!("no crash was allowed"),
    }
}

/// The job works for all waiting runs, and the events of their ends are lost.
pub(super) fn runs_end(world: &World) {
    while world.lake().waiting_run().is_some() {
        alone(work(world));
    }
}

/// Time passes: unacknowledged messages are delivered again, runs end, ticks come. After a round in which nothing
/// happened, nothing would happen in the next ones either.
pub(super) fn settle(world: &World, unacknowledged: &[Message]) {
    const ROUNDS: usize = 12;
    let mut waiting = unacknowledged.to_vec();
    for _ in 0..ROUNDS {
        let before = (world.lake().trace(), waiting.len());
        waiting.retain(|message| !alone(handle(world, message)));
        runs_end(world);
        world.lake().slot_held = 0;
        alone(handle(world, &Message::Tick));
        runs_end(world);
        if (world.lake().trace(), waiting.len()) == before {
            break;
        }
    }
    assert!(waiting.is_empty(), "{waiting:?} never gets through");
}

/// Explores concurrent actors, lets each world settle, and checks the result. An actor's message is delivered again
/// unless the actor acknowledges it.
pub(super) fn at_the_same_time(
    max_crashes: usize,
    mut prepare: impl FnMut() -> (World, Vec<(Actor<bool>, Message)>),
    mut check_more: impl FnMut(&World, bool),
) -> usize {
    explore(max_crashes, |schedule: &mut Schedule| {
        let (world, acts) = prepare();
        let (actors, messages): (Vec<_>, Vec<_>) = acts.into_iter().unzip();
        let ends = schedule.run(actors);
        let failed = messages.iter().zip(&ends).filter(|(_, end)| **end != End::Returned(true));
        let again: Vec<_> = failed.map(|(message, _)| message.clone()).collect();
        settle(&world, &again);
        check(&world);
        check_more(&world, ends.contains(&End::Crashed));
        check_redriven(&world);
    })
}

/// Checks the invariants of a settled world.
pub(super) fn check(world: &World) {
    let lake = world.lake();
    for (day, raw) in &lake.raw() {
        let parked = parked(&lake).contains(day);
        assert!(lake.is_refined(*day) || parked, "{day} is forgotten: {}", describe(&lake));
        let recorded = lake.is_done(*day, raw);
        assert!(!recorded || lake.is_refined(*day), "done lies: {}", describe(&lake));
    }
    for run in &lake.runs {
        assert!(!run.is_active() && lake.is_told(&run.id), "{}", run.id);
        assert!(lake.mails.iter().any(|(told, _)| *told == run.id), "no mail about {}", run.id);
    }
    assert!(lake.warned.is_subset(&lake.refined), "{:?}: {}", lake.warned, describe(&lake));
    let untold: Vec<_> = lake.made_by().difference(&lake.warned).cloned().collect();
    assert!(untold.is_empty(), "{untold:?} warned of nothing: {}", describe(&lake));
    assert!(lake.redundant.is_empty(), "{:?} for nothing: {}", lake.redundant, describe(&lake));
}

/// Repairs the causes of failures, redrives all parked requests, and checks that every date is refined.
pub(super) fn check_redriven(world: &World) {
    let parked: BTreeSet<_> = {
        let mut lake = world.lake();
        (lake.bad, lake.deadly, lake.idle_job) = (BTreeSet::new(), BTreeSet::new(), false);
        lake.parked.drain(..).map(|request| request.date).collect()
    };
    let again = |date| Message::Refine(RefineRequest { date, force: false, retry_of: None });
    settle(world, &parked.into_iter().map(again).collect::<Vec<_>>());
    let lake = world.lake();
    assert!(lake.parked.is_empty(), "parked again: {}", describe(&lake));
    for day in lake.raw().keys() {
        assert!(lake.is_refined(*day), "{day} is not refined: {}", describe(&lake));
    }
}

pub(super) fn parked(lake: &Lake) -> BTreeSet<NaiveDate> {
    lake.parked.iter().map(|request| request.date).collect()
}

/// Number of mails about a run.
pub(super) fn mails_about(lake: &Lake, run_id: &str) -> usize {
    lake.mails.iter().filter(|(told, _)| told == run_id).count()
}

fn describe(lake: &Lake) -> String {
    let runs = lake.runs.iter().map(|Run { id, state, dates, etags, .. }| {
        format!("{id} {} {dates} {etags}", state.name())
    });
    format!(
        "raw {:?}\nrows {:?}\nnotes {:#?}\nparked {:?}\nruns {:#?}",
        lake.raw(),
        lake.rows,
        lake.keys("control/"),
        lake.parked,
        runs.collect::<Vec<_>>()
    )
}

/// A world of `days` days, beginning on the 20th, with a run for all of them that the job has not begun.
pub(super) fn with_a_run_of(days: u32) -> World {
    let world = World::default();
    for day in 20..20 + days {
        world.write_raw(day, &format!("{day}-a"));
    }
    assert!(alone(handle(&world, &Message::Raw)));
    assert_eq!(world.lake().runs.len(), 1);
    world
}
