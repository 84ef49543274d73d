//! What is odd about a portfolio and no reason to keep it from anybody.

use anyhow::Result;
use chrono::Utc;
use e2e::{days, local, pipeline::Pipeline};
use harness::{
    b3_server::Day,
    stack::{Stage, dead_letters},
};
use serde_json::{Value, json};

use crate::{chain::fetch_as_one_batch, verify};

#[test]
fn a_session_that_lost_a_fifth_of_its_constituents_is_refined_and_people_are_warned() -> Result<()>
{
    local::run(async {
        let started = Utc::now();
        let pipeline =
            Pipeline::deploy_with("warnings", |config| config.with("GlueBatchingWindow", "300"))
                .await?;
        let today = days::small(days::session(0));
        // One of four has left, so that whoever is left weighs more.
        let tomorrow = Day::from_holdings(
            days::session(1),
            &[
                days::holding("Financ e Outros / Previd  Seguros", "BBSE3", 60_000, 600),
                days::holding("Mats Básicos / Mineração", "VALE3", 30_333, 5_999_999_999),
                days::holding("Mats Básicos / Mineração", "CMIN3", 9_667, 16_777_217),
            ],
        );
        // Following it would have failed if the warning were taken for a failure.
        let journey = fetch_as_one_batch(&pipeline, &[&today, &tomorrow]).await?;
        verify::holds(&pipeline, &today, started).await?;
        verify::holds(&pipeline, &tomorrow, started).await?;

        let (before, date) = (today.date()?, tomorrow.date()?);
        let odd = format!("constituents: {date} has 3, 25.0 % fewer than the 4 of {before}");
        for (date, warnings) in [(before, Value::Null), (date, json!([odd]))] {
            let keys = pipeline.stack.keys(&format!("control/refine/done/date={date}/")).await?;
            let [key] = keys.as_slice() else { panic!("{keys:?}") };
            let done: Value = serde_json::from_slice(&pipeline.stack.read(key).await?)?;
            assert_eq!(done["warnings"], warnings, "{date}");
        }

        let mails = pipeline.mails("AlertsTopicArn")?;
        let [mail] = mails.as_slice() else { panic!("{mails:?}") };
        assert_eq!(mail.subject(), format!("IBOV refined with warnings: {date}"));
        assert!(mail.is_warning(), "{mail:?}");
        assert_eq!(journey.notifications.first(), Some(mail), "it goes before the completion");
        assert!(mail.message.contains(&odd), "{}", mail.message);
        let completions = pipeline.mails("CompletionsTopicArn")?;
        let [completion] = completions.as_slice() else { panic!("{completions:?}") };
        assert_eq!(
            completion.subject(),
            format!("IBOV refined: {before} to {date} (2 dates)"),
            "programs hear of a success"
        );
        assert_eq!(dead_letters::depth(&pipeline.stack, Stage::Glue).await?, 0);
        Ok(())
    })
}
