use super::report::Report;
use crate::output::{Column, Screen, Table, Value, plural, text};

/// Sectors by weight, with bars and a row of totals.
pub(super) fn sector_table(report: &Report, screen: Screen) -> String {
    let language = screen.language;
    let mut table = Table::new([
        Column::text(text!(language, en: "sector", pt: "setor")),
        Column::number(text!(language, en: "weight %", pt: "peso %")),
        Column::bar().drops(2),
        Column::number(text!(language, en: "constituents", pt: "ações")).drops(3),
        Column::number(text!(language, en: "theoretical quantity", pt: "quantidade teórica"))
            .drops(1),
    ]);
    let whole = report.sectors.iter().map(|sector| sector.weight).max().unwrap_or_default();
    for sector in &report.sectors {
        table.row([
            Value::text(&sector.name),
            Value::number(sector.weight),
            Value::Bar { part: sector.weight, whole },
            Value::number(sector.constituents),
            Value::number(sector.quantity),
        ]);
    }
    let (totals, number) = (&report.totals, report.sectors.len());
    let sectors = plural(number, "sector", "sectors");
    let setores = plural(number, "setor", "setores");
    table.row([
        Value::Text(
            text!(language, en: "total of {number} {sectors}", pt: "total de {number} {setores}"),
        ),
        Value::number(totals.soma_part),
        Value::text(""),
        Value::number(totals.total_codigo),
        Value::number(totals.soma_qtd_teorica),
    ]);
    table.render(screen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{commands::run::report::tests::report, output::Language};

    #[test]
    fn the_table_ends_with_the_totals() {
        let text =
            sector_table(&report(), Screen { language: Language::English, width: Some(120) });
        let last = text.lines().rev().nth(1).unwrap();
        for part in ["total of 2 sectors", "100.000", "4", "6,000,000,000"] {
            assert!(last.contains(part), "{part} in {last}");
        }
    }
}
