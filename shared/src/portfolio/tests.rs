use serde_json::{Value, json};

use super::*;

/// Two sectors, three rows; everything reconciles.
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
    let answers: Vec<Answer> =
        answers.iter().map(|answer| Answer::parse(&answer.to_string()).unwrap()).collect();
    Portfolio::from_answers("IBOV".parse().unwrap(), segment, &answers)
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
    let tickers: Vec<_> = portfolio.constituents.iter().map(|each| each.ticker.as_str()).collect();
    assert_eq!(tickers, ["BBSE3", "CXSE3", "VALE3"], "in the order of sector and ticker");
    assert_eq!(
        portfolio.constituents[0].sector.as_deref(),
        Some("Financ e Outros / Previd  Seguros")
    );
    assert!(warnings.is_empty());
}

#[test]
fn rows_in_another_order_are_the_same_content() {
    let mut turned = answer();
    turned["results"].as_array_mut().unwrap().reverse();
    let (one, _) = read(Segment::BySector, &[answer()]).unwrap();
    let (other, _) = read(Segment::BySector, &[turned]).unwrap();
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
        |portfolio| portfolio.constituents[2].asset.push('S'),
        |portfolio| portfolio.constituents[2].kind = "ON  ED  NM".to_owned(),
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
    assert!(portfolio.constituents.iter().all(|each| each.sector.is_none()));
    assert_eq!(
        read(Segment::BySector, &[answer]).unwrap_err(),
        Refusal::FieldAbsent { row: 1, field: "segment" }
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
        ("/results/0/asset", json!("VA\u{0}LE"), "text-malformed"),
        ("/results/0/asset", json!("V".repeat(201)), "text-malformed"),
        ("/results/0/segment", json!(""), "text-malformed"),
        ("/header/part", json!("99,000"), "weight-total"),
    ];
    for (pointer, value, code) in codes {
        let refusal = refusal_with(pointer, value.clone());
        assert_eq!(refusal.code(), code, "{pointer} = {value}: {refusal}");
    }
}

#[test]
fn a_malformed_reductor_is_a_warning() {
    let mut answer = answer();
    answer["header"]["reductor"] = json!("18.296.80337677573");
    let (portfolio, warnings) = read(Segment::BySector, &[answer]).unwrap();
    assert_eq!(portfolio.reductor, None);
    assert_eq!(warnings, [Warning::MalformedReductor("18.296.80337677573".to_owned())]);
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
