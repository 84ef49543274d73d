//! Problems in words, each with what to do next.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use harness::stack::status::{Answers, Problem, Unknown};

use crate::{
    advice::{Advice, quoted},
    output::{Language, plural, text},
};

/// What is wrong, and what to do next.
pub(in crate::commands) fn of(
    problem: &Problem,
    answers: &Answers,
    advice: &Advice,
    language: Language,
) -> (String, String) {
    let command = |words: &str| advice.command(words);
    match problem {
        Problem::Stack(state) => (
            text!(language, en: "the stack's last deployment ended as {state}", pt: "a última implantação da stack terminou em {state}"),
            {
                let name = quoted(&answers.stack);
                text!(language, en: "see why: aws cloudformation describe-stack-events --stack-name {name}", pt: "veja por quê: aws cloudformation describe-stack-events --stack-name {name}")
            },
        ),
        Problem::SessionMissing { expected, newest } => {
            let newest = newest.map_or_else(|| "–".to_owned(), |date| date.to_string());
            let (logs, fetch) = (command("logs fetch --since 24h"), command("fetch"));
            (
                text!(language, en: "the portfolio of {expected} has not landed; the newest is of {newest}", pt: "a carteira de {expected} não chegou; a mais nova é de {newest}"),
                text!(language, en: "see why: {logs}; ask B3 again, which serves no past days: {fetch}", pt: "veja por quê: {logs}; peça de novo à B3, que não oferece os dias passados: {fetch}"),
            )
        }
        Problem::NotRaw(date) => {
            let logs = command("logs parquet --since 24h");
            (
                text!(language, en: "the portfolio of {date} has landed and has no raw file, and nothing is on its way", pt: "a carteira de {date} chegou, mas não tem arquivo raw, e nada está a caminho"),
                text!(language, en: "see why: {logs}", pt: "veja por quê: {logs}"),
            )
        }
        Problem::Due(dates) => {
            let (count, listed) = (dates.len(), newest_of(dates));
            let logs = command("logs completion");
            let (en, pt) = (
                plural(count, "date waits", "dates wait"),
                plural(count, "data espera", "datas esperam"),
            );
            (
                text!(language, en: "{count} {en} for a Glue run, and none is on its way: {listed}", pt: "{count} {pt} por uma execução do Glue, e nenhuma está a caminho: {listed}"),
                text!(language, en: "the next tick starts one; if it does not: {logs}", pt: "o próximo tick inicia uma; se não iniciar: {logs}"),
            )
        }
        Problem::Failed(dates) => {
            let (count, listed) = (dates.len(), newest_of(dates));
            let newest = dates.last().map(ToString::to_string).unwrap_or_default();
            let refine = command(&format!("refine --date {newest} --force"));
            let (en, pt) = (
                plural(
                    count,
                    "date has failed in a Glue run and is",
                    "dates have failed in Glue runs and are",
                ),
                plural(
                    count,
                    "data falhou em uma execução do Glue e não está refinada",
                    "datas falharam em execuções do Glue e não estão refinadas",
                ),
            );
            (
                text!(language, en: "{count} {en} not refined; nothing tries again: {listed}", pt: "{count} {pt}; nada tenta de novo: {listed}"),
                text!(language, en: "once the cause is put right, for each date: {refine}", pt: "resolvida a causa, para cada data: {refine}"),
            )
        }
        Problem::Parked { stage, count } => {
            let (look, replay) =
                (command(&format!("parked {stage}")), command(&format!("redrive {stage}")));
            let (en, pt) = (
                plural(*count, "message is", "messages are"),
                plural(*count, "mensagem retida", "mensagens retidas"),
            );
            (
                text!(language, en: "{count} {en} parked at stage {stage}", pt: "{count} {pt} na etapa {stage}"),
                text!(language, en: "see why: {look}; once the cause is put right: {replay}", pt: "veja por quê: {look}; resolvida a causa: {replay}"),
            )
        }
        Problem::Alarm { name, reason } => {
            let look = format!(
                "aws cloudwatch describe-alarms --alarm-names {}",
                quoted(&format!("{}-{name}", answers.stack))
            );
            (
                text!(language, en: "alarm {name} is on: {reason}", pt: "o alarme {name} está ligado: {reason}"),
                text!(language, en: "what it means: {look}", pt: "o que significa: {look}"),
            )
        }
        Problem::NobodyIsMailed => {
            let topic = format!("{}-alerts", answers.stack);
            (
                text!(language, en: "nobody gets the mails about failures", pt: "ninguém recebe os e-mails sobre falhas"),
                text!(language, en: "subscribe an address to the topic {topic}: aws sns subscribe --protocol email", pt: "inscreva um endereço no tópico {topic}: aws sns subscribe --protocol email"),
            )
        }
        Problem::Unconfirmed(to) => (
            text!(language, en: "{to} has not confirmed the subscription, and gets no mail about failures", pt: "{to} não confirmou a inscrição e não recebe e-mails sobre falhas"),
            text!(language, en: "open AWS's mail \"AWS Notification - Subscription Confirmation\" there and click its link, or subscribe anew: aws sns subscribe --protocol email", pt: "abra lá o e-mail da AWS \"AWS Notification - Subscription Confirmation\" e clique no link, ou inscreva de novo: aws sns subscribe --protocol email"),
        ),
        Problem::ScheduleOff(name) => {
            let group = format!("{}-schedules", answers.stack);
            (
                text!(language, en: "schedule {name} is off or gone", pt: "o agendamento {name} está desligado ou não existe"),
                text!(language, en: "enable it in the console: EventBridge, Schedules, group {group}; if it is gone, deploy again", pt: "ligue-o no console: EventBridge, Schedules, grupo {group}; se não existe mais, implante de novo"),
            )
        }
        Problem::Unknown(Unknown { what, why, is_denied }) => {
            let (what, doctor, again) = (what.name(), command("doctor"), command("status"));
            (
                text!(language, en: "{what}: not known, {why}", pt: "{what}: não se sabe, {why}"),
                if *is_denied {
                    text!(language, en: "see which rights are missing: {doctor}", pt: "veja quais permissões faltam: {doctor}")
                } else {
                    text!(language, en: "ask again: {again}", pt: "pergunte de novo: {again}")
                },
            )
        }
    }
}

/// The newest three.
fn newest_of(dates: &BTreeSet<NaiveDate>) -> String {
    const LISTED: usize = 3;
    let listed: Vec<_> = dates.iter().rev().take(LISTED).map(ToString::to_string).collect();
    let more = if dates.len() > LISTED { ", …" } else { "" };
    format!("{}{more}", listed.join(", "))
}
