use encoding_rs::WINDOWS_1252;
use proptest::{prelude::*, sample::Index};

use super::*;
use crate::{
    b3::decode,
    portfolio::{Portfolio, Refusal, Warning},
    values::Segment,
};

const WITHOUT_SECTORS: &str = "IBOV - Carteira do Dia 20/11/26\r\n\
    Código;Ação;Tipo;Qtde. Teórica;Part. (%)\r\n\
    BBSE3;BBSEGURIDADE;ON      NM;600;40,001;\r\n\
    VALE3;VALE;ON      NM;5.999.999.999;30,333;\r\n\
    CMIN3;CSNMINERACAO;ON      N2;16.777.217;9,667;\r\n\
    SBSP3;SABESP;ON      NM;1.001;19,999;\r\n\
    Quantidade Teórica Total;;;6.016.778.817;100,000\r\n\
    Redutor;;;1.000.000,00000000\r\n";

const WITH_SECTORS: &str = "IBOV - Carteira do Dia 20/11/26\r\n\
    Setor;Código;Ação;Tipo;Qtde. Teórica;Part. (%);Part. (%)Acum.\r\n\
    Financ e Outros / Previd  Seguros;BBSE3;BBSEGURIDADE;ON      NM;600;40,001;40,001;\r\n\
    Mats Básicos / Mineração;VALE3;VALE;ON      NM;5.999.999.999;30,333;40,000;\r\n\
    Mats Básicos / Mineração;CMIN3;CSNMINERACAO;ON      N2;16.777.217;9,667;40,000;\r\n\
    Utilidade Públ / Água Saneamento;SBSP3;SABESP;ON      NM;1.001;19,999;19,999;\r\n\
    Quantidade Teórica Total;;;;6.016.778.817;100,000;100,000\r\n\
    Redutor;;;;1.000.000,00000000\r\n";

/// The same with the answer's spellings.
const ANSWER: &str = include_str!("answer.json");

fn read(text: &str) -> Result<(Portfolio, Vec<Warning>), String> {
    let file = parse(text).map_err(|error| error.to_string())?;
    let segment = if file.has_sectors { Segment::BySector } else { Segment::ByTicker };
    portfolio(&file.page, segment).map_err(|refusal| refusal.to_string())
}

fn portfolio(page: &PortfolioPage, segment: Segment) -> Result<(Portfolio, Vec<Warning>), Refusal> {
    let midnight = "2026-11-20T00:00:00Z".parse().unwrap();
    Portfolio::from_pages("IBOV".parse().unwrap(), segment, midnight, std::slice::from_ref(page))
}

fn refused(text: &str) -> String {
    read(text).unwrap_err()
}

/// The text with one thing changed.
fn with(from: &str, to: &str) -> String {
    assert!(WITHOUT_SECTORS.contains(from), "{from}");
    WITHOUT_SECTORS.replacen(from, to, 1)
}

#[test]
fn a_file_is_the_portfolio_of_the_answer_of_that_day() {
    let answer = PortfolioPage::parse(ANSWER).unwrap();
    for (text, segment) in [(WITHOUT_SECTORS, Segment::ByTicker), (WITH_SECTORS, Segment::BySector)]
    {
        let (expected, _) = portfolio(&answer, segment).unwrap();
        assert_eq!(read(text), Ok((expected, vec![])), "{segment}");
    }
}

#[test]
fn iso_8859_1_utf_8_and_utf_16_are_one_text() {
    let (latin_1, _, _) = WINDOWS_1252.encode(WITH_SECTORS);
    assert_eq!(decode(latin_1.into_owned()), WITH_SECTORS);
    assert_eq!(decode(WITH_SECTORS.as_bytes().to_vec()), WITH_SECTORS);
    let utf_16 = WITH_SECTORS.encode_utf16().flat_map(u16::to_le_bytes);
    assert_eq!(decode([0xff, 0xfe].into_iter().chain(utf_16).collect()), WITH_SECTORS);
    let marked = format!("\u{feff}{WITH_SECTORS}");
    assert_eq!(read(&decode(marked.into_bytes())), read(WITH_SECTORS));
}

#[test]
fn a_file_that_a_spreadsheet_saved_again_means_the_same() {
    let saved = "\u{feff}IBOV - Carteira do Dia 20/11/26;;;;;\n\
        Código;Ação;Tipo;Qtde. Teórica;Part. (%);\n\
        \n\
        \"BBSE3\";\"BBSEGURIDADE\";\"ON      NM\";600;40,001;\n\
        VALE3;VALE;ON      NM;5999999999;30,333;\n\
        CMIN3;CSNMINERACAO;ON      N2;16777217;9,667;\n\
        SBSP3;SABESP;ON      NM;1001;19,999;\n\
        Quantidade Teórica Total;;;6016778817;100;\n\
        Redutor;;;1.000.000,00000000;\n\
        ;;;;;\n";
    assert_eq!(read(&decode(saved.as_bytes().to_vec())), read(WITHOUT_SECTORS));
    assert_eq!(
        [whole_weight("2,79"), whole_weight("2,7"), whole_weight("0,")],
        ["2,790", "2,700", "0,000"]
    );
}

#[test]
fn american_numbers_are_refused_with_their_line() {
    assert_eq!(
        refused(&with("600;40,001", "600;40.001")),
        "line 3: part of BBSE3: \"40.001\" is in en-us format, pt-br was asked for"
    );
    let text = refused(&with("16.777.217", "16,777,217"));
    assert!(text.starts_with("line 5: theoricalQty of CMIN3"), "{text}");
    for other in ["40,0010", "40001", "4e1", "-40,001", "40,001%"] {
        let text = refused(&with("600;40,001", &format!("600;{other}")));
        assert!(text.starts_with("line 3: part of BBSE3"), "{other}: {text}");
    }
}

#[test]
fn a_part_of_a_file_is_refused() {
    for (end, line) in [("CMIN3;CSN", 4), ("SBSP3;", 5), ("Quantidade", 6)] {
        let cut = &WITHOUT_SECTORS[..WITHOUT_SECTORS.find(end).unwrap()];
        let text = refused(cut);
        assert!(text.starts_with(&format!("the file ends after line {line} ")), "{text}");
    }
    assert_eq!(refused(""), "the file is empty");
    assert_eq!(refused("\r\n;;\r\n"), "the file is empty");
    // A row that is missing shows in the totals, and a total that is cut off in itself.
    let text = refused(&with("SBSP3;SABESP;ON      NM;1.001;19,999;\r\n", ""));
    assert!(text.contains("add up to 80.001"), "{text}");
    let total = WITHOUT_SECTORS.find(";100,000").unwrap();
    assert!(refused(&WITHOUT_SECTORS[..total]).contains("beside \"Quantidade"));
}

#[test]
fn totals_that_do_not_agree_are_refused() {
    let text = refused(&with("6.016.778.817", "6.016.778.818"));
    assert!(text.contains("the quantities add up to 6016778817"), "{text}");
    let text = refused(&with("817;100,000", "817;99,000"));
    assert!(text.contains("the weights add up to 100.000"), "{text}");
    let other_sector = WITH_SECTORS.replacen("9,667;40,000", "9,667;40,001", 1);
    assert!(refused(&other_sector).contains("the weights of \"Mats Básicos / Mineração\""));
}

#[test]
fn other_separators_are_refused_by_the_missing_column() {
    for separator in [",", "\t", "|"] {
        let text = refused(&WITHOUT_SECTORS.replace(';', separator));
        assert!(text.contains("no column \"Código\"") || text.contains("no title"), "{text}");
    }
    let text = refused(&with("VALE3;VALE;ON      NM;5.999.999.999;30,333;", "VALE3,VALE"));
    assert_eq!(text, "line 4 has 1 fields, but the header has 5: it begins \"VALE3,VALE\"");
    let text = refused(&with("VALE3;VALE;", "VALE3;VALE;NOVA;"));
    assert!(text.starts_with("line 4 has 6 fields"), "{text}");
}

#[test]
fn damaged_texts_are_refused() {
    for (from, to) in [("Código", "CÃ³digo"), ("Ação", "A\u{fffd}\u{fffd}o"), ("Código", "C¢digo")]
    {
        assert!(refused(&with(from, to)).contains("there is no column"), "{to}");
    }
    let text = refused(&with("SABESP", "SABESP\u{fffd}"));
    assert!(text.starts_with("line 6: asset of SBSP3"), "{text}");
}

#[test]
fn the_title_names_index_and_date() {
    assert_eq!(parse(WITHOUT_SECTORS).unwrap().index.as_str(), "IBOV");
    for title in
        ["Carteira do Dia 20/11/26", "IBOV - Carteira Teórica 20/11/26", "Código;Ação", "IBOV"]
    {
        let text = refused(&with("IBOV - Carteira do Dia 20/11/26", title));
        assert!(text.contains("is no title"), "{title}: {text}");
    }
    let american = refused(&with("20/11/26", "11/20/26"));
    assert!(american.contains("header.date") && american.contains("en-us"), "{american}");
}

#[test]
fn what_follows_the_totals_is_no_part_of_the_file() {
    let text = refused(&format!("{WITHOUT_SECTORS}PETR4;PETROBRAS;PN;1;0,000;\r\n"));
    assert_eq!(text, "line 9: \"PETR4\" follows the totals, which are the last lines of a file");
    let twice = refused(&format!("{WITHOUT_SECTORS}Redutor;;;1\r\n"));
    assert!(twice.contains("\"Redutor\" follows"), "{twice}");
}

#[test]
fn a_reductor_that_cannot_be_read_is_a_warning() {
    for reductor in ["1000000", "1.000.000"] {
        let (read, warnings) = read(&with("1.000.000,00000000", reductor)).unwrap();
        assert_eq!(read.reductor, None);
        assert!(matches!(warnings.as_slice(), [Warning::ReductorMalformed { .. }]), "{warnings:?}");
    }
}

proptest! {
    #[test]
    fn no_slip_in_a_file_changes_a_quantity_unnoticed(
        place in any::<Index>(), removed in 0..3_usize, replacement in "[0-9.,;\r\n\"A-Z]{0,3}",
    ) {
        let characters: Vec<char> = WITH_SECTORS.chars().collect();
        let start = place.index(characters.len());
        let end = (start + removed).min(characters.len());
        let slipped = characters[..start].iter().copied()
            .chain(replacement.chars())
            .chain(characters[end..].iter().copied())
            .collect::<String>();
        let quantities = |portfolio: &Portfolio| {
            let mut all: Vec<_> = portfolio.constituents.iter().map(|each| each.quantity).collect();
            all.sort_unstable();
            all
        };
        if let Ok((slipped, _)) = read(&slipped) {
            let (portfolio, _) = read(WITH_SECTORS).unwrap();
            prop_assert_eq!(quantities(&slipped), quantities(&portfolio));
        }
    }

    #[test]
    fn parsing_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(&decode(bytes));
    }
}
