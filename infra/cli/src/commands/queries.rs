use anyhow::Result;
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use harness::stack::named_queries;

use super::with_tables;
use crate::{args::QueriesArgs, output::print_line};

/// Prints what queries the stack keeps, and the parameters of each.
pub(crate) async fn queries(args: &QueriesArgs) -> Result<()> {
    with_tables(&args.stack, async |stack| {
        let mut table = Table::new();
        table.load_preset(UTF8_FULL_CONDENSED).set_header(["name", "what it shows", "--param"]);
        for query in named_queries::list(&stack).await? {
            let parameters = query.wanted().replace("; ", "\n");
            table.add_row([query.name, query.description, parameters]);
        }
        print_line(table)?;
        Ok(())
    })
    .await
}
