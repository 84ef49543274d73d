use harness::stack::athena::Sector;
use rust_decimal::Decimal;

use crate::output::{Column, Screen, Table, Value, plural, text};

/// Sectors by weight, with bars and a row of totals. `sectors` are in order, the heaviest first; of those after the first
/// `top`, only the sums are shown.
pub(super) fn sector_table(sectors: &[Sector], top: usize, screen: Screen) -> String {
    let language = screen.language;
    let mut table = Table::new([
        Column::text(text!(language, en: "sector", pt: "setor")),
        Column::number(text!(language, en: "weight %", pt: "participação %")),
        Column::bar().drops(3),
        Column::number(text!(language, en: "constituents", pt: "ações")).drops(2),
        Column::number(text!(language, en: "theoretical quantity", pt: "quantidade teórica"))
            .drops(1),
    ]);
    let whole = sectors.iter().map(|sector| sector.weight).max().unwrap_or_default();
    let (shown, others) = sectors.split_at_checked(top).unwrap_or((sectors, &[]));
    for sector in shown {
        let bar = Value::Bar { part: sector.weight, whole };
        table.row(row(sector.name.clone(), std::slice::from_ref(sector), bar));
    }
    if !others.is_empty() {
        let number = others.len();
        let (other, outro) = (
            plural(number, "other sector", "other sectors"),
            plural(number, "outro setor", "outros setores"),
        );
        let name = text!(language, en: "{number} {other}", pt: "{number} {outro}");
        table.row(row(name, others, Value::text("")));
    }
    let number = sectors.len();
    let (all, todos) = (plural(number, "sector", "sectors"), plural(number, "setor", "setores"));
    let name = text!(language, en: "total of {number} {all}", pt: "total de {number} {todos}");
    table.row(row(name, sectors, Value::text("")));
    table.render(screen)
}

/// The sums of some sectors.
fn row(name: String, sectors: &[Sector], bar: Value) -> [Value; 5] {
    [
        Value::Text(name),
        Value::number(sectors.iter().map(|sector| sector.weight).sum::<Decimal>()),
        bar,
        Value::number(sectors.iter().map(|sector| sector.constituents).sum::<i64>()),
        Value::number(sectors.iter().map(|sector| sector.quantity).sum::<i64>()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Language;

    fn sectors() -> Vec<Sector> {
        [("Previd  Seguros", "50.500"), ("Mineração", "30.000"), ("Bancos", "19.500")]
            .map(|(name, weight)| Sector {
                name: name.to_owned(),
                weight: weight.parse().unwrap(),
                constituents: 2,
                quantity: 2_000_000_000,
                days: 1,
            })
            .to_vec()
    }

    fn table(top: usize) -> String {
        sector_table(&sectors(), top, Screen { language: Language::English, width: Some(120) })
    }

    #[test]
    fn the_table_ends_with_the_totals() {
        let text = table(usize::MAX);
        let last = text.lines().rev().nth(1).unwrap();
        for part in ["total of 3 sectors", "100.000", "6", "6,000,000,000"] {
            assert!(last.contains(part), "{part} in {last}");
        }
    }

    #[test]
    fn sectors_below_the_top_are_added_up() {
        let text = table(1);
        assert!(!text.contains("Mineração"), "{text}");
        let others = text.lines().find(|line| line.contains("2 other sectors")).unwrap();
        for part in ["49.500", "4,000,000,000"] {
            assert!(others.contains(part), "{part} in {others}");
        }
    }
}
