//! `ibov report`: one page of HTML for people.

mod chart;
mod collect;
mod data;
mod page;
mod words;

use std::path::PathBuf;

use anyhow::Result;

use self::data::Report;
use super::{
    tables_shown::{Source, Tables},
    with_tables,
};
use crate::{
    args::ReportArgs,
    output::{Language, print_line, write_file},
};

/// Writes the page, and prints where.
pub(crate) async fn report(args: &ReportArgs) -> Result<()> {
    with_tables(&args.tables, async |Tables { stack, shown }| {
        let report = collect::collect(&stack, shown).await?;
        let path = args.out.clone().unwrap_or_else(|| usual_name(&report));
        let page = page::render(&report, Language::current())?;
        write_file(&path, page.as_bytes())?;
        print_line(path.display())
    })
    .await
}

/// `ibov-2026-11-25.html`. What is not B3's data never takes the name of what is.
fn usual_name(report: &Report) -> PathBuf {
    let mark = match &report.source {
        Source::B3 => String::new(),
        Source::Sample => "-sample".to_owned(),
        Source::AnotherServer => "-another-server".to_owned(),
        Source::Stack(name) => format!("-{name}"),
    };
    format!("{}{mark}-{}.html", report.index.to_lowercase(), report.newest.date).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_a_sample_has_another_name_than_that_of_b3s_data() {
        let ours = data::tests::report();
        assert_eq!(usual_name(&ours), PathBuf::from("ibov-2026-11-25.html"));
        for (source, name) in [
            (Source::Sample, "ibov-sample-2026-11-25.html"),
            (Source::AnotherServer, "ibov-another-server-2026-11-25.html"),
            (Source::Stack("prod".into()), "ibov-prod-2026-11-25.html"),
        ] {
            assert_eq!(usual_name(&Report { source, ..ours.clone() }), PathBuf::from(name));
        }
    }
}
