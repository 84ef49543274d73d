//! Conditional writes, against an S3 that enforces them: what two writers rely on to never overwrite what
//! they have not seen.

use anyhow::{Context as _, Result};
use chrono::TimeDelta;
use e2e::local;
use ibov::aws::Clients;
use parquet_writer::{
    decision::Condition,
    lake::{Lake, RawFile},
};
use shared::{
    lake::{LandingKey, RawKey},
    portfolio::ContentHash,
    refine::{ClaimId, Control, Holder, Lock, Moment, S3Control, Source, Version},
};

async fn bucket(name: &str) -> Result<aws_sdk_s3::Client> {
    let s3 = Clients::local(local::emulator().await?.endpoint()).s3;
    s3.create_bucket().bucket(name).send().await.context("no bucket")?;
    Ok(s3)
}

fn landing(second: u32) -> Result<LandingKey> {
    let stamp = format!("20261120T1300{second:02}.000Z-0123456789abcdef");
    Ok(format!("landing/index=IBOV/date=2026-11-20/{stamp}.json").parse()?)
}

fn raw_file(second: u32) -> Result<RawFile> {
    let bytes = format!("made from the landing object of second {second}").into_bytes();
    Ok(RawFile::new(landing(second)?, ContentHash::of_bytes(&bytes), bytes))
}

#[test]
fn a_raw_file_is_not_written_over_one_that_was_not_seen() -> Result<()> {
    local::run(async {
        let lake = Lake::new(bucket("conditions-raw").await?, "conditions-raw".to_owned());
        let key: RawKey = "raw/date=2026-11-20/ibov_setor.parquet".parse()?;
        assert_eq!(lake.head_raw(&key).await?, None);
        let since = landing(1)?.stamp;
        let absent = Condition::StillAbsent;
        assert!(lake.write_raw(&key, &raw_file(1)?, &since, &absent).await?);
        assert!(!lake.write_raw(&key, &raw_file(2)?, &since, &absent).await?);

        let seen = lake.head_raw(&key).await?.context("it was written")?;
        assert_eq!(seen.landing, Some(landing(1)?));
        assert_eq!(seen.content_since, Some(since.clone()));
        let still = Condition::StillETag(seen.etag);
        assert!(lake.write_raw(&key, &raw_file(2)?, &since, &still).await?);
        assert!(
            !lake.write_raw(&key, &raw_file(3)?, &since, &still).await?,
            "the ETag has moved on"
        );
        let there = lake.head_raw(&key).await?.context("it was written")?;
        assert_eq!(there.landing, Some(landing(2)?));
        Ok(())
    })
}

#[test]
fn the_lock_is_taken_by_one_of_many() -> Result<()> {
    local::run(async {
        let s3 = bucket("conditions-lock").await?;
        let file_name = "ibov_setor.parquet".parse()?;
        let control = S3Control::new(s3, "conditions-lock".to_owned(), file_name);
        let moment = Moment { now: chrono::Utc::now(), lease: TimeDelta::minutes(1) };
        let landing_key = landing(1)?;
        let content = landing_key.stamp.content.clone();
        let dates = [("2026-11-20".parse()?, Source { landing_key, content })];
        let holder =
            |name: String| Holder::starting(ClaimId::new(&name), dates.clone().into(), moment);

        for round in ["absent", "free"] {
            let (_, free) = control.lock().await?;
            assert_eq!(free == Version::Absent, round == "absent");
            let claims = (0..10).map(|number| {
                let lock = Lock::held_by(&holder(format!("{round}-{number}")));
                let (control, free) = (&control, &free);
                async move { control.write_lock(&lock, free).await }
            });
            let won = futures::future::try_join_all(claims).await?;
            let won: Vec<_> = won.into_iter().flatten().collect();
            assert_eq!(won.len(), 1, "of ten claims of a free lock");
            let held = control.lock().await?;
            assert_eq!(Some(&held.1), won.first(), "the winner knows its version");
            let holder = held.0.holder.context("somebody holds it")?;
            assert!(control.write_lock(&Lock::free_after(&holder), &held.1).await?.is_some());
            assert!(control.write_lock(&Lock::free_after(&holder), &held.1).await?.is_none());
        }
        Ok(())
    })
}
