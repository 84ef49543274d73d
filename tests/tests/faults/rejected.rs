//! Refused answers: they are kept whole, and a copy below `landing/` goes on through the chain. If no copy can ever
//! become data, the message says so.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use chrono::{Days, NaiveDate, Utc};
use e2e::{days, faults::Bench, local};
use futures::future::try_join_all;
use harness::{
    b3_server::{Day, Reply},
    stack::{Stage, dead_letters::Parked},
};
use serde_json::{Value, json};
use shared::{
    failure::Code,
    landing::Envelope,
    portfolio::{day_in_sao_paulo, is_weekday},
    values::Segment,
};
use strum::VariantArray as _;

/// Copies an object to where the fetcher would have put it, as an operator does with `aws s3 cp`.
async fn copy_to_landing(bench: &Bench, rejected: &str, date: NaiveDate) -> Result<()> {
    let name = rejected.rsplit('/').next().context("a key has a name")?;
    let body = bench.stack.read(rejected).await?;
    bench.put(&format!("landing/index=IBOV/date={date}/{name}"), body).await
}

/// ISO 8859-1, which B3 does not send. The accents of names make it invalid UTF-8.
fn in_latin_1(text: &str) -> Vec<u8> {
    text.chars().map(|character| u8::try_from(character).expect("a Portuguese letter")).collect()
}

/// The fate of a refused answer's copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// parquet-writer refuses it for the same reason, until the rule is repaired.
    RefusedAlike,
    /// It can never become data, and the message says why.
    Hopeless,
}

/// A refusal's code, the fate of its copy, and the answer.
type Case = (&'static str, Fate, Reply);

/// The number of cases that one stack takes in turn.
const CASES: usize = 8;

/// Each kind of refused answer, made from a sound one, with the fate of its copy.
fn refused(date: NaiveDate) -> Vec<Case> {
    let sound = days::small(date).page(1, 1_000);
    let with = |pointer: &str, value: Value| {
        let mut answer = sound.clone();
        *answer.pointer_mut(pointer).expect(pointer) = value;
        Reply::Body(answer.to_string().into())
    };
    let text = |text: String| Reply::Body(text.into());
    let weekend = date.iter_days().find(|day| !is_weekday(*day));
    let weekend = weekend.expect("a Saturday").format("%d/%m/%y").to_string();
    let row = sound["results"][0].clone();
    let mut too_many = sound.clone();
    too_many["page"]["totalPages"] = json!(2);
    too_many["results"] = json!(vec![row.clone(); shared::portfolio::MAX_CONSTITUENTS / 2 + 1]);
    let mut renamed = sound.clone();
    renamed["items"] = renamed["results"].take();
    renamed.as_object_mut().expect("an object").remove("results");
    use Fate::{Hopeless, RefusedAlike};
    vec![
        ("unexpected-answer", RefusedAlike, with("/page/totalRecords", json!("4"))),
        ("unexpected-answer", RefusedAlike, text(json!(sound.to_string()).to_string())),
        ("unexpected-answer", Hopeless, text(json!({"message": "Erro interno"}).to_string())),
        ("unexpected-answer", RefusedAlike, text(renamed.to_string())),
        ("results-null", Hopeless, with("/results", Value::Null)),
        ("results-empty", Hopeless, with("/results", json!([]))),
        ("page-missing", Hopeless, Reply::MissingPage),
        ("changed-between-pages", Hopeless, Reply::DateChangesBetweenPages),
        ("pages-overlap", Hopeless, with("/page/totalPages", json!(2))),
        ("too-many-pages", RefusedAlike, with("/page/totalPages", json!(51))),
        ("date-absent", Hopeless, with("/header/date", Value::Null)),
        ("date-malformed", RefusedAlike, with("/header/date", json!("2026-11-25"))),
        ("date-implausible", RefusedAlike, with("/header/date", json!(weekend))),
        ("en-us-format", RefusedAlike, Reply::EnglishShapes),
        ("field-absent", RefusedAlike, with("/results/0/part", Value::Null)),
        ("ticker-malformed", RefusedAlike, with("/results/0/cod", json!("BBSE-3"))),
        ("text-damaged", RefusedAlike, with("/results/1/segment", json!("MineraÃ§Ã£o"))),
        ("text-malformed", RefusedAlike, with("/results/1/asset", json!("V".repeat(201)))),
        ("number-malformed", RefusedAlike, with("/results/0/part", json!("40,0010"))),
        ("row-count", RefusedAlike, with("/page/totalRecords", json!(5))),
        ("ticker-twice", RefusedAlike, with("/results/1", row)),
        ("too-many-rows", RefusedAlike, text(too_many.to_string())),
        ("sectors-absent", RefusedAlike, text(without_sectors(date))),
        ("weight-total", RefusedAlike, with("/header/part", json!("99,000"))),
        ("quantity-total", RefusedAlike, Reply::WrongTotals),
        ("sector-weight", RefusedAlike, with("/results/0/partAcum", json!("41,001"))),
    ]
}

fn without_sectors(date: NaiveDate) -> String {
    days::small(date).without_sectors().page(1, 1_000).to_string()
}

/// The codes of all refusals in the domain.
fn refusals() -> Result<BTreeSet<&'static str>> {
    let source = std::fs::read_to_string(local::in_workspace("shared/src/portfolio/refusal.rs")?)?;
    let named: BTreeSet<_> = source
        .split("Code::")
        .skip(1)
        .filter_map(|text| text.split(|c: char| !c.is_alphanumeric()).next())
        .collect();
    let codes = Code::VARIANTS.iter().filter(|code| named.contains(format!("{code:?}").as_str()));
    Ok(codes.map(|code| code.name()).collect())
}

#[test]
fn every_refused_answer_is_kept_and_its_copy_goes_on_or_the_message_says_why_not() -> Result<()> {
    local::run(async {
        let date = days::session(0);
        let refused = refused(date);
        let provoked = refused.iter().map(|(code, ..)| *code).collect();
        let unprovoked: Vec<_> = refusals()?.difference(&provoked).copied().collect();
        assert_eq!(unprovoked, [""; 0], "refusals without a case here");
        let lanes = refused.chunks(CASES).zip(1..).map(|(cases, number)| lane(number, cases, date));
        try_join_all(lanes).await.map(drop)
    })
}

/// Provokes some of the refusals in turn, on a stack of their own.
async fn lane(number: usize, cases: &[Case], date: NaiveDate) -> Result<()> {
    let bench = Bench::deploy_with(&format!("every-refusal-{number}"), |config| {
        config.with("MaxReceiveCount", "1").with("FunctionTimeout", "30")
    })
    .await?;
    bench.comes_again_after(60).await?;
    bench.b3.publish("IBOV", days::small(date));
    for (number, (code, fate, reply)) in (1..).zip(cases) {
        let walked = kept_and_copied(&bench, number, code, *fate, reply.clone(), date).await;
        walked.with_context(|| format!("case {number}, {code}"))?;
    }
    assert_eq!(bench.stack.keys("raw/").await?, [""; 0]);
    Ok(())
}

async fn kept_and_copied(
    bench: &Bench,
    number: usize,
    code: &str,
    fate: Fate,
    reply: Reply,
    date: NaiveDate,
) -> Result<()> {
    let before: BTreeSet<_> = bench.stack.keys("rejected/").await?.into_iter().collect();
    bench.b3.reply(reply);
    bench.stack.request_fetch(None, None).await?;
    let parked = newest(bench.parked(Stage::Fetch, number).await?)?;
    let kind = parked.attribute("code").unwrap_or_default();
    ensure!(kind == code, "{kind}: {}", parked.cause());
    let class = parked.attribute("class");
    ensure!(class == Some("permanent"), "{class:?}");

    let kept = bench.stack.keys("rejected/").await?;
    let kept = kept.iter().find(|key| !before.contains(*key)).context("nothing is kept")?;
    let object = parked.attribute("object").unwrap_or_default();
    ensure!(object.ends_with(kept.as_str()), "{object} is not {kept}");
    let says_no = parked.cause().contains("no copy of it under landing/ can become data");
    ensure!(says_no == (fate == Fate::Hopeless), "{}", parked.cause());

    copy_to_landing(bench, kept, date).await?;
    let again = newest(bench.parked(Stage::Parquet, number).await?)?;
    let kind = again.attribute("code").unwrap_or_default();
    ensure!(kind == code, "the copy: {kind}: {}", again.cause());
    Ok(())
}

fn newest(parked: Vec<Parked>) -> Result<Parked> {
    let at = |message: &Parked| message.attribute("parked_at").map(str::to_owned);
    parked.into_iter().max_by_key(at).context("nothing is parked")
}

#[test]
fn no_day_is_lost_because_its_answer_could_not_be_read() -> Result<()> {
    local::run(async {
        let bench =
            Bench::deploy_with("unreadable", |config| config.with("MaxReceiveCount", "1")).await?;
        let date = days::session(0);
        let answer = days::small(date).page(1, 1_000).to_string();
        bench.b3.reply(Reply::Body(in_latin_1(&answer)));
        bench.fetch(date).await?;
        let parked = bench.parked(Stage::Fetch, 1).await?.remove(0);
        assert_eq!(parked.attribute("code"), Some("b3-not-json"));
        assert_eq!(parked.attribute("class"), Some("transient"));
        assert!(parked.cause().contains("is data only if it is whole JSON"), "{}", parked.cause());
        let rejected = bench.stack.keys("rejected/").await?;
        let [unreadable] = rejected.as_slice() else { panic!("{rejected:?}") };
        assert!(parked.attribute("object").is_some_and(|object| object.ends_with(unreadable)));
        assert_eq!(bench.stack.keys("landing/").await?, [""; 0]);

        let kept = Envelope::parse(&bench.stack.read(unreadable).await?)?;
        let rejection = kept.rejection.context("no reason")?;
        assert!(rejection.message.contains("not UTF-8"), "{rejection:?}");
        assert_eq!(kept.pages, [answer], "byte for byte");

        // A person has checked every name.
        copy_to_landing(&bench, unreadable, date).await?;
        bench.refined(date).await
    })
}

#[test]
fn another_indexs_portfolio_is_refused_and_a_real_upheaval_has_a_way_round() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("other-portfolio").await?;
        let (before, date) = (days::session(-1), days::session(0));
        bench.fetch(before).await?;
        bench.refined(before).await?;

        let upheaval = Day::from_holdings(date, &[days::holding("Diversos", "ABCD3", 100_000, 1)]);
        bench.fetch_day(&upheaval).await?;
        let parked = bench.parked(Stage::Fetch, 1).await?.remove(0);
        assert_eq!(parked.attribute("code"), Some("other-portfolio"));
        assert_eq!(parked.attribute("attempts"), Some("1"));
        let words = "of its 1 constituents only 0 are among the 4 that IBOV had in landing/index=IBOV/date=";
        assert!(parked.cause().contains(words), "{}", parked.cause());
        let rejected = bench.stack.keys("rejected/").await?;
        let [kept] = rejected.as_slice() else { panic!("{rejected:?}") };

        copy_to_landing(&bench, kept, date).await?;
        bench.refined(date).await?;
        // From now on the index consists of these.
        let next = days::session(1);
        bench.fetch_day(&upheaval.dated(next)).await?;
        bench.refined(next).await
    })
}

#[test]
fn a_portfolio_is_compared_with_the_newest_of_thirty_days_that_can_be_read() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("compared-with").await?;
        let others =
            Day::from_holdings(days::session(0), &[days::holding("Diversos", "ABCD3", 100_000, 1)]);
        let today = day_in_sao_paulo(Utc::now());
        let weekday = |days_ago| {
            let from = today - Days::new(days_ago);
            (0..)
                .map(|more| from - Days::new(more))
                .find(|date| is_weekday(*date))
                .expect("a weekday")
        };
        let put = async |day: &Day, date: NaiveDate| {
            let (key, body) =
                days::landing(&day.clone().dated(date), Segment::BySector, days::morning(date))?;
            bench.put(&key.to_string(), body).await
        };
        // Too old for a comparison.
        put(&others, weekday(31)).await?;
        let first = days::session(-1);
        bench.fetch(first).await?;
        bench.refined(first).await?;

        // A newer but unusable object does not hide the one before it.
        let broken = format!(
            "landing/index=IBOV/date={}/20260102T130000.000Z-0123456789abcdef.json",
            days::session(0)
        );
        bench.put(&broken, b"{}".to_vec()).await?;
        bench.fetch_day(&others).await?;
        let parked = bench.parked(Stage::Fetch, 1).await?.remove(0);
        assert_eq!(parked.attribute("code"), Some("other-portfolio"), "{}", parked.cause());
        let compared = format!("landing/index=IBOV/date={first}/");
        assert!(parked.cause().contains(&compared), "{}", parked.cause());
        Ok(())
    })
}

#[test]
fn what_is_odd_about_a_portfolio_is_logged_by_its_kind_and_counted() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("odd").await?;
        let mut day = days::small(days::session(0));
        for row in day.results.iter_mut().take(2) {
            row.r#type = String::new();
        }
        bench.fetch_day(&day).await?;
        bench.refined(day.date()?).await?;
        let log = bench.log(Stage::Fetch);
        let odd =
            log.lines().find(|line| line.contains("the portfolio is odd")).context("no warning")?;
        let odd: Value = serde_json::from_str(odd)?;
        assert_eq!((&odd["kind"], &odd["rows"]), (&json!("type-absent"), &json!(2)), "{odd}");
        let fetched =
            log.lines().find(|line| line.contains("portfolio fetched")).context("no line")?;
        assert_eq!(serde_json::from_str::<Value>(fetched)?["warnings"], 1);
        Ok(())
    })
}

#[test]
fn no_day_is_lost_because_a_rule_of_ours_was_wrong() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("rule-was-wrong").await?;
        let day = days::session(0);
        bench.b3.reply(Reply::WrongTotals);
        bench.fetch(day).await?;
        bench.parked(Stage::Fetch, 1).await?;
        let rejected = bench.stack.keys("rejected/").await?;
        let [wrong] = rejected.as_slice() else { panic!("{rejected:?}") };
        let mut kept = Envelope::parse(&bench.stack.read(wrong).await?)?;
        assert_eq!(kept.rejection.as_ref().context("no reason")?.code, "quantity-total");

        // A right answer that an earlier rule refused and the current rules accept.
        let next = days::session(1);
        let answer = days::small(next);
        kept.pages = vec![answer.page(1, 1_000).to_string()];
        let name = kept.fetched_at.format("%Y%m%dT%H%M%S%.3fZ-0123456789abcdef.json");
        let right = format!("rejected/index=IBOV/{name}");
        bench.put(&right, serde_json::to_vec(&kept)?).await?;
        copy_to_landing(&bench, &right, next).await?;
        bench.refined(next).await?;

        // B3's unchanged answer gets a key with another hash, so that another raw file is written and refined.
        let copied = bench.newest_landing(next).await?;
        bench.b3.reply(Reply::Portfolio);
        bench.fetch_day(&answer).await?;
        let raw = format!("raw/date={next}/ibov_setor.parquet");
        bench
            .until("raw to be made from what was fetched", || async {
                let landing = bench.metadata(&raw).await?.remove("landing-key");
                Ok((landing != copied).then_some(()))
            })
            .await?;
        bench.refined(next).await?;
        assert_eq!(bench.runs_of(next).await?, 2, "runs");
        Ok(())
    })
}
