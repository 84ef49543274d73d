//! What a history is of.

use anyhow::{Error, Result, anyhow, bail};
use harness::stack::{Stack, athena};
use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

use super::super::sessions::{self, cell};
use crate::output::{Language, text};

/// Names that are less alike are not suggested.
const ALIKE: f64 = 0.8;
const SUGGESTIONS: usize = 5;

/// A stock by its ticker, or a sector by its whole name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Subject {
    Stock(String),
    Sector(String),
}

impl Subject {
    /// What people mean. Whether there is such a stock is not asked.
    pub(super) async fn find(stack: &Stack, words: &str) -> Result<Self> {
        if is_ticker(words) {
            return Ok(Self::Stock(words.to_ascii_uppercase()));
        }
        match matching(&sectors(stack).await?, words).as_slice() {
            [one] => Ok(Self::Sector(one.clone())),
            [] => Err(unknown(stack, words).await?),
            several => {
                let names = listed(several);
                bail!(text!(
                    Language::current(),
                    en: "{words:?} is a part of several sectors' names: {names}",
                    pt: "{words:?} faz parte do nome de vários setores: {names}"
                ))
            }
        }
    }
}

/// That nothing has this name, and what has a similar one.
pub(super) async fn unknown(stack: &Stack, words: &str) -> Result<Error> {
    let newest = sessions::pick(&sessions::all(stack).await?, None)?;
    let sql = format!("SELECT codigo, acao FROM vw_ibov_carteira WHERE data = DATE '{newest}'");
    let (stocks, sectors) = futures::try_join!(athena::query(stack, &sql), sectors(stack))?;
    let stocks: Vec<_> = stocks.rows.iter().map(|row| (cell(row, 0), cell(row, 1))).collect();
    let alike = suggestions(words, &stocks, &sectors);
    let language = Language::current();
    let unknown = text!(
        language,
        en: "no stock and no sector is called {words:?}",
        pt: "nenhuma ação e nenhum setor se chama {words:?}"
    );
    if alike.is_empty() {
        return Ok(anyhow!(text!(
            language,
            en: "{unknown}: `ibov chart` and `ibov chart --by stock` show those that there are",
            pt: "{unknown}: `ibov chart` e `ibov chart --by stock` mostram os que existem"
        )));
    }
    let names = listed(&alike);
    Ok(anyhow!(
        text!(language, en: "{unknown}; did you mean {names}?", pt: "{unknown}; você quis dizer {names}?")
    ))
}

async fn sectors(stack: &Stack) -> Result<Vec<String>> {
    let sql = "SELECT DISTINCT setor FROM tb_ibov_refined ORDER BY setor";
    Ok(athena::query(stack, sql).await?.rows.iter().map(|row| cell(row, 0)).collect())
}

/// Four letters or digits and a number, such as `PETR4`, `B3SA3` or `TAEE11`.
fn is_ticker(words: &str) -> bool {
    let number = words.get(4..).unwrap_or_default();
    words.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && (1..=2).contains(&number.len())
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// The sector with this name, or else all whose names have these words.
fn matching(sectors: &[String], words: &str) -> Vec<String> {
    let wanted = folded(words);
    let find = |is_it: &dyn Fn(&str) -> bool| {
        sectors.iter().filter(|name| is_it(&folded(name))).cloned().collect::<Vec<_>>()
    };
    let whole = find(&|name| name == wanted);
    if whole.is_empty() && !wanted.is_empty() {
        find(&|name| name.contains(&wanted))
    } else {
        whole
    }
}

/// Tickers of companies with that name, then names that are alike, the most alike first.
fn suggestions(words: &str, stocks: &[(String, String)], sectors: &[String]) -> Vec<String> {
    let wanted = folded(words);
    let companies = stocks.iter().filter(|(_, company)| folded(company).contains(&wanted));
    let mut names: Vec<String> = companies.map(|(ticker, _)| ticker.clone()).collect();
    let likeness = |name: &str| {
        let name = folded(name);
        let parts = name.split([' ', '/', ',']).chain([name.as_str()]);
        parts.map(|part| strsim::jaro_winkler(part, &wanted)).fold(0.0, f64::max)
    };
    let all = stocks.iter().map(|(ticker, _)| ticker).chain(sectors);
    let mut alike: Vec<(f64, &String)> =
        all.map(|name| (likeness(name), name)).filter(|(likeness, _)| *likeness >= ALIKE).collect();
    alike.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    for (_, name) in alike {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names.truncate(SUGGESTIONS);
    names
}

/// Without accents, capitals and repeated spaces.
fn folded(text: &str) -> String {
    let plain: String = text.nfd().filter(|c| !is_combining_mark(*c)).collect();
    plain.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn listed(names: &[String]) -> String {
    let or = match Language::current() {
        Language::English => " or ",
        Language::Portuguese => " ou ",
    };
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{}{or}{last}", others.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sectors() -> Vec<String> {
        [
            "Financ e Outros / Previd  Seguros",
            "Mats Básicos / Mineração",
            "Mats Básicos / Químicos",
            "Petróleo, Gás e Biocombustíveis",
        ]
        .map(str::to_owned)
        .to_vec()
    }

    #[test]
    fn a_sector_is_found_by_a_part_of_its_name_without_accents_and_capitals() {
        for (words, found) in [
            ("petroleo", "Petróleo, Gás e Biocombustíveis"),
            ("MINERAÇÃO", "Mats Básicos / Mineração"),
            ("previd seguros", "Financ e Outros / Previd  Seguros"),
        ] {
            assert_eq!(matching(&sectors(), words), [found]);
        }
        assert_eq!(matching(&sectors(), "basicos").len(), 2);
        assert_eq!(matching(&sectors(), ""), [""; 0]);
        let nested = ["Diversos".to_owned(), "Consumo / Diversos".to_owned()];
        assert_eq!(matching(&nested, "diversos"), ["Diversos"], "the whole name wins");
    }

    #[test]
    fn tickers_are_told_from_words() {
        for ticker in ["PETR4", "petr4", "B3SA3", "TAEE11"] {
            assert!(is_ticker(ticker), "{ticker}");
        }
        for words in ["Gás", "petroleo", "PETR", "Mats Básicos", "PETR4F", "ção11"] {
            assert!(!is_ticker(words), "{words}");
        }
    }

    #[test]
    fn what_is_misspelt_is_answered_with_what_is_alike() {
        let stocks = [("PETR3", "PETROBRAS"), ("PETR4", "PETROBRAS"), ("VALE3", "VALE")];
        let stocks = stocks.map(|(ticker, company)| (ticker.to_owned(), company.to_owned()));
        let alike = |words| suggestions(words, &stocks, &sectors());
        assert_eq!(alike("petrobras").get(..2).unwrap(), ["PETR3", "PETR4"]);
        assert_eq!(alike("VALE4").first().unwrap(), "VALE3");
        assert_eq!(alike("minerasao").first().unwrap(), "Mats Básicos / Mineração");
        assert_eq!(alike("xyz"), [""; 0]);
    }
}
