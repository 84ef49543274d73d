//! JSON whose numbers keep all digits that Athena has sent.

use anyhow::Result;
use harness::stack::athena::QueryResult;

use super::column::is_number;

pub(super) fn encode(result: &QueryResult) -> Result<String> {
    let names: Vec<String> =
        result.columns.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
    let mut objects = Vec::new();
    for row in &result.rows {
        let types = result.types.iter().map(|column| column.name.as_str());
        let cells = row.iter().zip(types.chain(std::iter::repeat("")));
        let mut members = Vec::new();
        for (name, (cell, athena_type)) in names.iter().zip(cells) {
            members.push(format!("{name}: {}", value(cell.as_deref(), athena_type)?));
        }
        objects.push(format!("  {{{}}}", members.join(", ")));
    }
    let list = objects.join(",\n");
    Ok(if list.is_empty() { "[]\n".to_owned() } else { format!("[\n{list}\n]\n") })
}

/// Numbers are taken as they are; NaN and infinity, which JSON has not, are texts.
fn value(cell: Option<&str>, athena_type: &str) -> Result<String> {
    let Some(text) = cell else { return Ok("null".to_owned()) };
    let is_plain = (is_number(athena_type) && serde_json::from_str::<f64>(text).is_ok())
        || (athena_type == "boolean" && matches!(text, "true" | "false"));
    Ok(if is_plain { text.to_owned() } else { serde_json::to_string(text)? })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::tests::answer, *};

    #[test]
    fn numbers_are_numbers_and_keep_their_digits() {
        let text = encode(&answer()).unwrap();
        assert!(text.contains("\"soma_part\": 1020.670, \"soma_qtd_teorica\": 9007199254740993,"));
        let rows: serde_json::Value = serde_json::from_str(&text).unwrap();
        let first = rows.get(0).unwrap();
        for (name, expected) in [
            ("setor", json!("Previd  \"S\", x")),
            ("data", json!("2026-11-20")),
            ("soma_qtd_teorica", json!(9_007_199_254_740_993_i64)),
            ("dias", json!(-3)),
            ("media", json!(0.5)),
            ("inteiro", json!(true)),
        ] {
            assert_eq!(first.get(name), Some(&expected));
        }
        assert_eq!(rows.pointer("/1/soma_part"), Some(&json!(null)));
        assert_eq!(encode(&Default::default()).unwrap(), "[]\n");
        assert_eq!(value(Some("NaN"), "double").unwrap(), "\"NaN\"");
    }
}
