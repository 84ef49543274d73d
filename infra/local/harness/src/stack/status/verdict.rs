//! What is not as it should be.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::{
    answers::{Answers, Unknown},
    queues::StageQueues,
};
use crate::stack::Stage;

/// The schedule that completes what an event was lost for. It is on also where the stack does not fetch by itself.
const TICK: &str = "tick";
/// The schedules that are on only where it does.
const OF_FETCHING: [&str; 3] = ["evening", "morning", "session-check"];
/// Alarms about what the dead-letter queues show by themselves. They stay on for minutes after the repair.
const ABOUT_PARKED: [&str; 2] = ["-parked", "-dlq-depth"];

/// Something that somebody should do something about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The last deployment failed or is being undone.
    Stack(String),
    /// The portfolio of this session should have landed.
    SessionMissing {
        expected: NaiveDate,
        newest: Option<NaiveDate>,
    },
    /// The newest portfolio has no raw file, and nothing is on its way to make one.
    NotRaw(NaiveDate),
    /// These dates wait for a run, and nothing is on its way to start one.
    Due(BTreeSet<NaiveDate>),
    /// A run failed on these dates, and no parked message waits for them: nothing refines them again.
    Failed(BTreeSet<NaiveDate>),
    Parked {
        stage: Stage,
        count: usize,
    },
    Alarm {
        name: String,
        reason: String,
    },
    NobodyIsMailed,
    Unconfirmed(String),
    ScheduleOff(String),
    /// A question was not answered.
    Unknown(Unknown),
}

/// All problems, the gravest first.
pub fn problems(answers: &Answers) -> Vec<Problem> {
    let mut found = Vec::new();
    let state = &answers.described.state;
    if state.contains("FAILED") || state.starts_with("DELETE") {
        found.push(Problem::Stack(state.clone()));
    }
    of_lake(answers, &mut found);
    for stage in Stage::ALL {
        if let Some(count) = of_stage(answers, stage).map(|queues| queues.parked.total())
            && count > 0
        {
            found.push(Problem::Parked { stage, count });
        }
    }
    of_alarms(answers, &mut found);
    of_watch(answers, &mut found);
    found.extend(answers.unknown.iter().cloned().map(Problem::Unknown));
    found
}

fn of_stage(answers: &Answers, stage: Stage) -> Option<&StageQueues> {
    answers.stages.as_ref()?.iter().find(|queues| queues.stage == stage.name())
}

/// Whether a stage has nothing to do, so that what is missing does not come by itself.
fn rests(answers: &Answers, stage: Stage) -> bool {
    of_stage(answers, stage).is_some_and(|queues| queues.queue.total() == 0)
}

fn of_lake(answers: &Answers, found: &mut Vec<Problem>) {
    let Some(lake) = &answers.lake else { return };
    if let Some(expected) = answers.expected
        && lake.landing.is_none_or(|newest| newest < expected)
    {
        found.push(Problem::SessionMissing { expected, newest: lake.landing });
    }
    let parquet = of_stage(answers, Stage::Parquet);
    let is_parked = parquet.is_some_and(|queues| queues.parked.total() > 0);
    if let Some(landing) = lake.landing
        && lake.raw.is_none_or(|raw| raw < landing)
        && rests(answers, Stage::Parquet)
        && !is_parked
    {
        found.push(Problem::NotRaw(landing));
    }
    let runs = answers.runs.as_deref().unwrap_or_default();
    let is_running = runs.iter().any(|run| run.is_active);
    let nothing_comes = rests(answers, Stage::Glue) && rests(answers, Stage::Completion);
    if !lake.due.is_empty() && !is_running && nothing_comes {
        found.push(Problem::Due(lake.due.clone()));
    }
    // What is parked is a problem of its own, with another repair.
    let is_parked = of_stage(answers, Stage::Glue).is_none_or(|queues| queues.parked.total() > 0);
    if !lake.failed.is_empty() && !is_parked && !is_running && nothing_comes {
        found.push(Problem::Failed(lake.failed.clone()));
    }
}

fn of_alarms(answers: &Answers, found: &mut Vec<Problem>) {
    let seen_otherwise = |name: &str| {
        answers.stages.is_some() && ABOUT_PARKED.iter().any(|ending| name.ends_with(ending))
    };
    let alarms = answers.alarms.iter().flatten().filter(|alarm| !seen_otherwise(&alarm.name));
    found.extend(
        alarms
            .map(|alarm| Problem::Alarm { name: alarm.name.clone(), reason: alarm.reason.clone() }),
    );
}

/// Whether a failure would be noticed.
fn of_watch(answers: &Answers, found: &mut Vec<Problem>) {
    if let Some(mail) = &answers.mail {
        if mail.is_empty() {
            found.push(Problem::NobodyIsMailed);
        }
        let waiting = mail.iter().filter(|subscription| !subscription.is_confirmed);
        found.extend(waiting.map(|subscription| Problem::Unconfirmed(subscription.to.clone())));
    }
    if let Some(schedules) = &answers.schedules {
        let of_fetching = OF_FETCHING.iter().filter(|_| answers.described.fetches());
        let is_on = |name: &str| schedules.iter().any(|one| one.name == name && one.is_enabled);
        let off = of_fetching.chain([&TICK]).filter(|name| !is_on(name));
        found.extend(off.map(|name| Problem::ScheduleOff((*name).to_owned())));
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Alarm, Described, Lake, Question, RunSummary, Schedule, Subscription},
        *,
    };
    use crate::stack::QueueCounts;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn well() -> Answers {
        let date = day("2026-11-25");
        let queues = Stage::ALL.map(|stage| StageQueues {
            stage: stage.name().to_owned(),
            queue: QueueCounts::default(),
            parked: QueueCounts::default(),
            oldest_waiting_s: None,
            oldest_parked_s: None,
        });
        let schedules = ["evening", "morning", "session-check", "tick"];
        Answers {
            stack: "ibov".into(),
            asked_at: "2026-11-25T12:00:00Z".parse().unwrap(),
            described: Described { state: "UPDATE_COMPLETE".into(), ..Described::default() },
            expected: Some(date),
            lake: Some(Lake {
                landing: Some(date),
                raw: Some(date),
                refined: Some(date),
                ..Lake::default()
            }),
            stages: Some(queues.into()),
            runs: Some(vec![]),
            alarms: Some(vec![]),
            mail: Some(vec![Subscription { to: "a@b.example".into(), is_confirmed: true }]),
            schedules: Some(
                schedules.map(|name| Schedule { name: name.into(), is_enabled: true }).into(),
            ),
            unknown: vec![],
        }
    }

    fn of(change: impl FnOnce(&mut Answers)) -> Vec<Problem> {
        let mut answers = well();
        change(&mut answers);
        problems(&answers)
    }

    fn stage(answers: &mut Answers, stage: Stage) -> &mut StageQueues {
        let stages = answers.stages.as_mut().unwrap();
        stages.iter_mut().find(|queues| queues.stage == stage.name()).unwrap()
    }

    fn lake(answers: &mut Answers) -> &mut Lake {
        answers.lake.as_mut().unwrap()
    }

    #[test]
    fn a_stack_that_is_well_has_no_problem() {
        assert_eq!(problems(&well()), []);
        let ahead = of(|answers| lake(answers).landing = Some(day("2026-11-24")));
        assert!(matches!(ahead.as_slice(), [Problem::SessionMissing { .. }]), "{ahead:?}");
        let holiday = of(|answers| answers.expected = Some(day("2026-11-24")));
        assert_eq!(holiday, [], "a holiday's answer is dated for the next session");
    }

    #[test]
    fn what_is_on_its_way_is_no_problem() {
        let due = BTreeSet::from([day("2026-11-25")]);
        let problem = [Problem::Due(due.clone())];
        assert_eq!(of(|answers| lake(answers).due = due.clone()), problem);
        let starting = of(|answers| {
            lake(answers).due = due.clone();
            stage(answers, Stage::Glue).queue.in_flight = 1;
        });
        assert_eq!(starting, []);
        let running = of(|answers| {
            lake(answers).due = due.clone();
            answers.runs = Some(vec![RunSummary {
                id: "jr_1".into(),
                state: "RUNNING".into(),
                is_active: true,
                started_at: None,
                seconds: 3,
                dates: String::new(),
                error: None,
            }]);
        });
        assert_eq!(running, []);
        let not_raw = of(|answers| lake(answers).raw = None);
        assert_eq!(not_raw, [Problem::NotRaw(day("2026-11-25"))]);
        let becoming_raw = of(|answers| {
            lake(answers).raw = None;
            stage(answers, Stage::Parquet).queue.visible = 1;
        });
        assert_eq!(becoming_raw, []);
    }

    #[test]
    fn a_date_that_failed_is_a_problem_until_it_is_refined_also_without_its_parked_message() {
        let failed = BTreeSet::from([day("2026-11-24")]);
        let discarded = of(|answers| lake(answers).failed = failed.clone());
        assert_eq!(discarded, [Problem::Failed(failed.clone())]);
        let parked = of(|answers| {
            lake(answers).failed = failed.clone();
            stage(answers, Stage::Glue).parked.visible = 1;
        });
        assert_eq!(parked, [Problem::Parked { stage: Stage::Glue, count: 1 }]);
        let redriven = of(|answers| {
            lake(answers).failed = failed;
            stage(answers, Stage::Glue).queue.visible = 1;
        });
        assert_eq!(redriven, [], "on its way");
    }

    #[test]
    fn what_is_parked_is_one_problem_a_stage_and_its_alarms_are_none_of_their_own() {
        let alarm =
            |name: &str| Alarm { name: name.into(), since: None, reason: "since then".into() };
        let parked = of(|answers| {
            stage(answers, Stage::Glue).parked.in_flight = 2;
            answers.alarms = Some(vec![alarm("glue-parked"), alarm("glue-dlq-depth")]);
        });
        assert_eq!(parked, [Problem::Parked { stage: Stage::Glue, count: 2 }]);
        let repaired = of(|answers| answers.alarms = Some(vec![alarm("glue-parked")]));
        assert_eq!(repaired, [], "the alarm falls back by itself");
        let other = of(|answers| answers.alarms = Some(vec![alarm("silence")]));
        assert!(matches!(other.as_slice(), [Problem::Alarm { .. }]), "{other:?}");
    }

    #[test]
    fn a_failure_that_nobody_would_hear_of_is_a_problem_before_it_happens() {
        assert_eq!(of(|answers| answers.mail = Some(vec![])), [Problem::NobodyIsMailed]);
        let unconfirmed = of(|answers| {
            answers.mail =
                Some(vec![Subscription { to: "a@b.example".into(), is_confirmed: false }]);
        });
        assert_eq!(unconfirmed, [Problem::Unconfirmed("a@b.example".into())]);
        let off = |name: &str, state: &str| {
            of(|answers| {
                let parameters = &mut answers.described.parameters;
                parameters.insert("ScheduleState".to_owned(), state.to_owned());
                for schedule in answers.schedules.as_mut().unwrap() {
                    schedule.is_enabled = schedule.name != name;
                }
            })
        };
        assert_eq!(off("tick", "DISABLED"), [Problem::ScheduleOff("tick".into())]);
        assert_eq!(off("morning", "ENABLED"), [Problem::ScheduleOff("morning".into())]);
        assert_eq!(off("morning", "DISABLED"), [], "as the parameter wants");
        let gone = of(|answers| {
            answers.schedules.as_mut().unwrap().retain(|schedule| schedule.name != "session-check");
        });
        assert_eq!(gone, [Problem::ScheduleOff("session-check".into())]);
    }

    #[test]
    fn what_is_not_known_is_not_taken_for_well() {
        let unknown = of(|answers| {
            answers.alarms = None;
            answers.unknown.push(Unknown {
                what: Question::Alarms,
                why: "it took too long".into(),
                is_denied: false,
            });
        });
        assert!(matches!(unknown.as_slice(), [Problem::Unknown(_)]), "{unknown:?}");
        let failed = of(|answers| answers.described.state = "UPDATE_ROLLBACK_FAILED".into());
        assert_eq!(failed, [Problem::Stack("UPDATE_ROLLBACK_FAILED".into())]);
    }
}
