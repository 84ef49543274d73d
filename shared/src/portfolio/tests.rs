use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization;

use super::*;

/// A consistent answer: three rows in two sectors.
fn answer() -> Value {
    json!({
        "page": {"pageNumber": 1, "pageSize": 1000, "totalRecords": 3, "totalPages": 1},
        "header": {"date": "20/11/26", "text": "Quantidade Teórica Total", "part": "100,000",
                   "partAcum": "100,000", "textReductor": "Redutor",
                   "reductor": "18.553.794,87445950", "theoricalQty": "6.000.000.600"},
        "results": [
            {"segment": "Mats Básicos / Mineração", "cod": "VALE3", "asset": "VALE", "type": "ON      NM",
             "part": "60,001", "partAcum": "60,001", "theoricalQty": "6.000.000.000"},
            {"segment": "Financ e Outros / Previd  Seguros", "cod": "BBSE3", "asset": "BBSEGURIDADE",
             "type": "ON      NM", "part": "9,999", "partAcum": "39,999", "theoricalQty": "100"},
            {"segment": "Financ e Outros / Previd  Seguros", "cod": "CXSE3", "asset": "CAIXA SEGURI",
             "type": "ON      NM", "part": "30,000", "partAcum": "39,999", "theoricalQty": "500"}
        ]
    })
}

fn read(segment: Segment, answers: &[Value]) -> Result<(Portfolio, Vec<Warning>), Refusal> {
    let answers: Vec<PortfolioPage> =
        answers.iter().map(|answer| PortfolioPage::parse(&answer.to_string()).unwrap()).collect();
    Portfolio::from_pages("IBOV".parse().unwrap(), segment, fetched_at(), &answers)
}

/// On the day of the answer, a Friday.
fn fetched_at() -> DateTime<Utc> {
    "2026-11-20T13:00:03.123Z".parse().unwrap()
}

/// The refusal of the answer above with one value replaced.
fn refusal_with(pointer: &str, value: Value) -> Refusal {
    let mut answer = answer();
    *answer.pointer_mut(pointer).expect(pointer) = value;
    read(Segment::BySector, &[answer]).unwrap_err()
}

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
fn pages_add_up() {
    let mut first = answer();
    let mut second = answer();
    first["results"].as_array_mut().unwrap().truncate(2);
    second["results"].as_array_mut().unwrap().drain(..2);
    assert!(read(Segment::BySector, &[first.clone(), second.clone()]).is_ok());
    second["results"] = json!([]);
    assert_eq!(
        read(Segment::BySector, &[first.clone(), second]).unwrap_err(),
        Refusal::PageEmpty { page: 2 }
    );
    assert_eq!(
        read(Segment::BySector, &[first]).unwrap_err(),
        Refusal::RowCount { rows: 2, stated: 3 }
    );
}

#[test]
fn totals_must_reconcile() {
    assert!(matches!(
        refusal_with("/header/theoricalQty", json!("6.000.000.601")),
        Refusal::QuantityTotal { sum: 6_000_000_600, stated: 6_000_000_601 }
    ));
    assert!(matches!(refusal_with("/header/part", json!("99,996")), Refusal::WeightTotal { .. }));
    assert!(matches!(
        refusal_with("/results/1/partAcum", json!("40,000")),
        Refusal::SectorWeight { .. }
    ));
    assert!(matches!(refusal_with("/page/totalRecords", json!(4)), Refusal::RowCount { .. }));
}

#[test]
fn a_total_within_rounding_is_taken() {
    let mut answer = answer();
    answer["header"]["part"] = json!("99,997");
    assert!(read(Segment::BySector, &[answer]).is_ok());
}

/// The answer with other weights. The last two of the three rows share a sector.
fn weighing(thousandths: [u32; 3], stated: &str) -> Value {
    let print = |number: u32| json!(format!("{},{:03}", number / 1000, number % 1000));
    let [first, second, third] = thousandths;
    let mut answer = answer();
    answer["header"]["part"] = json!(stated);
    for (row, weight, sector) in
        [(0, first, first), (1, second, second + third), (2, third, second + third)]
    {
        answer["results"][row]["part"] = print(weight);
        answer["results"][row]["partAcum"] = print(sector);
    }
    answer
}

#[test]
fn the_weights_of_an_index_add_up_to_a_hundred_within_a_hundredth() {
    for (first, good) in
        [(60_001, true), (60_011, true), (59_991, true), (60_012, false), (59_990, false)]
    {
        let sum = first + 39_999;
        let stated = format!("{},{:03}", sum / 1000, sum % 1000);
        let outcome = read(Segment::BySector, &[weighing([first, 9_999, 30_000], &stated)]);
        assert_eq!(outcome.is_ok(), good, "{stated}: {outcome:?}");
        if let Err(refusal) = outcome {
            assert_eq!(refusal.consequences().code.name(), "weight-total");
            assert!(refusal.to_string().contains("those of a whole index to 100"), "{refusal}");
        }
    }
}

#[test]
fn a_portfolio_without_shares_is_refused() {
    let mut answer = answer();
    answer["header"]["theoricalQty"] = json!("0");
    for row in answer["results"].as_array_mut().unwrap() {
        row["theoricalQty"] = json!("0");
    }
    assert_eq!(read(Segment::BySector, &[answer]).unwrap_err(), Refusal::NoQuantity);
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
fn a_row_without_a_sector_explains_no_more_than_its_own_weight() {
    let mut answer = answer();
    answer["results"][1]["segment"] = Value::Null;
    assert!(read(Segment::BySector, &[answer.clone()]).is_ok(), "9.999 of BBSE3");
    answer["results"][2]["partAcum"] = json!("40,000");
    assert_eq!(
        read(Segment::BySector, &[answer.clone()]).unwrap_err().consequences().code.name(),
        "sector-weight"
    );
    answer["results"][2]["partAcum"] = json!("29,999");
    assert_eq!(
        read(Segment::BySector, &[answer]).unwrap_err().consequences().code.name(),
        "sector-weight"
    );
}

#[test]
fn the_rows_of_a_sector_state_one_weight() {
    let mut answer = answer();
    answer["results"][0]["segment"] = Value::Null;
    answer["results"][1]["partAcum"] = json!("40,000");
    assert_eq!(
        read(Segment::BySector, &[answer]).unwrap_err().consequences().code.name(),
        "sector-weight"
    );
}

#[test]
fn more_than_one_row_in_ten_without_a_sector_is_another_answer() {
    let rows = |count: usize, without: usize| {
        let mut answer = answer();
        let row = |number: usize| {
            json!({"segment": if number < without { Value::Null } else { json!("Diversos") },
                   "cod": format!("AAAA{number}"), "asset": "A", "type": "ON",
                   "part": "0,000", "partAcum": null, "theoricalQty": "1"})
        };
        let mut all: Vec<Value> = (0..count).map(row).collect();
        all[0]["part"] = json!("100,000");
        answer["header"]["theoricalQty"] = json!(count.to_string());
        answer["page"]["totalRecords"] = json!(count);
        answer["results"] = json!(all);
        read(Segment::BySector, &[answer]).map_err(|refusal| refusal.consequences().code.name())
    };
    for (count, without, good) in
        [(6, 1, true), (6, 2, false), (20, 2, true), (20, 3, false), (82, 8, true), (82, 9, false)]
    {
        let outcome = rows(count, without);
        assert_eq!(outcome.is_ok(), good, "{without} of {count}");
        assert!(good || outcome.unwrap_err() == "sectors-absent");
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
fn a_refusal_names_the_path_of_the_value_and_the_ticker() {
    let refusal = refusal_with("/results/1/part", Value::Null);
    assert_eq!(refusal.to_string(), "results[1].part of BBSE3 is null");
    let refusal = refusal_with("/results/0/cod", Value::Null);
    assert_eq!(refusal.to_string(), "results[0].cod is null");
    let refusal = refusal_with("/results/0/type", json!("ON\u{fffd}"));
    assert!(
        refusal.to_string().starts_with("results[0].type of VALE3: \"ON\u{fffd}\" holds"),
        "{refusal}"
    );
    let mut pages = [answer(), answer()];
    pages[0]["results"].as_array_mut().unwrap().truncate(2);
    pages[1]["results"].as_array_mut().unwrap().drain(..2);
    pages[1]["results"][0]["part"] = json!("x");
    let refusal = read(Segment::BySector, &pages).unwrap_err().to_string();
    assert!(refusal.starts_with("page 2: results[0].part of CXSE3: \"x\" is not"), "{refusal}");
}

#[test]
fn pages_of_two_portfolios_and_pages_that_overlap_are_refused_and_may_pass() {
    let mut first = answer();
    first["results"].as_array_mut().unwrap().truncate(2);
    let mut second = answer();
    second["results"].as_array_mut().unwrap().drain(..1);
    let refusal = read(Segment::BySector, &[first.clone(), second.clone()]).unwrap_err();
    assert_eq!(
        refusal,
        Refusal::PagesOverlap { ticker: "BBSE3".parse().unwrap(), first: 1, again: 2 }
    );
    assert!(refusal.consequences().may_pass_soon);
    for (pointer, value) in [
        ("/header/date", json!("23/11/26")),
        ("/header/part", json!("99,999")),
        ("/header/theoricalQty", json!("1")),
        ("/page/totalRecords", json!(4)),
    ] {
        let mut other = second.clone();
        *other.pointer_mut(pointer).unwrap() = value;
        let refusal = read(Segment::BySector, &[first.clone(), other]).unwrap_err();
        assert_eq!(refusal.consequences().code.name(), "changed-between-pages", "{pointer}");
        assert!(refusal.consequences().may_pass_soon);
    }
}

#[test]
fn what_is_wrong_is_named() {
    let codes = [
        ("/results", Value::Null, "results-null"),
        ("/results", json!([]), "results-empty"),
        ("/header/date", Value::Null, "date-absent"),
        ("/header/date", json!("20-11-2026"), "date-malformed"),
        ("/header/date", json!("11/20/26"), "en-us-format"),
        ("/header/theoricalQty", Value::Null, "field-absent"),
        ("/header/theoricalQty", json!("6,000,000,600"), "en-us-format"),
        ("/results/0/part", json!("60.001"), "en-us-format"),
        ("/results/0/part", json!("60,0010"), "number-malformed"),
        ("/results/0/theoricalQty", json!("6e9"), "number-malformed"),
        ("/results/0/cod", json!("../VALE3"), "ticker-malformed"),
        ("/results/0/cod", json!("BBSE3"), "ticker-twice"),
        ("/results/0/asset", json!("VA\u{0}LE"), "text-damaged"),
        ("/results/0/asset", json!("V\u{fffd}LE"), "text-damaged"),
        ("/results/0/segment", json!("MineraÃ§Ã£o"), "text-damaged"),
        ("/results/0/type", json!("ON\tNM"), "text-damaged"),
        ("/results/0/asset", json!("V".repeat(201)), "text-malformed"),
        ("/results/0/cod", json!("VALE\u{fffd}"), "text-damaged"),
        ("/results/0/cod", json!(" "), "field-absent"),
        ("/results/0/part", Value::Null, "field-absent"),
        ("/results/0/theoricalQty", json!(""), "field-absent"),
        ("/header", Value::Null, "field-absent"),
        ("/header/date", json!(" "), "date-absent"),
        ("/header/date", json!("20/11/16"), "date-implausible"),
        ("/header/date", json!("21/11/26"), "date-implausible"),
        ("/header/part", json!("99,000"), "weight-total"),
    ];
    for (pointer, value, code) in codes {
        let refusal = refusal_with(pointer, value.clone());
        assert_eq!(refusal.consequences().code.name(), code, "{pointer} = {value}: {refusal}");
    }
}

#[test]
fn a_malformed_reductor_is_a_warning() {
    let mut answer = answer();
    answer["header"]["reductor"] = json!("18.296.80337677573");
    let (portfolio, warnings) = read(Segment::BySector, &[answer]).unwrap();
    assert_eq!(portfolio.reductor, None);
    assert_eq!(warnings, [Warning::ReductorMalformed { value: "18.296.80337677573".to_owned() }]);
}

#[test]
fn all_problems_read_as_sentences() {
    let refusal = refusal_with("/results/1/partAcum", json!("40,000"));
    assert_eq!(
        refusal.to_string(),
        "the weights of \"Financ e Outros / Previd  Seguros\" add up to 39.999, \
         but partAcum of BBSE3 says 40.000"
    );
}

#[test]
fn an_index_that_adds_up_to_nothing_is_refused_whatever_its_header_says() {
    let mut answer = weighing([0, 0, 0], "0,000");
    answer["header"]["theoricalQty"] = json!("0");
    for row in answer["results"].as_array_mut().unwrap() {
        row["theoricalQty"] = json!("0");
    }
    assert_eq!(
        read(Segment::BySector, &[answer]).unwrap_err(),
        Refusal::NotAWhole { sum: "0.000".to_owned() }
    );
}

#[test]
fn a_lost_weight_is_not_taken_for_rounding_however_many_rows_there_are() {
    let row = |number: u32, weight: u32| {
        json!({"segment": null, "cod": format!("S{number:03}3"), "asset": "A", "type": "ON",
               "part": format!("{},{:03}", weight / 1000, weight % 1000), "partAcum": null,
               "theoricalQty": "1"})
    };
    let mut rows: Vec<Value> = (0..83).map(|number| row(number, 1_190)).collect();
    rows.push(row(83, 1_230));
    let mut answer = answer();
    answer["header"]["theoricalQty"] = json!("84");
    answer["page"]["totalRecords"] = json!(84);
    answer["results"] = json!(rows);
    assert!(read(Segment::ByTicker, &[answer.clone()]).is_ok());
    answer["results"][83] = row(83, 1_146);
    let refusal = read(Segment::ByTicker, &[answer]).unwrap_err();
    assert_eq!(
        refusal,
        Refusal::NotAWhole { sum: "99.916".to_owned() },
        "84 rows may round by 0.084"
    );
}

#[test]
fn an_unknown_index_has_neither_header_nor_results() {
    let unknown =
        json!({"page": {"totalRecords": 0, "totalPages": 0}, "header": null, "results": null});
    assert_eq!(read(Segment::BySector, &[unknown]).unwrap_err(), Refusal::ResultsNull);
}
