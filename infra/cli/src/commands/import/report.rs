//! What came of each file.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use chrono::NaiveDate;
use harness::failure::Failure;
use serde::Serialize;
use shared::keys::LandingKey;

use super::kept::Refused;
use crate::output::{plural, text};

/// The document of `--json`. The lines for people are made from it too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Report {
    /// New landing objects.
    pub(super) taken: Vec<Taken>,
    /// What was in the lake already.
    pub(super) there: Vec<There>,
    pub(super) refused: Vec<RefusedFile>,
    /// Whether the tables have what was taken. `false` with `--stack`, where that is not awaited.
    pub(super) refined: bool,
    /// The folder with the objects. `null` with `--stack`.
    pub(super) lake: Option<PathBuf>,
    /// Why the tables do not have all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<Failure>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Taken {
    pub(super) file: PathBuf,
    pub(super) landing_key: LandingKey,
    /// The newer answer of the date, which is the one in the tables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) newer: Option<LandingKey>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct There {
    pub(super) file: PathBuf,
    /// The object with the same content, or the answer that B3 gave before this date began.
    pub(super) landing_key: LandingKey,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct RefusedFile {
    pub(super) file: PathBuf,
    #[serde(flatten)]
    pub(super) refused: Refused,
}

impl Report {
    pub(super) fn files(&self) -> usize {
        self.taken.len() + self.there.len() + self.refused.len()
    }

    /// The dates of the files that were taken or there.
    pub(super) fn dates(&self) -> BTreeSet<NaiveDate> {
        let taken = self.taken.iter().map(|taken| taken.landing_key.date);
        taken.chain(self.there.iter().map(|there| there.landing_key.date)).collect()
    }

    /// In the order of names, in whichever order the files were read.
    pub(super) fn sort(&mut self) {
        self.taken.sort_by(|one, other| one.file.cmp(&other.file));
        self.there.sort_by(|one, other| one.file.cmp(&other.file));
        self.refused.sort_by(|one, other| one.file.cmp(&other.file));
    }

    /// What is printed for people. Long lists are shortened.
    pub(super) fn text(&self) -> String {
        let mut lines = vec![format!("{}: {}", files(self.files()), self.numbers())];
        let taken = self.taken.iter().map(|taken| {
            let (file, date) = (taken.file.display(), taken.landing_key.date);
            match &taken.newer {
                None => text!(en: "{file} of {date}", pt: "{file} de {date}"),
                Some(newer) => text!(
                    en: "{file} of {date}; kept, but the newer {newer} stays in the tables",
                    pt: "{file} de {date}; guardado, mas nas tabelas fica {newer}, que é mais novo",
                ),
            }
        });
        list(&mut lines, &text!(en: "taken", pt: "aceitos"), taken.collect());
        let there = self.there.iter().map(|there| {
            let (file, key) = (there.file.display(), &there.landing_key);
            text!(en: "{file}: as {key}", pt: "{file}: como {key}")
        });
        list(&mut lines, &text!(en: "there already", pt: "já estavam lá"), there.collect());
        let mut reasons: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for RefusedFile { file, refused } in &self.refused {
            let line = format!("{}: {}", file.display(), refused.reason);
            reasons.entry(refused.code).or_default().push(line);
        }
        for (code, files) in reasons {
            list(&mut lines, &text!(en: "refused, {code}", pt: "recusados, {code}"), files);
        }
        if let Some(lake) = &self.lake {
            let lake = lake.display();
            lines.push(text!(en: "In the lake {lake}", pt: "No lake {lake}"));
        }
        lines.join("\n")
    }

    /// How many were taken, were there, and were refused.
    pub(super) fn numbers(&self) -> String {
        let (taken, there, refused) = (self.taken.len(), self.there.len(), self.refused.len());
        let (aceitos, estavam, recusados) = (
            plural(taken, "aceito", "aceitos"),
            plural(there, "já estava lá", "já estavam lá"),
            plural(refused, "recusado", "recusados"),
        );
        text!(
            en: "{taken} taken, {there} there already, {refused} refused",
            pt: "{taken} {aceitos}, {there} {estavam}, {refused} {recusados}",
        )
    }
}

fn files(number: usize) -> String {
    let (en, pt) = (plural(number, "file", "files"), plural(number, "arquivo", "arquivos"));
    text!(en: "{number} {en}", pt: "{number} {pt}")
}

fn list(lines: &mut Vec<String>, title: &str, items: Vec<String>) {
    /// As many as fit on a screen together with the others.
    const SHOWN: usize = 8;
    if items.is_empty() {
        return;
    }
    lines.push(format!("{title} ({}):", items.len()));
    let more = items.len().saturating_sub(SHOWN);
    lines.extend(items.into_iter().take(SHOWN).map(|item| format!("  {item}")));
    if more > 0 {
        lines.push(text!(
            en: "  … and {more} more; --json has all of them",
            pt: "  … e mais {more}; --json traz todos",
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(time: &str) -> LandingKey {
        format!("landing/index=IBOV/date=2026-11-20/20261120T{time}.000Z-0123456789abcdef.json")
            .parse()
            .unwrap()
    }

    fn refused(file: &str, code: &'static str, reason: &str) -> RefusedFile {
        RefusedFile { file: file.into(), refused: Refused { code, reason: reason.to_owned() } }
    }

    #[test]
    fn refusals_are_grouped_by_code_and_long_lists_are_shortened() {
        let (midnight, morning) = (key("000000"), key("130000"));
        let mut report = Report {
            taken: vec![Taken {
                file: "a.csv".into(),
                landing_key: midnight.clone(),
                newer: Some(morning),
            }],
            there: vec![There { file: "b.csv".into(), landing_key: midnight }],
            refused: (0..10)
                .map(|number| {
                    refused(&format!("x{number}.csv"), "weight-total", "they add up to 99")
                })
                .chain([refused("c.csv", "number-malformed", "line 3: part of X")])
                .collect(),
            ..Report::default()
        };
        report.sort();
        let text = report.text();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "13 files: 1 taken, 1 there already, 11 refused");
        assert!(lines[2].contains("the newer landing/index=IBOV/date=2026-11-20/20261120T130000"));
        assert!(
            text.contains("refused, number-malformed (1):\n  c.csv: line 3: part of X\n"),
            "{text}"
        );
        assert!(text.ends_with("  … and 2 more; --json has all of them"), "{text}");
        let document = serde_json::to_value(&report).unwrap();
        assert_eq!(document["refused"].as_array().unwrap().len(), 11);
        assert_eq!(document["refused"][0]["code"], "number-malformed");
    }
}
