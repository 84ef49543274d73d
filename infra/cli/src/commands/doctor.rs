use std::time::Duration;

use anyhow::{Result, bail};
use chrono::Utc;
use harness::{
    aws::is_denied,
    checkout::{Workspace, prerequisites, python_environment},
    failure::Failure,
    stack::{
        Stack, Stage, logs,
        status::{self, Answers, Problem, Question},
    },
};
use shared::http;

use super::{https, status::words};
use crate::{
    account::Account,
    advice::Advice,
    args::DoctorArgs,
    output::{Language, plural, print_line, text},
    running_stack::RunningStack,
};

const B3: &str = "https://sistemaswebb3-listados.b3.com.br";
const B3_TIMEOUT: Duration = Duration::from_secs(8);

/// Rights that cannot be tried without changing something.
const NOT_TRIED: &str = "sqs:SendMessage, sqs:ReceiveMessage, sqs:DeleteMessage, sqs:ChangeMessageVisibility, \
                         sqs:StartMessageMoveTask, sqs:ListMessageMoveTasks, athena:StartQueryExecution, \
                         s3:PutObject";

/// Prints findings, and counts those that are not well.
struct Findings {
    language: Language,
    bad: usize,
}

/// Looks at everything that the other commands, and the stack, need.
pub(crate) async fn doctor(args: &DoctorArgs) -> Result<()> {
    let mut findings = Findings { language: Language::current(), bad: 0 };
    findings.well("ibov", env!("CARGO_PKG_VERSION"))?;
    let advice = Advice::about(&args.stack);
    match &args.stack.stack {
        Some(name) => findings.of_account(name, args, &advice).await?,
        None => findings.of_machine(&advice).await?,
    }
    match findings.bad {
        0 => Ok(()),
        count => {
            let (en, pt) =
                (plural(count, "finding", "findings"), plural(count, "achado", "achados"));
            bail!(text!(
                findings.language,
                en: "{count} {en} to put right",
                pt: "{count} {pt} a resolver",
            ))
        }
    }
}

impl Findings {
    fn well(&self, what: &str, detail: impl std::fmt::Display) -> Result<()> {
        print_line(format_args!("✓ {what}: {detail}"))
    }

    /// An error's sentence has its own advice where there is any.
    fn bad(&mut self, what: &str, detail: impl std::fmt::Display, next: &str) -> Result<()> {
        self.bad += 1;
        let next = if next.is_empty() { String::new() } else { format!("\n    → {next}") };
        print_line(format_args!("✗ {what}: {detail}{next}"))
    }

    async fn of_account(&mut self, name: &str, args: &DoctorArgs, advice: &Advice) -> Result<()> {
        let account = match Account::sign_in(&args.stack.account).await {
            Ok(account) => account,
            Err(error) => return self.bad(&text!(en: "account", pt: "conta"), sentence(error), ""),
        };
        self.well(&text!(en: "account", pt: "conta"), account.description())?;
        match account.caller().await {
            Ok(caller) => self.well(&text!(en: "credentials", pt: "credenciais"), caller)?,
            Err(error) => {
                return self.bad(
                    &text!(en: "credentials", pt: "credenciais"),
                    sentence(account.explain(error, name)),
                    "",
                );
            }
        }
        match Stack::describe(account.clients(), name).await {
            Ok(stack) => self.of_stack(&stack, advice).await,
            Err(error) => self.bad("stack", sentence(account.explain(error, name)), ""),
        }
    }

    async fn of_machine(&mut self, advice: &Advice) -> Result<()> {
        let workspace = Workspace::locate()?;
        let is_ready = python_environment::is_ready(&workspace);
        match prerequisites::check(workspace.root(), !is_ready).await {
            Ok(machine) => self.well(&text!(en: "machine", pt: "máquina"), {
                let (python, free) = (&machine.python_version, machine.free_bytes >> 30);
                text!(
                    en: "Python {python}, C compiler, {free} GiB free",
                    pt: "Python {python}, compilador C, {free} GiB livres",
                )
            })?,
            Err(error) => self.bad(&text!(en: "machine", pt: "máquina"), sentence(error), "")?,
        }
        let environment = if is_ready {
            text!(self.language, en: "ready", pt: "pronto")
        } else {
            text!(self.language, en: "the next `cargo ibov run` installs it", pt: "o próximo `cargo ibov run` o instala")
        };
        self.well(".ibov/venv", environment)?;
        match RunningStack::read(&workspace)? {
            Some(running) => self.of_stack(&running.stack()?, advice).await,
            None => {
                let none = text!(self.language, en: "none is up; `cargo ibov run --keep` starts one", pt: "nenhuma no ar; `cargo ibov run --keep` inicia uma");
                self.well("stack", none)?;
                self.of_b3(B3).await
            }
        }
    }

    async fn of_stack(&mut self, stack: &Stack, advice: &Advice) -> Result<()> {
        let answers = match status::ask(stack, Utc::now()).await {
            Ok(answers) => answers,
            Err(error) => return self.bad("stack", format_args!("{error:#}"), ""),
        };
        self.well("stack", format_args!("{} {}", stack.name, answers.described.state))?;
        self.of_rights(stack, &answers).await?;
        for problem in status::problems(&answers) {
            // How the data is doing is what `status` says.
            let is_about_the_stack = matches!(
                problem,
                Problem::Stack(_)
                    | Problem::NobodyIsMailed
                    | Problem::Unconfirmed(_)
                    | Problem::ScheduleOff(_)
            );
            if is_about_the_stack {
                let (what, next) = words::of(&problem, &answers, advice, self.language);
                self.bad("stack", what, &next)?;
            }
        }
        self.of_b3(answers.described.parameter("B3BaseUrl").unwrap_or(B3)).await
    }

    async fn of_rights(&mut self, stack: &Stack, answers: &Answers) -> Result<()> {
        for question in Question::ALL {
            let failed = answers.unknown.iter().find(|unknown| unknown.what == question);
            let failed = failed.map(|unknown| (unknown.why.clone(), unknown.is_denied));
            self.of_right(question.right(), failed)?;
        }
        // A local stack's logs are files.
        let logs = logs::of_stack(stack, Stage::Fetch, Utc::now()).await;
        let failed = logs.err().map(|error| (format!("{error:#}"), is_denied(&error)));
        let failed = failed.filter(|(why, _)| !why.contains("ResourceNotFound"));
        self.of_right("logs:FilterLogEvents", failed)?;
        let not_tried = text!(self.language, en: "would change something, and were not tried", pt: "mudariam algo e não foram testadas");
        print_line(format_args!("– {NOT_TRIED}: {not_tried}"))
    }

    /// A failure is why a call that takes the right failed, and whether it was denied.
    fn of_right(&mut self, right: &str, failed: Option<(String, bool)>) -> Result<()> {
        match failed {
            None => self.well(right, text!(self.language, en: "granted", pt: "concedida")),
            Some((why, false)) => {
                let next = text!(self.language, en: "this does not say whether it is granted; ask again", pt: "isto não diz se foi concedida; pergunte de novo");
                self.bad(right, why, &next)
            }
            Some((why, true)) => {
                let next = text!(self.language, en: "grant it; infra/README.md has the operator's policy", pt: "conceda-a; infra/README.md tem a política do operador");
                self.bad(right, why, &next)
            }
        }
    }

    async fn of_b3(&mut self, address: &str) -> Result<()> {
        let client = http::builder()?.timeout(B3_TIMEOUT).build()?;
        match client.get(address).send().await {
            // Any answer will do: without a request in the path, B3 has nothing to say.
            Ok(answer) => {
                let status = answer.status();
                self.well(
                    "B3",
                    text!(en: "{address} answers ({status})", pt: "{address} responde ({status})"),
                )
            }
            Err(error) if let Some(untrusted) = https::untrusted(&error) => {
                self.bad("B3", untrusted, "")
            }
            Err(error) => {
                let next = text!(
                    self.language,
                    en: "see whether the site opens in a browser; the functions in AWS have a network of their own and may still reach it",
                    pt: "veja se o site abre no navegador; as funções na AWS têm rede própria e talvez o alcancem",
                );
                let why = error.without_url();
                let what = text!(
                    self.language,
                    en: "{address} does not answer ({why})",
                    pt: "{address} não responde ({why})",
                );
                self.bad("B3", what, &next)
            }
        }
    }
}

fn sentence(error: anyhow::Error) -> String {
    Failure::of(error, "", None).cause
}
