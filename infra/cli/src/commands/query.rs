use anyhow::{Context as _, Result};
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use harness::stack::{athena, named_queries, only_reads};

use super::with_tables;
use crate::{args::QueryArgs, output::print_line};

/// Prints the result of a query as a table.
pub(crate) async fn query(args: &QueryArgs) -> Result<()> {
    if let Some(sql) = &args.sql {
        only_reads(sql)?;
    }
    with_tables(&args.stack, async |stack| {
        let result = if let Some(name) = &args.name {
            named_queries::run(&stack, name, &args.param).await?
        } else {
            let sql = args.sql.as_deref().context("neither SQL nor --name was given")?;
            athena::query_with(&stack, sql, &args.param).await?
        };
        let mut table = Table::new();
        table.load_preset(UTF8_FULL_CONDENSED).set_header(result.columns);
        for row in &result.rows {
            table.add_row(row.iter().map(|cell| cell.as_deref().unwrap_or("NULL")));
        }
        print_line(table)?;
        Ok(())
    })
    .await
}
