//! What a run prints for people.

use std::path::PathBuf;

use super::{report::Report, sector_table::sector_table};

pub(super) fn of(report: &Report, message: &str, files: &[PathBuf]) -> String {
    let mut lines = vec![
        String::new(),
        format!(
            "{} of {}, by sector (source: {}, {} constituents)",
            report.request.index, report.date, report.request.source, report.constituents
        ),
        sector_table(report),
        format!(
            "Glue run {}: {} after {} s. Everything: {:.1} s.",
            report.glue_run.id, report.glue_run.state, report.glue_run.seconds, report.elapsed_s
        ),
    ];
    for warning in &report.warnings {
        lines.push(format!("Warning ({}): {}", warning.kind, warning.message));
    }
    for mail in &report.notifications {
        lines.push(format!(
            "\nThis would have been mailed to {} (topic {}):\n  {}",
            mail.to, mail.topic, mail.subject
        ));
    }
    lines.extend(message.lines().map(|line| format!("  | {line}")));
    lines.push("\nWritten:".to_owned());
    lines.extend(file_lines(files));
    lines.join("\n")
}

/// One line per landing and raw file, and one for the folder of the many refined files.
fn file_lines(files: &[PathBuf]) -> Vec<String> {
    let is_refined = |file: &&PathBuf| file.components().any(|part| part.as_os_str() == "refined");
    let (refined, others): (Vec<&PathBuf>, Vec<&PathBuf>) = files.iter().partition(is_refined);
    let mut lines: Vec<String> =
        others.iter().map(|file| format!("  {}", file.display())).collect();
    if let Some(date) =
        refined.first().and_then(|file| file.parent()).and_then(|sector| sector.parent())
    {
        lines.push(format!("  {}/ ({} files)", date.display(), refined.len()));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::run::report::tests::report;

    #[test]
    fn what_is_odd_about_the_portfolio_is_printed() {
        let text = of(&report(), "message", &[]);
        assert!(text.contains("\nWarning (type-absent): 1 row has no type: MBRF3\n"), "{text}");
    }

    #[test]
    fn refined_files_are_shown_as_their_folder() {
        let files = [
            "/l/landing/a.json",
            "/l/raw/date=d/b.parquet",
            "/l/refined/Data=d/Setor=x/p.parquet",
            "/l/refined/Data=d/Setor=y/p.parquet",
        ];
        let lines = file_lines(&files.map(PathBuf::from));
        assert_eq!(
            lines,
            ["  /l/landing/a.json", "  /l/raw/date=d/b.parquet", "  /l/refined/Data=d/ (2 files)"]
        );
    }
}
