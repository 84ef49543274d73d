//! The document of `--json`. The table and the other lines for people are made from it too.

use std::{path::PathBuf, time::Duration};

use chrono::NaiveDate;
use harness::{
    emulator::Mail,
    journey::{GlueRun, Journey},
    stack::athena::{Sector, exact_number},
    timings::Timings,
};
use rust_decimal::Decimal;
use serde::Serialize;
use shared::{keys::LandingKey, portfolio::Warning};

/// The document. Decimals are numbers with all their digits; a reader that wants them exactly asks its JSON library.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Report {
    #[serde(flatten)]
    pub(super) request: RunRequest,
    pub(super) date: NaiveDate,
    pub(super) landing_key: String,
    pub(super) raw_key: String,
    pub(super) constituents: i64,
    pub(super) warnings: Vec<WarningLine>,
    /// Heaviest first.
    pub(super) sectors: Vec<Sector>,
    pub(super) totals: Totals,
    /// `None` if B3's answer was in the lake already.
    pub(super) glue_run: Option<GlueRun>,
    /// Mails that AWS would have sent.
    pub(super) notifications: Vec<Notification>,
    /// The folder with the objects.
    pub(super) lake: PathBuf,
    /// How many days are in it.
    pub(super) days: usize,
    /// Seconds from the start to the table.
    pub(super) elapsed_s: f64,
    /// What each step took, if `--timings` asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) timings: Option<Timings>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct RunRequest {
    /// `live`, `sample`, or the URL that was given.
    pub(super) source: String,
    pub(super) index: String,
    pub(super) segment: String,
}

/// The portfolio that a run was about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Portfolio {
    New(Journey),
    Known { landing: LandingKey, raw_key: String, warnings: Vec<Warning> },
}

impl Portfolio {
    pub(super) fn date(&self) -> NaiveDate {
        match self {
            Self::New(journey) => journey.date,
            Self::Known { landing, .. } => landing.date,
        }
    }
}

/// Where the portfolio is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) lake: PathBuf,
    pub(super) days: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct WarningLine {
    /// A stable name, such as `type-absent`.
    pub(super) kind: String,
    /// Number of rows with the warning.
    pub(super) rows: usize,
    pub(super) message: String,
}

/// Sums over all sectors, under the names of the table's columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Totals {
    #[serde(serialize_with = "exact_number")]
    pub(super) soma_part: Decimal,
    pub(super) total_codigo: i64,
    pub(super) soma_qtd_teorica: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Notification {
    pub(super) topic: String,
    pub(super) to: String,
    pub(super) subject: String,
    /// The mail's text, for people only.
    #[serde(skip)]
    pub(super) text: String,
    #[serde(skip)]
    pub(super) is_warning: bool,
}

impl Report {
    pub(super) fn new(
        request: RunRequest,
        portfolio: Portfolio,
        constituents: i64,
        sectors: Vec<Sector>,
        place: Place,
        elapsed: Duration,
    ) -> Self {
        let date = portfolio.date();
        let (landing_key, raw_key, warnings, glue_run, mails) = match portfolio {
            Portfolio::New(journey) => {
                let Journey { landing_key, raw_key, warnings, glue_run, notifications, .. } =
                    journey;
                (landing_key, raw_key, warnings, Some(glue_run), notifications)
            }
            Portfolio::Known { landing, raw_key, warnings } => {
                (landing.to_string(), raw_key, warnings, None, Vec::new())
            }
        };
        Self {
            request,
            date,
            landing_key,
            raw_key,
            constituents,
            warnings: warnings.iter().map(WarningLine::from).collect(),
            totals: Totals::of(&sectors),
            sectors,
            glue_run,
            notifications: mails.iter().map(Notification::from).collect(),
            lake: place.lake,
            days: place.days,
            elapsed_s: (elapsed.as_secs_f64() * 10.0).round() / 10.0,
            timings: None,
        }
    }
}

impl From<&Warning> for WarningLine {
    fn from(warning: &Warning) -> Self {
        Self {
            kind: warning.kind().to_owned(),
            rows: warning.count(),
            message: warning.to_string(),
        }
    }
}

impl Totals {
    fn of(sectors: &[Sector]) -> Self {
        Self {
            soma_part: sectors.iter().map(|sector| sector.weight).sum(),
            total_codigo: sectors.iter().map(|sector| sector.constituents).sum(),
            soma_qtd_teorica: sectors.iter().map(|sector| sector.quantity).sum(),
        }
    }
}

impl From<&Mail> for Notification {
    fn from(mail: &Mail) -> Self {
        Self {
            topic: mail.topic_name().to_owned(),
            to: mail.to.clone(),
            subject: mail.subject().to_owned(),
            text: mail.message.clone(),
            is_warning: mail.is_warning(),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeMap;

    use harness::{emulator::Mail, journey::GlueRun};
    use serde_json::json;
    use shared::portfolio::OptionalField;

    use super::*;

    pub(in crate::commands::run) fn report() -> Report {
        let sector = |name: &str, weight: &str| Sector {
            name: name.into(),
            weight: weight.parse().unwrap(),
            constituents: 2,
            quantity: 3_000_000_000,
            days: 2,
        };
        let journey = Journey {
            date: NaiveDate::from_ymd_opt(2026, 11, 20).unwrap(),
            landing_key: "landing/l.json".into(),
            warnings: vec![Warning::FieldAbsent {
                field: OptionalField::Kind,
                tickers: vec!["MBRF3".parse().unwrap()],
            }],
            raw_key: "raw/r.parquet".into(),
            glue_run: GlueRun { id: "jr_1".into(), state: "SUCCEEDED".into(), seconds: 9 },
            notifications: vec![Mail {
                to: "team@example.com".into(),
                topic: "arn:aws:sns:us-east-1:000000000000:ibov-completions".into(),
                subject: Some("done".into()),
                message: "m".into(),
                attributes: BTreeMap::default(),
            }],
        };
        let request =
            RunRequest { source: "sample".into(), index: "IBOV".into(), segment: "2".into() };
        Report::new(
            request,
            Portfolio::New(journey),
            4,
            vec![sector("Bens Indls / X", "60.100"), sector("Saúde", "39.900")],
            Place { lake: "/l".into(), days: 3 },
            Duration::from_millis(12_345),
        )
    }

    #[test]
    fn the_document_has_the_promised_shape() {
        assert_eq!(
            serde_json::to_value(report()).unwrap(),
            json!({
                "source": "sample", "index": "IBOV", "segment": "2", "date": "2026-11-20",
                "landing_key": "landing/l.json", "raw_key": "raw/r.parquet", "constituents": 4,
                "warnings": [{"kind": "type-absent", "rows": 1, "message": "1 row has no type: MBRF3"}],
                "sectors": [
                    {"setor": "Bens Indls / X", "soma_part": 60.1, "total_codigo": 2, "soma_qtd_teorica": 3_000_000_000_i64, "dias_desde_carteira": 2},
                    {"setor": "Saúde", "soma_part": 39.9, "total_codigo": 2, "soma_qtd_teorica": 3_000_000_000_i64, "dias_desde_carteira": 2},
                ],
                "totals": {"soma_part": 100.0, "total_codigo": 4, "soma_qtd_teorica": 6_000_000_000_i64},
                "glue_run": {"id": "jr_1", "state": "SUCCEEDED", "seconds": 9},
                "notifications": [{"topic": "ibov-completions", "to": "team@example.com", "subject": "done"}],
                "lake": "/l", "days": 3, "elapsed_s": 12.3,
            })
        );
    }

    #[test]
    fn decimals_are_numbers_with_all_their_digits() {
        let text = serde_json::to_string(&report()).unwrap();
        for part in [r#""soma_part":60.100,"#, r#""soma_part":39.900,"#, r#""soma_part":100.000,"#]
        {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
