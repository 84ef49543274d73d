//! The queries that a stack keeps in its Athena workgroup, under names.

use anyhow::{Context as _, Result, anyhow, bail};
use aws_sdk_athena::types;

use crate::{
    aws::explain,
    nearest::nearest,
    stack::{
        Stack,
        athena::{self, QueryResult},
        only_reads,
    },
    text,
};

/// Of so many ids Athena tells the queries at once.
const BATCH: usize = 50;

/// A query that the stack keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedQuery {
    pub name: String,
    /// One line.
    pub description: String,
    /// What stands for each question mark, in order, such as `session, as 2026-11-20`.
    pub parameters: Vec<String>,
    pub sql: String,
}

/// All queries of the stack, by name.
pub async fn list(stack: &Stack) -> Result<Vec<NamedQuery>> {
    let athena = &stack.clients.athena;
    let request = athena.list_named_queries().work_group(stack.output("WorkGroupName")?);
    let mut pages = request.into_paginator().send();
    let mut ids = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(explain).context("cannot list the named queries")?;
        ids.extend(page.named_query_ids.unwrap_or_default());
    }
    let mut queries = Vec::new();
    for batch in ids.chunks(BATCH) {
        let request = athena.batch_get_named_query().set_named_query_ids(Some(batch.to_vec()));
        let answer = request.send().await;
        let answer = answer.map_err(explain).context("cannot read the named queries")?;
        queries.extend(answer.named_queries().iter().map(NamedQuery::from));
    }
    queries.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(queries)
}

/// Runs a query by its name, with a text for each of its parameters.
pub async fn run(stack: &Stack, name: &str, texts: &[String]) -> Result<QueryResult> {
    let queries = list(stack).await?;
    let Some(query) = queries.iter().find(|query| query.name == name) else {
        return Err(unknown(&stack.name, name, &queries));
    };
    // Queries that people saved beside the stack's have no such heading: Athena counts for them.
    if !query.parameters.is_empty() && texts.len() != query.parameters.len() {
        let (wanted, given) = (query.parameters.len(), texts.len());
        let which = query.wanted();
        bail!(text!(
            en: "query {name} wants {wanted} times --param, not {given} ({which})",
            pt: "a consulta {name} pede --param {wanted} vezes, e não {given} ({which})",
        ));
    }
    only_reads(&query.sql).with_context(|| format!("query {name} is not run"))?;
    athena::query_with(stack, &query.sql, texts).await
}

fn unknown(stack: &str, name: &str, queries: &[NamedQuery]) -> anyhow::Error {
    match nearest(name, queries.iter().map(|query| query.name.as_str())) {
        Some(meant) => anyhow!(text!(
            en: "stack {stack} keeps no query {name}; did you mean {meant}? `ibov queries` lists them all",
            pt: "a stack {stack} não tem a consulta {name}; seria {meant}? `ibov queries` lista todas",
        )),
        None => anyhow!(text!(
            en: "stack {stack} keeps no query {name}: `ibov queries` lists them",
            pt: "a stack {stack} não tem a consulta {name}: `ibov queries` lista as que existem",
        )),
    }
}

impl NamedQuery {
    /// Its parameters in one line.
    pub fn wanted(&self) -> String {
        let numbered = self.parameters.iter().zip(1..);
        numbered
            .map(|(meaning, number)| format!("{number}: {meaning}"))
            .collect::<Vec<_>>()
            .join("; ")
    }
}

impl From<&types::NamedQuery> for NamedQuery {
    fn from(query: &types::NamedQuery) -> Self {
        Self {
            name: query.name().to_owned(),
            description: query.description().unwrap_or_default().to_owned(),
            parameters: parameters(query.query_string()),
            sql: query.query_string().to_owned(),
        }
    }
}

/// The lines `-- 1: session, as 2026-11-20` of the comment that the statement begins with.
fn parameters(sql: &str) -> Vec<String> {
    let heading = sql.lines().map_while(|line| line.strip_prefix("-- "));
    let numbered = heading.filter_map(|line| line.split_once(": "));
    let numbered = numbered.filter(|(number, _)| number.parse::<usize>().is_ok());
    numbered.map(|(_, meaning)| meaning.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_from_the_heading_alone() {
        let sql = "-- Moves: of weights.\n-- 1: earlier session\n-- 2: later session\nSELECT 1\n-- 3: none\n";
        assert_eq!(parameters(sql), ["earlier session", "later session"]);
        assert_eq!(parameters("SELECT 1"), [""; 0]);
    }
}
