//! Scenarios of concurrent actors, and the invariants of each.

use std::collections::BTreeSet;

use shared::{aws::ETag, events::RunState};

use super::{
    actors::{
        Message, alone, at_the_same_time, check, check_redriven, handle, mails_about, parked,
        redrive, refine, runs_end, settle, with_a_run_of, work, work_and_end, write_raw,
    },
    explorer::Actor,
    world::{World, date, etag},
};
use crate::MAX_DATES;

fn event(world: &World) -> (Actor<bool>, Message) {
    (handle(world, &Message::Raw), Message::Raw)
}

fn the_tick(world: &World) -> (Actor<bool>, Message) {
    (handle(world, &Message::Tick), Message::Tick)
}

/// The job works for the first run, and the run's end is handled.
fn first_run(world: &World) -> (Actor<bool>, Message) {
    (work_and_end(world), Message::Tick)
}

fn written(world: &World, day: u32, name: &'static str) -> (Actor<bool>, Message) {
    (write_raw(world, day, name), Message::Raw)
}

fn end_of(world: &World, run_id: &str) -> (Actor<bool>, Message) {
    let message = Message::Ended(run_id.to_owned());
    (handle(world, &message), message)
}

fn asked(world: &World, day: u32, force: bool) -> (Actor<bool>, Message) {
    let message = refine(day, force);
    (handle(world, &message), message)
}

/// Makes the job fail for a raw object, or die.
fn spoil(world: &World, name: ETag, deadly: bool) {
    let mut lake = world.lake();
    match deadly {
        true => lake.deadly.insert(name),
        false => lake.bad.insert(name),
    };
}

fn no_more_runs_than(world: &World, most: usize) {
    let runs = world.lake().runs.len();
    assert!(runs <= most, "{runs} runs, {most} are enough");
}

#[test]
fn the_same_event_twice_at_once_starts_one_run() {
    let prepare = || {
        let world = World::default();
        world.write_raw(20, "20-a");
        let acts = vec![event(&world), event(&world), first_run(&world)];
        (world, acts)
    };
    let mut one_run = 0;
    let schedules = at_the_same_time(1, prepare, |world, _| {
        one_run += usize::from(world.lake().runs.len() == 1);
    });
    assert!(schedules > 1_000 && one_run > schedules / 2, "{one_run} of {schedules}");
}

#[test]
fn what_is_written_while_a_run_goes_on_is_refined_by_the_next() {
    let prepare = || {
        let world = with_a_run_of(1);
        let acts = vec![first_run(&world), written(&world, 21, "21-a")];
        (world, acts)
    };
    at_the_same_time(1, prepare, |world, _| no_more_runs_than(world, 2));
}

#[test]
fn the_end_of_a_run_starts_the_next_one_without_waiting_for_the_tick() {
    let world = with_a_run_of(1);
    world.write_raw(21, "21-a");
    assert!(alone(handle(&world, &Message::Raw)));
    assert_eq!(world.lake().runs.len(), 1, "one run at a time");
    assert!(alone(work_and_end(&world)));
    assert_eq!(world.lake().runs.len(), 2);
}

#[test]
fn content_that_changes_while_it_is_refined_is_refined_again() {
    let prepare = || {
        let world = with_a_run_of(1);
        let acts = vec![first_run(&world), written(&world, 20, "20-b")];
        (world, acts)
    };
    at_the_same_time(1, prepare, |world, _| no_more_runs_than(world, 2));
}

#[test]
fn content_that_changes_and_changes_back_is_new_content() {
    let prepare = || {
        let world = with_a_run_of(1);
        let twice = {
            let world = world.actor();
            Box::pin(async move {
                write_raw(&world, 20, "20-b").await && write_raw(&world, 20, "20-a-again").await
            })
        };
        let acts = vec![first_run(&world), (twice as Actor<bool>, Message::Raw)];
        (world, acts)
    };
    at_the_same_time(0, prepare, |world, _| no_more_runs_than(world, 3));
}

#[test]
fn a_job_may_die_at_any_step_and_its_dates_are_parked() {
    let prepare = || {
        let world = with_a_run_of(2);
        let acts = vec![(work(&world), Message::Tick), event(&world)];
        (world, acts)
    };
    at_the_same_time(1, prepare, |world, crashed| {
        let lake = world.lake();
        assert!(crashed || lake.parked.is_empty());
        // A reconcile before the end is recorded retries the dates of the killed run once.
        assert!(lake.runs.len() <= 1 + usize::from(crashed));
    });
}

#[test]
fn a_bad_date_is_parked_and_does_not_stop_the_others() {
    let prepare = || {
        let world = with_a_run_of(3);
        world.lake().bad.insert(etag("21-a"));
        let acts = vec![first_run(&world), event(&world)];
        (world, acts)
    };
    at_the_same_time(0, prepare, |world, _| {
        let lake = world.lake();
        assert_eq!(parked(&lake), [date(21)].into());
        assert_eq!(lake.parked.len(), 1);
        assert_eq!(lake.parked[0].retry_of.as_deref(), Some("jr_1"));
        assert!(lake.is_refined(date(20)) && lake.is_refined(date(22)));
        assert_eq!(lake.mails, [("jr_1".to_owned(), vec![date(21)])]);
        assert!(lake.unasked.is_empty(), "a bad date is not retried without a request");
        assert_eq!(lake.runs.len(), 1);
    });
}

#[test]
fn a_date_that_kills_its_run_is_parked_with_those_that_were_not_reached() {
    let prepare = || {
        let world = with_a_run_of(3);
        world.lake().deadly.insert(etag("21-a"));
        let acts = vec![first_run(&world), event(&world)];
        (world, acts)
    };
    at_the_same_time(1, prepare, |world, crashed| {
        let lake = world.lake();
        let parked = parked(&lake);
        assert!(parked.is_superset(&[date(21), date(22)].into()) || crashed, "{parked:?}");
        assert!(lake.is_refined(date(20)) || crashed);
    });
}

#[test]
fn the_end_of_a_failed_run_is_taken_in_whoever_dies_when() {
    for deadly in [false, true] {
        let prepare = || {
            let world = with_a_run_of(3);
            let bad = etag("21-a");
            spoil(&world, bad, deadly);
            runs_end(&world);
            let acts = vec![end_of(&world, "jr_1")];
            (world, acts)
        };
        at_the_same_time(2, prepare, |world, crashed| {
            let lake = world.lake();
            let expected = if deadly { BTreeSet::from([21, 22]) } else { [21].into() };
            assert_eq!(parked(&lake), expected.into_iter().map(date).collect());
            assert!(crashed || lake.parked.len() == parked(&lake).len(), "parked twice");
            assert!(crashed || mails_about(&lake, "jr_1") == 1, "{:?}", lake.mails);
            assert!(lake.mails.iter().all(|(_, dates)| *dates == Vec::from_iter(parked(&lake))));
            assert_eq!(lake.runs.len(), 1, "however often its end is recorded");
        });
    }
}

#[test]
fn the_end_of_a_good_run_is_told_whoever_dies_when() {
    let prepare = || {
        let world = with_a_run_of(2);
        runs_end(&world);
        let acts = vec![end_of(&world, "jr_1")];
        (world, acts)
    };
    at_the_same_time(2, prepare, |world, crashed| {
        let lake = world.lake();
        assert_eq!((lake.parked.len(), lake.runs.len()), (0, 1));
        assert!(crashed || mails_about(&lake, "jr_1") == 1, "{:?}", lake.mails);
    });
}

#[test]
fn an_end_that_comes_twice_and_the_tick_harm_nobody() {
    an_end_that_comes_twice_and_the_tick(false);
}

#[test]
fn a_failed_end_that_comes_twice_and_the_tick_harm_nobody() {
    an_end_that_comes_twice_and_the_tick(true);
}

fn an_end_that_comes_twice_and_the_tick(bad: bool) {
    for crashes in [0, 1] {
        let prepare = || {
            let world = with_a_run_of(1);
            if bad {
                world.lake().bad.insert(etag("20-a"));
            }
            runs_end(&world);
            world.write_raw(21, "21-a");
            let mut acts = vec![end_of(&world, "jr_1"), the_tick(&world)];
            // Three actors, or two with a crash: more takes minutes.
            acts.extend((crashes == 0).then(|| end_of(&world, "jr_1")));
            (world, acts)
        };
        at_the_same_time(crashes, prepare, |world, _| {
            let lake = world.lake();
            assert_eq!(parked(&lake).len(), usize::from(bad));
            assert!(mails_about(&lake, "jr_1") <= 3, "concurrent actors may all notify");
            assert!(lake.runs.len() <= 2, "one for each content");
        });
    }
}

#[test]
fn an_end_that_comes_late_takes_nothing_back() {
    let world = with_a_run_of(1);
    world.lake().bad.insert(etag("20-a"));
    assert!(alone(work_and_end(&world)));
    world.lake().bad.clear();
    world.lake().parked.clear();
    assert!(alone(handle(&world, &refine(20, false))));
    assert!(alone(handle(&world, &Message::Ended("jr_1".to_owned()))));
    settle(&world, &[]);
    check(&world);
    let lake = world.lake();
    assert!(lake.is_refined(date(20)) && lake.parked.is_empty());
    assert_eq!((lake.runs.len(), mails_about(&lake, "jr_1")), (2, 1));
}

#[test]
fn an_end_that_is_taken_in_again_after_somebody_asked_does_not_park_again() {
    let prepare = || {
        let world = with_a_run_of(1);
        world.lake().bad.insert(etag("20-a"));
        runs_end(&world);
        let acts = vec![end_of(&world, "jr_1"), (redrive(&world), refine(20, false))];
        (world, acts)
    };
    let schedules = at_the_same_time(1, prepare, |world, _| {
        let lake = world.lake();
        assert!(lake.unasked.is_empty());
        assert_eq!(parked(&lake), [date(20)].into(), "it is still bad");
    });
    assert!(schedules > 50, "only {schedules} schedules were tried");
}

#[test]
fn what_was_written_after_a_failed_run_began_is_refined_without_being_asked_for() {
    for deadly in [false, true] {
        let prepare = || {
            let world = with_a_run_of(1);
            let bad = etag("20-a");
            spoil(&world, bad, deadly);
            let acts = vec![first_run(&world), written(&world, 20, "20-b")];
            (world, acts)
        };
        at_the_same_time(0, prepare, |world, _| {
            let lake = world.lake();
            assert!(lake.is_refined(date(20)), "the new one is good");
        });
    }
}

#[test]
fn a_bad_version_that_the_run_was_not_started_for_is_parked() {
    let prepare = || {
        let world = with_a_run_of(1);
        world.lake().bad.insert(etag("20-b"));
        let acts = vec![first_run(&world), written(&world, 20, "20-b")];
        (world, acts)
    };
    let mut bad_schedules = 0;
    at_the_same_time(1, prepare, |world, _| {
        let lake = world.lake();
        let bad = lake.raw()[&date(20)] == etag("20-b");
        bad_schedules += usize::from(bad);
        assert_eq!(parked(&lake).contains(&date(20)), bad);
    });
    assert!(bad_schedules > 100, "{bad_schedules} schedules in which the bad version was written");
}

#[test]
fn a_lost_answer_of_start_job_run_starts_no_second_run() {
    let prepare = || {
        let world = World::default();
        world.write_raw(20, "20-a");
        world.lake().lost_answers = 1;
        let acts = vec![event(&world), event(&world)];
        (world, acts)
    };
    at_the_same_time(1, prepare, |world, _| no_more_runs_than(world, 1));
}

#[test]
fn a_job_that_is_busy_for_some_seconds_after_its_run_only_delays() {
    let world = with_a_run_of(1);
    world.write_raw(21, "21-a");
    world.lake().slot_held = 2;
    assert!(alone(work_and_end(&world)));
    assert_eq!(world.lake().runs.len(), 2, "within the same invocation");
    runs_end(&world);
    world.write_raw(22, "22-a");
    world.lake().slot_held = u32::MAX;
    world.lake().hurry = true;
    assert!(alone(handle(&world, &Message::Ended("jr_2".to_owned()))), "no time to wait");
    assert!(alone(handle(&world, &Message::Raw)), "what is due is durable");
    assert_eq!(world.lake().runs.len(), 2);
    settle(&world, &[]);
    check(&world);
    assert!(world.lake().is_refined(date(22)), "the tick starts it");
}

#[test]
fn runs_that_glue_shows_late_cost_time_and_nothing_else() {
    let prepare = || {
        let world = with_a_run_of(1);
        world.lake().lagging = 1;
        let acts = vec![first_run(&world), written(&world, 21, "21-a")];
        (world, acts)
    };
    at_the_same_time(1, prepare, |world, _| no_more_runs_than(world, 2));
}

#[test]
fn dates_that_two_runs_worked_at_at_once_are_refined_again() {
    let prepare = || {
        let world = with_a_run_of(1);
        (world.lake().slips, world.lake().lagging) = (1, 1);
        let acts = vec![first_run(&world), written(&world, 20, "20-b"), first_run(&world)];
        (world, acts)
    };
    let mut two_at_once = 0;
    at_the_same_time(0, prepare, |world, _| {
        let lake = world.lake();
        let mut later = lake.runs.iter().skip(1);
        let first_ended = lake.runs[0].ended_at.unwrap();
        two_at_once += usize::from(later.any(|run| run.started_at < first_ended));
        assert!(lake.is_refined(date(20)) && lake.parked.is_empty());
    });
    assert!(two_at_once > 50, "Glue let a second run through in {two_at_once} schedules");
}

#[test]
fn a_forced_request_is_answered_by_a_run_that_begins_after_it() {
    let world = with_a_run_of(1);
    assert!(!alone(handle(&world, &refine(20, true))), "a run is active");
    runs_end(&world);
    assert!(!alone(handle(&world, &refine(20, true))), "its end is not told yet");
    assert!(alone(handle(&world, &Message::Ended("jr_1".to_owned()))));
    assert!(alone(handle(&world, &refine(20, true))));
    assert_eq!(world.lake().runs.len(), 2);
    settle(&world, &[]);
    check(&world);
    assert!(world.lake().is_refined(date(20)));
}

#[test]
fn a_forced_request_at_any_time_takes_nothing_for_a_failure() {
    for (requests, crashes) in [(2, 0), (1, 1)] {
        let prepare = || {
            let world = with_a_run_of(1);
            let mut acts = vec![first_run(&world)];
            acts.extend((0..requests).map(|_| asked(&world, 20, true)));
            (world, acts)
        };
        at_the_same_time(crashes, prepare, |world, crashed| {
            let lake = world.lake();
            assert!(crashed || lake.parked.is_empty(), "{:?}", lake.parked);
            let runs = 2..=1 + requests + usize::from(crashed);
            assert!(runs.contains(&lake.runs.len()), "{} runs", lake.runs.len());
        });
    }
}

#[test]
fn a_request_for_a_date_without_a_raw_file_is_refused() {
    let world = World::default();
    assert!(alone(handle(&world, &refine(20, false))), "parked, and then acknowledged");
    assert!(alone(handle(&world, &refine(20, true))));
    assert!(world.lake().runs.is_empty());
}

#[test]
fn a_call_that_fails_is_made_up_for_parks_nothing_twice_and_holds_nothing_up() {
    for call in 0..5 {
        let world = with_a_run_of(3);
        world.lake().bad.extend([etag("20-a"), etag("21-a")]);
        runs_end(&world);
        world.write_raw(23, "23-a");
        world.lake().report_that_fails = Some(call);
        let end = Message::Ended("jr_1".to_owned());
        let calls = 2 + 1;
        assert_eq!(alone(handle(&world, &end)), call >= calls, "call {call}");
        // Two dates are parked, and then people are notified.
        let notification_failed = call == calls - 1;
        assert_eq!(world.lake().runs.len() == 2, call >= calls - 1, "call {call}");
        if notification_failed {
            world.lake().report_that_fails = Some(0);
            assert!(!alone(handle(&world, &end)));
        }
        settle(&world, &[end]);
        check(&world);
        let lake = world.lake();
        assert_eq!(parked(&lake), [date(20), date(21)].into());
        let most = if call < calls - 1 { 3 } else { 2 };
        assert!(lake.parked.len() <= most, "call {call}: {:?}", lake.parked);
        assert_eq!(mails_about(&lake, "jr_1"), 1);
    }
}

#[test]
fn a_run_that_a_person_starts_is_a_run_like_any_other() {
    for bad in [false, true] {
        let world = World::default();
        world.write_raw(20, "20-a");
        let run_id = world.start_by_hand("2026-11-20, 2026-11-21, tomorrow");
        assert!(alone(handle(&world, &Message::Raw)));
        if bad {
            world.lake().deadly.insert(etag("20-a"));
        }
        assert!(alone(work_and_end(&world)));
        settle(&world, &[]);
        check(&world);
        let lake = world.lake();
        assert_eq!(lake.runs.len(), 1, "a date that it refined is not due");
        let expected = if bad { vec![date(20)] } else { vec![] };
        assert_eq!(lake.mails, [(run_id, expected.clone())], "the 21st has no raw object");
        assert_eq!(Vec::from_iter(parked(&lake)), expected);
    }
}

#[test]
fn a_run_by_hand_that_fails_leaves_what_is_refined_alone() {
    let world = with_a_run_of(1);
    assert!(alone(work_and_end(&world)));
    let run_id = world.start_by_hand("2026-11-20");
    world.lake().deadly.insert(etag("20-a"));
    assert!(alone(work_and_end(&world)));
    settle(&world, &[]);
    check(&world);
    let lake = world.lake();
    assert!(lake.is_refined(date(20)) && lake.parked.is_empty());
    assert_eq!(lake.mails.last(), Some(&(run_id, vec![])));
}

#[test]
fn a_run_by_hand_at_any_time_harms_nothing() {
    let prepare = || {
        let world = World::default();
        world.write_raw(20, "20-a");
        let by_hand = {
            let world = world.actor();
            Box::pin(async move {
                super::explorer::Step::default().await;
                if world.lake().waiting_run().is_none() {
                    world.start_by_hand("2026-11-20");
                }
                work_and_end(&world).await
            })
        };
        let acts = vec![event(&world), (by_hand as Actor<bool>, Message::Tick), first_run(&world)];
        (world, acts)
    };
    at_the_same_time(0, prepare, |world, _| {
        assert!(world.lake().parked.is_empty());
    });
}

#[test]
fn a_run_that_succeeds_without_recording_a_date_has_failed() {
    let world = with_a_run_of(1);
    world.lake().idle_job = true;
    settle(&world, &[]);
    check(&world);
    {
        let lake = world.lake();
        assert_eq!(lake.runs.len(), 1, "otherwise runs would be started forever");
        assert_eq!(lake.runs[0].state, RunState::Succeeded);
        assert_eq!(lake.mails, [("jr_1".to_owned(), vec![date(20)])]);
    }
    check_redriven(&world);
}

#[test]
fn more_dates_than_one_run_takes_go_into_the_next() {
    let world = World::default();
    for day in date(1).iter_days().take(MAX_DATES + 34) {
        world.lake().write_raw(day, &day.to_string());
    }
    settle(&world, &[Message::Raw]);
    check(&world);
    let lake = world.lake();
    let dates: Vec<_> = lake.runs.iter().map(|run| run.dates.split(',').count()).collect();
    assert_eq!(dates, [366, 34]);
}
