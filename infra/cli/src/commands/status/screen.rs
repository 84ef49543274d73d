//! The screen.

use chrono::{DateTime, NaiveDate, Utc};
use harness::stack::status::{Answers, Lake, Problem, RunSummary, StageQueues};

use super::words;
use crate::{
    advice::Advice,
    output::{Column, Language, Screen, Table, Value, text, wrapped},
};

const RUNS: usize = 3;

pub(super) fn render(
    answers: &Answers,
    problems: &[Problem],
    advice: &Advice,
    screen: Screen,
) -> String {
    let language = screen.language;
    let (name, state) = (&answers.stack, &answers.described.state);
    let well = match (problems.is_empty(), language) {
        (true, Language::English) => "well",
        (true, Language::Portuguese) => "tudo bem",
        (false, Language::English) => "NOT WELL",
        (false, Language::Portuguese) => "NÃO ESTÁ BEM",
    };
    let at = answers.asked_at.format("%F %TZ");
    let mut parts = vec![format!("{name}: {well} ({state}, {at})")];
    if let Some(lake) = &answers.lake {
        let line = of_lake(lake, answers.expected, language);
        parts.push(match screen.width {
            Some(width) => wrapped(&line, usize::from(width)),
            None => line,
        });
    }
    if let Some(stages) = &answers.stages {
        parts.push(of_stages(stages, language).render(screen));
    }
    if let Some(runs) = answers.runs.as_deref().filter(|runs| !runs.is_empty()) {
        parts.push(of_runs(runs, language).render(screen));
    }
    parts.extend(of_watch(answers, language));
    for problem in problems {
        let (what, next) = words::of(problem, answers, advice, language);
        parts.push(format!("✗ {what}\n    → {next}"));
    }
    parts.join("\n")
}

fn of_lake(lake: &Lake, expected: Option<NaiveDate>, language: Language) -> String {
    let date =
        |date: Option<NaiveDate>| date.map_or_else(|| "–".to_owned(), |date| date.to_string());
    let [landing, raw, refined] = [lake.landing, lake.raw, lake.refined].map(date);
    let expectation = match expected {
        Some(expected) if lake.landing.is_some_and(|newest| newest >= expected) => {
            text!(language, en: "as it should be", pt: "como deve ser")
        }
        Some(expected) => {
            text!(language, en: "it should be {expected}", pt: "deveria ser {expected}")
        }
        None => text!(language, en: "fetched only on request", pt: "buscada só a pedido"),
    };
    let (due, failed) = (lake.due.len(), lake.failed.len());
    text!(
        language,
        en: "newest: landing {landing} ({expectation}), raw {raw}, refined {refined}; {due} due, {failed} failed",
        pt: "mais nova: landing {landing} ({expectation}), raw {raw}, refined {refined}; {due} a refinar, {failed} com falha",
    )
}

fn of_stages(stages: &[StageQueues], language: Language) -> Table {
    let mut table = Table::new([
        Column::text(text!(language, en: "stage", pt: "etapa")),
        Column::number(text!(language, en: "waiting", pt: "esperando")),
        Column::number(text!(language, en: "in flight", pt: "em curso")),
        Column::text(text!(language, en: "oldest", pt: "mais antiga")).drops(1),
        Column::number(text!(language, en: "parked", pt: "retidas")),
        Column::text(text!(language, en: "oldest parked", pt: "retida mais antiga")).drops(2),
    ]);
    let age =
        |seconds: Option<u64>| seconds.map_or(Value::Missing, |seconds| Value::text(age(seconds)));
    for StageQueues { stage, queue, parked, oldest_waiting_s, oldest_parked_s } in stages {
        table.row([
            Value::text(stage),
            Value::number(queue.visible + queue.delayed),
            Value::number(queue.in_flight),
            age(*oldest_waiting_s),
            Value::number(parked.total()),
            age(*oldest_parked_s),
        ]);
    }
    table
}

fn of_runs(runs: &[RunSummary], language: Language) -> Table {
    let mut table = Table::new([
        Column::text(text!(language, en: "Glue run", pt: "execução do Glue")).drops(1),
        Column::text(text!(language, en: "state", pt: "estado")),
        Column::text(text!(language, en: "started", pt: "início")),
        Column::number(text!(language, en: "seconds", pt: "segundos")).drops(2),
        Column::text(text!(language, en: "dates", pt: "datas")),
    ]);
    for run in runs.iter().take(RUNS) {
        table.row([
            Value::text(&run.id),
            Value::text(&run.state),
            run.started_at.map_or(Value::Missing, |at| Value::text(time(at))),
            Value::number(run.seconds),
            Value::text(run.dates.replace(',', " ")),
        ]);
    }
    table
}

/// Lines about alarms, mails and schedules.
fn of_watch(answers: &Answers, language: Language) -> Vec<String> {
    let none = || text!(language, en: "none", pt: "nenhum");
    let listed = |names: Vec<String>| if names.is_empty() { none() } else { names.join(", ") };
    let mut lines = Vec::new();
    if let Some(alarms) = &answers.alarms {
        let names = alarms.iter().map(|alarm| match alarm.since {
            Some(since) => format!("{} ({})", alarm.name, time(since)),
            None => alarm.name.clone(),
        });
        let names = listed(names.collect());
        lines.push(
            text!(language, en: "alarms that are on: {names}", pt: "alarmes ligados: {names}"),
        );
    }
    if let Some(mail) = &answers.mail {
        let confirmed = mail.iter().filter(|subscription| subscription.is_confirmed);
        let names = listed(confirmed.map(|subscription| subscription.to.clone()).collect());
        lines.push(text!(language, en: "failures are mailed to: {names}", pt: "falhas vão por e-mail para: {names}"));
    }
    if let Some(schedules) = &answers.schedules {
        let on = schedules.iter().filter(|schedule| schedule.is_enabled);
        let names = listed(on.map(|schedule| schedule.name.clone()).collect());
        lines.push(text!(language, en: "schedules that are on: {names}", pt: "agendamentos ligados: {names}"));
    }
    lines
}

fn time(at: DateTime<Utc>) -> String {
    at.format("%F %TZ").to_string()
}

/// `45s`, `12m`, `3h`, `2d`.
fn age(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_one_unit() {
        for (seconds, text) in [(0, "0s"), (61, "1m"), (7_200, "2h"), (200_000, "2d")] {
            assert_eq!(age(seconds), text);
        }
    }
}
