//! Waiting until a stack has nothing left to do, and checking what it has done.

use anyhow::{Context as _, Result, ensure};
use chrono::NaiveDate;
use harness::stack::{Stage, dead_letters};
use refine::{Listing, State as _, told};
use serde_json::Value;
use shared::{keys::LandingKey, landing::Envelope, raw};

use super::Bench;

impl Bench {
    /// Waits until a date is refined from its newest landing object and nothing is left to do. Checks that the lake
    /// holds the same as if nothing had failed.
    pub async fn refined(&self, date: NaiveDate) -> Result<()> {
        self.until_ticking(&format!("{date} to be refined"), || async move {
            let newest = self.newest_landing(date).await?;
            Ok((newest.is_some() && self.refined_from(date).await? == newest).then_some(()))
        })
        .await?;
        self.settled().await?;
        self.raw_is_what_landing_says(date).await?;
        self.done_says_so(date).await
    }

    /// Waits until every queue is empty, no run is active, people know how each one ended, and nothing is due.
    pub async fn settled(&self) -> Result<()> {
        self.until_ticking("the stack to be done", || async move {
            for stage in Stage::ALL {
                if self.stack.waiting(stage).await? > 0 {
                    return Ok(None);
                }
            }
            Ok(self.nothing_to_refine().await?.then_some(()))
        })
        .await
    }

    /// Waits until an active run for a date has read its raw file, and returns the run's id.
    pub async fn running(&self, date: NaiveDate) -> Result<String> {
        self.until(&format!("a run of {date}"), || async move {
            let runs = self.refine.runs().await?;
            let active = runs.into_iter().filter(|run| run.is_active());
            let mut of_date = active.filter(|run| run.started_for().contains_key(&date));
            Ok(of_date.next().map(|run| run.id).filter(|run_id| self.has_read(run_id)))
        })
        .await
    }

    pub async fn told(&self, run_id: &str) -> Result<bool> {
        Ok(told(&self.refine, run_id).await?.contains(run_id))
    }

    /// The newest landing object of a date.
    pub async fn newest_landing(&self, date: NaiveDate) -> Result<Option<String>> {
        Ok(self.stack.keys(&format!("landing/index=IBOV/date={date}/")).await?.pop())
    }

    /// The landing object that a date's refined rows are made from.
    pub async fn refined_from(&self, date: NaiveDate) -> Result<Option<String>> {
        let key = format!("refined/Data={date}/made-from");
        if self.stack.keys(&key).await?.is_empty() {
            return Ok(None);
        }
        Ok(Some(String::from_utf8(self.stack.read(&key).await?)?))
    }

    /// Checks that a date's raw file is, byte for byte, made from its newest landing object.
    pub async fn raw_is_what_landing_says(&self, date: NaiveDate) -> Result<()> {
        let landing = self.newest_landing(date).await?.context("no landing object")?;
        let (portfolio, _) = Envelope::parse(&self.stack.read(&landing).await?)?.portfolio()?;
        let landing: LandingKey = landing.parse()?;
        let wanted = raw::encode(&portfolio, &landing)?;
        let raw = self.stack.read(&format!("raw/date={date}/ibov_setor.parquet")).await?;
        ensure!(raw == wanted, "the raw file of {date} is not what {landing} becomes");
        Ok(())
    }

    /// Checks that exactly one `done` object names the raw file and the landing object that a date's rows are made
    /// from.
    pub async fn done_says_so(&self, date: NaiveDate) -> Result<()> {
        let mut raw = Listing::read(&self.refine).await?.raw;
        let raw = raw.remove(&date).context("no raw file")?;
        let keys = self.stack.keys(&format!("control/refine/done/date={date}/")).await?;
        let wanted = [format!("control/refine/done/date={date}/{raw}")];
        ensure!(keys == wanted, "{keys:?} instead of {wanted:?}");
        let [key] = wanted;
        let record: Value = serde_json::from_slice(&self.stack.read(&key).await?)?;
        let made_from = record.get("landing_key").and_then(Value::as_str).map(str::to_owned);
        ensure!(made_from == self.refined_from(date).await?, "{key} says {record}");
        Ok(())
    }

    /// The number of runs that were started for a date, perhaps among others.
    pub async fn runs_of(&self, date: NaiveDate) -> Result<usize> {
        let date = date.to_string();
        let runs = self.stack.runs().await?;
        let dates = runs.iter().filter_map(|run| run.arguments()?.get("--dates"));
        Ok(dates.filter(|dates| dates.split(',').any(|each| each == date)).count())
    }

    /// The number of messages in all dead-letter queues.
    pub async fn dead_letters(&self) -> Result<usize> {
        dead_letters::total_depth(&self.stack).await
    }
}
