//! How a stack stands when all is done: nothing on its way, nobody holding the lock, nothing pending.

use anyhow::{Context as _, Result, ensure};
use chrono::NaiveDate;
use ibov::{dead_letters, stack::Stage};
use shared::{lake::LandingKey, landing::Envelope, parquet, refine::Lock};

use super::Bench;

const ACTIVE: &str = "control/refine/active.json";
const PENDING: &str = "control/refine/pending/";

impl Bench {
    /// Waits until a date is refined from its newest landing object and nothing is left to do, and checks that the
    /// lake holds what it would hold had nothing ever failed.
    ///
    /// # Errors
    /// As [`Bench::until_ticking`], or when the lake holds something else.
    pub async fn refined(&self, date: NaiveDate) -> Result<()> {
        self.until_ticking(&format!("{date} to be refined"), || async move {
            let newest = self.newest_landing(date).await?;
            Ok((newest.is_some() && self.refined_from(date).await? == newest).then_some(()))
        })
        .await?;
        self.settled().await?;
        self.raw_is_what_landing_says(date).await
    }

    /// Waits until every queue is empty, the lock is free and nothing is pending.
    ///
    /// # Errors
    /// As [`Bench::until_ticking`].
    pub async fn settled(&self) -> Result<()> {
        self.until_ticking("the stack to be done", || async move {
            for stage in Stage::ALL {
                if self.waiting(stage).await? > 0 {
                    return Ok(None);
                }
            }
            let idle =
                self.stack.keys(PENDING).await?.is_empty() && self.lock().await?.holder.is_none();
            Ok(idle.then_some(()))
        })
        .await
    }

    /// Waits until a run of a date is recorded in the lock, and gives its id.
    ///
    /// # Errors
    /// As [`crate::pipeline::Pipeline::until`].
    pub async fn running(&self, date: NaiveDate) -> Result<String> {
        self.until(&format!("a run of {date}"), || async move {
            let holder = self.lock().await?.holder;
            let active = holder.filter(|holder| holder.dates.contains_key(&date));
            Ok(active.and_then(|holder| holder.run_id))
        })
        .await
    }

    /// The lock of the refine state.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn lock(&self) -> Result<Lock> {
        if self.stack.keys(ACTIVE).await?.is_empty() {
            return Ok(Lock::default());
        }
        serde_json::from_slice(&self.stack.read(ACTIVE).await?).context("the lock is no lock")
    }

    /// The newest landing object of a date.
    ///
    /// # Errors
    /// When the lake cannot be listed.
    pub async fn newest_landing(&self, date: NaiveDate) -> Result<Option<String>> {
        Ok(self.stack.keys(&format!("landing/index=IBOV/date={date}/")).await?.pop())
    }

    /// The landing object that a date was refined from last.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn refined_from(&self, date: NaiveDate) -> Result<Option<String>> {
        let key = format!("refined/Data={date}/made-from");
        if self.stack.keys(&key).await?.is_empty() {
            return Ok(None);
        }
        Ok(Some(String::from_utf8(self.stack.read(&key).await?)?))
    }

    /// The raw file of a date is, byte for byte, what its newest landing object becomes.
    ///
    /// # Errors
    /// When it is not.
    pub async fn raw_is_what_landing_says(&self, date: NaiveDate) -> Result<()> {
        let landing = self.newest_landing(date).await?.context("no landing object")?;
        let (portfolio, _) = Envelope::parse(&self.stack.read(&landing).await?)?.portfolio()?;
        let landing: LandingKey = landing.parse()?;
        let wanted = parquet::encode(&portfolio, &landing)?;
        let raw = self.stack.read(&format!("raw/date={date}/ibov_setor.parquet")).await?;
        ensure!(raw == wanted, "the raw file of {date} is not what {landing} becomes");
        Ok(())
    }

    /// How many runs had a date among theirs.
    ///
    /// # Errors
    /// When Glue cannot be asked.
    pub async fn runs_of(&self, date: NaiveDate) -> Result<usize> {
        let date = date.to_string();
        let runs = self.stack.runs().await?;
        let dates = runs.iter().filter_map(|run| run.arguments()?.get("--dates"));
        Ok(dates.filter(|dates| dates.split(',').any(|each| each == date)).count())
    }

    /// How many messages lie in all dead-letter queues.
    ///
    /// # Errors
    /// When they cannot be asked.
    pub async fn dead_letters(&self) -> Result<usize> {
        let mut depth = 0;
        for stage in Stage::ALL {
            depth += dead_letters::depth(&self.stack, stage).await?;
        }
        Ok(depth)
    }
}
