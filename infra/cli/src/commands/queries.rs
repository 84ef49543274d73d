use anyhow::Result;
use harness::stack::named_queries;

use super::{tables_shown::Tables, with_tables};
use crate::{
    args::QueriesArgs,
    output::{Column, Screen, Table, Value, print_line, text},
};

/// Prints what queries the stack keeps, and the parameters of each.
pub(crate) async fn queries(args: &QueriesArgs) -> Result<()> {
    with_tables(&args.stack, async |Tables { stack, .. }| {
        let screen = Screen::stdout();
        let language = screen.language;
        let mut table = Table::new([
            Column::text(text!(language, en: "name", pt: "nome")),
            Column::text(text!(language, en: "what it shows", pt: "o que mostra")),
            Column::text("--param").drops(1),
        ]);
        for query in named_queries::list(&stack).await? {
            let parameters = query.wanted().replace("; ", "\n");
            table.row([query.name, query.description, parameters].map(Value::Text));
        }
        print_line(table.render(screen))
    })
    .await
}
