//! A line over time.

use chrono::{Datelike as _, NaiveDate};
use rust_decimal::{Decimal, prelude::ToPrimitive as _};

use super::{Caption, WIDTH, drawing, escaped};
use crate::output::Language;

const HEIGHT: i64 = 400;
const LEFT: i64 = 80;
const RIGHT: i64 = WIDTH - 90;
const TOP: i64 = 64;
const BOTTOM: i64 = 320;
/// About so many labels below the line.
const DATES: i64 = 5;
/// Of a line that moves less, the movement fills the drawing only by its share in so much.
const LEAST_RANGE: Decimal = Decimal::from_parts(10, 0, 0, false, 3);

/// The file. The points are in order, at least one; between two stretches there is a gap.
pub(crate) fn line(
    caption: &Caption,
    stretches: &[Vec<(NaiveDate, Decimal)>],
    language: Language,
) -> String {
    let points = &stretches.concat();
    let Some(scale) = Scale::new(points) else { return drawing(caption, HEIGHT, "") };
    let mut content = String::new();
    for value in scale.marks() {
        let (y, value) = (scale.y(value), language.number(value));
        content.push_str(&format!(
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{y}\" y2=\"{y}\"/>\
             <text class=\"muted end\" x=\"{}\" y=\"{}\">{value} %</text>\n",
            LEFT - 8,
            y + 4
        ));
    }
    for date in scale.dates(points) {
        content.push_str(&format!(
            "<text class=\"muted middle\" x=\"{}\" y=\"{}\">{date}</text>\n",
            scale.x(date),
            BOTTOM + 24
        ));
    }
    let path: String = stretches.iter().map(|stretch| scale.path(stretch)).collect();
    content.push_str(&format!("<path class=\"line\" d=\"{path}\"/>\n"));
    if let Some((date, weight)) = points.last() {
        let (x, y, text) = (scale.x(*date), scale.y(*weight), language.number(weight));
        content.push_str(&format!(
            "<circle class=\"dot\" cx=\"{x}\" cy=\"{y}\" r=\"4\"><title>{date}: {text} %</title></circle>\
             <text x=\"{}\" y=\"{}\">{} %</text>\n",
            x + 10,
            y + 4,
            escaped(&text)
        ));
    }
    drawing(caption, HEIGHT, &content)
}

struct Scale {
    first: NaiveDate,
    days: i64,
    lowest: Decimal,
    step: Decimal,
    steps: i64,
}

impl Scale {
    fn new(points: &[(NaiveDate, Decimal)]) -> Option<Self> {
        let (first, last) = (points.first()?.0, points.last()?.0);
        let lowest = points.iter().map(|(_, weight)| *weight).min()?;
        let highest = points.iter().map(|(_, weight)| *weight).max()?;
        let step = step((highest - lowest).max(LEAST_RANGE) / Decimal::from(4));
        let lowest = (lowest / step).floor() * step;
        let steps = ((highest - lowest) / step).ceil().to_i64()?.max(1);
        Some(Self { first, days: (last - first).num_days(), lowest, step, steps })
    }

    fn x(&self, date: NaiveDate) -> i64 {
        if self.days == 0 {
            return (LEFT + RIGHT) / 2;
        }
        LEFT + (date - self.first).num_days() * (RIGHT - LEFT) / self.days
    }

    fn y(&self, weight: Decimal) -> i64 {
        let share = (weight - self.lowest) / (self.step * Decimal::from(self.steps));
        BOTTOM - (share * Decimal::from(BOTTOM - TOP)).round().to_i64().unwrap_or_default()
    }

    fn path(&self, stretch: &[(NaiveDate, Decimal)]) -> String {
        let places = stretch.iter();
        let places: Vec<String> =
            places.map(|(date, weight)| format!("{} {}", self.x(*date), self.y(*weight))).collect();
        match places.as_slice() {
            [] => String::new(),
            // The zero length has a round cap, which is a dot.
            [place] => format!("M{place}h0"),
            [_, ..] => format!("M{}", places.join("L")),
        }
    }

    /// Round values at even distances.
    fn marks(&self) -> impl Iterator<Item = Decimal> {
        (0..=self.steps).map(|number| (self.lowest + self.step * Decimal::from(number)).normalize())
    }

    /// Some of the points' dates, about evenly, with the first and the last.
    fn dates(&self, points: &[(NaiveDate, Decimal)]) -> Vec<NaiveDate> {
        let least = (self.days / DATES).max(1);
        let last = points.last().map_or(self.first, |(date, _)| *date);
        let mut shown: Vec<NaiveDate> = Vec::new();
        for (date, _) in points {
            let is_far = |other: &NaiveDate| {
                (date.num_days_from_ce() - other.num_days_from_ce()).abs()
                    >= i32::try_from(least).unwrap_or(i32::MAX)
            };
            if *date == last || (shown.last().is_none_or(is_far) && is_far(&last)) {
                shown.push(*date);
            }
        }
        shown
    }
}

/// The next of 1, 2, 5, 10, 20, … and their tenths, that is not less.
fn step(least: Decimal) -> Decimal {
    let mut power = Decimal::new(1, 3);
    for _ in 0..8 {
        for factor in [1, 2, 5] {
            let step = power * Decimal::from(factor);
            if step >= least {
                return step;
            }
        }
        power *= Decimal::TEN;
    }
    power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(weights: &[&str]) -> Vec<(NaiveDate, Decimal)> {
        let first = NaiveDate::from_ymd_opt(2026, 11, 1).unwrap();
        let weights = weights.iter().map(|weight| weight.parse().unwrap());
        first.iter_days().zip(weights).collect()
    }

    fn drawn(weights: &[&str]) -> String {
        let caption = Caption { title: "t".into(), source: "s".into(), description: "d".into() };
        line(&caption, &[points(weights)], Language::Portuguese)
    }

    #[test]
    fn marks_are_round_and_enclose_the_line() {
        let scale = Scale::new(&points(&["6.583", "7.911"])).unwrap();
        let marks: Vec<_> = scale.marks().map(|mark| mark.to_string()).collect();
        assert_eq!(marks, ["6.5", "7", "7.5", "8"]);
        assert_eq!((scale.y("6.5".parse().unwrap()), scale.y(8.into())), (BOTTOM, TOP));
    }

    #[test]
    fn the_line_goes_from_edge_to_edge_and_its_end_has_a_number() {
        let text = drawn(&["6.5", "7.25", "8"]);
        assert!(text.contains(&format!("d=\"M{LEFT} {BOTTOM}L{} ", (LEFT + RIGHT) / 2)), "{text}");
        for part in ["<title>2026-11-03: 8 %</title>", ">7,5 %<", ">2026-11-01<", ">2026-11-03<"] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }

    #[test]
    fn one_day_and_a_level_line_can_be_drawn() {
        for weights in [&["5.000"][..], &["5.000", "5.000"], &["0", "0"]] {
            assert!(drawn(weights).contains("class=\"line\""));
        }
        let dates = |count| {
            let many = vec!["1"; count];
            let points = points(&many);
            Scale::new(&points).unwrap().dates(&points).len()
        };
        assert_eq!(dates(1), 1);
        assert!((4..=7).contains(&dates(250)), "{}", dates(250));
    }
}
