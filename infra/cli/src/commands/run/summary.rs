//! What a run prints for people.

use harness::journey::GlueRun;

use super::{
    super::sector_table::sector_table,
    report::{Notification, Report, WarningLine},
};
use crate::output::{Language, Screen, plural, text};

/// What is told about the source, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Source<'a> {
    pub(super) is_sample: bool,
    /// Why B3 was not asked, if nobody asked for the sample.
    pub(super) unreached: Option<&'a str>,
    pub(super) screen: Screen,
}

impl Source<'_> {
    /// The last line of a run with the sample.
    fn advice(self) -> Option<String> {
        let language = self.screen.language;
        self.is_sample.then(|| match self.unreached {
            Some(why) => text!(
                language,
                en: "This is the bundled sample and not B3's portfolio, because B3 cannot be reached from here ({why}). To ask B3 again: cargo ibov run",
                pt: "Este é o exemplo incluído, e não a carteira da B3, porque não há conexão com a B3 a partir daqui ({why}). Para consultar a B3 de novo: cargo ibov run",
            ),
            None => text!(
                language,
                en: "This is the bundled sample and not B3's portfolio. To ask B3: cargo ibov run",
                pt: "Este é o exemplo incluído, e não a carteira da B3. Para consultar a B3: cargo ibov run",
            ),
        })
    }
}

/// Everything.
pub(super) fn of(report: &Report, source: Source<'_>) -> String {
    let language = source.screen.language;
    let elapsed = language.number(format!("{:.1}", report.elapsed_s));
    let mut lines = vec![
        String::new(),
        title(report, source),
        sector_table(&report.sectors, usize::MAX, source.screen),
    ];
    lines.push(match &report.glue_run {
        Some(GlueRun { id, state, seconds }) => text!(
            language,
            en: "Glue run {id}: {state} after {seconds} s. Everything: {elapsed} s.",
            pt: "Execução do Glue {id}: {state} em {seconds} s. Ao todo: {elapsed} s.",
        ),
        None => text!(
            language,
            en: "The lake had this answer already, so nothing was refined. Everything: {elapsed} s.",
            pt: "O lake já tinha esta resposta, e nada foi refinado. Ao todo: {elapsed} s.",
        ),
    });
    for WarningLine { kind, message, .. } in &report.warnings {
        lines.push(
            text!(language, en: "Warning ({kind}): {message}", pt: "Aviso ({kind}): {message}"),
        );
    }
    for Notification { to, topic, subject, text, .. } in &report.notifications {
        lines.push(text!(
            language,
            en: "\nThis would have been mailed to {to} (topic {topic}):\n  {subject}",
            pt: "\nEste e-mail iria para {to} (tópico {topic}):\n  {subject}",
        ));
        lines.extend(text.lines().map(|line| format!("  | {line}")));
    }
    let days = days(report.days, language);
    lines.push(text!(
        language,
        en: "\nIn the lake, which holds {days}:",
        pt: "\nNo lake, que guarda {days}:",
    ));
    lines.extend(places(report, language));
    lines.extend(source.advice().map(|advice| format!("\n{advice}")));
    lines.join("\n")
}

/// One line for the log of cron.
pub(super) fn in_one_line(report: &Report, source: Source<'_>) -> String {
    let language = source.screen.language;
    let news = if report.glue_run.is_some() {
        text!(language, en: "new", pt: "nova")
    } else {
        text!(language, en: "unchanged", pt: "sem mudança")
    };
    let (title, days, lake) =
        (title(report, source), days(report.days, language), report.lake.display());
    let mut line = text!(
        language,
        en: "{title}: {news}; {days} in {lake}",
        pt: "{title}: {news}; {days} em {lake}",
    );
    for warning in &report.warnings {
        line.push_str(&format!("; {}", warning.message));
    }
    for mail in report.notifications.iter().filter(|mail| mail.is_warning) {
        line.push_str(&format!("; {}", mail.subject));
    }
    line.extend(source.advice().map(|advice| format!(". {advice}")));
    line
}

fn title(report: &Report, source: Source<'_>) -> String {
    let language = source.screen.language;
    let mark = if source.is_sample {
        text!(language, en: "SAMPLE, NOT B3'S DATA: ", pt: "EXEMPLO, NÃO SÃO DADOS DA B3: ")
    } else {
        String::new()
    };
    let (index, date, number) = (&report.request.index, report.date, report.constituents);
    let constituents = if number == 1 { "constituent" } else { "constituents" };
    let acoes = if number == 1 { "ação" } else { "ações" };
    let from = match (report.request.source.as_str(), language) {
        ("sample", Language::Portuguese) => "exemplo",
        ("live", Language::Portuguese) => "B3",
        (name, Language::English | Language::Portuguese) => name,
    };
    text!(
        language,
        en: "{mark}{index} of {date}, by sector (source: {from}, {number} {constituents})",
        pt: "{mark}{index} de {date}, por setor (fonte: {from}, {number} {acoes})",
    )
}

fn days(number: usize, language: Language) -> String {
    let (days, dias) = (plural(number, "day", "days"), plural(number, "dia", "dias"));
    text!(language, en: "{number} {days}", pt: "{number} {dias}")
}

/// The files, and the folder of the many refined ones.
fn places(report: &Report, language: Language) -> [String; 3] {
    let (lake, number) = (report.lake.display(), report.sectors.len());
    let (files, arquivos) =
        (plural(number, "file", "files"), plural(number, "arquivo", "arquivos"));
    let number = text!(language, en: "{number} {files}", pt: "{number} {arquivos}");
    [
        format!("  {lake}/{}", report.landing_key),
        format!("  {lake}/{}", report.raw_key),
        format!("  {lake}/refined/Data={}/ ({number})", report.date),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::run::report::tests::report;

    const SCREEN: Screen = Screen { language: Language::English, width: None };
    const B3: Source<'_> = Source { is_sample: false, unreached: None, screen: SCREEN };

    #[test]
    fn what_is_odd_about_the_portfolio_is_printed() {
        let text = of(&report(), B3);
        assert!(text.contains("\nWarning (type-absent): 1 row has no type: MBRF3\n"), "{text}");
    }

    #[test]
    fn the_places_in_the_lake_are_printed() {
        let text = of(&report(), B3);
        for part in [
            "In the lake, which holds 3 days:\n",
            "\n  /l/landing/l.json\n  /l/raw/r.parquet\n  /l/refined/Data=2026-11-20/ (2 files)",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn the_sample_is_marked_in_the_title_and_in_the_last_line() {
        let asked = Source { is_sample: true, unreached: None, screen: SCREEN };
        let instead = Source { is_sample: true, unreached: Some("no route"), screen: SCREEN };
        for (source, last) in
            [(asked, "To ask B3: cargo"), (instead, "(no route). To ask B3 again: cargo")]
        {
            for text in [of(&report(), source), in_one_line(&report(), source)] {
                assert!(text.trim().starts_with("SAMPLE, NOT B3'S DATA: IBOV of"), "{text}");
                let end = text.lines().last().unwrap();
                assert!(end.contains(last) && end.contains("not B3's portfolio"), "{text}");
            }
        }
        let real = of(&report(), B3);
        assert!(!real.contains("not B3's") && !real.contains("SAMPLE"), "{real}");
    }

    #[test]
    fn one_line_says_what_is_new_and_what_is_kept() {
        let mut report = report();
        assert_eq!(
            in_one_line(&report, B3),
            "IBOV of 2026-11-20, by sector (source: sample, 4 constituents): new; 3 days in /l; 1 row has no type: MBRF3"
        );
        if let Some(mail) = report.notifications.first_mut() {
            mail.is_warning = true;
        }
        assert!(in_one_line(&report, B3).ends_with("has no type: MBRF3; done"));
        report.glue_run = None;
        assert!(in_one_line(&report, B3).contains("): unchanged; 3 days"));
    }

    #[test]
    fn everything_is_said_in_portuguese_too() {
        let screen = Screen { language: Language::Portuguese, width: None };
        let source = Source { is_sample: true, unreached: None, screen };
        let text = of(&report(), source);
        for part in [
            "EXEMPLO, NÃO SÃO DADOS DA B3: IBOV de 2026-11-20, por setor (fonte: exemplo, 4 ações)",
            "total de 2 setores",
            "Execução do Glue jr_1: SUCCEEDED em 9 s. Ao todo: 12,3 s.",
            "Este e-mail iria para team@example.com",
            "No lake, que guarda 3 dias:",
            "(2 arquivos)",
            "Para consultar a B3: cargo ibov run",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(in_one_line(&report(), source).contains(": nova; 3 dias em /l"));
    }

    #[test]
    fn one_is_not_counted_as_many() {
        let mut report = report();
        (report.days, report.constituents) = (1, 1);
        report.sectors.truncate(1);
        let text = of(&report, B3);
        for part in [", 1 constituent)", "holds 1 day:", "total of 1 sector", "(1 file)"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
