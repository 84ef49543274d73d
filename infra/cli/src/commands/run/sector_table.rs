use comfy_table::{Cell, CellAlignment, Table, presets::UTF8_FULL_CONDENSED};
use rust_decimal::{Decimal, prelude::ToPrimitive as _};

use super::report::Report;

/// Length of the longest bar.
const BAR_CELLS: i64 = 24;
/// The last cell of a bar, by how many eighths of it are filled.
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// Sectors by weight, with bars and a row of totals.
pub(super) fn sector_table(report: &Report) -> String {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED).set_header([
        "sector",
        "weight %",
        "",
        "constituents",
        "theoretical quantity",
    ]);
    let heaviest = report.sectors.iter().map(|sector| sector.weight).max().unwrap_or_default();
    for sector in &report.sectors {
        table.add_row([
            Cell::new(&sector.name),
            right(sector.weight),
            Cell::new(bar(sector.weight, heaviest)),
            right(sector.constituents),
            right(grouped(sector.quantity)),
        ]);
    }
    let totals = &report.totals;
    table.add_row([
        Cell::new(format!("total of {} sectors", report.sectors.len())),
        right(totals.soma_part),
        Cell::new(""),
        right(totals.total_codigo),
        right(grouped(totals.soma_qtd_teorica)),
    ]);
    table.to_string()
}

fn right(value: impl ToString) -> Cell {
    Cell::new(value).set_alignment(CellAlignment::Right)
}

/// A bar whose length is the share of `part` in `whole`, in eighths of a cell.
fn bar(part: Decimal, whole: Decimal) -> String {
    let share = if whole.is_zero() { Decimal::ZERO } else { part / whole };
    let eighths = (share * Decimal::from(BAR_CELLS * 8)).round().to_usize().unwrap_or_default();
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS.get(eighths % 8).unwrap_or(&""))
}

/// `1,243,177,587`.
fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::run::report::tests::report;

    #[test]
    fn bars_are_proportional() {
        let whole = Decimal::from(24);
        assert_eq!(bar(whole, whole).chars().count(), 24);
        assert_eq!(bar(Decimal::from(12), whole), "█".repeat(12));
        assert_eq!(bar(Decimal::new(15, 1), whole), "█▌");
        assert_eq!(bar(Decimal::ZERO, whole), "");
        assert_eq!(bar(whole, Decimal::ZERO), "");
    }

    #[test]
    fn the_table_ends_with_the_totals() {
        let text = sector_table(&report());
        let last = text.lines().rev().nth(1).unwrap();
        for part in ["total of 2 sectors", "100.000", "4", "6,000,000,000"] {
            assert!(last.contains(part), "{part} in {last}");
        }
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(grouped(1_243_177_587), "1,243,177,587");
        assert_eq!(grouped(-100), "-100");
    }
}
