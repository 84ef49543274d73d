//! `ibov diff`: what changed between two days.

use anyhow::{Result, bail};
use chrono::NaiveDate;
use harness::stack::named_queries;
use rust_decimal::Decimal;
use serde::{Serialize, Serializer};

use super::{
    sessions::{self, Row, cell, parsed, perhaps},
    tables_shown::{Source, Tables},
    with_tables,
};
use crate::{
    args::DiffArgs,
    output::{
        Column, Language, Screen, Table, Value, json_number, plural, print_heading, print_line,
        text,
    },
};

/// The document of `--json`, whose rows have the names of the query's columns.
#[derive(Debug, PartialEq, Serialize)]
struct Document<'a> {
    index: &'a str,
    source: &'a Source,
    from: NaiveDate,
    to: NaiveDate,
    entered: Vec<&'a Move>,
    left: Vec<&'a Move>,
    /// Of stocks that are there on both days, the largest first.
    moves: Vec<&'a Move>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Move {
    codigo: String,
    acao: String,
    setor: String,
    /// `None` if the stock was not there.
    #[serde(serialize_with = "perhaps_number")]
    participacao_antes: Option<Decimal>,
    #[serde(serialize_with = "perhaps_number")]
    participacao_depois: Option<Decimal>,
    /// In percentage points.
    #[serde(serialize_with = "json_number")]
    variacao: Decimal,
}

fn perhaps_number<S: Serializer>(
    number: &Option<Decimal>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match number {
        Some(number) => json_number(number, serializer),
        None => serializer.serialize_none(),
    }
}

pub(crate) async fn diff(args: &DiffArgs) -> Result<()> {
    with_tables(&args.tables, async |Tables { stack, shown }| {
        let (from, to) = days(&sessions::all(&stack).await?, &args.dates)?;
        let texts = [from.to_string(), to.to_string()];
        let result = named_queries::run(&stack, "moves", &texts).await?;
        let mut moves =
            result.rows.iter().map(|row| Move::read(row)).collect::<Result<Vec<_>>>()?;
        moves.sort_by_key(|one| (std::cmp::Reverse(one.variacao.abs()), one.codigo.clone()));
        let changes = Changes::of(&moves);
        let screen = Screen::stdout();
        if args.json {
            let Changes { entered, left, moves } = changes;
            let (index, source) = (&shown.index, &shown.source);
            let document = Document { index, source, from, to, entered, left, moves };
            return print_line(serde_json::to_string(&document)?);
        }
        let title = title(&shown.index, (from, to), &changes, screen.language);
        print_heading(screen, shown.title(screen.language, &title))?;
        if changes.is_empty() {
            return Ok(());
        }
        print_line(table(&changes, usize::from(args.top), screen.language).render(screen))
    })
    .await
}

/// Which days are compared, the earlier first.
fn days(all: &[NaiveDate], wanted: &[NaiveDate]) -> Result<(NaiveDate, NaiveDate)> {
    let language = Language::current();
    if let [one, other] = wanted {
        let (from, to) = (one.min(other), one.max(other));
        if from == to {
            bail!(text!(
                language,
                en: "both days are {from}: name two different ones",
                pt: "os dois pregões são {from}: informe dois diferentes"
            ));
        }
        return Ok((sessions::pick(all, Some(*from))?, sessions::pick(all, Some(*to))?));
    }
    let to = sessions::pick(all, wanted.first().copied())?;
    match all.iter().rev().find(|date| **date < to) {
        Some(from) => Ok((*from, to)),
        None => bail!(text!(
            language,
            en: "{to} is the oldest day, so there is none before it to compare it with",
            pt: "{to} é o pregão mais antigo, e não há outro antes dele para comparar"
        )),
    }
}

/// What changed, the largest first.
#[derive(Debug, PartialEq)]
struct Changes<'a> {
    entered: Vec<&'a Move>,
    left: Vec<&'a Move>,
    moves: Vec<&'a Move>,
}

impl<'a> Changes<'a> {
    fn of(all: &'a [Move]) -> Self {
        let which = |is_it: &dyn Fn(&Move) -> bool| all.iter().filter(|one| is_it(one)).collect();
        Self {
            entered: which(&|one| one.participacao_antes.is_none()),
            left: which(&|one| one.participacao_depois.is_none()),
            moves: which(&|one| {
                one.participacao_antes.is_some()
                    && one.participacao_depois.is_some()
                    && !one.variacao.is_zero()
            }),
        }
    }

    fn is_empty(&self) -> bool {
        self.entered.is_empty() && self.left.is_empty() && self.moves.is_empty()
    }
}

impl Move {
    /// The order of the columns is that of the named query.
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            codigo: cell(row, 0),
            acao: cell(row, 1),
            setor: cell(row, 2),
            participacao_antes: perhaps(row, 3)?,
            participacao_depois: perhaps(row, 4)?,
            variacao: parsed(row, 5)?,
        })
    }
}

fn title(
    index: &str,
    (from, to): (NaiveDate, NaiveDate),
    changes: &Changes<'_>,
    language: Language,
) -> String {
    let (entered, left, moved) = (changes.entered.len(), changes.left.len(), changes.moves.len());
    let (weights, mudaram) = (
        plural(moved, "weight", "weights"),
        plural(moved, "participação mudou", "participações mudaram"),
    );
    let (entraram, sairam) =
        (plural(entered, "entrou", "entraram"), plural(left, "saiu", "saíram"));
    text!(
        language,
        en: "{index} from {from} to {to}: {entered} entered, {left} left, {moved} {weights} changed",
        pt: "{index} de {from} a {to}: {entered} {entraram}, {left} {sairam}, {moved} {mudaram}"
    )
}

/// All that entered and left, and the largest moves.
fn table(changes: &Changes<'_>, top: usize, language: Language) -> Table {
    let mut table = Table::new([
        Column::text(text!(language, en: "what", pt: "o quê")),
        Column::text(text!(language, en: "stock", pt: "ação")),
        Column::text(text!(language, en: "company", pt: "empresa")).drops(2),
        Column::text(text!(language, en: "sector", pt: "setor")).drops(1),
        Column::number(text!(language, en: "before %", pt: "antes %")).drops(4),
        Column::number(text!(language, en: "after %", pt: "depois %")).drops(3),
        Column::number(text!(language, en: "change", pt: "variação")),
    ]);
    let entered = text!(language, en: "entered", pt: "entrou");
    let left = text!(language, en: "left", pt: "saiu");
    let (up, down) =
        (text!(language, en: "up", pt: "subiu"), text!(language, en: "down", pt: "caiu"));
    let rows = changes.entered.iter().map(|one| (&entered, one));
    let rows = rows.chain(changes.left.iter().map(|one| (&left, one)));
    let moves = changes.moves.iter().take(top);
    let rows = rows
        .chain(moves.map(|one| (if one.variacao.is_sign_negative() { &down } else { &up }, one)));
    for (what, one) in rows {
        let weight = |weight: Option<Decimal>| weight.map_or(Value::Missing, Value::number);
        table.row([
            Value::text(what),
            Value::text(&one.codigo),
            Value::text(&one.acao),
            Value::text(&one.setor),
            weight(one.participacao_antes),
            weight(one.participacao_depois),
            Value::change(one.variacao),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, day).unwrap()
    }

    fn moves() -> Vec<Move> {
        let rows = [
            ("NEWS3", None, Some("1.000"), "1.000"),
            ("GONE4", Some("0.500"), None, "-0.500"),
            ("VALE3", Some("11.000"), Some("10.750"), "-0.250"),
            ("PETR4", Some("6.000"), Some("6.100"), "0.100"),
            ("SAME3", Some("2.000"), Some("2.000"), "0.000"),
        ];
        let rows = rows.map(|(ticker, before, after, change)| {
            let text = |text: &str| Some(text.to_owned());
            let row = [
                text(ticker),
                text("CIA"),
                text("Sector"),
                before.and_then(text),
                after.and_then(text),
                text(change),
            ];
            Move::read(&row).unwrap()
        });
        rows.to_vec()
    }

    #[test]
    fn the_days_are_the_newest_two_or_those_that_are_named_in_any_order() {
        let all = [day(19), day(20), day(23)];
        assert_eq!(days(&all, &[]).unwrap(), (day(20), day(23)));
        assert_eq!(days(&all, &[day(20)]).unwrap(), (day(19), day(20)));
        assert_eq!(days(&all, &[day(23), day(19)]).unwrap(), (day(19), day(23)));
        for wanted in [&[day(19)][..], &[day(20), day(20)], &[day(19), day(21)]] {
            assert!(days(&all, wanted).is_err(), "{wanted:?}");
        }
    }

    #[test]
    fn what_entered_and_left_comes_before_the_moves_and_what_stayed_is_left_out() {
        let moves = moves();
        let changes = Changes::of(&moves);
        let shown =
            |top, language| table(&changes, top, language).render(Screen { language, width: None });
        assert_eq!(
            shown(9, Language::English),
            "what\tstock\tcompany\tsector\tbefore %\tafter %\tchange\n\
             entered\tNEWS3\tCIA\tSector\t\t1.000\t1.000\n\
             left\tGONE4\tCIA\tSector\t0.500\t\t-0.500\n\
             down\tVALE3\tCIA\tSector\t11.000\t10.750\t-0.250\n\
             up\tPETR4\tCIA\tSector\t6.000\t6.100\t0.100"
        );
        assert!(
            shown(1, Language::Portuguese)
                .ends_with("\ncaiu\tVALE3\tCIA\tSector\t11.000\t10.750\t-0.250")
        );
        assert_eq!(
            title("IBOV", (day(20), day(23)), &changes, Language::Portuguese),
            "IBOV de 2026-11-20 a 2026-11-23: 1 entrou, 1 saiu, 2 participações mudaram"
        );
    }

    #[test]
    fn a_weight_that_was_not_there_is_null_and_no_zero() {
        let moves = moves();
        let text = serde_json::to_string(&moves.first()).unwrap();
        assert!(text.contains(r#""participacao_antes":null,"participacao_depois":1.0"#), "{text}");
    }
}
