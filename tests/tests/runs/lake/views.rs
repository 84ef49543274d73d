//! What people see of a lake that a command puts tables over: charts, histories, comparisons, and files for other programs.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use chrono::NaiveDate;
use e2e::{
    days,
    ibov::{self, Ended},
    python,
};
use serde_json::{Value, json};

const PORTUGUESE: [(&str, &str); 1] = [("LANG", "pt_BR.UTF-8")];

/// The second day is [`days::moved`], and the first [`days::small`].
pub(crate) async fn show_what_is_in_it(
    lake: &str,
    first: NaiveDate,
    second: NaiveDate,
) -> Result<()> {
    let folder = tempfile::tempdir()?;
    a_chart_is_a_table_and_a_drawing(lake, second, folder.path()).await?;
    a_history_is_found_by_a_part_of_a_name(lake, first, second, folder.path()).await?;
    two_days_are_compared(lake, first, second).await?;
    files_have_numbers_as_numbers(lake, folder.path()).await
}

async fn run(lake: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Result<Ended> {
    ibov::run(&[arguments, &["--lake", lake]].concat(), environment).await
}

async fn succeed(lake: &str, arguments: &[&str]) -> Result<Ended> {
    let ended = run(lake, arguments, &PORTUGUESE).await?;
    assert_eq!(ended.code, Some(0), "{arguments:?}: {}", ended.stderr);
    Ok(ended)
}

async fn refusal(lake: &str, arguments: &[&str]) -> Result<String> {
    let ended = run(lake, arguments, &[]).await?;
    assert_eq!(ended.code, Some(1), "{arguments:?}: {}", ended.stdout);
    Ok(ended.stderr)
}

async fn a_chart_is_a_table_and_a_drawing(
    lake: &str,
    date: NaiveDate,
    folder: &Path,
) -> Result<()> {
    let shown = succeed(lake, &["chart", "--top", "1"]).await?;
    let lines: Vec<&str> = shown.stdout.lines().collect();
    assert_eq!(
        lines,
        [
            "setor\tparticipação %\tações\tquantidade teórica",
            "Financ e Outros / Previd  Seguros\t40.001\t1\t600",
            "3 outros setores\t59.999\t3\t6016778217",
            "total de 4 setores\t100.000\t4\t6016778817",
        ],
        "no boxes and plain numbers in a pipe"
    );
    let mark = "DE OUTRO SERVIDOR, NÃO SÃO DADOS DA B3";
    assert!(
        shown.stderr.contains(&format!("{mark}: IBOV de {date}, por setor")),
        "{}",
        shown.stderr
    );

    let drawing = folder.join("stocks.svg");
    let path = path(&drawing)?;
    let shown = succeed(lake, &["chart", "--by", "stock", "--out", path, "--json"]).await?;
    let document = shown.document()?;
    assert_eq!(document["date"], json!(date));
    assert_eq!(document["stocks"][1]["codigo"], "VALE3");
    assert_eq!(document["stocks"][1]["participacao"], json!(29.875));
    let drawn = fs::read_to_string(&drawing)?;
    for part in [mark, "<desc id=\"desc\">", "BBSE3 CIA BBSE3: 40,001 %"] {
        assert!(drawn.contains(part), "{part} in {drawn}");
    }
    Ok(())
}

async fn a_history_is_found_by_a_part_of_a_name(
    lake: &str,
    first: NaiveDate,
    second: NaiveDate,
    folder: &Path,
) -> Result<()> {
    let drawing = folder.join("mining.svg");
    let arguments = ["history", "mineracao", "--json", "--out", path(&drawing)?];
    let document = succeed(lake, &arguments).await?.document()?;
    let names = (&document["of"], &document["name"]);
    assert_eq!(names, (&json!("sector"), &json!("Mats Básicos / Mineração")));
    let days = [(first, 40.0, 2), (second, 29.875, 1)].map(|(date, weight, constituents)| {
        let quantity = if date == first { 6_016_777_216_i64 } else { 5_999_999_999 };
        json!({"date": date, "weight": weight, "constituents": constituents, "quantity": quantity})
    });
    assert_eq!(document["days"], json!(days));
    assert!(fs::read_to_string(&drawing)?.contains("class=\"line\""));

    let shown = succeed(lake, &["history", "vale3", "--from", &second.to_string()]).await?;
    assert_eq!(shown.stdout.lines().nth(1), Some(&*format!("{second}\t29.875\t\t5999999999")));
    assert!(shown.stderr.contains("VALE3: participação no IBOV em 1 pregão\n"), "{}", shown.stderr);

    let unknown = refusal(lake, &["history", "VALE4"]).await?;
    assert!(unknown.contains("no stock and no sector is called \"VALE4\"; did you mean VALE3"));
    let ambiguous = refusal(lake, &["history", "FINANC"]).await?;
    assert!(ambiguous.contains("Interms Financs or Financ e Outros / Previd"), "{ambiguous}");
    Ok(())
}

async fn two_days_are_compared(lake: &str, first: NaiveDate, second: NaiveDate) -> Result<()> {
    let shown = succeed(lake, &["diff"]).await?;
    let lines: Vec<&str> = shown.stdout.lines().skip(1).collect();
    assert_eq!(
        lines,
        [
            "entrou\tITUB4\tCIA ITUB4\tFinanc e Outros / Interms Financs\t\t10.125\t10.125",
            "saiu\tCMIN3\tCIA CMIN3\tMats Básicos / Mineração\t9.667\t\t-9.667",
            "caiu\tVALE3\tCIA VALE3\tMats Básicos / Mineração\t30.333\t29.875\t-0.458",
        ]
    );
    let title = format!("de {first} a {second}: 1 entrou, 1 saiu, 1 participação mudou");
    assert!(shown.stderr.contains(&title), "{}", shown.stderr);

    let absent = days::session_after(second);
    let refused = refusal(lake, &["diff", &first.to_string(), &absent.to_string()]).await?;
    let said = format!("there is no {absent}: the newest day is {second}");
    assert!(refused.contains(&said), "{refused}");
    Ok(())
}

async fn files_have_numbers_as_numbers(lake: &str, folder: &Path) -> Result<()> {
    let sql = "SELECT data, setor, soma_part, soma_qtd_teorica FROM tb_ibov_refined ORDER BY data, soma_part";
    let file = folder.join("sectors.parquet");
    fs::write(&file, "something older")?;
    succeed(lake, &["query", sql, "--out", path(&file)?]).await?;
    let read = python::read_parquet("read_with_duckdb.py", std::slice::from_ref(&file)).await?;
    let types: Vec<_> = read[0].columns.iter().map(|(_, kind)| kind.as_str()).collect();
    assert_eq!(types, ["DATE", "VARCHAR", "DECIMAL(38,3)", "BIGINT"]);
    assert_eq!(read[0].rows.len(), 7);
    assert_eq!(read[0].rows[6][2].as_deref(), Some("40.001"));

    let file = folder.join("sectors.xlsx");
    succeed(lake, &["query", sql, "--out", path(&file)?]).await?;
    assert!(fs::read(&file)?.starts_with(b"PK"));

    let shown = succeed(lake, &["query", sql, "--format", "json"]).await?;
    let rows: Vec<Value> = serde_json::from_str(&shown.stdout)?;
    assert_eq!(
        (&rows[6]["soma_part"], rows[6]["soma_qtd_teorica"].as_i64()),
        (&json!(40.001), Some(600))
    );
    Ok(())
}

fn path(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is not UTF-8")
}
