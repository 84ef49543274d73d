//! What is said about a run, to programs and to people.

use serde_json::{Value, json};
use shared::{portfolio::IndexCode, refine::Run};

/// The topic that a notification goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// For programs, and for people who want to hear of every success.
    Completions,
    /// For people.
    Alerts,
}

/// What notifications say about where they come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stack {
    /// `STACK_NAME`.
    pub name: String,
    /// `INDEX`: the one index that this stack serves.
    pub index: IndexCode,
    /// `AWS_REGION`, which Lambda sets.
    pub region: String,
    /// `GLUE_JOB_NAME`.
    pub job: String,
    /// `GLUE_DLQ_ARN`: where the dates of a failed run wait.
    pub glue_dlq_arn: String,
    /// `GLUE_QUEUE_ARN`: where they are redriven to.
    pub glue_queue_arn: String,
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
    pub fn completion(stack: &Stack, run: &Run) -> Self {
        let Run { id, dates, seconds, .. } = run;
        let Stack { job, .. } = stack;
        Self {
            topic: Topic::Completions,
            subject: subject(&format!("{} refined: {}", stack.index, shortened(dates))),
            document: document(stack, run),
            text: format!(
                "The portfolios of these dates are refined and can be queried:\n\n  {}\n\n\
                 Stack     {}\nGlue job  {job}\nRun       {id}\nTime      {seconds} s\n",
                listed(dates),
                stack.name,
            ),
        }
    }

    /// A run of the pipeline failed; each of its dates waits on the dead-letter queue.
    #[must_use]
    pub fn alert(stack: &Stack, run: &Run) -> Self {
        let Stack { name, region, glue_dlq_arn, glue_queue_arn, .. } = stack;
        let next = format!(
            "Each date waits on the dead-letter queue {name}-glue-dlq for 14 days. Once the cause is \
             repaired, refine them again:\n\n  \
             aws sqs start-message-move-task --region {region} --source-arn {glue_dlq_arn} \
             --destination-arn {glue_queue_arn}\n\n\
             or, from a checkout of the pipeline: cargo ibov redrive glue --stack {name}\n"
        );
        Self::failure(stack, run, &next)
    }

    /// A run that somebody started by hand failed.
    #[must_use]
    pub fn alert_by_hand(stack: &Stack, run: &Run) -> Self {
        let Stack { region, job, .. } = stack;
        // Between quotes of the shell's, and anybody may have written these dates.
        let arguments = json!({"--dates": run.dates}).to_string().replace('\'', r"'\''");
        let next = format!(
            "The run was started by hand, so nothing waits on a dead-letter queue. Once the cause is \
             repaired, start it again:\n\n  \
             aws glue start-job-run --region {region} --job-name {job} --arguments '{arguments}'\n"
        );
        Self::failure(stack, run, &next)
    }

    /// Why a run failed, in Glue's words.
    #[must_use]
    pub fn cause(run: &Run) -> &str {
        run.error.as_deref().unwrap_or("Glue gives no reason")
    }

    fn failure(stack: &Stack, run: &Run, next: &str) -> Self {
        let Run { id, state, dates, .. } = run;
        let Stack { name, region, job, .. } = stack;
        let state = state.name();
        Self {
            topic: Topic::Alerts,
            subject: subject(&format!("{} refine {state}: {}", stack.index, shortened(dates))),
            document: document(stack, run),
            text: format!(
                "A Glue run ended as {state}. These dates are not refined, or still show what an \
                 earlier run refined:\n\n  {dates_listed}\n\n\
                 Cause     {cause}\nStack     {name}\nGlue job  {job}\nRun       {id}\n\
                 Details   https://{region}.console.aws.amazon.com/gluestudio/home?region={region}#/job/{job}/run/{id}\n\n\
                 {next}",
                dates_listed = listed(dates),
                cause = Self::cause(run),
            ),
        }
    }
}

fn document(stack: &Stack, run: &Run) -> Value {
    json!({
        "stack": stack.name,
        "job": stack.job,
        "run_id": run.id,
        "state": run.state.name(),
        "dates": run.dates.split(',').filter(|date| !date.is_empty()).collect::<Vec<_>>(),
        "claim_id": run.claim_id.as_ref().map(|claim_id| claim_id.as_str()),
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
    use shared::{events::RunState, refine::ClaimId};

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
        Run {
            id: "jr_1".to_owned(),
            state: RunState::from_name(state),
            dates: dates.to_owned(),
            claim_id: Some(ClaimId::new("1")),
            error: (state != "SUCCEEDED").then(|| "raw file of 2026-11-20 is missing".to_owned()),
            seconds: 61,
        }
    }

    fn assert_contains(text: &str, parts: &[&str]) {
        for part in parts {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
    }

    #[test]
    fn a_success_goes_to_programs() {
        let notification = Notification::completion(&stack(), &run("SUCCEEDED", "2026-11-20"));
        assert_eq!(notification.topic, Topic::Completions);
        assert_eq!(notification.subject, "IBOV refined: 2026-11-20");
        let other = Stack { index: "SMLL".parse().unwrap(), ..stack() };
        let notification = Notification::completion(&other, &run("SUCCEEDED", "2026-11-20"));
        assert_eq!(notification.subject, "SMLL refined: 2026-11-20");
        assert_eq!(
            notification.document,
            json!({"stack": "ibov", "job": "refine", "run_id": "jr_1", "state": "SUCCEEDED",
                   "dates": ["2026-11-20"], "claim_id": "refine-1", "error": null, "seconds": 61})
        );
    }

    #[test]
    fn a_failure_tells_people_what_which_why_and_what_next() {
        let run = run("TIMEOUT", "2026-11-18,2026-11-19,2026-11-20");
        let alert = Notification::alert(&stack(), &run);
        assert_eq!(alert.topic, Topic::Alerts);
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
    }

    #[test]
    fn a_failure_by_hand_is_started_again_by_hand() {
        let alert = Notification::alert_by_hand(&stack(), &run("FAILED", "2026-11-20"));
        let command = r#"start-job-run --region sa-east-1 --job-name refine --arguments '{"--dates":"2026-11-20"}'"#;
        assert_contains(&alert.text, &[command]);
        assert!(!alert.text.contains("redrive"));
        let alert = Notification::alert_by_hand(&stack(), &run("FAILED", "2026-11-20'; ls '"));
        assert_contains(&alert.text, &[r#"'{"--dates":"2026-11-20'\''; ls '\''"}'"#]);
    }

    #[test]
    fn subjects_are_what_sns_takes() {
        let subject = subject(&format!("é\r\n{}", "x".repeat(200)));
        assert_eq!(subject, format!("   {}", "x".repeat(96)));
    }
}
