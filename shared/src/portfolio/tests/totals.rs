//! Sums and sectors.

use super::*;

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
