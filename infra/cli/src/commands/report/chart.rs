//! Lines of weights over time, as the `d` of an SVG path.

use std::fmt::Write as _;

use chrono::NaiveDate;
use rust_decimal::{Decimal, prelude::ToPrimitive as _};

use super::data::Line;

/// The drawing's size, in the units of its view box.
pub(super) const WIDTH: i64 = 240;
pub(super) const HEIGHT: i64 = 56;
/// Room for the stroke and for the dot at the end.
const MARGIN: i64 = 4;
/// A line whose weights differ by less is drawn as if they differed by so much of its weight: noise looks like noise.
const LEAST_RANGE: Decimal = Decimal::from_parts(5, 0, 0, false, 2);

/// A drawn line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Drawn {
    /// With a gap for each time in which there is no weight.
    pub(super) path: String,
    /// The last weight's place.
    pub(super) end: (i64, i64),
    pub(super) lowest: (NaiveDate, Decimal),
    pub(super) highest: (NaiveDate, Decimal),
    pub(super) first: (NaiveDate, Decimal),
    pub(super) last: (NaiveDate, Decimal),
}

/// `None` if fewer than two dates have a weight: that is no line.
pub(super) fn draw(dates: &[NaiveDate], line: &Line) -> Option<Drawn> {
    let all: Vec<_> = dates.iter().copied().zip(line.weights.iter().copied()).collect();
    let known: Vec<(NaiveDate, Decimal)> =
        all.iter().filter_map(|(date, weight)| Some((*date, (*weight)?))).collect();
    let (first, last) = (*known.first()?, *known.last()?);
    if known.len() < 2 {
        return None;
    }
    let lowest = *known.iter().min_by_key(|(_, weight)| *weight)?;
    let highest = *known.iter().max_by_key(|(_, weight)| *weight)?;
    let scale = Scale::new(dates, lowest.1, highest.1)?;
    let (mut path, mut is_gap, mut end) = (String::new(), true, (0, 0));
    for (date, weight) in all {
        let Some(weight) = weight else {
            is_gap = true;
            continue;
        };
        let (x, y) = scale.place(date, weight);
        // A weight between two gaps is a dot: the zero length has a round cap.
        let written = if is_gap { write!(path, "M{x} {y}h0") } else { write!(path, "L{x} {y}") };
        written.ok()?;
        (is_gap, end) = (false, (x, y));
    }
    Some(Drawn { path, end, lowest, highest, first, last })
}

struct Scale {
    begin: NaiveDate,
    days: i64,
    middle: Decimal,
    range: Decimal,
}

impl Scale {
    fn new(dates: &[NaiveDate], lowest: Decimal, highest: Decimal) -> Option<Self> {
        let (begin, end) = (*dates.first()?, *dates.last()?);
        let least = (highest * LEAST_RANGE).max(Decimal::new(1, 3));
        Some(Self {
            begin,
            days: (end - begin).num_days().max(1),
            middle: (lowest + highest) / Decimal::TWO,
            range: (highest - lowest).max(least),
        })
    }

    fn place(&self, date: NaiveDate, weight: Decimal) -> (i64, i64) {
        let x = MARGIN + (date - self.begin).num_days() * (WIDTH - 2 * MARGIN) / self.days;
        let up = (weight - self.middle) / self.range * Decimal::from(HEIGHT - 2 * MARGIN);
        (x, HEIGHT / 2 - up.round().to_i64().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::data::tests::date, *};

    fn line(weights: &[Option<&str>]) -> Line {
        let weights = weights.iter().map(|weight| Some(weight.as_ref()?.parse().unwrap()));
        Line { name: "x".into(), weights: weights.collect() }
    }

    #[test]
    fn a_line_fills_the_drawing_and_time_runs_evenly() {
        let dates = [date(1), date(2), date(5)];
        let drawn = draw(&dates, &line(&[Some("10"), Some("20"), Some("30")])).unwrap();
        assert_eq!(drawn.path, "M4 52h0L62 28L236 4");
        assert_eq!(drawn.end, (236, 4));
        assert_eq!((drawn.lowest.0, drawn.highest.0), (date(1), date(5)));
    }

    #[test]
    fn days_without_a_weight_leave_a_gap() {
        let dates = [date(1), date(2), date(3), date(4)];
        let drawn = draw(&dates, &line(&[Some("1"), None, Some("2"), Some("3")])).unwrap();
        assert_eq!(drawn.path.matches('M').count(), 2);
    }

    #[test]
    fn small_changes_look_small_and_none_is_a_level_line() {
        let dates = [date(1), date(2)];
        assert_eq!(draw(&dates, &line(&[Some("10"), Some("10")])).unwrap().path, "M4 28h0L236 28");
        let drawn = draw(&dates, &line(&[Some("10.000"), Some("10.010")])).unwrap();
        assert_eq!(drawn.path, "M4 28h0L236 28");
        assert!(draw(&dates, &line(&[Some("0"), Some("0")])).is_some());
    }

    #[test]
    fn one_weight_is_no_line() {
        assert_eq!(draw(&[date(1)], &line(&[Some("10")])), None);
        assert_eq!(draw(&[date(1), date(2)], &line(&[None, Some("10")])), None);
    }
}
