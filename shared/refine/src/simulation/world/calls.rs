//! The calls that the code under test makes: to the bucket, to Glue, to SNS and SQS.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use futures::FutureExt as _;
use shared::{
    aws::{Bucket, CallError, Condition, ETag, Get, Head, Listed, NewObject},
    events::RefineRequest,
    keys::FileName,
};

use super::{Lake, World, failed, ready};
use crate::{FailedMark, Reporter, Run, State, Warnings};

/// The lake's objects.
impl Bucket for World {
    fn name(&self) -> &'static str {
        "world"
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<Listed>, CallError> {
        Ok(ready(self.step().await.objects.list(prefix, after)))
    }

    async fn get(&self, key: &str, max_bytes: i64) -> Result<Get, CallError> {
        Ok(ready(self.step().await.objects.get(key, max_bytes)))
    }

    async fn head(&self, key: &str) -> Result<Option<Head>, CallError> {
        Ok(ready(self.step().await.objects.head(key)))
    }

    async fn put(
        &self,
        key: &str,
        object: NewObject,
        condition: &Condition,
    ) -> Result<(), CallError> {
        let mut lake = self.step().await;
        if let Some(mark) = FailedMark::parse(key) {
            match (object.bytes.is_empty(), condition) {
                (false, Condition::Absent) => drop(lake.failures.insert((mark.date, mark.etag))),
                (true, Condition::Always) => lake.failures.retain(|(day, _)| *day != mark.date),
                _ => panic!("overwriting a mark may revive an emptied one"),
            }
        }
        lake.writes += 1;
        let put = lake.objects.put(key, object, condition).now_or_never();
        put.unwrap()
    }

    async fn delete(&self, key: &str) -> Result<(), CallError> {
        let mut lake = self.step().await;
        lake.writes += 1;
        ready(lake.objects.delete(key));
        Ok(())
    }
}

impl State for World {
    type Bucket = Self;

    fn bucket(&self) -> &Self {
        self
    }

    fn file_name(&self) -> &FileName {
        &self.file_name
    }

    async fn runs(&self) -> Result<Vec<Run>, CallError> {
        let mut lake = self.step().await;
        *self.ended_when_looked.lock().unwrap() = lake.ended_runs();
        let lags = Lake::counts_down(&mut lake.lagging);
        let mut runs = if lags { lake.runs_before.clone() } else { lake.runs.clone() };
        runs.reverse();
        Ok(runs)
    }

    async fn start(&self, due: &BTreeMap<NaiveDate, ETag>) -> Result<Option<String>, CallError> {
        let mut lake = self.step().await;
        let active = lake.runs.iter().any(Run::is_active);
        if active && !Lake::counts_down(&mut lake.slips) {
            return Ok(None);
        }
        if Lake::counts_down(&mut lake.slot_held) {
            return Ok(None);
        }
        let listed = |items: Vec<String>| items.join(",");
        let id = lake.begin(
            listed(due.keys().map(ToString::to_string).collect()),
            listed(due.values().map(ToString::to_string).collect()),
        );
        let in_time = !active && lake.ended_runs() == *self.ended_when_looked.lock().unwrap();
        let due: Vec<_> = due.iter().map(|(day, etag)| (*day, etag.clone())).collect();
        if in_time && due.iter().all(|(day, etag)| lake.is_done(*day, etag)) {
            lake.redundant.push(id.clone());
        }
        if in_time && due.iter().any(|due| lake.failures.contains(due)) {
            lake.unasked.push(id.clone());
        }
        if Lake::counts_down(&mut lake.lost_answers) {
            return Err(failed("StartJobRun"));
        }
        Ok(Some(id))
    }

    async fn pause(&self) -> bool {
        !self.step().await.hurry
    }
}

impl Reporter for World {
    async fn publish(
        &self,
        run: &Run,
        parked: &[NaiveDate],
        warnings: &Warnings,
    ) -> Result<(), CallError> {
        let mut lake = self.step().await;
        lake.report("Publish")?;
        lake.warned.extend(warnings.keys().map(|day| (run.id.clone(), *day)));
        lake.mails.push((run.id.clone(), parked.to_vec()));
        Ok(())
    }

    async fn park(&self, request: &RefineRequest, _: &Run, cause: &str) -> Result<(), CallError> {
        let mut lake = self.step().await;
        lake.report("SendMessage")?;
        assert!(!cause.contains("no cause"), "parked without a cause");
        lake.parked.push(request.clone());
        Ok(())
    }
}
