//! What a run prints for people.

use super::{super::sector_table::sector_table, report::Report};
use crate::output::Screen;

/// What is told about the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Source<'a> {
    pub(super) is_sample: bool,
    /// Why B3 was not asked, if nobody asked for the sample.
    pub(super) unreached: Option<&'a str>,
}

impl Source<'_> {
    /// The last line of a run with the sample.
    fn advice(self) -> Option<String> {
        self.is_sample.then(|| match self.unreached {
            Some(why) => format!(
                "This is the bundled sample and not B3's portfolio, because B3 cannot be reached from here ({why}). To ask B3 again: cargo ibov run"
            ),
            None => "This is the bundled sample and not B3's portfolio. To ask B3: cargo ibov run".to_owned(),
        })
    }
}

/// Everything.
pub(super) fn of(report: &Report, source: Source<'_>) -> String {
    let mut lines = vec![
        String::new(),
        title(report, source),
        sector_table(&report.sectors, usize::MAX, Screen::stdout()),
    ];
    match &report.glue_run {
        Some(run) => lines.push(format!(
            "Glue run {}: {} after {} s. Everything: {:.1} s.",
            run.id, run.state, run.seconds, report.elapsed_s
        )),
        None => lines.push(format!(
            "The lake had this answer already, so nothing was refined. Everything: {:.1} s.",
            report.elapsed_s
        )),
    }
    for warning in &report.warnings {
        lines.push(format!("Warning ({}): {}", warning.kind, warning.message));
    }
    for mail in &report.notifications {
        lines.push(format!(
            "\nThis would have been mailed to {} (topic {}):\n  {}",
            mail.to, mail.topic, mail.subject
        ));
        lines.extend(mail.text.lines().map(|line| format!("  | {line}")));
    }
    lines.push(format!("\nIn the lake, which holds {}:", days(report.days)));
    lines.extend(places(report));
    lines.extend(source.advice().map(|advice| format!("\n{advice}")));
    lines.join("\n")
}

/// One line for the log of cron.
pub(super) fn in_one_line(report: &Report, source: Source<'_>) -> String {
    let news = if report.glue_run.is_some() { "new" } else { "unchanged" };
    let lake = report.lake.display();
    let mut line = format!("{}: {news}; {} in {lake}", title(report, source), days(report.days));
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
    let mark = if source.is_sample { "SAMPLE, NOT B3'S DATA: " } else { "" };
    format!(
        "{mark}{} of {}, by sector (source: {}, {} constituents)",
        report.request.index, report.date, report.request.source, report.constituents
    )
}

fn days(number: usize) -> String {
    if number == 1 { "1 day".to_owned() } else { format!("{number} days") }
}

/// The files, and the folder of the many refined ones.
fn places(report: &Report) -> [String; 3] {
    let lake = report.lake.display();
    [
        format!("  {lake}/{}", report.landing_key),
        format!("  {lake}/{}", report.raw_key),
        format!("  {lake}/refined/Data={}/ ({} files)", report.date, report.sectors.len()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::run::report::tests::report;

    const B3: Source<'_> = Source { is_sample: false, unreached: None };

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
        let asked = Source { is_sample: true, unreached: None };
        let instead = Source { is_sample: true, unreached: Some("no route") };
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
}
