//! The way back of an answer that was refused: it is kept whole, and a copy of it below `landing/` goes on.

use anyhow::{Context as _, Result};
use chrono::NaiveDate;
use e2e::{days, faults::Bench, local};
use ibov::{b3_server::Answer, stack::Stage};
use shared::landing::Envelope;

/// What an operator does: `aws s3 cp`, to the place where the fetcher would have put it.
async fn copy_to_landing(bench: &Bench, rejected: &str, date: NaiveDate) -> Result<()> {
    let name = rejected.rsplit('/').next().context("a key has a name")?;
    let body = bench.stack.read(rejected).await?;
    bench.put(&format!("landing/index=IBOV/date={date}/{name}"), body).await
}

/// ISO 8859-1, which B3 does not send: the names' accents make it no UTF-8.
fn in_latin_1(text: &str) -> Vec<u8> {
    text.chars().map(|character| u8::try_from(character).expect("a Portuguese letter")).collect()
}

#[test]
fn no_day_is_lost_because_its_answer_could_not_be_read() -> Result<()> {
    local::run(async {
        let bench =
            Bench::deploy_with("unreadable", |config| config.with("MaxReceiveCount", "1")).await?;
        let date = NaiveDate::from_ymd_opt(2026, 11, 20).context("a day")?;
        let answer = days::small(date).page(1, 1_000).to_string();
        bench.b3.answer(Answer::Body(in_latin_1(&answer)));
        bench.fetch(date).await?;
        let parked = bench.parked(Stage::Fetch, 1).await?.remove(0);
        assert_eq!(parked.attribute("kind"), Some("b3-not-json"));
        assert_eq!(parked.attribute("class"), Some("transient"));
        let rejected = bench.stack.keys("rejected/").await?;
        let [unreadable] = rejected.as_slice() else { panic!("{rejected:?}") };
        assert!(parked.attribute("object").is_some_and(|object| object.ends_with(unreadable)));
        assert_eq!(bench.stack.keys("landing/").await?, [""; 0]);

        let kept = Envelope::parse(&bench.stack.read(unreadable).await?)?;
        let rejection = kept.rejection.context("no reason")?;
        assert!(rejection.message.contains("not UTF-8"), "{rejection:?}");
        assert_eq!(kept.pages, [answer], "byte for byte");

        // A person has looked at it: every name is right.
        copy_to_landing(&bench, unreadable, date).await?;
        bench.refined(date).await
    })
}

#[test]
fn no_day_is_lost_because_a_rule_of_ours_was_wrong() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("rule-was-wrong").await?;
        let day = NaiveDate::from_ymd_opt(2026, 11, 20).context("a day")?;
        bench.b3.answer(Answer::WrongTotals);
        bench.fetch(day).await?;
        bench.parked(Stage::Fetch, 1).await?;
        let rejected = bench.stack.keys("rejected/").await?;
        let [wrong] = rejected.as_slice() else { panic!("{rejected:?}") };
        let mut kept = Envelope::parse(&bench.stack.read(wrong).await?)?;
        assert_eq!(kept.rejection.as_ref().context("no reason")?.code, "quantity-total");

        // What the rules still refuse does not become data this way either.
        copy_to_landing(&bench, wrong, day).await?;
        let parked = bench.parked(Stage::Parquet, 1).await?;
        assert_eq!(parked[0].attribute("kind"), Some("quantity-total"));
        assert_eq!(bench.stack.keys("raw/").await?, [""; 0]);

        // An answer that only a rule of then refused: it was right, and the rules of now take it.
        let next = day.succ_opt().context("a day")?;
        let answer = days::small(next);
        kept.pages = vec![answer.page(1, 1_000).to_string()];
        let right = "rejected/index=IBOV/20201121T130003.123Z-0123456789abcdef.json";
        bench.put(right, serde_json::to_vec(&kept)?).await?;
        copy_to_landing(&bench, right, next).await?;
        bench.refined(next).await?;

        // B3 still says the same: its key has another hash, and its content is refined already.
        let copied = bench.newest_landing(next).await?;
        bench.b3.answer(Answer::Portfolio);
        bench.fetch_day(&answer).await?;
        let raw = format!("raw/date={next}/ibov_setor.parquet");
        bench
            .until("raw to be made from what was fetched", || async {
                let landing = bench.metadata(&raw).await?.remove("landing-key");
                Ok((landing != copied).then_some(()))
            })
            .await?;
        bench.settled().await?;
        assert_eq!(bench.runs_of(next).await?, 1, "runs");
        Ok(())
    })
}
