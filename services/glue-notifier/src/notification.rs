//! What is said about a run, to programs and to people.

use serde_json::{Value, json};

pub use crate::job::Run;

/// The topic that a notification goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// For programs, and for people who want to hear of every success.
    Completions,
    /// For people.
    Alerts,
}

/// A message for a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Where it goes.
    pub topic: Topic,
    /// ASCII, one line, at most 99 characters: what SNS takes as an e-mail's subject.
    pub subject: String,
    /// For programs.
    pub document: Value,
    /// For people.
    pub text: String,
}

impl Notification {
    /// A run succeeded.
    #[must_use]
    pub fn completion(job: &str, run: &Run) -> Self {
        let Run { id, dates, seconds, .. } = run;
        Self {
            topic: Topic::Completions,
            subject: subject(&format!("IBOV refined: {}", shortened(dates))),
            document: document(job, run),
            text: format!(
                "The portfolios of these dates are refined and can be queried:\n\n  {}\n\n\
                 Glue job  {job}\nRun       {id}\nTime      {seconds} s\n",
                listed(dates)
            ),
        }
    }

    /// A run failed.
    #[must_use]
    pub fn alert(job: &str, run: &Run, region: &str) -> Self {
        let Run { id, state, dates, error, .. } = run;
        let state = state.name();
        let cause = error.as_deref().unwrap_or("Glue gives no reason");
        Self {
            topic: Topic::Alerts,
            subject: subject(&format!("IBOV refine {state}: {}", shortened(dates))),
            document: document(job, run),
            text: format!(
                "A Glue run ended as {state}. These dates are not refined, or still hold what an \
                 earlier run refined:\n\n  {dates_listed}\n\n\
                 Cause     {cause}\nGlue job  {job}\nRun       {id}\n\
                 Details   https://{region}.console.aws.amazon.com/gluestudio/home?region={region}#/job/{job}/run/{id}\n\n\
                 Once the cause is repaired, refine them again:\n\n  \
                 aws glue start-job-run --region {region} --job-name {job} --arguments '{arguments}'\n",
                dates_listed = listed(dates),
                arguments = json!({"--dates": dates, "--claim_id": format!("by-hand-after-{id}")}),
            ),
        }
    }
}

fn document(job: &str, run: &Run) -> Value {
    json!({
        "job": job,
        "run_id": run.id,
        "state": run.state.name(),
        "dates": run.dates.split(',').filter(|date| !date.is_empty()).collect::<Vec<_>>(),
        "claim_id": run.claim_id,
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

/// SNS refuses subjects with line breaks or beyond ASCII, and longer ones.
fn subject(text: &str) -> String {
    const MAX_CHARACTERS: usize = 99;
    text.chars()
        .map(|character| if character.is_ascii_graphic() { character } else { ' ' })
        .take(MAX_CHARACTERS)
        .collect()
}

#[cfg(test)]
mod tests {
    use shared::events::RunState;

    use super::*;

    fn run(state: &str, dates: &str) -> Run {
        Run {
            id: "jr_1".to_owned(),
            state: RunState::from_name(state),
            dates: dates.to_owned(),
            claim_id: "claim-1".to_owned(),
            error: (state != "SUCCEEDED").then(|| "raw file of 2026-11-20 is missing".to_owned()),
            seconds: 61,
        }
    }

    #[test]
    fn a_success_goes_to_programs() {
        let notification = Notification::completion("refine", &run("SUCCEEDED", "2026-11-20"));
        assert_eq!(notification.topic, Topic::Completions);
        assert_eq!(notification.subject, "IBOV refined: 2026-11-20");
        assert_eq!(
            notification.document,
            json!({"job": "refine", "run_id": "jr_1", "state": "SUCCEEDED", "dates": ["2026-11-20"],
                   "claim_id": "claim-1", "error": null, "seconds": 61})
        );
    }

    #[test]
    fn a_failure_tells_people_what_which_why_and_what_next() {
        let run = run("TIMEOUT", "2026-11-18,2026-11-19,2026-11-20");
        let alert = Notification::alert("refine", &run, "sa-east-1");
        assert_eq!(alert.topic, Topic::Alerts);
        assert_eq!(alert.subject, "IBOV refine TIMEOUT: 2026-11-18 to 2026-11-20 (3 dates)");
        for part in [
            "TIMEOUT",
            "2026-11-19\n",
            "raw file of 2026-11-20 is missing",
            "jr_1",
            "https://sa-east-1.console.aws.amazon.com/",
            "aws glue start-job-run --region sa-east-1 --job-name refine",
            r#""--dates":"2026-11-18,2026-11-19,2026-11-20""#,
        ] {
            assert!(alert.text.contains(part), "{part} is missing in\n{}", alert.text);
        }
    }

    #[test]
    fn subjects_are_what_sns_takes() {
        let subject = subject(&format!("é\r\n{}", "x".repeat(200)));
        assert_eq!(subject, format!("   {}", "x".repeat(96)));
    }
}
