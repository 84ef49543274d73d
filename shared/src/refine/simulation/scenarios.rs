//! Who meets whom, and what must hold afterwards.

use std::collections::BTreeSet;

use super::{
    super::{Noted, Run, RunState, ended, note, pump, tick},
    explorer::{Actor, End, Schedule, explore},
    world::{State, World, date, landing},
};

/// A message that some function is handling.
#[derive(Clone)]
enum Message {
    /// A raw file of that day was written.
    Raw(u32),
    /// That run ended.
    Ended(Run),
}

/// Handles a message as the functions do; `true` acknowledges it.
fn handle(world: &World, message: &Message, unique: &str) -> Actor<bool> {
    let (world, message, unique) = (world.clone(), message.clone(), unique.to_owned());
    Box::pin(async move {
        match message {
            Message::Raw(day) => {
                let noted = note(&world, date(day)).await;
                let moment = world.moment();
                match noted {
                    Ok(Noted::Pending) => pump(&world, &world, &unique, moment).await.is_ok(),
                    Ok(Noted::AlreadyRefined | Noted::NoRawFile) => true,
                    Err(_) => false,
                }
            }
            Message::Ended(run) => {
                let moment = world.moment();
                ended(&world, &world, &world, &run, &unique, moment).await.is_ok()
            }
        }
    })
}

/// parquet-writer replaces a raw file; its event is handled as well.
fn replace_raw(world: &World, landing: crate::lake::LandingKey, unique: &str) -> Actor<bool> {
    let (world, unique) = (world.clone(), unique.to_owned());
    Box::pin(async move {
        super::explorer::Step::default().await;
        world.write_raw(&landing);
        let day = landing.date.format("%d").to_string().parse().unwrap();
        handle(&world, &Message::Raw(day), &unique).await
    })
}

/// Glue ends the active run at some moment, and its event is handled.
fn run_and_end(world: &World, unique: &str) -> Actor<bool> {
    let (world, unique) = (world.clone(), unique.to_owned());
    Box::pin(async move {
        super::explorer::Step::default().await;
        match world.run_ends() {
            Some(run) => handle(&world, &Message::Ended(run), &unique).await,
            None => true,
        }
    })
}

/// Runs one actor to its end, undisturbed.
fn alone<T: Copy + 'static>(actor: Actor<T>) -> T {
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
fn settle(world: &World, unacknowledged: &[Message]) {
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

fn unacknowledged(messages: &[Message], ends: &[End<bool>]) -> Vec<Message> {
    let failed = messages.iter().zip(ends).filter(|(_, end)| **end != End::Returned(true));
    failed.map(|(message, _)| message.clone()).collect()
}

/// What holds in the end, whatever happened.
fn check(world: &World) {
    let state = world.state();
    assert_eq!(state.lock.holder, None, "the lock is stuck");
    assert!(state.pendings.is_empty(), "{:?} are still pending", state.pendings);
    for (date, raw) in &state.raw {
        let parked = state.parked.iter().any(|request| request.date == *date);
        let refined = state.refined.get(date).map(|refined| &refined.stamp.content);
        assert!(
            refined == Some(&raw.stamp.content) || parked,
            "{date} is forgotten: refined from {refined:?}, raw holds {raw}"
        );
        if !parked {
            let done = state.done.get(date).map(|done| &done.landing_key.stamp.content);
            assert_eq!(done, Some(&raw.stamp.content), "done of {date} is wrong");
        }
    }
    for run in &state.runs {
        assert!(state.mails.contains(&run.id), "nobody heard of {}", run.id);
    }
}

fn failed_runs(state: &State) -> usize {
    state.runs.iter().filter(|run| matches!(run.state, RunState::Failed(_))).count()
}

/// A world whose first day is being refined by a run that just ended.
fn with_ended_run(failing: bool) -> (World, Message) {
    let world = World::default();
    world.write_raw(&landing(20, 1, 'a'));
    assert!(alone(handle(&world, &Message::Raw(20), "first")));
    world.state().failing_runs = u32::from(failing);
    let run = world.run_ends().unwrap();
    (world, Message::Ended(run))
}

fn crashed(ends: &[End<bool>]) -> bool {
    ends.contains(&End::Crashed)
}

/// Explores messages that are handled at the same time.
fn at_the_same_time(
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

#[test]
fn the_same_event_twice_at_once_starts_one_run() {
    let prepare = || {
        let world = World::default();
        world.write_raw(&landing(20, 1, 'a'));
        (world, vec![Message::Raw(20), Message::Raw(20)])
    };
    let schedules = at_the_same_time(1, prepare, |world, _| {
        assert_eq!(world.state().runs.len(), 1, "one content, one run");
    });
    assert!(schedules > 500, "only {schedules} schedules were tried");
}

#[test]
fn a_date_that_arrives_while_a_run_is_finished_is_not_forgotten() {
    let prepare = || {
        let (world, ended) = with_ended_run(false);
        world.write_raw(&landing(21, 2, 'b'));
        (world, vec![ended, Message::Raw(21)])
    };
    at_the_same_time(1, prepare, |world, _| {
        assert_eq!(world.state().runs.len(), 2, "two contents, two runs");
    });
}

#[test]
fn the_same_end_twice_at_once_is_reported_once_unless_somebody_dies() {
    for failing in [false, true] {
        let prepare = || {
            let (world, ended) = with_ended_run(failing);
            (world, vec![ended.clone(), ended])
        };
        at_the_same_time(1, prepare, |world, crashed| {
            let state = world.state();
            assert_eq!(failed_runs(&state), usize::from(failing));
            if !crashed {
                assert_eq!(state.mails.len(), 1);
                assert_eq!(state.parked.len(), usize::from(failing));
            }
            assert!(state.mails.len() <= 2 && state.parked.len() <= 2);
        });
    }
}

#[test]
fn a_late_event_of_refined_content_starts_nothing() {
    let (world, ended) = with_ended_run(false);
    assert!(alone(handle(&world, &ended, "end")));
    assert!(alone(handle(&world, &Message::Raw(20), "late")));
    assert!(alone(handle(&world, &ended, "late-end")));
    let state = world.state();
    assert_eq!((state.runs.len(), state.mails.len()), (1, 1));
    assert!(state.pendings.is_empty());
}

#[test]
fn content_that_changes_while_it_is_refined_is_refined_again() {
    for content in ['b', 'a'] {
        explore(1, |schedule| {
            // 'a' is refined; a run for 'b' is active; meanwhile raw becomes 'b' again, or 'a'.
            let (world, ended) = with_ended_run(false);
            assert!(alone(handle(&world, &ended, "end")));
            world.write_raw(&landing(20, 2, 'b'));
            assert!(alone(handle(&world, &Message::Raw(20), "second")));
            let actors = vec![
                run_and_end(&world, "end-2"),
                replace_raw(&world, landing(20, 3, content), "third"),
            ];
            let ends = schedule.run(actors);
            let messages = [Message::Raw(20), Message::Raw(20)];
            if ends[1] == End::Crashed {
                world.write_raw(&landing(20, 3, content));
            }
            settle(&world, &unacknowledged(&messages, &ends));
            check(&world);
        });
    }
}

#[test]
fn a_lost_answer_of_start_job_run_starts_no_second_run() {
    let prepare = || {
        let world = World::default();
        world.write_raw(&landing(20, 1, 'a'));
        world.state().lost_answers = 1;
        (world, vec![Message::Raw(20), Message::Raw(20)])
    };
    at_the_same_time(1, prepare, |world, _| assert_eq!(world.state().runs.len(), 1));
}

#[test]
fn a_run_may_end_before_its_start_is_recorded() {
    explore(1, |schedule| {
        let world = World::default();
        world.write_raw(&landing(20, 1, 'a'));
        let actors = vec![
            handle(&world, &Message::Raw(20), "start"),
            run_and_end(&world, "end"),
            run_and_end(&world, "end-again"),
        ];
        let ends = schedule.run(actors);
        let again = if ends[0] == End::Returned(true) { vec![] } else { vec![Message::Raw(20)] };
        settle(&world, &again);
        check(&world);
        assert_eq!(world.state().runs.len(), 1, "one content, one run");
    });
}

#[test]
fn the_end_of_a_run_whose_id_was_never_recorded_is_taken_in_at_once() {
    let world = World::default();
    world.write_raw(&landing(20, 1, 'a'));
    world.state().lost_answers = 1;
    assert!(!alone(handle(&world, &Message::Raw(20), "start")), "the answer was lost");
    let run = world.run_ends().unwrap();
    assert!(alone(handle(&world, &Message::Ended(run), "end")));
    let state = world.state();
    assert_eq!((state.lock.holder.as_ref(), state.mails.len()), (None, 1), "without the tick");
    assert!(state.done.contains_key(&date(20)));
}

#[test]
fn one_bad_date_does_not_block_the_others() {
    let (world, ended) = with_ended_run(true);
    world.write_raw(&landing(21, 2, 'b'));
    assert!(alone(handle(&world, &Message::Raw(21), "other")));
    assert!(alone(handle(&world, &ended, "end")));
    settle(&world, &[]);
    check(&world);
    let state = world.state();
    assert_eq!(state.refined.keys().copied().collect::<BTreeSet<_>>(), [date(21)].into());
    let parked: Vec<_> = state.parked.iter().map(|request| request.date).collect();
    assert_eq!(parked, [date(20)]);
    assert_eq!(state.parked[0].retry_of.as_deref(), Some("jr_1"));
}

#[test]
fn the_end_of_a_run_starts_the_next_one_without_waiting_for_the_tick() {
    let (world, ended) = with_ended_run(false);
    world.write_raw(&landing(21, 2, 'b'));
    assert!(alone(handle(&world, &Message::Raw(21), "other")));
    assert_eq!(world.state().runs.len(), 1, "one run at a time");
    assert!(alone(handle(&world, &ended, "end")));
    assert_eq!(world.state().runs.len(), 2);
}

#[test]
fn a_failed_date_is_refined_once_it_is_redriven() {
    let (world, ended) = with_ended_run(true);
    assert!(alone(handle(&world, &ended, "end")));
    assert!(alone(handle(&world, &Message::Raw(20), "redriven")));
    world.state().parked.clear();
    settle(&world, &[]);
    check(&world);
    assert_eq!(world.state().runs.len(), 2);
}

#[test]
fn two_ticks_and_an_event_at_once_report_one_end_once() {
    explore(1, |schedule| {
        let (world, ended) = with_ended_run(true);
        let ticking = |unique: &'static str| -> Actor<bool> {
            let world = world.clone();
            Box::pin(async move {
                let clock = world.moment();
                tick(&world, &world, &world, unique, clock).await.is_ok()
            })
        };
        let ends =
            schedule.run(vec![ticking("tick-1"), handle(&world, &ended, "end"), ticking("tick-2")]);
        let again = if ends[1] == End::Returned(true) { vec![] } else { vec![ended] };
        settle(&world, &again);
        check(&world);
        if !crashed(&ends) {
            assert_eq!(world.state().mails.len(), 1);
        }
    });
}

#[test]
fn a_run_that_glue_forgot_is_reported_as_failed() {
    let (world, _) = with_ended_run(false);
    world.state().runs.clear();
    settle(&world, &[]);
    let state = world.state();
    assert_eq!((state.lock.holder.as_ref(), state.mails.len(), state.parked.len()), (None, 1, 1));
}
