//! Conditional writes against an S3 that enforces them. By these, a writer never overwrites an object that it has not
//! seen.

use anyhow::{Context as _, Result};
use e2e::local;
use futures::future::try_join_all;
use harness::aws::Clients;
use parquet_writer::{
    decision::Condition,
    lake::{Lake, RawFile},
};
use shared::{
    aws::{Bucket, Objects as _},
    lake::{LandingKey, RawKey},
    portfolio::ContentHash,
    refine::{ETag, Mark},
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
        let absent = Condition::StillAbsent;
        assert!(lake.write_raw(&key, &raw_file(1)?, &absent).await?);
        assert!(!lake.write_raw(&key, &raw_file(2)?, &absent).await?);

        let seen = lake.head_raw(&key).await?.context("it was written")?;
        assert_eq!(seen.landing, Some(landing(1)?));
        let still = Condition::StillETag(seen.etag);
        assert!(lake.write_raw(&key, &raw_file(2)?, &still).await?);
        assert!(!lake.write_raw(&key, &raw_file(3)?, &still).await?, "the ETag has moved on");
        let there = lake.head_raw(&key).await?.context("it was written")?;
        assert_eq!(there.landing, Some(landing(2)?));
        Ok(())
    })
}

#[test]
fn a_mark_is_made_once_and_not_again_after_it_was_emptied() -> Result<()> {
    local::run(async {
        let name = "conditions-mark";
        let lake = Bucket::new(bucket(name).await?, name.to_owned());
        let (date, etag) = ("2026-11-20".parse()?, ETag::new("0123abcd"));
        let mark = Mark { date, etag, run_id: "jr_1".to_owned() }.key();

        let causes: Vec<_> = (0..10).map(|number| format!("cause {number}")).collect();
        let made = try_join_all(causes.iter().map(|cause| lake.create(&mark, cause))).await?;
        assert_eq!(made.iter().filter(|made| **made).count(), 1, "of ten at once: {made:?}");
        let its_own =
            made.iter().zip(&causes).find(|(made, _)| **made).context("nobody made it")?;
        assert_eq!(lake.read(&mark).await?, its_own.1.as_bytes());
        assert!(!lake.list(&mark).await?.remove(0).is_empty);

        lake.put(&mark, "").await?;
        assert!(lake.list(&mark).await?.remove(0).is_empty);
        assert!(!lake.create(&mark, "the end of the run once more").await?, "it was revived");
        assert!(lake.list(&mark).await?.remove(0).is_empty);
        Ok(())
    })
}
