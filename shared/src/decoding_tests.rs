//! All decoders of outside input, fed with almost valid input: the samples of `events/` and our own output, with a
//! value replaced, a field removed, or a few characters changed.

use chrono::{DateTime, NaiveDate};
use proptest::{prelude::*, sample::Index};
use serde_json::{Value, json};

use crate::{
    b3::{PageRequest, PortfolioPage, csv, decode, ptbr},
    events::{
        CompletionMessage, FetchRequest, GlueQueueMessage, GlueStateChange, RefineRequest,
        S3Message,
    },
    keys::{FileName, LandingKey, RawKey, RejectedKey, Stamp},
    landing::{Envelope, Format, Rejection, Source},
    portfolio::{ContentHash, Portfolio},
    values::{IndexCode, Segment, Ticker},
};

const BUCKET: &str = "ibov-lake-000000000000";

const SAMPLES: [&str; 11] = [
    include_str!("../../events/b3-portfolio-day.json"),
    include_str!("../../events/fetch-request.json"),
    include_str!("../../events/landing-of-a-file.json"),
    include_str!("../../events/glue-run-failed.json"),
    include_str!("../../events/glue-run-succeeded.json"),
    include_str!("../../events/refine-request.json"),
    include_str!("../../events/s3-landing-created.json"),
    include_str!("../../events/s3-raw-created.json"),
    include_str!("../../events/s3-test-event.json"),
    include_str!("../../events/tick.json"),
    include_str!("../../events/session-check.json"),
];

fn decode_in_every_way(text: &str) {
    if let Ok(answer) = PortfolioPage::parse(text) {
        for segment in [Segment::ByTicker, Segment::BySector] {
            let answers = std::slice::from_ref(&answer);
            let fetched_at = "2026-11-20T13:00:03.123Z".parse().unwrap();
            let _ = Portfolio::from_pages("IBOV".parse().unwrap(), segment, fetched_at, answers);
        }
    }
    let _ = csv::parse(&decode(text.as_bytes().to_vec()));
    let _ = Envelope::parse(text.as_bytes()).map(|envelope| envelope.portfolio().is_ok());
    let _ = (FetchRequest::parse(text), S3Message::parse(text, BUCKET));
    let _ = (GlueQueueMessage::parse(text, BUCKET), GlueStateChange::parse(text));
    let _ = (CompletionMessage::parse(text), serde_json::from_str::<PageRequest>(text));
    let _ = (text.parse::<LandingKey>(), text.parse::<RawKey>(), text.parse::<Stamp>());
    let _ = (text.parse::<IndexCode>(), text.parse::<Ticker>(), text.parse::<Segment>());
    let _ = (text.parse::<FileName>(), text.parse::<ContentHash>());
}

/// A sample, or the envelope of an answer, sometimes wrapped in an SNS envelope.
fn documents() -> impl Strategy<Value = Value> {
    let samples = SAMPLES.map(|text| serde_json::from_str(text).unwrap());
    let ours = [envelope(SAMPLES[0])];
    let all: Vec<Value> = samples.into_iter().chain(ours).collect();
    (prop::sample::select(all), any::<bool>()).prop_map(|(document, wrapped)| match wrapped {
        true => json!({"Type": "Notification", "TopicArn": "arn:aws:sns:us-east-1:000000000000:t",
                       "Message": document.to_string()}),
        false => document,
    })
}

fn envelope(body: &str) -> Value {
    json!({"request": {"language": "pt-br", "pageNumber": 1, "pageSize": 1000, "index": "IBOV",
                       "segment": "2"},
           "base_url": "https://b3.example", "fetched_at": "2026-11-20T13:00:03.123Z",
           "pages": [body]})
}

fn junk() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,40}".prop_map(Value::from),
        "[0-9./,-]{0,30}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!([{"a": [null]}])),
    ]
}

/// Replaces or removes one value anywhere in a document.
fn with_junk(mut document: Value, place: Index, junk: Option<Value>) -> Value {
    let mut pointers = Vec::new();
    collect(&document, &mut String::new(), &mut pointers);
    let Some((parent, name)) = place.get(&pointers).rsplit_once('/') else { return document };
    match (document.pointer_mut(parent), junk) {
        (Some(Value::Object(fields)), Some(junk)) => drop(fields.insert(name.to_owned(), junk)),
        (Some(Value::Object(fields)), None) => drop(fields.remove(name)),
        (Some(Value::Array(values)), junk) => {
            let position: usize = name.parse().unwrap();
            values.splice(position..=position, junk);
        }
        _ => {}
    }
    document
}

fn collect(value: &Value, pointer: &mut String, pointers: &mut Vec<String>) {
    pointers.push(pointer.clone());
    let children: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(values) => {
            values.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect()
        }
        _ => Vec::new(),
    };
    for (name, child) in children {
        let length = pointer.len();
        pointer.push('/');
        pointer.push_str(&name);
        collect(child, pointer, pointers);
        pointer.truncate(length);
    }
}

/// Replaces `removed` characters at a place by a few others.
fn with_a_slip(text: &str, place: Index, removed: usize, replacement: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let start = place.index(characters.len() + 1);
    let end = (start + removed).min(characters.len());
    let (head, tail) = (&characters[..start], &characters[end..]);
    head.iter().copied().chain(replacement.chars()).chain(tail.iter().copied()).collect()
}

fn stamps() -> impl Strategy<Value = Stamp> {
    let times = 0_i64..4_000_000_000_000;
    (times, any::<[u8; 8]>()).prop_map(|(millis, bytes)| {
        Stamp::new(DateTime::from_timestamp_millis(millis).unwrap(), ContentHash::of_bytes(&bytes))
    })
}

fn dates() -> impl Strategy<Value = NaiveDate> {
    let first = NaiveDate::from_ymd_opt(2000, 1, 1).unwrap();
    (0_u64..36_000).prop_map(move |days| first + chrono::Days::new(days))
}

fn landing_keys() -> impl Strategy<Value = LandingKey> {
    ("[A-Z][A-Z0-9]{3}", dates(), stamps()).prop_map(|(index, date, stamp)| LandingKey {
        index: index.parse().unwrap(),
        date,
        stamp,
    })
}

#[test]
fn what_the_samples_say_is_understood() {
    let understood = |text: &str| {
        PortfolioPage::parse(text).is_ok()
            || FetchRequest::parse(text).is_ok()
            || matches!(GlueQueueMessage::parse(text, BUCKET), Ok(GlueQueueMessage::Refine(_)))
            || match S3Message::parse(text, BUCKET) {
                Ok(S3Message::Created(objects)) => objects.iter().all(Result::is_ok),
                Ok(S3Message::Test) => true,
                Err(_) => false,
            }
            || CompletionMessage::parse(text).is_ok()
            || Envelope::parse(text.as_bytes()).is_ok_and(|envelope| envelope.portfolio().is_ok())
    };
    for sample in SAMPLES {
        assert!(understood(sample), "{sample}");
    }
    assert!(Envelope::parse(envelope(SAMPLES[0]).to_string().as_bytes()).is_ok());
}

proptest! {
    #[test]
    fn almost_right_documents_never_panic(
        document in documents(), place in any::<Index>(), junk in proptest::option::of(junk()),
    ) {
        decode_in_every_way(&with_junk(document, place, junk).to_string());
    }

    #[test]
    fn almost_right_texts_never_panic(
        document in documents(), place in any::<Index>(), removed in 0..5_usize, replacement in "\\PC{0,5}",
    ) {
        decode_in_every_way(&with_a_slip(&document.to_string(), place, removed, &replacement));
    }

    #[test]
    fn almost_right_keys_never_panic_and_mean_what_they_say(
        key in landing_keys(), place in any::<Index>(), removed in 0..3_usize, replacement in "[0-9A-Z/.%-]{0,3}",
    ) {
        let text = with_a_slip(&key.to_string(), place, removed, &replacement);
        if let Ok(other) = text.parse::<LandingKey>() {
            prop_assert_eq!(other.to_string(), text);
        }
    }

    #[test]
    fn keys_survive_printing(key in landing_keys(), name in "[A-Za-z0-9][a-z_.-]{0,20}\\.parquet") {
        prop_assert_eq!(key.to_string().parse(), Ok(key.clone()));
        prop_assert_eq!(key.stamp.to_string().parse(), Ok(key.stamp.clone()));
        let file_name: FileName = name.parse().unwrap();
        let raw = RawKey { date: key.date, file_name };
        prop_assert_eq!(raw.to_string().parse(), Ok(raw));
        // Rejected keys are only printed. A copy takes its name from the stamp at the end.
        let rejected = RejectedKey { index: key.index, stamp: key.stamp.clone() }.to_string();
        let stamp = rejected.rsplit('/').next().and_then(|name| name.strip_suffix(".json"));
        prop_assert_eq!(stamp.map(str::parse), Some(Ok(key.stamp)));
    }

    #[test]
    fn messages_survive_printing(
        date in dates(), force in any::<bool>(), run in proptest::option::of("jr_[0-9a-f]{64}"),
    ) {
        let request = RefineRequest { date, force, retry_of: run };
        let body = serde_json::to_string(&request).unwrap();
        let parsed = GlueQueueMessage::parse(&body, BUCKET).unwrap();
        prop_assert!(matches!(parsed, GlueQueueMessage::Refine(parsed) if parsed == request));
    }

    #[test]
    fn envelopes_survive_printing(
        index in "[A-Z][A-Z0-9]{3}", pages in prop::collection::vec("\\PC{0,60}", 0..3),
        refused in any::<bool>(), imported in any::<bool>(), millis in 0_i64..4_000_000_000_000,
    ) {
        let source = || Source {
            file: "IBOVDia \u{e9}.csv".to_owned(), sha256: "00".repeat(32), format: Format::Csv,
        };
        let rejection = Rejection { code: "row-count".to_owned(), message: "é\n\"".to_owned() };
        let envelope = Envelope {
            request: PageRequest::first(index.parse().unwrap(), Segment::BySector, 1000),
            base_url: "https://b3.example".to_owned(),
            fetched_at: DateTime::from_timestamp_millis(millis).unwrap(),
            source: imported.then(source),
            rejection: refused.then_some(rejection),
            pages,
        };
        let bytes = serde_json::to_vec(&envelope).unwrap();
        prop_assert_eq!(Envelope::parse(&bytes).unwrap(), envelope);
    }

    #[test]
    fn reductors_survive_printing(whole in 0_i64..1_000_000_000_000, decimals in 0..100_000_000_u32) {
        let grouped = whole.to_string().as_bytes().rchunks(3).rev()
            .map(|group| String::from_utf8_lossy(group).into_owned()).collect::<Vec<_>>().join(".");
        let read = ptbr::reductor(&format!("{grouped},{decimals:08}"));
        prop_assert_eq!(read, Some(format!("{whole}.{decimals:08}")));
    }

    #[test]
    fn small_values_survive_printing(
        index in "[A-Z][A-Z0-9]{3}", ticker in "[A-Z][A-Z0-9]{3}[0-9]{1,2}", bytes in any::<[u8; 8]>(),
    ) {
        prop_assert_eq!(index.parse::<IndexCode>().unwrap().to_string(), index);
        prop_assert_eq!(ticker.parse::<Ticker>().unwrap().to_string(), ticker);
        let hash = ContentHash::of_bytes(&bytes);
        prop_assert_eq!(hash.to_string().parse(), Ok(hash));
        for segment in [Segment::ByTicker, Segment::BySector] {
            prop_assert_eq!(segment.to_string().parse::<Segment>().unwrap(), segment);
        }
    }
}
