//! Bars, one below the other.

use rust_decimal::{Decimal, prelude::ToPrimitive as _};

use super::{Caption, WIDTH, drawing, escaped};
use crate::output::Language;

const TOP: i64 = 52;
const ROW: i64 = 24;
/// Where bars begin, and how long the longest is: a label stands before it, and its number after it.
const BEGIN: i64 = 330;
const LONGEST: i64 = WIDTH - BEGIN - 80;
/// Of a label that is longer, the rest is in the bar's title.
const LABEL: usize = 46;

/// A bar and what it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bar {
    pub(crate) label: String,
    /// In per cent.
    pub(crate) weight: Decimal,
}

/// The file. The first bars are on top. `others` is a row without a bar, which might be longer than all of them.
pub(crate) fn bars(
    caption: &Caption,
    bars: &[Bar],
    others: Option<&Bar>,
    language: Language,
) -> String {
    let whole = bars.iter().map(|bar| bar.weight).max().unwrap_or_default();
    let mut content = String::new();
    let mut y = TOP;
    for bar in bars {
        let share = if whole.is_zero() { Decimal::ZERO } else { bar.weight / whole };
        let length = (share * Decimal::from(LONGEST)).round().to_i64().unwrap_or_default().max(1);
        let (label, weight) = (escaped(&bar.label), language.number(bar.weight));
        let (label_end, text_y) = (BEGIN - 10, y + 16);
        content.push_str(&format!(
            "<g><title>{label}: {weight} %</title>\
             <text class=\"end\" x=\"{label_end}\" y=\"{text_y}\">{shown}</text>\
             <rect class=\"bar\" x=\"{BEGIN}\" y=\"{bar_y}\" width=\"{length}\" height=\"16\" rx=\"2\"/>\
             <text x=\"{weight_x}\" y=\"{text_y}\">{weight} %</text></g>\n",
            shown = escaped(&shortened(&bar.label)),
            bar_y = y + 4,
            weight_x = BEGIN + length + 8,
        ));
        y += ROW;
    }
    if let Some(Bar { label, weight }) = others {
        let (label, weight) = (escaped(label), language.number(*weight));
        let (label_end, text_y) = (BEGIN - 10, y + 16);
        content.push_str(&format!(
            "<text class=\"end\" x=\"{label_end}\" y=\"{text_y}\">{label}</text>\
             <text x=\"{BEGIN}\" y=\"{text_y}\">{weight} %</text>\n"
        ));
        y += ROW;
    }
    drawing(caption, y + 44, &content)
}

fn shortened(label: &str) -> String {
    if label.chars().count() <= LABEL {
        return label.to_owned();
    }
    let start: String = label.chars().take(LABEL - 1).collect();
    format!("{}…", start.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_proportional_and_every_label_is_there_whole() {
        let long = "Consumo Cíclico / Tecidos, Vestuário e Calçados e mais";
        let rows = [("A & B", "20.000"), (long, "5.000"), ("none", "0")];
        let rows = rows.map(|(label, weight)| Bar {
            label: label.to_owned(),
            weight: weight.parse().unwrap(),
        });
        let caption = Caption { title: "t".into(), source: "s".into(), description: "d".into() };
        let others = Bar { label: "27 others".to_owned(), weight: "75.000".parse().unwrap() };
        let text = bars(&caption, &rows, Some(&others), Language::Portuguese);
        assert!(text.contains(">27 others</text>") && text.contains(">75,000 %</text>"));
        assert_eq!(text.matches("<rect class=\"bar\"").count(), rows.len(), "{text}");
        for part in [
            &format!("width=\"{LONGEST}\" height=\"16\""),
            &format!("width=\"{}\" height=\"16\"", (LONGEST + 2) / 4),
            "width=\"1\" height=\"16\"",
            "<title>A &amp; B: 20,000 %</title>",
            &format!("<title>{long}: 5,000 %</title>"),
            "…</text>",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }
}
