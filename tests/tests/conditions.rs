//! Conditional writes, against an S3 that enforces them: what two writers rely on to never overwrite what
//! they have not seen.

use anyhow::{Context as _, Result};
use e2e::local;
use futures::future::join_all;
use harness::aws::{Clients, local_config};
use refine::FailedMark;
use shared::aws::{Bucket as _, CallError, Cause, Condition, ETag, Get, S3Bucket};

async fn bucket(name: &str) -> Result<S3Bucket> {
    let endpoint = local::emulator().await?.endpoint();
    let s3 = Clients::local(endpoint)?.s3;
    s3.create_bucket().bucket(name).send().await.context("no bucket")?;
    Ok(S3Bucket::new(&local_config(endpoint)?, name.to_owned()))
}

/// Whether a write on a condition took place.
fn written(put: Result<(), CallError>) -> Result<bool, CallError> {
    match put {
        Ok(()) => Ok(true),
        Err(CallError { cause: Cause::Conflict | Cause::NotFound, .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

#[test]
fn a_raw_file_is_not_written_over_one_that_was_not_seen() -> Result<()> {
    local::run(async {
        let bucket = bucket("conditions-raw").await?;
        let key = "raw/date=2026-11-20/ibov_setor.parquet";
        let put = async |text: &str, condition: &Condition| {
            written(bucket.put(key, text.into(), condition).await)
        };
        assert_eq!(bucket.head(key).await?, None);
        let unseen = Condition::Unchanged(ETag::new("0123456789abcdef0123456789abcdef"));
        assert!(!put("of an object that is gone", &unseen).await?);
        assert!(put("first", &Condition::Absent).await?);
        assert!(!put("second", &Condition::Absent).await?);

        let seen = bucket.head(key).await?.context("it was written")?;
        assert_eq!(bucket.list("raw/", None).await?.remove(0).etag, seen.etag);
        let unchanged = Condition::Unchanged(seen.etag);
        assert!(put("second", &unchanged).await?);
        assert!(!put("third", &unchanged).await?, "the ETag has moved on");
        assert_eq!(bucket.get(key, 6).await?, Get::Bytes(b"second".to_vec()));
        assert_eq!(bucket.get(key, 5).await?, Get::TooLarge { size_bytes: 6 });
        Ok(())
    })
}

#[test]
fn a_mark_is_made_once_and_not_again_after_it_was_emptied() -> Result<()> {
    local::run(async {
        let bucket = bucket("conditions-mark").await?;
        let (date, etag) = ("2026-11-20".parse()?, ETag::new("0123abcd"));
        let mark = FailedMark { date, etag, run_id: "jr_1".to_owned() }.key();
        let create =
            async |cause: &str| written(bucket.put(&mark, cause.into(), &Condition::Absent).await);

        let causes: Vec<_> = (0..10).map(|number| format!("cause {number}")).collect();
        let made = join_all(causes.iter().map(|cause| create(cause))).await.into_iter();
        let made = made.collect::<Result<Vec<_>, _>>()?;
        assert_eq!(made.iter().filter(|made| **made).count(), 1, "of ten at once: {made:?}");
        let (_, cause) =
            made.iter().zip(&causes).find(|(made, _)| **made).context("none made it")?;
        assert_eq!(bucket.get(&mark, 100).await?, Get::Bytes(cause.clone().into_bytes()));
        assert!(!bucket.list(&mark, None).await?.remove(0).is_empty);

        bucket.put(&mark, "".into(), &Condition::Always).await?;
        assert!(bucket.list(&mark, None).await?.remove(0).is_empty);
        assert!(!create("the end of the run once more").await?, "it was revived");
        assert!(bucket.list(&mark, None).await?.remove(0).is_empty);
        Ok(())
    })
}
