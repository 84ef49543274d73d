use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization;

use super::*;

mod content;
mod refusals;
mod totals;

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
