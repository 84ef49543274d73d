//! Notifications about a run, for programs and for people.

use chrono::NaiveDate;
use refine::{Run, Warnings};
use serde_json::{Value, json};
use shared::{events::RunState, values::IndexCode};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    /// For programs, and for people who want to hear of every success.
    Completions,
    /// For people.
    Alerts,
}

/// The stack, as described in notifications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stack {
    /// `STACK_NAME`.
    pub(crate) name: String,
    /// `INDEX`: the one index that this stack serves.
    pub(crate) index: IndexCode,
    /// `AWS_REGION`, which Lambda sets.
    pub(crate) region: String,
    /// `GLUE_JOB_NAME`.
    pub(crate) job: String,
    /// `GLUE_DLQ_ARN`: the queue where the dates of a failed run wait.
    pub(crate) glue_dlq_arn: String,
    /// `GLUE_QUEUE_ARN`: the target of a redrive.
    pub(crate) glue_queue_arn: String,
}

/// The message attribute `severity`, by which subscribers tell a warning from a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    Info,
    /// Nothing waits for anybody.
    Warning,
    Error,
}

impl Severity {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notification {
    pub(crate) topic: Topic,
    pub(crate) severity: Severity,
    /// ASCII, one line, at most 99 characters: the limits of SNS.
    pub(crate) subject: String,
    /// For programs.
    pub(crate) document: Value,
    /// For people.
    pub(crate) text: String,
}

impl Notification {
    /// About the end of a run whose dates `parked` wait on the dead-letter queue.
    pub(crate) fn of(stack: &Stack, run: &Run, parked: &[NaiveDate]) -> Self {
        match run.state {
            RunState::Succeeded if parked.is_empty() => Self::completion(stack, run),
            RunState::Succeeded => Self::alert(stack, run, parked, "incomplete"),
            RunState::Failed(_) | RunState::Active(_) => {
                Self::alert(stack, run, parked, run.state.name())
            }
        }
    }

    /// What is odd about dates that a run refined all the same, for people; `None` if nothing is.
    pub(crate) fn warning(stack: &Stack, run: &Run, warnings: &Warnings) -> Option<Self> {
        if warnings.is_empty() {
            return None;
        }
        let Stack { index, name, job, .. } = stack;
        let dates = warnings.keys().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let mut document = document(stack, run, &[]);
        if let Value::Object(fields) = &mut document {
            fields.insert("warnings".to_owned(), json!(warnings));
        }
        let texts =
            warnings.iter().flat_map(|(date, texts)| texts.iter().map(move |text| (date, text)));
        let texts = texts.map(|(date, text)| format!("  {date}  {text}\n")).collect::<String>();
        Some(Self {
            topic: Topic::Alerts,
            severity: Severity::Warning,
            subject: subject(&format!("{index} refined with warnings: {}", shortened(&dates))),
            document,
            text: format!(
                "These dates are refined and can be queried. Something about them is odd, and may be right:\n\n\
                 {texts}\n\
                 Nothing waits for you. If B3 answered less than it should have, a later fetch of the same\n\
                 session replaces the date by itself.\n\n\
                 Stack     {name}\nGlue job  {job}\nRun       {id}\n",
                id = run.id,
            ),
        })
    }

    fn completion(stack: &Stack, run: &Run) -> Self {
        let Run { id, dates, seconds, .. } = run;
        let Stack { index, name, job, .. } = stack;
        Self {
            topic: Topic::Completions,
            severity: Severity::Info,
            subject: subject(&format!("{index} refined: {}", shortened(dates))),
            document: document(stack, run, &[]),
            text: format!(
                "The portfolios of these dates are refined and can be queried:\n\n  {}\n\n\
                 Stack     {name}\nGlue job  {job}\nRun       {id}\nTime      {seconds} s\n",
                listed(dates),
            ),
        }
    }

    fn alert(stack: &Stack, run: &Run, parked: &[NaiveDate], how: &str) -> Self {
        let Run { id, dates, .. } = run;
        let Stack { name, index, region, job, glue_dlq_arn, glue_queue_arn } = stack;
        let waiting = parked.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let concerned = if parked.is_empty() { dates } else { &waiting };
        let (what, next) = match parked.is_empty() {
            true => (
                "It was started for these dates. None of them waits for anybody: each is refined, or is \
                 refined by the next run, or has no raw file.",
                String::new(),
            ),
            false => (
                "These dates are not refined, or still show what an earlier run refined:",
                format!(
                    "\nEach date waits on the dead-letter queue {name}-glue-dlq for 14 days. Once the \
                     cause is repaired, refine them again:\n\n  \
                     aws sqs start-message-move-task --region {region} --source-arn {glue_dlq_arn} \
                     --destination-arn {glue_queue_arn}\n\n\
                     or, from a checkout of the pipeline: cargo ibov redrive glue --stack {name}\n"
                ),
            ),
        };
        Self {
            topic: Topic::Alerts,
            severity: Severity::Error,
            subject: subject(&format!("{index} refine {how}: {}", shortened(concerned))),
            document: document(stack, run, parked),
            text: format!(
                "A Glue run ended as {state}. {what}\n\n  {listed}\n\n\
                 Cause     {cause}\nStack     {name}\nGlue job  {job}\nRun       {id}\n\
                 Details   https://{region}.console.aws.amazon.com/gluestudio/home?region={region}#/job/{job}/run/{id}\n\
                 {next}",
                state = run.state.name(),
                listed = listed(concerned),
                cause = run.cause(),
            ),
        }
    }
}

fn document(stack: &Stack, run: &Run, parked: &[NaiveDate]) -> Value {
    json!({
        "stack": stack.name,
        "job": stack.job,
        "run_id": run.id,
        "state": run.state.name(),
        "dates": run.dates.split(',').filter(|date| !date.is_empty()).collect::<Vec<_>>(),
        "parked": parked,
        "error": run.error,
        "seconds": run.seconds,
    })
}

/// `2026-11-20`, or `2026-11-18 to 2026-11-20 (3 dates)`.
fn shortened(dates: &str) -> String {
    let all: Vec<&str> = dates.split(',').collect();
    match all.as_slice() {
        [first, .., last] => format!("{first} to {last} ({} dates)", all.len()),
        _ => dates.to_owned(),
    }
}

fn listed(dates: &str) -> String {
    dates.replace(',', "\n  ")
}

/// SNS refuses longer subjects, and any with line breaks or characters outside ASCII.
fn subject(text: &str) -> String {
    const MAX_CHARACTERS: usize = 99;
    text.chars()
        .map(|character| if character.is_ascii_graphic() { character } else { ' ' })
        .take(MAX_CHARACTERS)
        .collect()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn stack() -> Stack {
        Stack {
            name: "ibov".to_owned(),
            index: "IBOV".parse().unwrap(),
            region: "sa-east-1".to_owned(),
            job: "refine".to_owned(),
            glue_dlq_arn: "arn:aws:sqs:sa-east-1:1:ibov-glue-dlq".to_owned(),
            glue_queue_arn: "arn:aws:sqs:sa-east-1:1:ibov-glue-queue".to_owned(),
        }
    }

    fn run(state: &str, dates: &str) -> Run {
        let failed = !matches!(state, "SUCCEEDED");
        Run {
            id: "jr_1".to_owned(),
            state: RunState::from_name(state),
            dates: dates.to_owned(),
            etags: String::new(),
            started_at: DateTime::UNIX_EPOCH,
            ended_at: None,
            error: failed.then(|| "raw file of 2026-11-20 is missing".to_owned()),
            seconds: 61,
        }
    }

    fn day(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, day).unwrap()
    }

    fn assert_contains(text: &str, parts: &[&str]) {
        for part in parts {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
    }

    #[test]
    fn a_success_goes_to_programs() {
        let run = run("SUCCEEDED", "2026-11-20");
        let notification = Notification::of(&stack(), &run, &[]);
        assert_eq!(
            (notification.topic, notification.severity),
            (Topic::Completions, Severity::Info)
        );
        assert_eq!(notification.subject, "IBOV refined: 2026-11-20");
        let other = Stack { index: "SMLL".parse().unwrap(), ..stack() };
        let notification = Notification::of(&other, &run, &[]);
        assert_eq!(notification.subject, "SMLL refined: 2026-11-20");
        assert_eq!(
            notification.document,
            json!({"stack": "ibov", "job": "refine", "run_id": "jr_1", "state": "SUCCEEDED",
                   "dates": ["2026-11-20"], "parked": [], "error": null, "seconds": 61})
        );
    }

    #[test]
    fn a_failure_tells_people_what_which_why_and_what_next() {
        let run = run("TIMEOUT", "2026-11-17,2026-11-18,2026-11-19,2026-11-20");
        let alert = Notification::of(&stack(), &run, &[day(18), day(19), day(20)]);
        assert_eq!((alert.topic, alert.severity), (Topic::Alerts, Severity::Error));
        assert_eq!(alert.subject, "IBOV refine TIMEOUT: 2026-11-18 to 2026-11-20 (3 dates)");
        assert_contains(
            &alert.text,
            &[
                "TIMEOUT",
                "2026-11-19\n",
                "raw file of 2026-11-20 is missing",
                "jr_1",
                "https://sa-east-1.console.aws.amazon.com/",
                "aws sqs start-message-move-task --region sa-east-1 \
                 --source-arn arn:aws:sqs:sa-east-1:1:ibov-glue-dlq \
                 --destination-arn arn:aws:sqs:sa-east-1:1:ibov-glue-queue\n",
                "cargo ibov redrive glue --stack ibov",
            ],
        );
        assert!(!alert.text.contains("2026-11-17"), "the 17th is refined:\n{}", alert.text);
        assert_eq!(alert.document["parked"], json!(["2026-11-18", "2026-11-19", "2026-11-20"]));
    }

    #[test]
    fn a_failure_that_leaves_nothing_behind_asks_for_nothing() {
        let alert = Notification::of(&stack(), &run("STOPPED", "2026-11-20"), &[]);
        assert_eq!(alert.topic, Topic::Alerts);
        assert_eq!(alert.subject, "IBOV refine STOPPED: 2026-11-20");
        assert_contains(&alert.text, &["2026-11-20", "raw file of 2026-11-20 is missing"]);
        assert!(!alert.text.contains("redrive"), "{}", alert.text);
    }

    #[test]
    fn a_success_that_did_not_record_a_date_is_none() {
        let run = run("SUCCEEDED", "2026-11-19,2026-11-20");
        let alert = Notification::of(&stack(), &run, &[day(20)]);
        assert_eq!(alert.topic, Topic::Alerts);
        assert_eq!(alert.subject, "IBOV refine incomplete: 2026-11-20");
        assert_contains(&alert.text, &["SUCCEEDED", "did not record", "redrive glue"]);
    }

    #[test]
    fn a_warning_tells_people_which_dates_are_odd_and_that_nothing_waits() {
        let run = run("SUCCEEDED", "2026-11-18,2026-11-19,2026-11-20");
        assert_eq!(Notification::warning(&stack(), &run, &Warnings::new()), None);
        let odd = "constituents: 2026-11-20 has 60, 25.0 % fewer than the 80 of 2026-11-19";
        let warnings = Warnings::from([(day(20), vec![odd.to_owned()])]);
        let warning = Notification::warning(&stack(), &run, &warnings).unwrap();
        assert_eq!((warning.topic, warning.severity), (Topic::Alerts, Severity::Warning));
        assert_eq!(warning.subject, "IBOV refined with warnings: 2026-11-20");
        assert_contains(&warning.text, &[odd, "are refined", "Nothing waits", "jr_1"]);
        assert!(!warning.text.contains("redrive"), "{}", warning.text);
        assert_eq!(warning.document["warnings"], json!({"2026-11-20": [odd]}));
        assert_eq!(warning.document["state"], "SUCCEEDED");
    }

    #[test]
    fn subjects_are_what_sns_takes() {
        let subject = subject(&format!("é\r\n{}", "x".repeat(200)));
        assert_eq!(subject, format!("   {}", "x".repeat(96)));
    }
}
