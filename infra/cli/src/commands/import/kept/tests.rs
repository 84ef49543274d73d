use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use super::*;

/// The landing object of a file, as `events/` shows it.
const OF_A_FILE: &str = include_str!("../../../../../../events/landing-of-a-file.json");
/// An answer of one page.
const ANSWER: &str = include_str!("../../../../../../events/b3-portfolio-day.json");
/// The date of the file.
const DATE: &str = "2026-11-20";
/// The date of the answer.
const ANSWERED: &str = "2026-11-19";

fn terms(segment: Segment) -> Terms {
    Terms {
        index: "IBOV".parse().unwrap(),
        segment,
        first_date: "2026-01-01".parse().unwrap(),
        server: Some("https://b3.example".to_owned()),
        now: "2026-11-25T12:00:00Z".parse().unwrap(),
    }
}

fn judged_as(name: &str, bytes: &[u8], terms: &Terms) -> Result<Accepted, Refused> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    std::fs::write(&file, bytes).unwrap();
    judge(&file, terms)
}

fn judged(bytes: &[u8]) -> Result<Accepted, Refused> {
    judged_as("file", bytes, &terms(Segment::BySector))
}

fn envelope_of(accepted: &Accepted) -> Envelope {
    Envelope::parse(&accepted.body).unwrap()
}

fn csv_text() -> String {
    let envelope: Value = serde_json::from_str(OF_A_FILE).unwrap();
    envelope["pages"][0].as_str().unwrap().to_owned()
}

fn code(bytes: &[u8]) -> &'static str {
    judged(bytes).unwrap_err().code
}

/// What the fetcher of a server would have written.
fn fetched(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut envelope = json!({
        "request": {"language": "pt-br", "pageNumber": 1, "pageSize": 1000, "index": "IBOV", "segment": "2"},
        "base_url": "https://b3.example", "fetched_at": "2026-11-20T13:00:03.123Z", "pages": [ANSWER],
    });
    change(&mut envelope);
    envelope.to_string().into_bytes()
}

/// The answer in pages of so many rows.
fn in_pages(size: usize) -> Vec<String> {
    let answer: Value = serde_json::from_str(ANSWER).unwrap();
    let rows = answer["results"].as_array().unwrap();
    let pages = rows.chunks(size);
    let total = pages.len();
    let page = |(number, rows): (usize, &[Value])| {
        json!({"page": {"pageNumber": number + 1, "pageSize": size, "totalRecords": 82, "totalPages": total},
               "header": answer["header"], "results": rows})
        .to_string()
    };
    pages.enumerate().map(page).collect()
}

#[test]
fn a_file_of_the_site_is_kept_whole_and_says_where_it_comes_from() {
    let accepted =
        judged_as("IBOVDia_20-11-26.csv", &latin_1(&csv_text()), &terms(Segment::BySector))
            .unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(&accepted.body).unwrap(),
        serde_json::from_str::<Value>(OF_A_FILE).unwrap()
    );
    let prefix = format!("landing/index=IBOV/date={DATE}/20261120T000000.000Z-");
    assert!(accepted.key.to_string().starts_with(&prefix), "{}", accepted.key);
}

fn latin_1(text: &str) -> Vec<u8> {
    text.chars().map(|character| u8::try_from(u32::from(character)).unwrap()).collect()
}

#[test]
fn an_answer_is_taken_in_one_page_or_several_and_compressed() {
    let whole = judged(ANSWER.as_bytes()).unwrap();
    assert_eq!(envelope_of(&whole).pages, [ANSWER.trim()]);
    assert_eq!(whole.key.stamp.fetched_at.to_rfc3339(), format!("{ANSWERED}T00:00:00+00:00"));
    let pages = in_pages(50);
    for text in [format!("[{}]", pages.join(",\n")), pages.join("\n")] {
        let accepted = judged(text.as_bytes()).unwrap();
        assert_eq!(envelope_of(&accepted).pages, pages);
        assert_eq!(accepted.key, whole.key);
    }
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(ANSWER.as_bytes()).unwrap();
    assert_eq!(judged(&packed.finish().unwrap()).unwrap().key, whole.key);
    let only_one = in_pages(50).remove(0);
    assert_eq!(code(only_one.as_bytes()), "row-count");
}

#[test]
fn what_a_fetcher_kept_keeps_its_time_and_its_server() {
    let accepted = judged(&fetched(|_| {})).unwrap();
    assert_eq!(accepted.key.stamp.fetched_at.to_rfc3339(), "2026-11-20T13:00:03.123+00:00");
    let envelope = envelope_of(&accepted);
    assert_eq!(envelope.base_url, "https://b3.example");
    assert_eq!(envelope.source.unwrap().file, "file");
    // Refused once, by a rule that has changed since.
    let rejected = judged(&fetched(|envelope| {
        envelope["rejection"] = json!({"code": "text-damaged", "message": "once"});
    }));
    let rejected = rejected.unwrap();
    assert_eq!(rejected.key, accepted.key);
    assert_eq!(envelope_of(&rejected).rejection, None);
    // An import of an import names the first file.
    let again = envelope_of(&judged(OF_A_FILE.as_bytes()).unwrap());
    assert_eq!(again.source.unwrap().file, "IBOVDia_20-11-26.csv");
}

#[test]
fn a_byte_order_mark_keeps_no_document_out() {
    let marked = |bytes: &[u8]| ["\u{feff}".as_bytes(), bytes].concat();
    let array = format!("[{}]", in_pages(50).join(","));
    for document in [fetched(|_| {}), ANSWER.into(), array.into(), csv_text().into_bytes()] {
        let plain = judged(&document).unwrap();
        let accepted = judged(&marked(&document)).unwrap();
        assert_eq!(accepted.key, plain.key);
        assert_eq!(envelope_of(&accepted).pages, envelope_of(&plain).pages);
    }
}

#[test]
fn what_belongs_to_another_stack_is_refused() {
    for (place, value, code) in [
        ("/request/index", "SMLL", "not-served"),
        ("/request/segment", "1", OTHER_SEGMENT),
        ("/base_url", "http://127.0.0.1:8080", OTHER_SERVER),
    ] {
        let changed = fetched(|envelope| *envelope.pointer_mut(place).unwrap() = value.into());
        assert_eq!(judged(&changed).unwrap_err().code, code, "{place}");
    }
    let smll = csv_text().replacen("IBOV", "SMLL", 1);
    assert_eq!(code(smll.as_bytes()), "not-served");
    let any = Terms { server: None, ..terms(Segment::BySector) };
    let other = fetched(|envelope| envelope["base_url"] = "http://127.0.0.1:8080".into());
    assert!(judged_as("file", &other, &any).is_ok());
}

#[test]
fn what_has_no_sectors_goes_into_a_lake_without_them() {
    let csv = csv_text();
    let without: Vec<String> = csv
        .lines()
        .map(|line| match line.split(';').collect::<Vec<_>>().as_slice() {
            ["Setor", names @ .., _] => names.join(";"),
            ["Quantidade Teórica Total", _, others @ ..] => {
                format!("Quantidade Teórica Total;{}", others.join(";"))
            }
            [_, cod, asset, kind, quantity, part, ..] if !cod.is_empty() => {
                [cod, asset, kind, quantity, part].map(|text| *text).join(";")
            }
            _ => line.to_owned(),
        })
        .collect();
    let without = without.join("\n");
    let refused = judged(without.as_bytes()).unwrap_err();
    assert_eq!(refused.code, OTHER_SEGMENT, "{refused:?}");
    assert!(refused.reason.contains("--segment 1"), "{}", refused.reason);
    let by_ticker = terms(Segment::ByTicker);
    let accepted = judged_as("file", without.as_bytes(), &by_ticker).unwrap();
    // The sectors of a file that has them are left out.
    let with = judged_as("file", csv.as_bytes(), &by_ticker).unwrap();
    assert_eq!(with.key, accepted.key);
    let mut answer: Value = serde_json::from_str(ANSWER).unwrap();
    for row in answer["results"].as_array_mut().unwrap() {
        row["segment"] = Value::Null;
        row["partAcum"] = Value::Null;
    }
    assert_eq!(code(answer.to_string().as_bytes()), OTHER_SEGMENT);
    assert!(judged_as("file", answer.to_string().as_bytes(), &by_ticker).is_ok());
}

#[test]
fn a_date_that_athena_would_not_show_is_refused_by_the_parameters_name() {
    let late = Terms { first_date: "2026-12-01".parse().unwrap(), ..terms(Segment::BySector) };
    let refused = judged_as("file", csv_text().as_bytes(), &late).unwrap_err();
    assert_eq!(refused.code, BEFORE_FIRST_MONTH);
    assert!(refused.reason.contains("FirstMonth"), "{}", refused.reason);
    let early = Terms { now: "2026-11-01T12:00:00Z".parse().unwrap(), ..terms(Segment::BySector) };
    assert_eq!(judged_as("file", csv_text().as_bytes(), &early).unwrap_err().code, FROM_THE_FUTURE);
}

#[test]
fn what_is_no_portfolio_is_refused_for_what_it_is() {
    let truncated = &ANSWER[..ANSWER.len() / 2];
    for (bytes, code_of_it) in [
        (&b""[..], "unexpected-answer"),
        (b"<html></html>", "unexpected-answer"),
        (b"{}", "unexpected-answer"),
        (b"[]", "results-empty"),
        (truncated.as_bytes(), "unexpected-answer"),
        (b"date,ticker\n2026-11-20,VALE3\n", "unexpected-answer"),
        (&[0x1f, 0x8b, 1, 2][..], UNREADABLE),
    ] {
        assert_eq!(code(bytes), code_of_it, "{}", String::from_utf8_lossy(bytes));
    }
    let weekend = csv_text().replacen("20/11/26", "21/11/26", 1);
    assert_eq!(code(weekend.as_bytes()), "date-implausible");
    let missing = judge(Path::new("/nowhere/at/all.csv"), &terms(Segment::BySector)).unwrap_err();
    assert_eq!(missing.code, UNREADABLE);
    let large = vec![b' '; usize::try_from(MAX_LANDING_BYTES).unwrap() + 1];
    assert_eq!(code(&large), "landing-too-large");
}
