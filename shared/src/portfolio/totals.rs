//! Checks that the rows of a portfolio add up.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Constituent, Refusal, Warning};
use crate::{
    b3::{Field, Header, ptbr},
    values::{Percent, Weight},
};

/// A whole index, in thousandths of a percent.
const WHOLE: u64 = 100_000;

/// In thousandths of a percent. In every recorded day portfolio the weights add up to exactly 100; this allows for some
/// rounding.
const WHOLE_TOLERANCE: u64 = 10;

/// The total weight of the header: 100, and the sum of the rows, apart from the rounding of each row.
pub(super) fn weight(header: &Header, constituents: &[Constituent]) -> Result<Weight, Refusal> {
    let number = |source| Refusal::Number { place: "header.part".to_owned(), source };
    let stated = ptbr::weight(required(&header.part, "part")?).map_err(number)?;
    let sum: u64 = constituents.iter().map(|each| thousandths(each.weight)).sum();
    if sum.abs_diff(thousandths(stated)) > constituents.len() as u64 {
        return Err(Refusal::WeightTotal { sum: Percent(sum).to_string(), stated });
    }
    if sum.abs_diff(WHOLE) > WHOLE_TOLERANCE {
        return Err(Refusal::NotAWhole { sum: Percent(sum).to_string() });
    }
    Ok(stated)
}

/// The total quantity of the header, which is exactly the sum of the rows.
pub(super) fn quantity(header: &Header, constituents: &[Constituent]) -> Result<i64, Refusal> {
    let number = |source| Refusal::Number { place: "header.theoricalQty".to_owned(), source };
    let stated = ptbr::integer(required(&header.theorical_qty, "theoricalQty")?).map_err(number)?;
    let sum: i128 = constituents.iter().map(|each| i128::from(each.quantity)).sum();
    match sum {
        sum if sum != i128::from(stated) => Err(Refusal::QuantityTotal { sum, stated }),
        0 => Err(Refusal::NoQuantity),
        _ => Ok(stated),
    }
}

fn required<'a>(field: &'a Field<String>, name: &str) -> Result<&'a str, Refusal> {
    let absent = |missing| Refusal::FieldAbsent { place: format!("header.{name}"), missing };
    field.text().map_err(absent)
}

/// Checks that each sector's stated weight is the sum of its rows. A row without a sector still belongs to one, so the
/// sums may fall short by the weight of such rows, but by no more.
pub(super) fn sectors(constituents: &[Constituent]) -> Result<(), Refusal> {
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    let mut left = 0;
    for Constituent { sector, weight, .. } in constituents {
        match sector {
            Some(sector) => *sums.entry(sector).or_default() += thousandths(*weight),
            None => left += thousandths(*weight),
        }
    }
    let mut stated_before: BTreeMap<&str, Weight> = BTreeMap::new();
    for Constituent { sector, ticker, sector_weight, .. } in constituents {
        let (Some(sector), Some(stated)) = (sector, *sector_weight) else { continue };
        let sum = sums.get(sector.as_str()).copied().unwrap_or_default();
        let explained = match stated_before.insert(sector, stated) {
            Some(before) => before == stated,
            None => match thousandths(stated).checked_sub(sum) {
                Some(missing) if missing <= left => {
                    left -= missing;
                    true
                }
                Some(_) | None => false,
            },
        };
        if !explained {
            let (sector, ticker) = (sector.clone(), ticker.clone());
            return Err(Refusal::SectorWeight {
                sector,
                ticker,
                sum: Percent(sum).to_string(),
                stated,
            });
        }
    }
    Ok(())
}

/// The index's divisor. B3 garbled it once; nothing is computed from it, so that is no reason to lose the day.
pub(super) fn reductor(header: &Header) -> (Option<String>, Option<Warning>) {
    let value = match &header.reductor {
        Field::Absent | Field::Null => return (None, None),
        Field::Present(Value::String(text)) if text.trim().is_empty() => return (None, None),
        Field::Present(Value::String(text)) => text.clone(),
        Field::Present(other) => other.to_string(),
    };
    match ptbr::reductor(&value) {
        Some(reductor) => (Some(reductor), None),
        None => (None, Some(Warning::ReductorMalformed { value: ptbr::shortened(&value) })),
    }
}

fn thousandths(weight: Weight) -> u64 {
    u64::from(weight.thousandths())
}
