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

/// A line of at most `cells` columns, whose height goes from the lowest of the numbers to the highest. Where there are
/// more numbers than columns, a column shows the last of its numbers.
pub(crate) fn sparkline(numbers: &[Decimal], cells: usize) -> String {
    const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let (lowest, highest) = (numbers.iter().min(), numbers.iter().max());
    let (Some(lowest), Some(highest)) = (lowest, highest) else { return String::new() };
    let cells = cells.min(numbers.len());
    let shown = (1..=cells).filter_map(|cell| numbers.get(numbers.len() * cell / cells - 1));
    shown
        .filter_map(|number| {
            let range = highest - lowest;
            // What does not change runs in the middle.
            let share =
                if range.is_zero() { Decimal::new(5, 1) } else { (number - lowest) / range };
            HEIGHTS.get((share * Decimal::from(7)).round().to_usize()?)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sparkline_shows_the_way_and_ends_with_the_last() {
        let numbers: Vec<_> = (0..8).map(Decimal::from).collect();
        assert_eq!(sparkline(&numbers, 80), "▁▂▃▄▅▆▇█");
        assert_eq!(sparkline(&numbers, 4), "▂▄▆█");
        assert_eq!(sparkline(&[Decimal::ONE, Decimal::ONE], 80).chars().count(), 2);
        assert_eq!(sparkline(&[], 80), "");
    }

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
