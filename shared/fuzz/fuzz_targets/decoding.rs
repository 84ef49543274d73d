//! Fuzzes all decoders of outside input: B3's answers and files, landing objects, messages and keys.
//!
//! No decoder may panic, and an accepted key must print back to the text that it was parsed from.

#![no_main]

use std::{fmt::Display, str::FromStr};

use chrono::DateTime;
use libfuzzer_sys::fuzz_target;
use shared::{
    b3::{PortfolioPage, csv, ptbr},
    events::{CompletionMessage, FetchRequest, GlueQueueMessage, S3Message},
    keys::{LandingKey, RawKey, Stamp},
    landing::Envelope,
    portfolio::{ContentHash, Portfolio},
    raw,
    values::Segment,
};

fuzz_target!(|data: &[u8]| {
    if let Ok(envelope) = Envelope::parse(data) {
        let _ = envelope.portfolio();
    }
    if let Ok(file) = csv::parse(&csv::decode(data.to_vec())) {
        for segment in [Segment::ByTicker, Segment::BySector] {
            portfolio(&file.page, segment);
        }
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = (ptbr::integer(text), ptbr::weight(text), ptbr::date(text), ptbr::reductor(text));
    let _ = FetchRequest::parse(text);
    let _ = S3Message::parse(text, "bucket");
    let _ = GlueQueueMessage::parse(text, "bucket");
    let _ = CompletionMessage::parse(text);
    prints_back::<LandingKey>(text);
    prints_back::<RawKey>(text);
    prints_back::<Stamp>(text);
    if let Ok(page) = PortfolioPage::parse(text) {
        for segment in [Segment::ByTicker, Segment::BySector] {
            portfolio(&page, segment);
        }
    }
});

/// Every accepted portfolio can be encoded.
fn portfolio(page: &PortfolioPage, segment: Segment) {
    let index = "IBOV".parse().expect("an index");
    let pages = std::slice::from_ref(page);
    // The date of the samples.
    let fetched_at = "2026-11-19T13:00:00Z".parse().expect("a time");
    if let Ok((portfolio, _)) = Portfolio::from_pages(index, segment, fetched_at, pages) {
        let stamp = Stamp::new(DateTime::UNIX_EPOCH, ContentHash::of(&portfolio));
        let index = portfolio.index.clone();
        let landing = LandingKey { index, date: portfolio.date, stamp };
        raw::encode(&portfolio, &landing).expect("every portfolio fits the schema");
    }
}

fn prints_back<K: FromStr + Display>(text: &str) {
    if let Ok(key) = text.parse::<K>() {
        assert_eq!(key.to_string(), text);
    }
}
