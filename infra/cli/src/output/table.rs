//! Tables that fit the terminal.
//!
//! On a terminal, bars become shorter and columns are dropped in their stated order until the rest fits; then long texts
//! are wrapped within their column. In a pipe there are no boxes: a line per row, tabs between all columns, and numbers without grouping and with
//! a point. `cut`, `sort` and `awk` take that as it is, and a spreadsheet takes it when it is pasted; text that is only
//! aligned with spaces can be cut by none of them, because sectors have spaces in their names.

use comfy_table::{
    Cell, CellAlignment, ColumnConstraint, ContentArrangement, presets::UTF8_FULL_CONDENSED,
};
use rust_decimal::Decimal;

use harness::language::Language;

use super::{bar::bar, screen::Screen};

/// Length of the longest bar, and the least that shows anything.
const BAR_CELLS: u16 = 24;
const LEAST_BAR_CELLS: u16 = 8;

/// What a column holds, and when it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    heading: String,
    is_number: bool,
    is_bar: bool,
    /// The lowest goes first; `None` stays.
    drops: Option<u8>,
}

impl Column {
    /// Aligned to the left; wrapped if there is no other way.
    pub(crate) fn text(heading: impl Into<String>) -> Self {
        Self { heading: heading.into(), is_number: false, is_bar: false, drops: None }
    }

    /// Aligned to the right; never wrapped.
    pub(crate) fn number(heading: impl Into<String>) -> Self {
        Self { is_number: true, ..Self::text(heading) }
    }

    /// Bars and other pictures of a column of numbers. A pipe has none.
    pub(crate) fn bar() -> Self {
        Self { is_bar: true, ..Self::text("") }
    }

    /// The place in the order in which columns go when the terminal is too narrow: 1 goes first.
    pub(crate) fn drops(self, place: u8) -> Self {
        Self { drops: Some(place), ..self }
    }
}

/// What stands in a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Text(String),
    /// A plain number such as `-1234.567`, which the screen's language writes in its own way.
    Number(String),
    /// Like a number, with its sign even if that is a plus.
    Change(String),
    Bar {
        part: Decimal,
        whole: Decimal,
    },
    /// NULL: nothing that could be taken for a value.
    Missing,
}

impl Value {
    pub(crate) fn text(text: impl ToString) -> Self {
        Self::Text(text.to_string())
    }

    pub(crate) fn number(number: impl ToString) -> Self {
        Self::Number(number.to_string())
    }

    pub(crate) fn change(number: impl ToString) -> Self {
        Self::Change(number.to_string())
    }

    fn on_terminal(&self, language: Language, bar_cells: u16) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => language.number(number),
            Self::Change(number) => language.change(number),
            Self::Bar { part, whole } => bar(*part, *whole, bar_cells),
            Self::Missing => "–".to_owned(),
        }
    }

    /// On one line, whatever it is.
    fn in_pipe(&self) -> String {
        match self {
            Self::Text(text) => text.replace(['\t', '\n', '\r'], " "),
            Self::Number(number) | Self::Change(number) => number.clone(),
            Self::Bar { .. } | Self::Missing => String::new(),
        }
    }
}

/// Columns and rows. A row has a value for each column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Value>>,
}

impl Table {
    pub(crate) fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        Self { columns: columns.into_iter().collect(), rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, values: impl IntoIterator<Item = Value>) {
        self.rows.push(values.into_iter().collect());
    }

    pub(crate) fn render(&self, screen: Screen) -> String {
        match screen.width {
            Some(width) => self.on_terminal(screen.language, width),
            None => self.in_pipe(),
        }
    }

    fn in_pipe(&self) -> String {
        let shown = |place: &usize| self.columns.get(*place).is_some_and(|column| !column.is_bar);
        let places: Vec<usize> = (0..self.columns.len()).filter(shown).collect();
        let headings = self.columns.iter().filter(|column| !column.is_bar);
        let headings = headings.map(|column| column.heading.clone()).collect::<Vec<_>>();
        let rows = self.rows.iter().map(|row| {
            let cells = places.iter().filter_map(|place| row.get(*place));
            cells.map(Value::in_pipe).collect::<Vec<_>>()
        });
        let lines = std::iter::once(headings).chain(rows).map(|cells| cells.join("\t"));
        lines.collect::<Vec<_>>().join("\n")
    }

    fn on_terminal(&self, language: Language, width: u16) -> String {
        let mut places: Vec<usize> = (0..self.columns.len()).collect();
        loop {
            let mut table = self.boxed(language, &places, BAR_CELLS);
            let excess = natural_width(&table).saturating_sub(usize::from(width));
            if excess == 0 {
                return table.to_string();
            }
            let is_bar =
                |place: &usize| self.columns.get(*place).is_some_and(|column| column.is_bar);
            let shorter =
                u16::try_from(excess).ok().and_then(|excess| BAR_CELLS.checked_sub(excess));
            if let Some(cells) = shorter.filter(|cells| *cells >= LEAST_BAR_CELLS)
                && places.iter().any(is_bar)
            {
                return self.boxed(language, &places, cells).to_string();
            }
            let Some(gone) = self.next_to_go(&places) else {
                table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
                for (place, column) in places.iter().zip(table.column_iter_mut()) {
                    if self.columns.get(*place).is_some_and(|column| column.is_number) {
                        column.set_constraint(ColumnConstraint::ContentWidth);
                    }
                }
                return table.to_string();
            };
            places.retain(|place| *place != gone);
        }
    }

    fn next_to_go(&self, places: &[usize]) -> Option<usize> {
        let droppable = places.iter().filter_map(|place| {
            let drops = self.columns.get(*place)?.drops?;
            Some((drops, *place))
        });
        droppable.min().map(|(_, place)| place)
    }

    fn boxed(&self, language: Language, places: &[usize], bar_cells: u16) -> comfy_table::Table {
        let columns: Vec<(usize, &Column)> =
            places.iter().filter_map(|place| Some((*place, self.columns.get(*place)?))).collect();
        let cell = |column: &Column, text: String| {
            let cell = Cell::new(text);
            if column.is_number { cell.set_alignment(CellAlignment::Right) } else { cell }
        };
        let mut table = comfy_table::Table::new();
        table
            .load_preset(UTF8_FULL_CONDENSED)
            .set_content_arrangement(ContentArrangement::Disabled)
            .set_header(columns.iter().map(|(_, column)| cell(column, column.heading.clone())));
        for row in &self.rows {
            table.add_row(columns.iter().map(|(place, column)| {
                let text = row.get(*place).map(|value| value.on_terminal(language, bar_cells));
                cell(column, text.unwrap_or_default())
            }));
        }
        table
    }
}

/// Columns that the table takes if nothing is wrapped: two spaces and a line a column, and one more line.
fn natural_width(table: &comfy_table::Table) -> usize {
    let widths = table.column_max_content_widths();
    widths.iter().map(|width| usize::from(*width) + 3).sum::<usize>() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUANTITY: &str = "theoretical quantity";

    fn table() -> Table {
        let mut table = Table::new([
            Column::text("sector"),
            Column::number("weight %"),
            Column::bar().drops(3),
            Column::number("constituents").drops(2),
            Column::number(QUANTITY).drops(1),
        ]);
        for (sector, weight) in
            [("Financ e Outros / Interms Financs", "20.670"), ("Mats Básicos / Mineração", "5")]
        {
            let part = weight.parse().unwrap();
            table.row([
                Value::text(sector),
                Value::number(weight),
                Value::Bar { part, whole: Decimal::from(20) },
                Value::number(7),
                Value::number(16_532_240_896_i64),
            ]);
        }
        table
    }

    fn at(width: Option<u16>, language: Language) -> String {
        table().render(Screen { language, width })
    }

    fn widest(text: &str) -> usize {
        text.lines().map(|line| line.chars().count()).max().unwrap_or_default()
    }

    #[test]
    fn columns_go_in_their_order_and_no_line_is_wider_than_the_terminal() {
        let shown = |width| {
            let text = at(Some(width), Language::English);
            assert!(widest(&text) <= usize::from(width), "{width}:\n{text}");
            (text.contains(QUANTITY), text.contains('█'), text.contains("constituents"))
        };
        assert_eq!(shown(120), (true, true, true));
        assert_eq!(shown(100), (true, true, true), "the bars are shorter");
        assert_eq!(shown(80), (false, true, true));
        assert_eq!(shown(70), (false, true, false));
        assert_eq!(shown(50), (false, false, false));
        let narrow = at(Some(40), Language::English);
        assert!(widest(&narrow) <= 40 && narrow.contains("20.670 │"), "{narrow}");
        for word in ["Financ", "Interms", "Financs", "Mineração"] {
            assert!(narrow.contains(word), "{word} is lost in\n{narrow}");
        }
    }

    #[test]
    fn numbers_are_to_the_right_and_as_the_language_writes_them() {
        let english = at(Some(120), Language::English);
        assert!(english.contains("┆   20.670 ┆") && english.contains("16,532,240,896 │"));
        assert!(english.contains("┆        5 ┆"), "{english}");
        let portuguese = at(Some(120), Language::Portuguese);
        assert!(portuguese.contains("┆   20,670 ┆") && portuguese.contains("16.532.240.896 │"));
    }

    #[test]
    fn a_pipe_gets_tabs_plain_numbers_and_all_columns_but_no_boxes_and_no_bars() {
        let text = at(None, Language::Portuguese);
        assert_eq!(
            text,
            "sector\tweight %\tconstituents\ttheoretical quantity\n\
             Financ e Outros / Interms Financs\t20.670\t7\t16532240896\n\
             Mats Básicos / Mineração\t5\t7\t16532240896"
        );
    }

    #[test]
    fn a_value_in_a_pipe_stays_on_its_line_and_in_its_column() {
        let mut table = Table::new([Column::text("a"), Column::text("b")]);
        table.row([Value::text("x\ty\nz"), Value::Missing]);
        assert_eq!(table.in_pipe(), "a\tb\nx y z\t");
    }
}
