//! Statements that change nothing.

use anyhow::{Result, bail};

use crate::text;

const READING: [&str; 4] = ["SELECT", "WITH", "SHOW", "DESCRIBE"];
/// What the emulator's SQL, unlike Athena's, allows after WITH.
const CHANGING: [&str; 6] = ["INSERT", "UPDATE", "DELETE", "MERGE", "CREATE", "COPY"];

/// Refuses everything but one SELECT, WITH, SHOW or DESCRIBE.
pub fn only_reads(sql: &str) -> Result<()> {
    let words = outer_words(sql);
    let first = words.first().map(|word| word.to_uppercase()).unwrap_or_default();
    if !READING.contains(&first.as_str()) {
        bail!(text!(
            en: "a query is one SELECT, WITH, SHOW or DESCRIBE, and this begins with {first:?}",
            pt: "uma consulta é um SELECT, WITH, SHOW ou DESCRIBE, e esta começa com {first:?}",
        ));
    }
    let end = words.iter().position(|word| word == ";").unwrap_or(words.len());
    if words.len() > end + 1 {
        bail!(text!(
            en: "a query is one statement, and this has several",
            pt: "uma consulta é uma só instrução, e aqui há várias",
        ));
    }
    // Athena has no quotes of dollars, but the emulator's SQL has, and they would hide what follows.
    if words.iter().any(|word| word == "$") {
        bail!(text!(
            en: "a query has no dollar sign outside of quotes",
            pt: "uma consulta não tem cifrão fora de aspas",
        ));
    }
    let mut later = words.iter().skip(1).map(|word| word.to_uppercase());
    if first == "WITH"
        && let Some(word) = later.find(|word| CHANGING.contains(&word.as_str()))
    {
        bail!(text!(
            en: "a query changes nothing, and this has {word}",
            pt: "uma consulta não muda nada, e esta tem {word}",
        ));
    }
    Ok(())
}

/// The words outside of comments, quotes and parentheses, and the semicolons and dollar signs outside of comments and
/// quotes.
fn outer_words(sql: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut rest = sql;
    let mut depth = 0_usize;
    while let Some(character) = rest.chars().next() {
        let skipped = match character {
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '\'' | '"' | '`' => {
                let quoted = rest.get(1..).unwrap_or_default();
                quoted.find(character).map_or(rest.len(), |end| end + 2)
            }
            _ => 0,
        };
        if skipped > 0 {
            words.push(String::new());
            rest = rest.get(skipped..).unwrap_or_default();
            continue;
        }
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if character == ';' || character == '$' {
            // What follows a semicolon is a statement, in whatever parentheses.
            depth = 0;
            words.extend([character.to_string(), String::new()]);
        } else if depth == 0 && (character.is_alphanumeric() || character == '_') {
            if let Some(word) = words.last_mut() {
                word.push(character);
            }
        } else {
            words.push(String::new());
        }
        rest = rest.get(character.len_utf8()..).unwrap_or_default();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_reading_statement_is_taken() {
        for sql in [
            "SELECT 1",
            "select 1;",
            " -- a comment; with a semicolon\n/* DROP */ SELECT ';', \"insert\", 'it''s; delete' FROM t ; ",
            "WITH a AS (SELECT 1) SELECT * FROM a",
            "SHOW TABLES",
            "SHOW CREATE TABLE tb_ibov_raw",
            "describe tb_ibov_raw",
            "SELECT delete_me, updated FROM t",
        ] {
            assert!(only_reads(sql).is_ok(), "{sql}");
        }
    }

    #[test]
    fn what_changes_something_is_refused() {
        for sql in [
            "",
            "DROP TABLE t",
            "INSERT INTO t SELECT 1",
            "CREATE TABLE a AS SELECT 1",
            "UNLOAD (SELECT 1) TO 's3://b/'",
            "ALTER TABLE t DROP PARTITION (data = DATE '2026-11-20')",
            "MSCK REPAIR TABLE t",
            "SELECT 1; DROP TABLE t",
            "SELECT (1; DROP TABLE t)",
            "WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a",
            "/* SELECT */ DELETE FROM t",
            "-- SELECT\nDELETE FROM t",
            "(SELECT 1)",
            "SELECT $$'$$; DROP TABLE t --'",
        ] {
            assert!(only_reads(sql).is_err(), "{sql}");
        }
    }
}
