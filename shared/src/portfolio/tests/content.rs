//! What a consistent answer becomes.

use super::*;
use crate::{b3::MAX_ROWS, values::Weight};

#[test]
fn a_reconciling_answer_becomes_a_portfolio() {
    let (portfolio, warnings) = read(Segment::BySector, &[answer()]).unwrap();
    assert_eq!(portfolio.date.to_string(), "2026-11-20");
    assert_eq!(portfolio.total_quantity, 6_000_000_600);
    assert_eq!(portfolio.reductor.as_deref(), Some("18553794.87445950"));
    let tickers: Vec<_> =
        portfolio.constituents.iter().map(|constituent| constituent.ticker.as_str()).collect();
    assert_eq!(tickers, ["BBSE3", "CXSE3", "VALE3"], "sorted by sector and ticker");
    assert_eq!(
        portfolio.constituents[0].sector.as_deref(),
        Some("Financ e Outros / Previd  Seguros")
    );
    assert!(warnings.is_empty());
}

#[test]
fn rows_in_another_order_are_the_same_content() {
    let mut reversed = answer();
    reversed["results"].as_array_mut().unwrap().reverse();
    let (one, _) = read(Segment::BySector, &[answer()]).unwrap();
    let (other, _) = read(Segment::BySector, &[reversed]).unwrap();
    assert_eq!(ContentHash::of(&one), ContentHash::of(&other));
}

/// Lakes hold keys with these hashes: with others, each known portfolio would land once more.
#[test]
fn the_hash_of_a_portfolio_stays_what_it_is() {
    let (mut portfolio, _) = read(Segment::BySector, &[answer()]).unwrap();
    portfolio.constituents[1].sector_weight = None;
    portfolio.constituents[2].sector = None;
    let lines = "IBOV\t2\t2026-11-20\t100.000\t6000000600\t18553794.87445950\n\
         Financ e Outros / Previd  Seguros\tBBSE3\tBBSEGURIDADE\tON      NM\t9.999\t39.999\t100\n\
         Financ e Outros / Previd  Seguros\tCXSE3\tCAIXA SEGURI\tON      NM\t30.000\t\t500\n\
         \tVALE3\tVALE\tON      NM\t60.001\t60.001\t6000000000\n";
    assert_eq!(ContentHash::of(&portfolio), ContentHash::of_bytes(lines.as_bytes()));
}

#[test]
fn every_value_is_part_of_the_content() {
    let hash = |portfolio: &Portfolio| ContentHash::of(portfolio);
    let (portfolio, _) = read(Segment::BySector, &[answer()]).unwrap();
    fn heavier(weight: Weight) -> Weight {
        Weight::from_thousandths(weight.thousandths() + 1).unwrap()
    }
    let changes: [fn(&mut Portfolio); 13] = [
        |portfolio| portfolio.index = "IBXX".parse().unwrap(),
        |portfolio| portfolio.segment = Segment::ByTicker,
        |portfolio| portfolio.date = portfolio.date.succ_opt().unwrap(),
        |portfolio| portfolio.total_weight = heavier(portfolio.total_weight),
        |portfolio| portfolio.total_quantity += 1,
        |portfolio| portfolio.reductor = None,
        |portfolio| portfolio.constituents[2].sector = None,
        |portfolio| portfolio.constituents[2].ticker = "VALE5".parse().unwrap(),
        |portfolio| portfolio.constituents[2].asset = None,
        |portfolio| portfolio.constituents[2].kind = Some("ON  ED  NM".to_owned()),
        |portfolio| {
            let weight = &mut portfolio.constituents[2].weight;
            *weight = heavier(*weight);
        },
        |portfolio| portfolio.constituents[2].sector_weight = None,
        |portfolio| portfolio.constituents[2].quantity += 1,
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut other = portfolio.clone();
        change(&mut other);
        assert_ne!(hash(&portfolio), hash(&other), "change {number}");
    }
}

#[test]
fn rows_of_all_pages_are_counted() {
    let rows = vec![answer()["results"][0].clone(); MAX_ROWS];
    let mut first = answer();
    first["results"] = json!(rows);
    let refusal = read(Segment::BySector, &[first, answer()]).unwrap_err();
    assert_eq!(refusal, Refusal::TooManyRows { rows: MAX_ROWS + 3 });
}

#[test]
fn segment_one_has_no_sectors() {
    let mut answer = answer();
    for row in answer["results"].as_array_mut().unwrap() {
        row["segment"] = Value::Null;
        row["partAcum"] = Value::Null;
    }
    let (portfolio, _) = read(Segment::ByTicker, &[answer.clone()]).unwrap();
    assert!(portfolio.constituents.iter().all(|constituent| constituent.sector.is_none()));
    assert_eq!(
        read(Segment::BySector, &[answer]).unwrap_err(),
        Refusal::SectorsAbsent { without: 3, rows: 3 }
    );
}

#[test]
fn a_row_may_lack_what_nothing_is_computed_from() {
    let cases = [
        ("type", "type-absent"),
        ("asset", "asset-absent"),
        ("partAcum", "sector-weight-absent"),
        ("segment", "sector-absent"),
    ];
    for (field, kind) in cases {
        for absent in [None, Some(Value::Null), Some(json!("")), Some(json!(" \u{a0}"))] {
            let mut answer = answer();
            let row = answer["results"][1].as_object_mut().unwrap();
            match &absent {
                None => drop(row.remove(field)),
                Some(value) => drop(row.insert(field.to_owned(), value.clone())),
            }
            let (portfolio, warnings) = read(Segment::BySector, &[answer]).expect(field);
            let [warning] = warnings.as_slice() else { panic!("{field}: {warnings:?}") };
            assert_eq!((warning.kind(), warning.count()), (kind, 1), "{absent:?}");
            assert!(warning.to_string().contains("BBSE3"), "{warning}");
            assert_eq!(portfolio.constituents.len(), 3);
        }
    }
}

#[test]
fn texts_are_compared_and_kept_in_normal_form_c() {
    let mut decomposed = answer();
    let sector = decomposed["results"][0]["segment"].as_str().unwrap().nfd().to_string();
    decomposed["results"][0]["segment"] = json!(sector);
    let (one, _) = read(Segment::BySector, &[answer()]).unwrap();
    let (other, _) = read(Segment::BySector, &[decomposed]).unwrap();
    assert_eq!(one, other);
    assert_eq!(ContentHash::of(&one), ContentHash::of(&other));
}

#[test]
fn a_malformed_reductor_is_a_warning() {
    let mut answer = answer();
    answer["header"]["reductor"] = json!("18.296.80337677573");
    let (portfolio, warnings) = read(Segment::BySector, &[answer]).unwrap();
    assert_eq!(portfolio.reductor, None);
    assert_eq!(warnings, [Warning::ReductorMalformed { value: "18.296.80337677573".to_owned() }]);
}
