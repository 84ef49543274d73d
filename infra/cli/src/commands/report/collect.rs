//! Reads what the report tells: three queries through Athena, the keys of the lake, and the queues and runs of a stack that
//! is up.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use chrono::{DateTime, NaiveDate, Utc};
use harness::{
    stack::{Stack, Stage, athena, dead_letters},
    unfinished::Unfinished,
};
use rust_decimal::Decimal;
use shared::{keys::LandingKey, values::IndexCode};

use super::{
    super::{
        import::is_undated,
        sessions::{self, cell, parsed},
        tables_shown::TablesShown,
    },
    data::{
        Chain, History, Layer, Queue, Report, Run, Sector, Session, Stock, Work, lines, thinned,
    },
};

/// So many dates make a line as good as more would, and the page stays below 2 MB.
const DRAWN: usize = 120;
const RUNS: usize = 5;

/// Reads everything.
pub(super) async fn collect(stack: &Stack, shown: TablesShown) -> Result<Report> {
    let TablesShown { index, source } = shown;
    let sessions = sessions::all(stack).await?;
    let dates = thinned(&sessions, DRAWN);
    let newest = dates.last().context("there is no day")?;
    let (sectors, stocks) =
        futures::try_join!(sectors_of(stack, &dates), stocks_of(stack, &dates))?;
    let chain = chain(stack, &index, &sessions).await?;
    let session = |date: &NaiveDate| Session {
        date: *date,
        sectors: sectors.get(date).cloned().unwrap_or_default(),
        stocks: stocks.get(date).cloned().unwrap_or_default(),
    };
    let newest = session(newest);
    let before = dates.iter().rev().nth(1).map(session);
    let history = history(sessions.len(), dates, &sectors, &stocks, &newest, before.as_ref());
    Ok(Report { source, index, made_at: Utc::now(), newest, before, history, chain })
}

async fn sectors_of(
    stack: &Stack,
    dates: &[NaiveDate],
) -> Result<BTreeMap<NaiveDate, Vec<Sector>>> {
    let sql = format!(
        "SELECT data, setor, soma_part, total_codigo, soma_qtd_teorica FROM tb_ibov_refined WHERE data IN ({}) ORDER BY data, soma_part DESC, setor",
        literals(dates)
    );
    let mut sectors = BTreeMap::<_, Vec<_>>::new();
    for row in athena::query(stack, &sql).await?.rows {
        sectors.entry(parsed(&row, 0)?).or_default().push(Sector {
            name: cell(&row, 1),
            weight: parsed(&row, 2)?,
            constituents: parsed(&row, 3)?,
            quantity: parsed(&row, 4)?,
        });
    }
    Ok(sectors)
}

async fn stocks_of(stack: &Stack, dates: &[NaiveDate]) -> Result<BTreeMap<NaiveDate, Vec<Stock>>> {
    let sql = format!(
        "SELECT data, codigo, acao, tipo, setor, participacao, qtd_teorica FROM vw_ibov_carteira WHERE data IN ({}) ORDER BY data, participacao DESC, codigo",
        literals(dates)
    );
    let mut stocks = BTreeMap::<_, Vec<_>>::new();
    for row in athena::query(stack, &sql).await?.rows {
        stocks.entry(parsed(&row, 0)?).or_default().push(Stock {
            code: cell(&row, 1),
            company: cell(&row, 2),
            kind: cell(&row, 3),
            sector: cell(&row, 4),
            weight: parsed(&row, 5)?,
            quantity: parsed(&row, 6)?,
        });
    }
    Ok(stocks)
}

fn history(
    sessions: usize,
    dates: Vec<NaiveDate>,
    sectors: &BTreeMap<NaiveDate, Vec<Sector>>,
    stocks: &BTreeMap<NaiveDate, Vec<Stock>>,
    newest: &Session,
    before: Option<&Session>,
) -> History {
    let of_sectors: BTreeMap<_, Decimal> = sectors
        .iter()
        .flat_map(|(date, day)| day.iter().map(|row| ((row.name.as_str(), *date), row.weight)))
        .collect();
    let of_stocks: BTreeMap<_, Decimal> = stocks
        .iter()
        .flat_map(|(date, day)| day.iter().map(|row| ((row.code.as_str(), *date), row.weight)))
        .collect();
    let all = sectors.values().flatten().map(|sector| sector.name.as_str());
    let names = in_order(newest.sectors.iter().map(|sector| sector.name.as_str()), all);
    // Those that left earlier would make the page long, and few ask for them.
    let last = before.into_iter().flat_map(|day| &day.stocks).map(|stock| stock.code.as_str());
    let codes = in_order(newest.stocks.iter().map(|stock| stock.code.as_str()), last);
    History {
        sessions,
        sectors: lines(names, &dates, &of_sectors),
        stocks: lines(codes, &dates, &of_stocks),
        dates,
    }
}

/// Today's names in their order, then the others by name.
fn in_order<'a>(
    today: impl Iterator<Item = &'a str>,
    all: impl Iterator<Item = &'a str>,
) -> Vec<&'a str> {
    let mut names: Vec<_> = today.collect();
    let known: BTreeSet<_> = names.iter().copied().collect();
    let gone: BTreeSet<_> = all.filter(|name| !known.contains(name)).collect();
    names.extend(gone);
    names
}

/// A stack refines one index, whatever else people had it fetch.
async fn chain(stack: &Stack, index: &str, sessions: &[NaiveDate]) -> Result<Chain> {
    let index: IndexCode = index.parse()?;
    let landing = stack.keys(&LandingKey::prefix_of_index(&index)).await?;
    let landing: Vec<LandingKey> = landing.iter().filter_map(|key| key.parse().ok()).collect();
    let landed: BTreeSet<NaiveDate> = landing.iter().map(|key| key.date).collect();
    let raw = stack.keys("raw/").await?;
    let raw: BTreeSet<NaiveDate> = raw.iter().filter_map(|key| raw_date(key)).collect();
    let refined: BTreeSet<NaiveDate> = sessions.iter().copied().collect();
    let without_rows = landed.union(&raw).filter(|date| !refined.contains(date)).copied();
    // An answer may have followed that on which the rows of its date are based.
    let mut due = Unfinished::find(stack, &index).await?.dates();
    due.extend(without_rows);
    Ok(Chain {
        landing: Layer::of(&landed),
        raw: Layer::of(&raw),
        refined: Layer::of(&refined),
        fetched_at: fetched_at(&landing),
        due: due.into_iter().collect(),
        work: work(stack).await?,
    })
}

/// Of the newest session's newest answer. `None` if nobody knows, because it was imported without its time.
fn fetched_at(landing: &[LandingKey]) -> Option<DateTime<Utc>> {
    let newest = landing.iter().max_by_key(|key| (key.date, key.stamp.fetched_at));
    newest.filter(|key| !is_undated(key)).map(|key| key.stamp.fetched_at)
}

/// Tables that were put up for the time of a command have no queues.
async fn work(stack: &Stack) -> Result<Option<Work>> {
    if stack.queue_url(Stage::Fetch).is_err() {
        return Ok(None);
    }
    let mut queues = Vec::new();
    for stage in Stage::ALL {
        let (waiting, parked) =
            futures::try_join!(stack.waiting(stage), dead_letters::depth(stack, stage))?;
        queues.push(Queue { stage, waiting, parked });
    }
    let runs = stack.runs().await?;
    let runs = runs.iter().take(RUNS).map(|run| Run {
        id: run.id().unwrap_or_default().to_owned(),
        state: run.job_run_state().map_or_else(String::new, |state| state.as_str().to_owned()),
        started_at: run.started_on().and_then(|at| DateTime::from_timestamp(at.secs(), 0)),
        seconds: run.completed_on().map(|_| run.execution_time()),
    });
    Ok(Some(Work { queues, runs: runs.collect() }))
}

fn raw_date(key: &str) -> Option<NaiveDate> {
    let (date, _) = key.strip_prefix("raw/date=")?.split_once('/')?;
    date.parse().ok()
}

fn literals(dates: &[NaiveDate]) -> String {
    dates.iter().map(|date| format!("DATE '{date}'")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_raw_files_are_read_off_their_keys() {
        let date = NaiveDate::from_ymd_opt(2026, 11, 20);
        assert_eq!(raw_date("raw/date=2026-11-20/ibov_setor.parquet"), date);
        assert_eq!(raw_date("raw/_manifest"), None);
    }

    #[test]
    fn a_time_that_an_import_made_up_is_not_told() {
        let key = |day, time| {
            let key = format!(
                "landing/index=IBOV/date=2026-11-{day}/202611{day}T{time}.000Z-0123456789abcdef.json"
            );
            key.parse::<LandingKey>().unwrap()
        };
        let told = |keys: &[LandingKey]| fetched_at(keys).map(|at| at.to_rfc3339());
        let fetched = Some("2026-11-23T10:00:00+00:00".to_owned());
        assert_eq!(told(&[key(20, "000000"), key(23, "100000")]), fetched);
        assert_eq!(told(&[key(23, "000000"), key(23, "100000")]), fetched);
        assert_eq!(told(&[key(20, "100000"), key(23, "000000")]), None);
    }

    #[test]
    fn what_is_gone_comes_after_what_is_there() {
        let names = in_order(["b", "a"].into_iter(), ["z", "a", "c", "z"].into_iter());
        assert_eq!(names, ["b", "a", "c", "z"]);
    }
}
