use anyhow::{Context as _, Result};
use harness::stack::{athena, named_queries, only_reads};

use super::{tables_shown::Tables, with_tables};
use crate::{
    args::QueryArgs,
    export::{self, Format},
    output::{Screen, print_bytes, print_line, write_file},
};

/// Prints the result of a query, or writes it to a file.
pub(crate) async fn query(args: &QueryArgs) -> Result<()> {
    if let Some(sql) = &args.sql {
        only_reads(sql)?;
    }
    let format = Format::choose(args.format, args.out.as_deref())?;
    with_tables(&args.stack, async |Tables { stack, shown }| {
        let result = if let Some(name) = &args.name {
            named_queries::run(&stack, name, &args.param).await?
        } else {
            let sql = args.sql.as_deref().context("neither SQL nor --name was given")?;
            athena::query_with(&stack, sql, &args.param).await?
        };
        let screen = Screen::stdout();
        if let Some(mark) = shown.mark(screen.language) {
            eprintln!("{mark}");
        }
        match &args.out {
            Some(path) => {
                let screen = Screen { width: None, ..screen };
                write_file(path, &export::encode(&result, format, screen)?)?;
                print_line(path.display())
            }
            None => print_bytes(&export::encode(&result, format, screen)?),
        }
    })
    .await
}
