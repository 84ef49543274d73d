use super::{
    super::data::tests::{date, report, stock},
    *,
};

const LANGUAGES: [Language; 2] = [Language::English, Language::Portuguese];

fn page(report: &Report) -> String {
    render(report, Language::English).unwrap()
}

/// The report of the first session of a lake.
fn one_session() -> Report {
    let report = report();
    let dates = vec![date(25)];
    let history = History { sessions: 1, dates, sectors: vec![], stocks: vec![] };
    Report { before: None, history, ..report }
}

#[test]
fn texts_of_b3_stay_texts() {
    let mut hostile = report();
    let text = r#"<script>alert("x")</script>"#;
    let evil = Stock { company: text.into(), kind: text.into(), ..stock(text, text, "1.0") };
    hostile.newest.stocks.push(evil.clone());
    hostile.newest.sectors.first_mut().unwrap().name = text.into();
    hostile.before.as_mut().unwrap().stocks.push(Stock { code: "B\"'>".into(), ..evil });
    hostile.index = text.into();
    hostile.source = Source::Stack(text.into());
    for lines in [&mut hostile.history.sectors, &mut hostile.history.stocks] {
        lines.first_mut().unwrap().name = text.into();
    }
    for language in LANGUAGES {
        let page = render(&hostile, language).unwrap();
        assert_eq!(page.matches("<script>").count(), 1, "its own");
        assert!(!page.contains("alert(\"") && !page.contains("B\"'>"));
        assert!(page.contains("&#60;script&#62;"));
    }
}

#[test]
fn nothing_is_asked_of_anybody() {
    for report in [report(), one_session()] {
        let page = page(&report);
        for reference in ["http:", "https:", "src=", "url(", "@import", "fetch(", "style=\""] {
            assert!(!page.contains(reference), "{reference}");
        }
        assert!(page.contains("default-src &#39;none&#39;"), "a policy that refuses requests");
        for own in [STYLE, SCRIPT] {
            assert!(policy().contains(&BASE64_STANDARD.encode(Sha256::digest(own))));
            assert!(page.contains(own), "as it was hashed");
        }
    }
}

#[test]
fn a_single_session_has_neither_moves_nor_lines_and_says_so() {
    let page = page(&one_session());
    let words = Words::of(Language::English);
    assert!(page.contains(words.no_moves) && page.contains(words.one_session));
    assert!(!page.contains("class=\"line\"") && !page.contains(words.own_scale));
    assert!(!page.contains(words.change), "a column that would be empty");
}

#[test]
fn a_session_without_stocks_is_not_called_one_that_the_lake_lacks() {
    let words = Words::of(Language::English);
    for is_newest in [true, false] {
        let mut report = report();
        let session = if is_newest { Some(&mut report.newest) } else { report.before.as_mut() };
        session.unwrap().stocks.clear();
        let page = page(&report);
        assert!(page.contains(words.no_stocks_to_compare) && !page.contains(words.no_moves));
    }
}

#[test]
fn a_portfolio_without_sectors_has_no_table_of_them() {
    let mut report = report();
    for stock in &mut report.newest.stocks {
        stock.sector = "Sem setor".into();
    }
    report.newest.sectors.truncate(1);
    report.newest.sectors.first_mut().unwrap().name = "Sem setor".into();
    let page = page(&report);
    assert!(page.contains(Words::of(Language::English).no_sectors));
    assert!(!page.contains("Sem setor") && !page.contains("#sectors"));
    assert!(page.contains("VALE3"));
}

#[test]
fn what_is_not_b3s_is_marked_in_title_banner_and_footer() {
    for language in LANGUAGES {
        let words = Words::of(language);
        for (source, mark) in
            [(Source::Sample, words.sample), (Source::AnotherServer, words.another_server)]
        {
            let page = render(&Report { source, ..report() }, language).unwrap();
            let page = page.replace("&#39;", "'");
            assert!(page.contains(&format!("<title>{mark}: ")), "{mark}");
            let (head, body) = page.split_once("<h1>").unwrap();
            assert!(head.contains(&format!("<strong>{mark}.</strong>")));
            let (_, footer) = body.split_once("<footer>").unwrap();
            assert!(footer.contains(mark) && !page.contains(words.from_b3));
        }
        let page = render(&report(), language).unwrap();
        assert!(page.contains(words.from_b3) && !page.contains("class=\"warning\""));
    }
}

#[test]
fn each_language_has_its_own_numbers_and_dates() {
    let english = page(&report());
    assert!(english.contains(r#"<data value="2.500" class="up">+2.500</data>"#));
    assert!(english.contains(r#"<time datetime="2026-11-25">2026-11-25</time>"#));
    let portuguese = render(&report(), Language::Portuguese).unwrap();
    assert!(portuguese.contains("<html lang=\"pt-BR\">"));
    assert!(portuguese.contains(r#"<data value="-1.250" class="down">−1,250</data>"#));
    assert!(portuguese.contains(r#"<time datetime="2026-11-25">25/11/2026</time>"#));
    assert!(portuguese.contains(">5.999.999.999<"));
}

#[test]
fn days_that_are_due_and_messages_that_are_parked_are_told() {
    use super::super::data::Queue;
    use harness::stack::Stage;

    let mut report = report();
    assert!(page(&report).contains(Words::of(Language::English).no_work));
    report.chain.due = vec![date(26)];
    report.chain.work = Some(Work {
        queues: vec![Queue { stage: Stage::Parquet, waiting: 0, parked: 3 }],
        runs: vec![Run {
            id: "jr_1".into(),
            state: "FAILED".into(),
            started_at: Some(report.made_at),
            seconds: None,
        }],
    });
    let page = page(&report);
    let (_, chain) = page.split_once("id=\"chain\"").unwrap();
    for part in ["2026-11-26", "parquet", ">3</data>", "jr_1", "FAILED"] {
        assert!(chain.contains(part), "{part}");
    }
}

#[test]
fn ten_years_stay_below_two_megabytes() {
    let dates: Vec<_> = date(1).iter_days().take(120).collect();
    let line = |place: usize| Line {
        name: format!("Financeiro e Outros/Serviços Financeiros Diversos {place}"),
        weights: (0..120).map(|day| Some(Decimal::new(10_000 + day, 3))).collect(),
    };
    let mut report = report();
    report.history = History {
        sessions: 2_500,
        dates,
        sectors: (0..40).map(line).collect(),
        stocks: (0..100).map(line).collect(),
    };
    let page = page(&report);
    assert!(page.len() < 2_000_000, "{}", page.len());
    assert!(page.contains("Of 2,500 sessions, 120 are drawn"));
}
