//! What a refusal says.

use super::*;

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
fn all_problems_read_as_sentences() {
    let refusal = refusal_with("/results/1/partAcum", json!("40,000"));
    assert_eq!(
        refusal.to_string(),
        "the weights of \"Financ e Outros / Previd  Seguros\" add up to 39.999, \
         but partAcum of BBSE3 says 40.000"
    );
}

#[test]
fn an_unknown_index_has_neither_header_nor_results() {
    let unknown =
        json!({"page": {"totalRecords": 0, "totalPages": 0}, "header": null, "results": null});
    assert_eq!(read(Segment::BySector, &[unknown]).unwrap_err(), Refusal::ResultsNull);
}
