//! What a run found: the document of `--json` and the numbers of the table.

use crate::athena::Sector;
use crate::chain::Journey;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Serialize;
use shared::portfolio::Warning;
use std::time::Duration;

/// The one document that `--json` prints. Decimals are text, so that no reader makes floats of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// `live`, `sample`, or the URL that was given.
    pub source: String,
    /// Code of the index.
    pub index: String,
    /// `1` or `2`.
    pub segment: String,
    /// The session that the portfolio is for.
    pub date: NaiveDate,
    /// B3's answer in the lake.
    pub landing_key: String,
    /// The Parquet file in the lake.
    pub raw_key: String,
    /// Rows of raw.
    pub constituents: i64,
    /// What is odd about the portfolio but harmless.
    pub warnings: Vec<WarningLine>,
    /// Heaviest first.
    pub sectors: Vec<SectorLine>,
    /// Sums over the sectors.
    pub totals: Totals,
    /// The run that refined.
    pub glue_run: GlueRunLine,
    /// What would have been mailed.
    pub notifications: Vec<Notification>,
    /// Seconds from start to table.
    pub elapsed_s: f64,
}

/// One kind of oddity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WarningLine {
    /// A stable name, such as `type-absent`.
    pub kind: String,
    /// How many rows it is about.
    pub rows: usize,
    /// A sentence.
    pub message: String,
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
pub struct SectorLine {
    /// Sector.
    pub setor: String,
    /// Weight in percent.
    pub soma_part: Decimal,
    /// Constituents.
    pub total_codigo: i64,
    /// Sum of the quantities.
    pub soma_qtd_teorica: i64,
    /// Days from the portfolio to the run.
    pub dias_desde_carteira: i32,
}

/// Sums over all sectors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Weight in percent.
    pub soma_part: Decimal,
    /// Constituents.
    pub total_codigo: i64,
    /// Sum of the quantities.
    pub soma_qtd_teorica: i64,
}

/// The Glue run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GlueRunLine {
    /// Its id.
    pub id: String,
    /// Its state.
    pub state: String,
    /// How long it ran.
    pub seconds: i64,
}

/// A mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notification {
    /// Name of the topic.
    pub topic: String,
    /// Address.
    pub to: String,
    /// Subject line.
    pub subject: String,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// `live`, `sample`, or the URL that was given.
    pub source: String,
    /// Code of the index.
    pub index: String,
    /// `1` or `2`.
    pub segment: String,
}

impl Report {
    /// Puts together what was asked, seen on the way, and read back.
    #[must_use]
    pub fn new(
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
            warnings: journey.warnings,
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
    use super::*;
    use crate::chain::GlueRun;
    use crate::outbox::Mail;
    use serde_json::json;

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
            warnings: vec![WarningLine {
                kind: "type-absent".into(),
                rows: 1,
                message: "1 row has no type: MBRF3".into(),
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
