//! Who meets whom, and what must hold afterwards.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::{
    super::{MAX_DATES, Run, RunState, Ticked, force, note, tick},
    actors::{
        Message, alone, alone_noted, at_the_same_time, check, crashed, failed_runs, handle,
        redrive, replace_raw, run_and_end, settle, unacknowledged, with_ended_run,
        with_ended_run_of,
    },
    explorer::{Actor, End, explore},
    world::{State, World, date, landing},
};
use crate::lake::LandingKey;

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
fn the_end_of_a_run_of_several_dates_is_recorded_once_whoever_dies_when() {
    for failing in [false, true] {
        let prepare = || {
            let (world, ended) = with_ended_run_of(3, failing);
            (world, vec![ended])
        };
        at_the_same_time(2, prepare, |world, crashed| {
            let state = world.state();
            assert_eq!(state.runs.len(), 1, "one run, however often its end is recorded");
            let parked: BTreeSet<_> = state.parked.iter().map(|request| request.date).collect();
            assert_eq!(parked.len(), if failing { 3 } else { 0 });
            assert!(crashed || state.parked.len() == parked.len(), "parked twice");
            assert!(state.mails.len() == 1 || crashed, "{:?}", state.mails);
        });
    }
}

#[test]
fn a_call_that_fails_is_made_up_for_and_tells_nobody_twice() {
    for failing_run in [false, true] {
        for call in 0..8 {
            for of_the_lock in [true, false] {
                let world = World::default();
                world.state().failing_runs = u32::from(failing_run);
                let fail = match of_the_lock {
                    true => |state: &mut State, call| state.lock_write_that_fails = Some(call),
                    false => |state: &mut State, call| state.report_that_fails = Some(call),
                };
                fail(&mut world.state(), call);
                for day in [20, 21] {
                    world.write_raw(&landing(day, 1, 'a'));
                    alone_noted(&world, day);
                }
                let started = Message::Raw(20);
                let mut waiting = vec![];
                if !alone(handle(&world, &started, "start")) {
                    waiting.push(started);
                }
                if let Some(run) = world.run_ends() {
                    let ended = Message::Ended(run);
                    if !alone(handle(&world, &ended, "end")) {
                        waiting.push(ended);
                    }
                }
                settle(&world, &waiting);
                check(&world);
                let state = world.state();
                assert_eq!(state.mails.len(), state.runs.len(), "a mail for each run");
                // A message that failed comes again, and revives a date whose run failed.
                assert!(state.runs.len() == 1 || failing_run, "call {call}");
            }
        }
    }
}

#[test]
fn a_run_that_glue_does_not_show_yet_is_not_taken_for_failed() {
    let world = World::default();
    world.write_raw(&landing(20, 1, 'a'));
    assert!(alone(handle(&world, &Message::Raw(20), "start")));
    world.state().not_shown = 1;
    let ticker = world.clone();
    let moment = world.moment();
    let ticked = alone(Box::pin(async move {
        let ticked = tick(&ticker, &ticker, &ticker, "tick", moment).await;
        matches!(ticked, Ok(Ticked::Active))
    }));
    assert!(ticked, "it was started a moment ago");
    world.state().not_shown = 0;
    settle(&world, &[]);
    check(&world);
    assert_eq!(failed_runs(&world.state()), 0);
    assert_eq!(world.state().mails.len(), 1);
}

#[test]
fn a_raw_file_that_somebody_else_wrote_holds_up_no_other_date() {
    for ended_before in [false, true] {
        let (world, ended) = with_ended_run_of(2, false);
        if ended_before {
            assert!(alone(handle(&world, &ended, "end")));
            world.write_raw(&landing(20, 2, 'b'));
            alone_noted(&world, 20);
        }
        world.state().foreign.insert(date(20));
        if !ended_before {
            assert!(alone(handle(&world, &ended, "end")), "the other date is recorded");
            assert!(world.state().done.contains_key(&date(21)));
            assert!(!world.state().done.contains_key(&date(20)), "what was read is not known");
        }
        world.write_raw(&landing(22, 2, 'c'));
        assert!(alone(handle(&world, &Message::Raw(22), "other")), "no pump fails for it");
        assert!(!alone(handle(&world, &Message::Raw(20), "foreign")), "its own event does");
        settle(&world, &[]);
        assert!(world.state().refined.contains_key(&date(22)));

        world.write_raw(&landing(20, 3, 'd'));
        assert!(alone(handle(&world, &Message::Raw(20), "repaired")));
        settle(&world, &[]);
        check(&world);
    }
}

#[test]
fn a_run_by_hand_is_told_about_if_it_fails_even_with_the_arguments_of_one_of_ours() {
    let (world, ended) = with_ended_run(false);
    assert!(alone(handle(&world, &ended, "end")));
    let Message::Ended(ours) = ended else { panic!("no run") };
    let failed = RunState::Failed("FAILED".to_owned());
    let again = Run { id: "jr_by_hand".to_owned(), state: failed, ..ours };
    for _ in 0..2 {
        assert!(alone(handle(&world, &Message::Ended(again.clone()), "by hand")));
    }
    let state = world.state();
    assert_eq!(state.mails, ["jr_1", "jr_by_hand"]);
    assert!(state.parked.is_empty());
}

#[test]
fn what_a_failed_run_left_is_never_taken_for_refined() {
    let (world, ended) = with_ended_run(false);
    assert!(alone(handle(&world, &ended, "end")));
    // A run for other content replaces the rows, and then fails; then the old content comes back.
    world.write_raw(&landing(20, 2, 'b'));
    assert!(alone(handle(&world, &Message::Raw(20), "second")));
    world.state().failing_runs = 1;
    let failed = Message::Ended(world.run_ends().unwrap());
    assert!(alone(handle(&world, &failed, "end-2")));
    world.write_raw(&landing(20, 3, 'a'));
    assert!(alone(handle(&world, &Message::Raw(20), "third")));
    world.state().parked.clear();
    settle(&world, &[]);
    check(&world);
    assert_eq!(world.state().runs.len(), 3);
}

#[test]
fn more_dates_than_one_run_takes_go_into_the_next() {
    let world = World::default();
    let first = NaiveDate::from_ymd_opt(2025, 1, 1).unwrap();
    let days: Vec<_> = first.iter_days().take(MAX_DATES + 34).collect();
    for day in &days {
        world.write_raw(&LandingKey { date: *day, ..landing(20, 1, 'a') });
        let (world, day) = (world.clone(), *day);
        alone(Box::pin(async move { drop(note(&world, day).await.unwrap()) }));
    }
    settle(&world, &[]);
    check(&world);
    let state = world.state();
    let dates: Vec<_> = state.runs.iter().map(|run| run.dates.split(',').count()).collect();
    assert_eq!(dates, [366, 34]);
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
fn content_that_changes_and_changes_back_within_one_run_is_refined_again() {
    explore(0, |schedule| {
        // A run for 'a' is active; meanwhile raw becomes 'b', and 'a' again.
        let world = World::default();
        world.write_raw(&landing(20, 1, 'a'));
        assert!(alone(handle(&world, &Message::Raw(20), "first")));
        let there_and_back = {
            let world = world.clone();
            Box::pin(async move {
                replace_raw(&world, landing(20, 2, 'b'), "second").await
                    && replace_raw(&world, landing(20, 3, 'a'), "third").await
            })
        };
        let ends = schedule.run(vec![run_and_end(&world, "end"), there_and_back]);
        assert_eq!(ends, [End::Returned(true); 2]);
        settle(&world, &[]);
        check(&world);
    });
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
    assert_eq!(state.done.keys().copied().collect::<Vec<_>>(), [date(21)]);
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
fn a_date_that_is_redriven_while_its_failure_is_recorded_is_refined() {
    let schedules = explore(1, |schedule| {
        let (world, ended) = with_ended_run_of(2, true);
        let actors = vec![handle(&world, &ended, "end"), redrive(&world, "redriven")];
        let ends = schedule.run(actors);
        settle(&world, &unacknowledged(&[ended, Message::Raw(20)], &ends));
        check(&world);
    });
    assert!(schedules > 50, "only {schedules} schedules were tried");
}

#[test]
fn a_request_to_refine_again_is_answered_once_however_often_it_comes() {
    let (world, ended) = with_ended_run(false);
    assert!(alone(handle(&world, &ended, "end")));
    let forced = |asked_at, unique: &'static str| -> Actor<bool> {
        let world = world.clone();
        Box::pin(async move {
            force(&world, date(20), Some(asked_at)).await.unwrap();
            handle(&world, &Message::Raw(20), unique).await
        })
    };
    let now = || {
        world.state().minutes += 1;
        world.moment().now
    };
    let before_the_claim = now();
    now();
    assert!(alone(forced(before_the_claim, "asked")));
    let during_the_run = now();
    now();
    let again = Message::Ended(world.run_ends().unwrap());
    assert!(alone(handle(&world, &again, "end-2")));
    assert!(alone(forced(before_the_claim, "the same message")));
    assert_eq!(world.state().runs.len(), 2, "the first one, and one for the request");
    assert!(alone(forced(during_the_run, "another one, late")));
    settle(&world, &[]);
    check(&world);
    assert_eq!(world.state().runs.len(), 3, "that run may have begun before what was asked for");
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
