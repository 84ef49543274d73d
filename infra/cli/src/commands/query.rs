use anyhow::{Context as _, Result};
use harness::stack::{athena, named_queries, only_reads};

use super::with_tables;
use crate::{
    args::QueryArgs,
    output::{Column, Screen, Table, Value, print_line},
};

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
        let mut table = Table::new(result.columns.into_iter().map(Column::text));
        for row in result.rows {
            table.row(row.into_iter().map(|cell| cell.map_or(Value::Missing, Value::Text)));
        }
        print_line(table.render(Screen::stdout()))
    })
    .await
}
