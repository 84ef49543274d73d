//! Where the time of a command went, step by step.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use serde::{Serialize, Serializer};

use crate::{language::Language, text};

/// Notes when steps begin and end. Its clones note in the same place.
#[derive(Debug, Clone)]
pub(crate) struct Recorder {
    started: Instant,
    steps: Arc<Mutex<Vec<Recorded>>>,
}

#[derive(Debug)]
struct Recorded {
    stage: &'static str,
    what: String,
    began: Instant,
    ended: Option<(Instant, Ending)>,
    /// Each part with its end. It begins where the one before ended.
    parts: Vec<(String, Instant)>,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Done,
    Failed,
}

/// A step of a [`Recorder`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct StepId(usize);

impl Recorder {
    pub(crate) fn start() -> Self {
        Self { started: Instant::now(), steps: Arc::default() }
    }

    pub(crate) fn begin(&self, stage: &'static str, what: &str) -> StepId {
        let mut steps = self.lock();
        let what = what.to_owned();
        let (began, ended, parts) = (Instant::now(), None, Vec::new());
        steps.push(Recorded { stage, what, began, ended, parts });
        StepId(steps.len() - 1)
    }

    pub(crate) fn part(&self, step: StepId, what: String) {
        if let Some(step) = self.lock().get_mut(step.0) {
            step.parts.push((what, Instant::now()));
        }
    }

    pub(crate) fn end(&self, step: StepId, ending: Ending) {
        if let Some(step) = self.lock().get_mut(step.0) {
            step.ended = Some((Instant::now(), ending));
        }
    }

    pub(crate) fn timings(&self) -> Timings {
        Timings::of(self.started, &self.lock(), Instant::now())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Recorded>> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What each step took. What the steps add, and the time in no step, are together the whole time.
///
/// As text it is a table for people; serialized, the field `timings` of the document of `--json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Timings {
    /// In the order in which they began.
    pub steps: Vec<TimedStep>,
    #[serde(rename = "no_step_s")]
    pub no_step: Hundredths,
    #[serde(rename = "total_s")]
    pub total: Hundredths,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TimedStep {
    /// Its short name, as in failures.
    pub stage: &'static str,
    pub step: String,
    /// From the start of the program.
    #[serde(rename = "began_s")]
    pub began: Hundredths,
    #[serde(rename = "took_s")]
    pub took: Hundredths,
    /// What of it lies beside no step that began before.
    #[serde(rename = "adds_s")]
    pub adds: Hundredths,
    pub failed: bool,
    /// One after the other.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<TimedPart>,
}

/// A part of a step that is known to have ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TimedPart {
    pub part: String,
    #[serde(rename = "took_s")]
    pub took: Hundredths,
}

/// Hundredths of a second. Moments are rounded to them before anything is subtracted, so that all sums are exact.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hundredths(pub u64);

impl Hundredths {
    fn between(started: Instant, moment: Instant) -> Self {
        let milliseconds = moment.saturating_duration_since(started).as_millis();
        Self(u64::try_from((milliseconds + 5) / 10).unwrap_or(u64::MAX))
    }

    fn since(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }
}

impl Serialize for Hundredths {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0 as f64 / 100.0)
    }
}

impl fmt::Display for Hundredths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = format!("{}.{:02}", self.0 / 100, self.0 % 100);
        f.pad(&Language::current().number(plain))
    }
}

impl Timings {
    fn of(started: Instant, recorded: &[Recorded], now: Instant) -> Self {
        let moment = |instant| Hundredths::between(started, instant);
        let total = moment(now);
        let (mut steps, mut covered, mut no_step) = (Vec::new(), Hundredths::default(), total);
        let mut recorded: Vec<&Recorded> = recorded.iter().collect();
        recorded.sort_by_key(|step| step.began);
        for step in recorded {
            let (began, (end, ending)) =
                (moment(step.began), step.ended.unwrap_or((now, Ending::Failed)));
            let end = moment(end);
            let adds = end.since(began.max(covered));
            covered = covered.max(end);
            no_step = no_step.since(adds);
            let mut before = began;
            let parts = step.parts.iter().map(|(part, end)| {
                let end = moment(*end);
                let took = end.since(before);
                before = end;
                TimedPart { part: part.clone(), took }
            });
            steps.push(TimedStep {
                stage: step.stage,
                step: step.what.clone(),
                began,
                took: end.since(began),
                adds,
                failed: ending == Ending::Failed,
                parts: parts.collect(),
            });
        }
        Self { steps, no_step, total }
    }
}

impl fmt::Display for Timings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = text!(
            en: "Where the time went, in seconds from the start of ibov:",
            pt: "Onde foi parar o tempo, em segundos desde o início do ibov:",
        );
        let (began, took, adds) = (
            text!(en: "began", pt: "início"),
            text!(en: "took", pt: "durou"),
            text!(en: "adds", pt: "soma"),
        );
        writeln!(f, "{title}\n  {began:>8} {took:>8} {adds:>8}")?;
        for TimedStep { step, began, took, adds, failed, parts, .. } in &self.steps {
            let mark = if *failed { "✗ " } else { "" };
            writeln!(f, "  {began:>8} {took:>8} {adds:>8}  {mark}{step}")?;
            for TimedPart { part, took } in parts {
                writeln!(f, "  {:>8} {took:>8} {:>8}    · {part}", "", "")?;
            }
        }
        let (nowhere, all) =
            (text!(en: "in no step", pt: "em nenhuma etapa"), text!(en: "in all", pt: "no total"));
        for (time, what) in [(self.no_step, nowhere), (self.total, all)] {
            writeln!(f, "  {:>8} {:>8} {time:>8}  {what}", "", "")?;
        }
        let note = text!(
            en: "What a step adds is its time without what runs beside a step above it.",
            pt: "O que uma etapa soma é o tempo dela sem o que corre ao lado de uma etapa acima.",
        );
        write!(f, "{note}")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    /// A step, and its beginning, end and parts in milliseconds.
    fn step(
        started: Instant,
        what: &str,
        (began, ended): (u64, Option<u64>),
        parts: &[(&str, u64)],
    ) -> Recorded {
        let at = |milliseconds| started + Duration::from_millis(milliseconds);
        Recorded {
            stage: "stage",
            what: what.to_owned(),
            began: at(began),
            ended: ended.map(|ended| (at(ended), Ending::Done)),
            parts: parts.iter().map(|&(part, end)| (part.to_owned(), at(end))).collect(),
        }
    }

    /// The build runs beside the emulator's start, and "refine" was interrupted.
    fn timings() -> Timings {
        let started = Instant::now();
        let steps = [
            step(started, "check", (4, Some(204)), &[]),
            step(
                started,
                "emulator",
                (204, Some(1_404)),
                &[("imports", 1_004), ("answers", 1_404)],
            ),
            step(started, "build", (205, Some(1_500)), &[]),
            step(started, "look", (300, Some(400)), &[]),
            step(started, "refine", (2_000, None), &[]),
        ];
        Timings::of(started, &steps, started + Duration::from_millis(12_346))
    }

    #[test]
    fn what_the_steps_add_and_no_step_is_the_whole_time() {
        let Timings { steps, no_step, total } = timings();
        let adds: Vec<u64> = steps.iter().map(|step| step.adds.0).collect();
        assert_eq!(adds, [20, 120, 10, 0, 1_035], "the build adds only what the emulator does not");
        assert_eq!(adds.iter().sum::<u64>() + no_step.0, total.0);
        assert_eq!((no_step, total), (Hundredths(50), Hundredths(1_235)));
        assert_eq!(steps[2].took, Hundredths(129));
        assert!(steps[4].failed && !steps[3].failed);
        let parts: Vec<u64> = steps[1].parts.iter().map(|part| part.took.0).collect();
        assert_eq!(parts, [80, 40], "a part begins where the one before ended");
    }

    #[test]
    fn people_get_a_line_for_each_step_and_part() {
        let wanted = [
            "Where the time went, in seconds from the start of ibov:",
            "     began     took     adds",
            "      0.00     0.20     0.20  check",
            "      0.20     1.20     1.20  emulator",
            "               0.80             · imports",
            "               0.40             · answers",
            "      0.21     1.29     0.10  build",
            "      0.30     0.10     0.00  look",
            "      2.00    10.35    10.35  ✗ refine",
            "                        0.50  in no step",
            "                       12.35  in all",
            "What a step adds is its time without what runs beside a step above it.",
        ];
        assert_eq!(timings().to_string().lines().collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn programs_get_seconds_as_numbers() {
        let document = serde_json::to_value(timings()).unwrap();
        assert_eq!(document["total_s"], json!(12.35));
        assert_eq!(document["no_step_s"], json!(0.5));
        let emulator = json!({
            "stage": "stage", "step": "emulator", "began_s": 0.2, "took_s": 1.2, "adds_s": 1.2, "failed": false,
            "parts": [{"part": "imports", "took_s": 0.8}, {"part": "answers", "took_s": 0.4}],
        });
        assert_eq!(document["steps"][1], emulator);
        assert!(document["steps"][0].get("parts").is_none());
    }

    #[test]
    fn a_step_that_is_recorded_ends_with_what_it_was() {
        let recorder = Recorder::start();
        let (first, second) = (recorder.begin("a", "one"), recorder.clone().begin("b", "two"));
        recorder.part(first, "half".to_owned());
        recorder.end(first, Ending::Done);
        recorder.end(second, Ending::Failed);
        let steps = recorder.timings().steps;
        let seen: Vec<_> =
            steps.iter().map(|step| (step.stage, &*step.step, step.failed)).collect();
        assert_eq!(seen, [("a", "one", false), ("b", "two", true)]);
        assert_eq!(steps[0].parts[0].part, "half");
    }
}
