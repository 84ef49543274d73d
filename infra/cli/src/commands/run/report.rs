//! What a run found: the document of `--json` and the numbers of the table.

use std::time::Duration;

use chrono::NaiveDate;
use harness::{journey::Journey, stack::athena::Sector};
use rust_decimal::Decimal;
use serde::Serialize;
use shared::portfolio::Warning;

/// The one document that `--json` prints. Decimals are text, so that no reader makes floats of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Report {
    /// `live`, `sample`, or the URL that was given.
    pub(crate) source: String,
    /// Code of the index.
    pub(crate) index: String,
    /// `1` or `2`.
    pub(crate) segment: String,
    /// The session that the portfolio is for.
    pub(crate) date: NaiveDate,
    /// B3's answer in the lake.
    pub(crate) landing_key: String,
    /// The Parquet file in the lake.
    pub(crate) raw_key: String,
    /// Rows of raw.
    pub(crate) constituents: i64,
    /// What is odd about the portfolio but harmless.
    pub(crate) warnings: Vec<WarningLine>,
    /// Heaviest first.
    pub(crate) sectors: Vec<SectorLine>,
    /// Sums over the sectors.
    pub(crate) totals: Totals,
    /// The run that refined.
    pub(crate) glue_run: GlueRunLine,
    /// What would have been mailed.
    pub(crate) notifications: Vec<Notification>,
    /// Seconds from start to table.
    pub(crate) elapsed_s: f64,
}

/// One kind of oddity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct WarningLine {
    /// A stable name, such as `type-absent`.
    pub(crate) kind: String,
    /// How many rows it is about.
    pub(crate) rows: usize,
    /// A sentence.
    pub(crate) message: String,
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

/// A row of `tb_ibov_refined`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct SectorLine {
    /// Sector.
    pub(crate) setor: String,
    /// Weight in percent.
    pub(crate) soma_part: Decimal,
    /// Constituents.
    pub(crate) total_codigo: i64,
    /// Sum of the quantities.
    pub(crate) soma_qtd_teorica: i64,
    /// Days from the portfolio to the run.
    pub(crate) dias_desde_carteira: i32,
}

/// Sums over all sectors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Totals {
    /// Weight in percent.
    pub(crate) soma_part: Decimal,
    /// Constituents.
    pub(crate) total_codigo: i64,
    /// Sum of the quantities.
    pub(crate) soma_qtd_teorica: i64,
}

/// The Glue run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct GlueRunLine {
    /// Its id.
    pub(crate) id: String,
    /// Its state.
    pub(crate) state: String,
    /// How long it ran.
    pub(crate) seconds: i64,
}

/// A mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Notification {
    /// Name of the topic.
    pub(crate) topic: String,
    /// Address.
    pub(crate) to: String,
    /// Subject line.
    pub(crate) subject: String,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// `live`, `sample`, or the URL that was given.
    pub(crate) source: String,
    /// Code of the index.
    pub(crate) index: String,
    /// `1` or `2`.
    pub(crate) segment: String,
}

impl Report {
    /// Puts together what was asked, seen on the way, and read back.
    #[must_use]
    pub(crate) fn new(
        asked: Asked,
        journey: Journey,
        constituents: i64,
        sectors: Vec<Sector>,
        elapsed: Duration,
    ) -> Self {
        let sectors: Vec<SectorLine> = sectors.into_iter().map(SectorLine::from).collect();
        let mail = &journey.notification;
        Self {
            source: asked.source,
            index: asked.index,
            segment: asked.segment,
            date: journey.date,
            constituents,
            warnings: journey.warnings.iter().map(WarningLine::from).collect(),
            totals: Totals::of(&sectors),
            sectors,
            notifications: vec![Notification {
                topic: mail.topic_name().to_owned(),
                to: mail.to.clone(),
                subject: mail.subject().to_owned(),
            }],
            glue_run: GlueRunLine {
                id: journey.glue_run.id,
                state: journey.glue_run.state,
                seconds: journey.glue_run.seconds,
            },
            landing_key: journey.landing_key,
            raw_key: journey.raw_key,
            elapsed_s: (elapsed.as_secs_f64() * 10.0).round() / 10.0,
        }
    }
}

impl From<Sector> for SectorLine {
    fn from(sector: Sector) -> Self {
        Self {
            setor: sector.name,
            soma_part: sector.weight,
            total_codigo: sector.constituents,
            soma_qtd_teorica: sector.quantity,
            dias_desde_carteira: sector.days,
        }
    }
}

impl Totals {
    fn of(sectors: &[SectorLine]) -> Self {
        Self {
            soma_part: sectors.iter().map(|sector| sector.soma_part).sum(),
            total_codigo: sectors.iter().map(|sector| sector.total_codigo).sum(),
            soma_qtd_teorica: sectors.iter().map(|sector| sector.soma_qtd_teorica).sum(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use harness::{emulator::outbox::Mail, journey::GlueRun};
    use serde_json::json;
    use shared::portfolio::OptionalField;

    use super::*;

    pub(crate) fn report() -> Report {
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
            notification: Mail {
                to: "team@example.com".into(),
                topic: "arn:aws:sns:us-east-1:000000000000:ibov-completions".into(),
                subject: Some("done".into()),
                message: "m".into(),
            },
        };
        let asked = Asked { source: "sample".into(), index: "IBOV".into(), segment: "2".into() };
        Report::new(
            asked,
            journey,
            4,
            vec![sector("Bens Indls / X", "60.100"), sector("Saúde", "39.900")],
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
                    {"setor": "Bens Indls / X", "soma_part": "60.100", "total_codigo": 2, "soma_qtd_teorica": 3_000_000_000_i64, "dias_desde_carteira": 2},
                    {"setor": "Saúde", "soma_part": "39.900", "total_codigo": 2, "soma_qtd_teorica": 3_000_000_000_i64, "dias_desde_carteira": 2},
                ],
                "totals": {"soma_part": "100.000", "total_codigo": 4, "soma_qtd_teorica": 6_000_000_000_i64},
                "glue_run": {"id": "jr_1", "state": "SUCCEEDED", "seconds": 9},
                "notifications": [{"topic": "ibov-completions", "to": "team@example.com", "subject": "done"}],
                "elapsed_s": 12.3,
            })
        );
    }
}
