//! Notifications, for programs and for people.

use chrono::{DateTime, NaiveDate, Utc};
use refine::{Run, Warnings};
use serde_json::{Value, json};
use shared::events::RunState;

use crate::{
    mail::{Mail, News},
    stack::Stack,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    /// For programs, and for people who want to hear of every success.
    Completions,
    /// For people.
    Alerts,
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
    /// For people.
    pub(crate) mail: Mail,
    /// For programs.
    pub(crate) document: Value,
}

impl Notification {
    /// About the end of a run whose dates `parked` wait on the dead-letter queue.
    pub(crate) fn of(stack: &Stack, run: &Run, parked: &[NaiveDate]) -> Self {
        let (topic, severity, news) = match run.state {
            RunState::Succeeded if parked.is_empty() => {
                (Topic::Completions, Severity::Info, News::Refined { run })
            }
            RunState::Failed(_) | RunState::Active(_) if parked.is_empty() => {
                (Topic::Alerts, Severity::Error, News::Ended { run })
            }
            RunState::Succeeded | RunState::Failed(_) | RunState::Active(_) => {
                (Topic::Alerts, Severity::Error, News::Unfinished { run, parked })
            }
        };
        let mail = Mail::about(stack, news);
        Self { topic, severity, mail, document: document(stack, run, parked) }
    }

    /// What is odd about dates that a run refined all the same, for people; `None` if nothing is.
    pub(crate) fn warning(stack: &Stack, run: &Run, warnings: &Warnings) -> Option<Self> {
        if warnings.is_empty() {
            return None;
        }
        let mut document = document(stack, run, &[]);
        if let Value::Object(fields) = &mut document {
            fields.insert("warnings".to_owned(), json!(warnings));
        }
        let mail = Mail::about(stack, News::Odd { run, warnings });
        Some(Self { topic: Topic::Alerts, severity: Severity::Warning, mail, document })
    }

    /// About a day whose portfolio has not landed.
    pub(crate) fn missed(stack: &Stack, day: NaiveDate, checked_at: DateTime<Utc>) -> Self {
        let document =
            json!({"stack": stack.name, "missed_session": day, "checked_at": checked_at});
        let mail = Mail::about(stack, News::Missed { day, checked_at });
        Self { topic: Topic::Alerts, severity: Severity::Error, mail, document }
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

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::language::Language;

    fn stack() -> Stack {
        Stack {
            name: "ibov".to_owned(),
            index: "IBOV".parse().unwrap(),
            language: Language::English,
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
        assert_eq!(notification.mail.subject, "IBOV refined: 2026-11-20");
        let other = Stack { index: "SMLL".parse().unwrap(), ..stack() };
        let notification = Notification::of(&other, &run, &[]);
        assert_eq!(notification.mail.subject, "SMLL refined: 2026-11-20");
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
        assert_eq!(alert.mail.subject, "IBOV refine TIMEOUT: 2026-11-18 to 2026-11-20 (3 dates)");
        assert_contains(
            &alert.mail.text,
            &[
                "TIMEOUT",
                "2026-11-19\n",
                "raw file of 2026-11-20 is missing",
                "jr_1",
                "https://sa-east-1.console.aws.amazon.com/",
                "aws sqs start-message-move-task --region sa-east-1 \
                 --source-arn arn:aws:sqs:sa-east-1:1:ibov-glue-dlq \
                 --destination-arn arn:aws:sqs:sa-east-1:1:ibov-glue-queue\n",
                "ibov status --stack ibov --region sa-east-1\n",
                "ibov parked glue --stack ibov --region sa-east-1\n",
                "ibov redrive glue --stack ibov --region sa-east-1\n",
            ],
        );
        assert!(
            !alert.mail.text.contains("2026-11-17"),
            "the 17th is refined:\n{}",
            alert.mail.text
        );
        assert_eq!(alert.document["parked"], json!(["2026-11-18", "2026-11-19", "2026-11-20"]));
    }

    #[test]
    fn a_failure_that_leaves_nothing_behind_asks_for_nothing() {
        let alert = Notification::of(&stack(), &run("STOPPED", "2026-11-20"), &[]);
        assert_eq!((alert.topic, alert.severity), (Topic::Alerts, Severity::Error));
        assert_eq!(alert.mail.subject, "IBOV refine STOPPED: 2026-11-20");
        assert_contains(&alert.mail.text, &["2026-11-20", "raw file of 2026-11-20 is missing"]);
        assert!(!alert.mail.text.contains("redrive"), "{}", alert.mail.text);
    }

    #[test]
    fn a_success_that_did_not_record_a_date_is_none() {
        let run = run("SUCCEEDED", "2026-11-19,2026-11-20");
        let alert = Notification::of(&stack(), &run, &[day(20)]);
        assert_eq!((alert.topic, alert.severity), (Topic::Alerts, Severity::Error));
        assert_eq!(alert.mail.subject, "IBOV refine incomplete: 2026-11-20");
        assert_contains(&alert.mail.text, &["SUCCEEDED", "did not record", "redrive glue"]);
    }

    #[test]
    fn a_warning_tells_people_which_dates_are_odd_and_that_nothing_waits() {
        let run = run("SUCCEEDED", "2026-11-18,2026-11-19,2026-11-20");
        assert_eq!(Notification::warning(&stack(), &run, &Warnings::new()), None);
        let odd = "constituents: 2026-11-20 has 60, 25.0 % fewer than the 80 of 2026-11-19";
        let warnings = Warnings::from([(day(20), vec![odd.to_owned()])]);
        let warning = Notification::warning(&stack(), &run, &warnings).unwrap();
        assert_eq!((warning.topic, warning.severity), (Topic::Alerts, Severity::Warning));
        assert_eq!(warning.mail.subject, "IBOV refined with warnings: 2026-11-20");
        assert_contains(
            &warning.mail.text,
            &[odd, "are refined", "You need not do anything", "jr_1"],
        );
        assert!(!warning.mail.text.contains("redrive"), "{}", warning.mail.text);
        assert_eq!(warning.document["warnings"], json!({"2026-11-20": [odd]}));
        assert_eq!(warning.document["state"], "SUCCEEDED");
    }

    #[test]
    fn a_missed_session_says_what_it_means_where_to_look_and_how_to_repair_it() {
        let checked_at = "2026-11-20T22:00:00Z".parse().unwrap();
        let missed = Notification::missed(&stack(), day(20), checked_at);
        assert_eq!((missed.topic, missed.severity), (Topic::Alerts, Severity::Error));
        assert_eq!(missed.mail.subject, "IBOV missing: 2026-11-20");
        assert_contains(
            &missed.mail.text,
            &[
                "By 22:00 UTC no portfolio of IBOV for 2026-11-20",
                "serves no past portfolio",
                "ibov status --stack ibov --region sa-east-1\n",
                "ibov parked fetch --stack ibov --region sa-east-1\n",
                "ibov redrive fetch --stack ibov --region sa-east-1\n",
                "ibov fetch --stack ibov --region sa-east-1\n",
            ],
        );
        assert_eq!(
            missed.document,
            json!({"stack": "ibov", "missed_session": "2026-11-20",
                   "checked_at": "2026-11-20T22:00:00Z"})
        );
    }

    /// Every notification that there is, in a language.
    fn all(language: Language) -> Vec<Notification> {
        let stack = Stack { language, ..stack() };
        let dates = "2026-11-19,2026-11-20";
        let warnings = Warnings::from([(day(20), vec!["constituents: few".to_owned()])]);
        let warning = Notification::warning(&stack, &run("SUCCEEDED", dates), &warnings);
        vec![
            Notification::of(&stack, &run("SUCCEEDED", dates), &[]),
            Notification::of(&stack, &run("SUCCEEDED", dates), &[day(20)]),
            Notification::of(&stack, &run("FAILED", dates), &[day(19), day(20)]),
            Notification::of(&stack, &run("STOPPED", dates), &[]),
            warning.unwrap(),
            Notification::missed(&stack, day(20), "2026-11-20T22:00:00Z".parse().unwrap()),
        ]
    }

    #[test]
    fn a_portuguese_stack_mails_the_same_in_portuguese_with_subjects_in_ascii() {
        let (english, portuguese) = (all(Language::English), all(Language::Portuguese));
        let commands = |text: &str| -> Vec<String> {
            let lines = text.lines().map(str::trim);
            lines
                .filter(|line| line.starts_with("ibov ") || line.starts_with("aws "))
                .map(str::to_owned)
                .collect()
        };
        for (english, portuguese) in english.iter().zip(&portuguese) {
            assert_eq!(english.document, portuguese.document, "programs read no language");
            assert_ne!(english.mail.text, portuguese.mail.text);
            assert_eq!(commands(&english.mail.text), commands(&portuguese.mail.text));
            assert!(portuguese.mail.subject.is_ascii(), "{}", portuguese.mail.subject);
        }
        let subjects: Vec<&str> = portuguese.iter().map(|one| one.mail.subject.as_str()).collect();
        assert_eq!(
            subjects,
            [
                "IBOV refinado: 2026-11-19 a 2026-11-20 (2 datas)",
                "IBOV refinamento incompleto: 2026-11-20",
                "IBOV refinamento FAILED: 2026-11-19 a 2026-11-20 (2 datas)",
                "IBOV refinamento STOPPED: 2026-11-19 a 2026-11-20 (2 datas)",
                "IBOV refinado com avisos: 2026-11-20",
                "IBOV faltando: 2026-11-20",
            ]
        );
        assert_contains(&portuguese[2].mail.text, &["Execução  jr_1\n", "raw file of 2026-11-20"]);
    }

    #[test]
    fn only_languages_that_mails_are_written_in_are_taken() {
        assert_eq!("en".parse(), Ok(Language::English));
        assert_eq!("pt".parse(), Ok(Language::Portuguese));
        for unknown in ["", "pt-BR", "EN", "fr"] {
            assert!(unknown.parse::<Language>().is_err(), "{unknown}");
        }
    }
}
