//! Bars made of block characters.

use rust_decimal::{Decimal, prelude::ToPrimitive as _};

/// The last cell of a bar, by how many eighths of it are filled.
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// A bar of at most `cells`, whose length is the share of `part` in `whole`, in eighths of a cell.
pub(crate) fn bar(part: Decimal, whole: Decimal, cells: u16) -> String {
    let share = if whole.is_zero() { Decimal::ZERO } else { part / whole };
    let most = usize::from(cells) * 8;
    let eighths = (share * Decimal::from(most)).round().to_usize().unwrap_or_default().min(most);
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS.get(eighths % 8).unwrap_or(&""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_proportional() {
        let whole = Decimal::from(24);
        assert_eq!(bar(whole, whole, 24).chars().count(), 24);
        assert_eq!(bar(Decimal::from(12), whole, 24), "█".repeat(12));
        assert_eq!(bar(Decimal::new(15, 1), whole, 24), "█▌");
        assert_eq!(bar(Decimal::ZERO, whole, 24), "");
        assert_eq!(bar(-whole, whole, 24), "");
        assert_eq!(bar(whole, Decimal::ZERO, 24), "");
    }
}
