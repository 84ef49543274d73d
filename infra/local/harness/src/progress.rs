//! Steps, named and timed, on standard error.

use std::{
    fmt::Display,
    io::IsTerminal as _,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{
    language::Language,
    timings::{Ending, Recorder, StepId, Timings},
};

/// Where steps are shown: spinners on a terminal, plain lines elsewhere.
#[derive(Debug, Clone)]
pub struct Progress {
    bars: MultiProgress,
    style: Style,
    current: Arc<Mutex<&'static str>>,
    recorder: Recorder,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Spinners,
    Lines,
    Silent,
}

impl Progress {
    /// Shows steps on standard error.
    pub fn stderr() -> Self {
        let style = if std::io::stderr().is_terminal() { Style::Spinners } else { Style::Lines };
        Self::new(style)
    }

    /// Shows nothing.
    pub fn silent() -> Self {
        Self::new(Style::Silent)
    }

    fn new(style: Style) -> Self {
        let target = if style == Style::Spinners {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        Self {
            bars: MultiProgress::with_draw_target(target),
            style,
            current: Arc::new(Mutex::new("start")),
            recorder: Recorder::start(),
        }
    }

    /// Begins a step. `stage` is its short name in failures.
    pub fn step(&self, stage: &'static str, what: impl Into<String>) -> Step {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = stage;
        let what = what.into();
        if self.style == Style::Lines {
            eprintln!("  … {what}");
        }
        let bar = self.bars.add(ProgressBar::new_spinner());
        bar.set_style(spinner_style("{spinner} {prefix} {wide_msg:.dim} {elapsed}"));
        bar.set_prefix(what.clone());
        bar.enable_steady_tick(Duration::from_millis(100));
        self.begin(stage, what, Some(bar))
    }

    /// Begins a step that only [`Progress::timings`] shows, because nobody waits for it long.
    pub fn unshown(&self, stage: &'static str, what: impl Into<String>) -> Step {
        self.begin(stage, what.into(), None)
    }

    fn begin(&self, stage: &'static str, what: String, bar: Option<ProgressBar>) -> Step {
        let id = self.recorder.begin(stage, &what);
        Step { bar, what, id, started: Instant::now(), progress: self.clone(), ended: false }
    }

    /// What each step has taken so far.
    pub fn timings(&self) -> Timings {
        self.recorder.timings()
    }

    /// Names what comes before the first step.
    #[must_use]
    pub fn beginning_with(self, stage: &'static str) -> Self {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = stage;
        self
    }

    /// The stage that began last, which a timeout or signal interrupted.
    pub fn current_stage(&self) -> &'static str {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Prints a line that is not a step.
    pub fn say(&self, text: impl Display) {
        match self.style {
            Style::Spinners => self.bars.suspend(|| eprintln!("{text}")),
            Style::Lines => eprintln!("{text}"),
            Style::Silent => {}
        }
    }

    /// Prints what was asked for, even where steps are not shown.
    pub fn insist(&self, text: impl Display) {
        match self.style {
            Style::Spinners | Style::Lines => self.say(text),
            Style::Silent => eprintln!("{text}"),
        }
    }
}

/// A step that runs. Dropped before [`Step::done`], it shows as failed.
#[derive(Debug)]
#[must_use]
pub struct Step {
    /// `None` if it is not shown.
    bar: Option<ProgressBar>,
    what: String,
    id: StepId,
    started: Instant,
    progress: Progress,
    ended: bool,
}

impl Step {
    /// Shows what the step is busy with.
    pub fn note(&self, text: impl Into<String>) {
        if let Some(bar) = &self.bar {
            bar.set_message(text.into());
        }
    }

    /// Says what the step did since its beginning, or since the last part.
    pub fn part(&self, what: impl Into<String>) {
        self.progress.recorder.part(self.id, what.into());
    }

    /// Turns the spinner into a bar of `total` units.
    pub fn total(&self, total: usize) {
        let Some(bar) = &self.bar else { return };
        bar.set_length(u64::try_from(total).unwrap_or(u64::MAX));
        bar.set_style(spinner_style(
            "{spinner} {prefix} {bar:24} {pos}/{len} {wide_msg:.dim} {elapsed}",
        ));
    }

    /// Adds one unit to the bar.
    pub fn advance(&self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    /// Ends the step as a success.
    pub fn done(mut self, detail: impl Display) {
        self.end(Ending::Done, &format!(": {detail}"));
    }

    fn end(&mut self, ending: Ending, detail: &str) {
        self.ended = true;
        self.progress.recorder.end(self.id, ending);
        let Some(bar) = &self.bar else { return };
        bar.finish_and_clear();
        self.progress.bars.remove(bar);
        let mark = match ending {
            Ending::Done => "✓",
            Ending::Failed => "✗",
        };
        self.progress.say(format_args!(
            "  {mark} {}{detail} ({})",
            self.what,
            seconds(self.started.elapsed())
        ));
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if !self.ended {
            self.end(Ending::Failed, "");
        }
    }
}

/// `3.2 s`, or `2 min 5 s`.
pub fn seconds(elapsed: Duration) -> String {
    let (minutes, seconds) = (elapsed.as_secs() / 60, elapsed.as_secs() % 60);
    if minutes > 0 {
        return format!("{minutes} min {seconds} s");
    }
    format!("{} s", decimal(format!("{:.1}", elapsed.as_secs_f64())))
}

/// A number with the language's decimal mark.
pub fn decimal(number: String) -> String {
    Language::current().number(number)
}

fn spinner_style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}
