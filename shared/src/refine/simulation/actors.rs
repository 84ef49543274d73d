//! Who acts in a world: the functions, parquet-writer and Glue, and time that passes when they are done.

use chrono::Datelike;

use super::{
    super::{Noted, Run, RunState, ended, note, pump, tick},
    explorer::{Actor, End, Schedule, Step, explore},
    world::{State, World, date, landing},
};
use crate::lake::LandingKey;

/// A message that some function is handling.
#[derive(Clone)]
pub(super) enum Message {
    /// A raw file of that day was written.
    Raw(u32),
    /// That run ended.
    Ended(Run),
}

/// Handles a message as the functions do; `true` acknowledges it.
pub(super) fn handle(world: &World, message: &Message, unique: &str) -> Actor<bool> {
    let (world, message, unique) = (world.clone(), message.clone(), unique.to_owned());
    Box::pin(async move {
        match message {
            Message::Raw(day) => {
                let noted = note(&world, date(day)).await;
                let moment = world.moment();
                match noted {
                    Ok(Noted::Pending) => pump(&world, &world, &unique, moment).await.is_ok(),
                    Ok(Noted::AlreadyRefined | Noted::NoRawFile) => true,
                    // Not acknowledged, but parked; here that is the same.
                    Ok(Noted::ForeignRawFile { .. }) | Err(_) => false,
                }
            }
            Message::Ended(run) => {
                let moment = world.moment();
                ended(&world, &world, &world, &run, &unique, moment).await.is_ok()
            }
        }
    })
}

/// Somebody redrives the first date that is parked, as soon as it is, and it is handled.
pub(super) fn redrive(world: &World, unique: &str) -> Actor<bool> {
    let (world, unique) = (world.clone(), unique.to_owned());
    Box::pin(async move {
        Step::default().await;
        if world.state().parked.is_empty() {
            return true;
        }
        let request = world.state().parked.remove(0);
        handle(&world, &Message::Raw(request.date.day()), &unique).await
    })
}

/// parquet-writer replaces a raw file; its event is handled as well.
pub(super) fn replace_raw(world: &World, landing: LandingKey, unique: &str) -> Actor<bool> {
    let (world, unique) = (world.clone(), unique.to_owned());
    Box::pin(async move {
        Step::default().await;
        world.write_raw(&landing);
        handle(&world, &Message::Raw(landing.date.day()), &unique).await
    })
}

/// Glue ends the active run at some moment, and its event is handled.
pub(super) fn run_and_end(world: &World, unique: &str) -> Actor<bool> {
    let (world, unique) = (world.clone(), unique.to_owned());
    Box::pin(async move {
        Step::default().await;
        world.run_refines();
        Step::default().await;
        match world.run_ends() {
            Some(run) => handle(&world, &Message::Ended(run), &unique).await,
            None => true,
        }
    })
}

/// Runs one actor to its end, undisturbed.
pub(super) fn alone<T: Copy + 'static>(actor: Actor<T>) -> T {
    let mut actor = Some(actor);
    let mut result = None;
    explore(0, |schedule| result = schedule.run(vec![actor.take().unwrap()]).pop());
    match result.unwrap() {
        End::Returned(value) => value,
        End::Crashed => panic!("no crash was allowed"),
    }
}

/// Time passes: what was not acknowledged comes again, runs end, the tick comes. The events of these runs
/// are lost, so the tick has to find their ends.
pub(super) fn settle(world: &World, unacknowledged: &[Message]) {
    let mut waiting = unacknowledged.to_vec();
    for round in 0..12 {
        world.state().minutes += 15;
        waiting.retain(|message| !alone(handle(world, message, &format!("again-{round}"))));
        world.state().minutes += 15;
        let clock = world.moment();
        let unique = format!("tick-{round}");
        let ticker = world.clone();
        alone(Box::pin(
            async move { tick(&ticker, &ticker, &ticker, &unique, clock).await.is_ok() },
        ));
        world.run_ends();
    }
    assert!(waiting.is_empty(), "a message never gets through");
}

pub(super) fn unacknowledged(messages: &[Message], ends: &[End<bool>]) -> Vec<Message> {
    let failed = messages.iter().zip(ends).filter(|(_, end)| **end != End::Returned(true));
    failed.map(|(message, _)| message.clone()).collect()
}

/// What holds in the end, whatever happened.
pub(super) fn check(world: &World) {
    let state = world.state();
    assert_eq!(state.lock.holder, None, "the lock is stuck");
    assert!(state.pendings.is_empty(), "{:?} are still pending", state.pendings);
    for (date, raw) in &state.raw {
        let parked = state.parked.iter().any(|request| request.date == *date);
        let refined = state.refined.get(date);
        assert!(
            refined == Some(&raw.source.content) || parked,
            "{date} is forgotten: refined from {refined:?}, raw holds {raw:?}"
        );
        let done = state.done.get(date).map(|done| &done.source.content);
        assert!(done.is_some() || parked, "done of {date} is missing");
        assert!(done.is_none() || done == refined, "done of {date} is wrong");
    }
    for run in &state.runs {
        assert!(state.mails.contains(&run.id), "nobody heard of {}", run.id);
    }
}

pub(super) fn failed_runs(state: &State) -> usize {
    state.runs.iter().filter(|run| matches!(run.state, RunState::Failed(_))).count()
}

/// A world whose first day is being refined by a run that just ended.
pub(super) fn with_ended_run(failing: bool) -> (World, Message) {
    with_ended_run_of(1, failing)
}

/// A world in which a run of that many days just ended.
pub(super) fn with_ended_run_of(days: u32, failing: bool) -> (World, Message) {
    let world = World::default();
    for day in 20..20 + days {
        world.write_raw(&landing(day, 1, 'a'));
        assert!(alone_noted(&world, day), "it is pending");
    }
    assert!(alone(handle(&world, &Message::Raw(20), "first")));
    world.state().failing_runs = u32::from(failing);
    let run = world.run_ends().unwrap();
    assert_eq!(run.dates.split(',').count(), days as usize);
    (world, Message::Ended(run))
}

/// As the messages of one batch are noted before the pump.
pub(super) fn alone_noted(world: &World, day: u32) -> bool {
    let world = world.clone();
    alone(Box::pin(async move { matches!(note(&world, date(day)).await, Ok(Noted::Pending)) }))
}

pub(super) fn crashed(ends: &[End<bool>]) -> bool {
    ends.contains(&End::Crashed)
}

/// Explores messages that are handled at the same time.
pub(super) fn at_the_same_time(
    max_crashes: usize,
    prepare: impl Fn() -> (World, Vec<Message>),
    check_more: impl Fn(&World, bool),
) -> usize {
    explore(max_crashes, |schedule: &mut Schedule| {
        let (world, messages) = prepare();
        let actors = messages
            .iter()
            .enumerate()
            .map(|(number, message)| handle(&world, message, &format!("claim-{number}")))
            .collect();
        let ends = schedule.run(actors);
        settle(&world, &unacknowledged(&messages, &ends));
        check(&world);
        check_more(&world, crashed(&ends));
    })
}
