//! `ibov run`: from an empty checkout to the index by sector.

mod portfolio_source;
mod proxy;
mod report;
mod results;
pub(super) mod signals;
mod summary;

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use harness::{
    aws::LOCAL_ACCOUNT,
    causes::disk_full_first,
    checkout::{Workspace, python_environment, spark_archive},
    deployment::StackConfig,
    emulator::EmulatorOptions,
    failure::{Exit, Failure},
    journey::{Arrival, Tracker},
    local_runtime::LocalRuntime,
    processes::Processes,
    progress::{Progress, Step},
    stack::Stack,
    unfinished::Unfinished,
};
use serde_json::json;

pub(super) use self::portfolio_source::B3;
use self::{
    portfolio_source::PortfolioSource,
    report::{Place, Portfolio, Report, RunRequest},
    signals::EndingSignal,
    summary::Source,
};
use super::STACK;
use crate::{
    args::RunArgs,
    lake::{self, Contents, Lake, Origin},
    output::{Screen, plural, print_line, text},
    running_stack::RunningStack,
};

/// Many times what a run takes once everything is installed.
const TIMEOUT: Duration = Duration::from_secs(10 * 60);
/// Some hundred megabytes come from PyPI, perhaps slowly.
const TIMEOUT_WITH_SETUP: Duration = Duration::from_secs(30 * 60);

/// Runs, and in any case ends everything that it started.
pub(crate) async fn run(args: RunArgs) -> ExitCode {
    let progress = if args.quiet { Progress::silent() } else { Progress::stderr() };
    let processes = match &args.proxy {
        None => Processes::default(),
        Some(proxy) => ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"]
            .into_iter()
            .fold(Processes::default(), |processes, name| processes.with_variable(name, proxy)),
    };
    let outcome = attempt(&args, &processes, &progress).await;
    let step = outcome.is_err().then(|| stopping(&progress));
    let ended = processes.end_all().await;
    if let Some(step) = step {
        step.done("");
    }
    if ended > 0 {
        let groups = plural(ended, "process group", "process groups");
        let grupos =
            plural(ended, "grupo de processos encerrado", "grupos de processos encerrados");
        progress.say(text!(
            en: "  stopped {ended} {groups}, nothing is left running",
            pt: "  {ended} {grupos}, nada ficou rodando",
        ));
    }
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let failure = Failure::of(error, progress.current_stage(), None);
            let failure = match Workspace::locate() {
                Ok(workspace) => {
                    let lake = args.lake.as_deref().unwrap_or(workspace.root());
                    disk_full_first(failure, &[workspace.root(), lake])
                }
                Err(_) => failure,
            };
            if args.quiet {
                eprintln!("ibov: {failure}");
            }
            progress.say(format_args!("\n{failure}"));
            let timings = args.timings.then(|| progress.timings());
            if args.json {
                let mut document =
                    json!({"error": failure, "index": args.index, "segment": args.segment});
                if let (Some(timings), Some(fields)) = (&timings, document.as_object_mut()) {
                    fields.insert("timings".to_owned(), json!(timings));
                }
                if let Err(error) = print_line(document) {
                    progress.say(format_args!("{error:#}"));
                }
            }
            if let Some(timings) = timings {
                progress.insist(format_args!("\n{timings}"));
            }
            ExitCode::from(failure.exit.code())
        }
    }
}

async fn attempt(args: &RunArgs, processes: &Processes, progress: &Progress) -> Result<()> {
    let workspace = &Workspace::locate()?;
    if args.keep {
        RunningStack::refuse_second(workspace).map_err(|error| Failure::of(error, "keep", None))?;
    }
    let timeout = args.timeout.unwrap_or(if python_environment::is_ready(workspace) {
        TIMEOUT
    } else {
        TIMEOUT_WITH_SETUP
    });
    let run = Run { args, workspace, processes, progress };
    let up = tokio::select! {
        up = run.carry_out() => up?,
        signal = signals::ending() => return Err(run.stopped(signal?).into()),
        () = tokio::time::sleep(timeout) => return Err(run.timed_out(timeout).into()),
    };
    run.show(up).await
}

/// When all else is done. A signal may end this: nobody waits for it.
pub(super) async fn speed_up_later_runs(
    workspace: &Workspace,
    processes: &Processes,
    progress: &Progress,
) {
    let advice = text!(en: "; Ctrl-C does no harm", pt: "; Ctrl-C não atrapalha");
    tokio::select! {
        () = spark_archive::make_if_due(workspace, processes, progress, &advice) => {}
        _signal = signals::ending() => {}
    }
}

fn stopping(progress: &Progress) -> Step {
    progress.unshown("stop", text!(en: "stop everything", pt: "encerrar tudo"))
}

struct Run<'a> {
    args: &'a RunArgs,
    workspace: &'a Workspace,
    processes: &'a Processes,
    progress: &'a Progress,
}

/// Everything that is up after a successful run.
struct Up {
    runtime: LocalRuntime,
    stack: Stack,
    source: PortfolioSource,
    /// `None` if the objects lie in the folder of the run.
    lake: Option<Lake>,
    report: Report,
}

fn folder_of(lake: Option<&Lake>, runtime: &LocalRuntime) -> PathBuf {
    lake.map_or_else(|| runtime.lake(), |lake| lake.folder().to_path_buf())
}

impl Run<'_> {
    /// All steps, from choosing the source to printing the table.
    async fn carry_out(&self) -> Result<Up> {
        let started = Instant::now();
        let step = self.progress.unshown(
            "source",
            text!(en: "choose the source and the lake", pt: "escolher a fonte e o lake"),
        );
        let (source, lake) = self.choose().await?;
        step.done("");
        let bucket = format!("{STACK}-lake-{LOCAL_ACCOUNT}");
        let folder = lake.as_ref().map(|lake| lake.folder().to_path_buf());
        let options = EmulatorOptions::default()
            .with_kept_bucket(&bucket, folder)
            .with_proxies()
            .with_archive_later();
        let runtime =
            LocalRuntime::start(self.workspace, self.processes, self.progress, &options).await?;
        let mut config = StackConfig::new(STACK, &source.base_url);
        config.index.clone_from(&self.args.index);
        config.segment.clone_from(&self.args.segment);
        let stack = runtime.deploy(&config, self.progress).await?;
        let tracker = runtime.tracker(&stack);
        self.finish_earlier_runs(&stack, &tracker).await?;
        let portfolio = self.fetch(&stack, &tracker).await.map_err(|error| {
            let log = runtime.logs().emulator();
            let failure = Failure::of(error, self.progress.current_stage(), Some(&log));
            proxy::named_in(failure, self.args.proxy.as_deref())
        })?;
        let request = RunRequest {
            source: source.label.clone(),
            index: self.args.index.clone(),
            segment: self.args.segment.clone(),
        };
        let folder = folder_of(lake.as_ref(), &runtime);
        let place = Place { days: lake::days(&folder), lake: folder };
        let report =
            results::read(&stack, portfolio, request, place, started, self.progress).await?;
        Ok(Up { runtime, stack, source, lake, report })
    }

    /// The source, and the lake for what it answers.
    async fn choose(&self) -> Result<(PortfolioSource, Option<Lake>)> {
        let of_b3 = self.contents(Origin::B3);
        let place = self.args.lake.clone().or_else(|| of_b3.usual_folder(self.workspace));
        let has_days = place.as_deref().is_some_and(lake::has_answers);
        let source = PortfolioSource::choose(self.args, has_days, self.progress).await;
        let source = source.map_err(|error| Failure::of(error, "source", None))?;
        let lake = self.open_lake(&source).await;
        Ok((source, lake.map_err(|error| Failure::of(error, "lake", None))?))
    }

    fn contents(&self, origin: Origin) -> Contents {
        let RunArgs { index, segment, .. } = self.args.clone();
        Contents { origin, index, segment }
    }

    async fn open_lake(&self, source: &PortfolioSource) -> Result<Option<Lake>> {
        let contents = self.contents(source.origin);
        let usual = contents.usual_folder(self.workspace);
        // The sample that stands in for B3 never goes where somebody wants B3's days.
        let named = self.args.lake.clone().filter(|_| source.unreached.is_none());
        let is_usual = named.is_none();
        let Some(folder) = named.or(usual) else { return Ok(None) };
        if is_usual && let Some(moved) = lake::move_copy_of_earlier_version(&folder)? {
            let (folder, moved) = (folder.display(), moved.display());
            self.progress.say(text!(
                en: "  ! An earlier version left the copy of one run in {folder}; it is in {moved} now.",
                pt: "  ! Uma versão anterior deixou a cópia de uma execução em {folder}; ela agora está em {moved}.",
            ));
        }
        RunningStack::refuse_lake(self.workspace, &folder)?;
        let waiting = || {
            let folder = folder.display();
            self.progress.say(text!(
                en: "  … another run uses {folder}, waiting for its end",
                pt: "  … outra execução está usando {folder}; à espera de que termine",
            ));
        };
        let lake = Lake::open(&folder, &contents, waiting).await?;
        if source.origin == Origin::Sample && is_usual {
            // The sample shows the whole chain each time.
            lake.empty()?;
        }
        Ok(Some(lake))
    }

    /// Refines what interrupted runs left unrefined. A day that cannot be refined does not keep the next from its turn.
    async fn finish_earlier_runs(&self, stack: &Stack, tracker: &Tracker<'_>) -> Result<()> {
        let index = self.args.index.parse()?;
        let looking = self.progress.unshown("resume", text!(en: "look for what an earlier run left", pt: "procurar o que outra execução deixou pendente"));
        let unfinished = Unfinished::find(stack, &index).await?;
        looking.done("");
        if unfinished.is_empty() {
            return Ok(());
        }
        let dates: Vec<_> = unfinished.dates().iter().map(ToString::to_string).collect();
        let step = self.progress.step("resume", text!(en: "finish what an earlier run left", pt: "concluir o que outra execução deixou pendente"));
        step.note(dates.join(", "));
        let before = tracker.snapshot().await?;
        let limit = self.args.timeout.unwrap_or(TIMEOUT);
        match unfinished.finish(&index, tracker, &before, limit).await {
            Ok(()) => step.done(dates.join(", ")),
            Err(error) => {
                drop(step);
                let dates = dates.join(", ");
                eprintln!(
                    "{}",
                    text!(
                        en: "  ! {dates} cannot be refined: {error:#}",
                        pt: "  ! {dates}: não foi possível refinar: {error:#}",
                    )
                );
            }
        }
        Ok(())
    }

    /// Requests the portfolio, and follows it if it is new.
    async fn fetch(&self, stack: &Stack, tracker: &Tracker<'_>) -> Result<Portfolio> {
        let step = self
            .progress
            .unshown("fetch", text!(en: "request the portfolio", pt: "pedir a carteira"));
        let before = tracker.snapshot().await?;
        stack.request_fetch(Some(&self.args.index), Some(&self.args.segment)).await?;
        step.done("");
        match tracker.arrival(&before, self.progress).await? {
            Arrival::New(landing) => {
                let journey = tracker.follow_answer(&landing, &before, self.progress).await?;
                Ok(Portfolio::New(journey))
            }
            Arrival::Unchanged(landing) => {
                let raw = stack.keys(&format!("raw/date={}/", landing.date)).await?;
                let raw_key = raw.into_iter().next().with_context(|| {
                    format!("{landing} is in the lake, but no raw file of its date")
                })?;
                let warnings = tracker.warnings(&landing.to_string()).await?;
                Ok(Portfolio::Known { landing, raw_key, warnings })
            }
        }
    }

    /// Shows the results, and ends everything unless it is to be kept.
    async fn show(&self, mut up: Up) -> Result<()> {
        if self.args.keep {
            self.print(&up.source, &mut up.report)?;
            self.tell_timings();
            return self.keep_up(up).await;
        }
        let Up { runtime, source, mut report, lake, .. } = up;
        // The document has the time that the end takes, too.
        let is_last = self.args.json && self.args.timings;
        if !is_last {
            self.print(&source, &mut report)?;
        }
        let step = stopping(self.progress);
        runtime.stop().await;
        step.done("");
        drop(lake);
        speed_up_later_runs(self.workspace, self.processes, self.progress).await;
        if is_last {
            self.print(&source, &mut report)?;
        }
        self.tell_timings();
        Ok(())
    }

    fn print(&self, source: &PortfolioSource, report: &mut Report) -> Result<()> {
        report.timings = self.args.timings.then(|| self.progress.timings());
        let source = Source {
            is_sample: source.origin == Origin::Sample,
            unreached: source.unreached.as_deref(),
            screen: Screen::stdout(),
        };
        results::print(self.args, report, source, self.progress)
    }

    fn tell_timings(&self) {
        if self.args.timings {
            self.progress.insist(format_args!("\n{}", self.progress.timings()));
        }
    }

    /// Stays until Ctrl-C, SIGTERM, or the emulator's unexpected end.
    async fn keep_up(&self, mut up: Up) -> Result<()> {
        let control_url = up.source.stand_in.as_ref().map(|server| server.control_url().to_owned());
        let folder = up.runtime.logs().folder().to_path_buf();
        let lake = folder_of(up.lake.as_ref(), &up.runtime);
        let endpoint = up.runtime.endpoint();
        let contents = self.contents(up.source.origin);
        let running = RunningStack::new(endpoint, &up.stack, control_url, folder, lake, contents);
        let note = running.leave_note(self.workspace)?;
        self.progress.say(format_args!("\n{}", running.instructions()));
        let speed_up = async {
            spark_archive::make_if_due(self.workspace, self.processes, self.progress, "").await;
            std::future::pending().await
        };
        tokio::select! {
            () = speed_up => {}
            signal = signals::ending() => { signal?; }
            died = up.runtime.died() => {
                died.map_err(|error| Failure::of(error, "emulator", None))?;
            }
        }
        drop(note);
        self.progress.say(text!(en: "\n  stopping the stack", pt: "\n  parando a stack"));
        up.runtime.stop().await;
        self.progress.say(text!(
            en: "  stopped, nothing is left running",
            pt: "  parada, nada ficou rodando",
        ));
        Ok(())
    }

    fn stopped(&self, signal: EndingSignal) -> Failure {
        signal.failure(self.progress.current_stage(), "")
    }

    fn timed_out(&self, timeout: Duration) -> Failure {
        let seconds = timeout.as_secs();
        let cause = text!(
            en: "not done after {seconds} s, the time for everything; run again to continue, with a longer --timeout if need be",
            pt: "não terminou em {seconds} s, o tempo total; rode de novo para continuar, se preciso com um --timeout maior",
        );
        Failure { exit: Exit::TimedOut, ..Failure::new(self.progress.current_stage(), cause) }
    }
}
