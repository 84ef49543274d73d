//! `ibov run` from outside: its output, its exit codes, and that it leaves nothing running.

use std::{collections::BTreeMap, fs, io::ErrorKind, net::TcpListener, path::Path};

use anyhow::{Context as _, Result};
use e2e::{
    days,
    expected::{self, Refined},
    ibov::{self, Ended},
    local, python,
};
use harness::{
    b3_server::{B3Server, Day, Reply},
    checkout::{RunFolder, Workspace},
};
use rust_decimal::Decimal;
use serde_json::Value;
use shared::portfolio::is_weekday;

/// Settings that must not affect a local run.
const SIGNED_IN_ELSEWHERE: [(&str, &str); 9] = [
    ("AWS_PROFILE", "no-such-profile"),
    ("AWS_CONFIG_FILE", "/no/such/config"),
    ("AWS_REGION", "xx-nowhere-1"),
    ("AWS_DEFAULT_REGION", "xx-nowhere-1"),
    ("AWS_ACCESS_KEY_ID", "AKIASOMEBODY"),
    ("AWS_SECRET_ACCESS_KEY", "secret"),
    ("AWS_SESSION_TOKEN", "token"),
    ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
    ("AWS_MAX_ATTEMPTS", "often"),
];

#[test]
fn the_sample_is_printed_as_one_document_and_nobody_outside_is_asked() -> Result<()> {
    local::run(async {
        // Installing packages may use the network; the run may not.
        python::interpreter().await?;
        // Every request to another machine would go through this proxy.
        let proxy = TcpListener::bind(("127.0.0.1", 0))?;
        let address = format!("http://{}", proxy.local_addr()?);
        let names =
            ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];
        let mut environment = names.map(|name| (name, address.as_str())).to_vec();
        // How the user signs in to AWS must not matter either.
        environment.extend(&SIGNED_IN_ELSEWHERE);
        let arguments = ["run", "--sample", "--json", "--timings", "--timeout", "4m"];
        let ended = ibov::run(&arguments, &environment).await?;
        let date = ended.document()?["date"].as_str().context("no date")?.parse()?;
        assert!(
            is_weekday(date) && (0..4).contains(&(date - days::session(0)).num_days()),
            "{date}"
        );
        let document = holds(&ended, &Day::sample()?.dated(date), "sample")?;
        assert_eq!(document["segment"], "2");
        assert!(ended.stdout.contains(r#""soma_part":100.000,"#), "{}", ended.stdout);
        assert_eq!(document["notifications"].as_array().map(Vec::len), Some(1));
        assert_eq!(document["notifications"][0]["subject"], format!("IBOV refined: {date}"));
        says_where_the_time_went(&document, &ended.stderr)?;
        proxy.set_nonblocking(true)?;
        assert_eq!(
            proxy.accept().err().map(|error| error.kind()),
            Some(ErrorKind::WouldBlock),
            "somebody asked the proxy"
        );
        Ok(())
    })
}

#[test]
fn a_portfolio_never_seen_before_is_summed_exactly_and_what_is_odd_about_it_is_told() -> Result<()>
{
    local::run(async {
        // The tables must reach as far ahead as the fetcher accepts dates.
        let mut day = days::small(days::session(9));
        let odd = day.results.first_mut().context("no row")?;
        odd.r#type = String::new();
        (odd.segment, odd.part_acum) = (None, None);
        let server = B3Server::start().await?;
        server.publish("SMLL", day.clone());
        server.cap_page_size(3);
        let ended =
            ibov::run(&["run", "--b3-url", server.base_url(), "--index", "SMLL", "--json"], &[])
                .await?;
        let document = holds(&ended, &day, server.base_url())?;
        assert_eq!(document["index"], "SMLL");
        let kinds: Vec<_> = document["warnings"]
            .as_array()
            .context("no warnings")?
            .iter()
            .map(|warning| (warning["kind"].as_str(), warning["rows"].as_u64()))
            .collect();
        let of_one_row = ["sector-absent", "sector-weight-absent", "type-absent"]
            .map(|kind| (Some(kind), Some(1)));
        assert_eq!(kinds, of_one_row, "{}", document["warnings"]);
        assert_eq!(document["constituents"], document["totals"]["total_codigo"]);
        assert_eq!(server.requests().len(), 2, "both pages, once");
        Ok(())
    })
}

/// Checks every value of the document against `day`, and that it has exactly the promised fields.
fn holds(ended: &Ended, day: &Day, source: &str) -> Result<Value> {
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let document = ended.document()?;
    let fields = document.as_object().context("no object")?.keys().map(String::as_str);
    let fields: Vec<&str> = fields.filter(|field| *field != "timings").collect();
    let mut promised = [
        "source",
        "index",
        "segment",
        "date",
        "landing_key",
        "raw_key",
        "constituents",
        "warnings",
        "sectors",
        "totals",
        "glue_run",
        "notifications",
        "lake",
        "days",
        "elapsed_s",
    ];
    promised.sort_unstable();
    assert_eq!(fields, promised);
    let date = day.date()?;
    assert_eq!(document["source"], source);
    assert_eq!(document["date"], date.to_string());
    assert_eq!(document["raw_key"], format!("raw/date={date}/ibov_setor.parquet"));
    let landing =
        format!("landing/index={}/date={date}/", document["index"].as_str().unwrap_or_default());
    assert!(
        document["landing_key"].as_str().is_some_and(|key| key.starts_with(&landing)),
        "{}",
        document["landing_key"]
    );
    assert_eq!(document["constituents"], day.results.len());
    assert_eq!(document["glue_run"]["state"], "SUCCEEDED");
    sums_are_exact(&document, day)?;
    Ok(document)
}

/// Checks that the steps are all there, and that they explain the whole time.
fn says_where_the_time_went(document: &Value, told: &str) -> Result<()> {
    let timings = &document["timings"];
    let steps = timings["steps"].as_array().context("no steps")?;
    let mut stages: Vec<_> = steps.iter().filter_map(|step| step["stage"].as_str()).collect();
    // The first run of all has one step more.
    stages.retain(|stage| *stage != "archive");
    // Some run beside each other.
    let wanted = "source check setup build emulator package deploy resume fetch fetch parquet glue glue completion athena stop";
    stages.sort_unstable();
    let mut wanted: Vec<&str> = wanted.split(' ').collect();
    wanted.sort_unstable();
    assert_eq!(stages, wanted);
    let hundredths = |object: &Value, field: &str| {
        let seconds = object[field].as_f64().with_context(|| format!("no {field} in {object}"))?;
        Ok::<_, anyhow::Error>((seconds * 100.0).round())
    };
    let mut explained = hundredths(timings, "no_step_s")?;
    let mut before = 0.0;
    for step in steps {
        explained += hundredths(step, "adds_s")?;
        let began = hundredths(step, "began_s")?;
        assert!(before <= began, "{step} began before the step above it");
        before = began;
        assert_eq!(step["failed"], false, "{step}");
        let name = step["step"].as_str().context("no name")?;
        assert!(told.lines().any(|line| line.ends_with(&format!("  {name}"))), "{name} in {told}");
    }
    assert_eq!(explained, hundredths(timings, "total_s")?, "{timings}");
    for (stage, parts) in [("emulator", 3), ("glue", 3)] {
        let of_stage = |step: &&Value| step["stage"] == stage && step["parts"].is_array();
        let step = steps.iter().find(of_stage).with_context(|| format!("{stage} has no parts"))?;
        assert_eq!(step["parts"].as_array().map(Vec::len), Some(parts), "{step}");
    }
    Ok(())
}

fn sums_are_exact(document: &Value, day: &Day) -> Result<()> {
    let sectors = document["sectors"].as_array().context("no sectors")?;
    let found = sectors.iter().map(|sector| {
        Ok((sector["setor"].as_str().context("no name")?.to_owned(), refined(sector)?))
    });
    let found: BTreeMap<String, Refined> = found.collect::<Result<_>>()?;
    assert_eq!(found.len(), sectors.len(), "a sector stands twice");
    let wanted = expected::refined(day)?;
    assert_eq!(found, wanted);
    let weights: Vec<Decimal> = sectors
        .iter()
        .map(|sector| refined(sector).map(|refined| refined.soma_part))
        .collect::<Result<_>>()?;
    assert!(weights.is_sorted_by(|one, next| one >= next), "by weight: {weights:?}");
    let total = Refined {
        soma_part: wanted.values().map(|sector| sector.soma_part).sum(),
        total_codigo: wanted.values().map(|sector| sector.total_codigo).sum(),
        soma_qtd_teorica: wanted.values().map(|sector| sector.soma_qtd_teorica).sum(),
    };
    assert_eq!(refined(&document["totals"])?, total);
    Ok(())
}

fn refined(object: &Value) -> Result<Refined> {
    let weight = object["soma_part"]
        .as_number()
        .with_context(|| format!("a decimal that is no number: {object}"))?;
    let mut soma_part: Decimal = weight.to_string().parse()?;
    soma_part.rescale(3);
    Ok(Refined {
        soma_part,
        total_codigo: object["total_codigo"].as_i64().context("no total_codigo")?,
        soma_qtd_teorica: object["soma_qtd_teorica"].as_i64().context("no soma_qtd_teorica")?,
    })
}

/// Runs against a server that always fails.
async fn fails(reply: Reply, words: &str) -> Result<()> {
    let server = B3Server::with_sample().await?;
    server.cap_page_size(50);
    server.reply(reply);
    let ended =
        ibov::run(&["run", "--b3-url", server.base_url(), "--json", "--timeout", "4m"], &[])
            .await?;
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let error = &ended.document()?["error"];
    assert_eq!(error["stage"], "fetch", "{error}");
    let cause = error["cause"].as_str().context("no cause")?;
    assert!(cause.contains(words) && !cause.contains('\n'), "{cause}");
    assert!(ended.stderr.contains(cause), "people are told the same: {}", ended.stderr);
    let logs = Path::new(error["logs"].as_str().context("no logs")?);
    assert!(logs.is_file(), "{} is named and not there", logs.display());
    // The lake ended with the emulator, but both writers log what they write.
    for (log, written) in
        [("ibov-fetcher.log", "portfolio fetched"), ("ibov-parquet-writer.log", "raw file written")]
    {
        let said = std::fs::read_to_string(logs.with_file_name(log)).unwrap_or_default();
        assert!(!said.contains(written), "a refused answer became data: {said}");
    }
    Ok(())
}

#[test]
fn an_html_page_ends_the_run_with_its_cause() -> Result<()> {
    local::run(fails(Reply::Html, "the body is an HTML page"))
}

#[test]
fn null_results_end_the_run_with_their_cause() -> Result<()> {
    local::run(fails(Reply::NullResults, "results is null"))
}

#[test]
fn wrong_totals_end_the_run_with_their_cause() -> Result<()> {
    local::run(fails(Reply::WrongTotals, "the quantities add up to 103334280471"))
}

#[test]
fn a_missing_second_page_ends_the_run_with_its_cause() -> Result<()> {
    local::run(fails(Reply::MissingPage, "page 2 has no rows"))
}

#[test]
fn wrong_usage_and_an_index_without_sample_are_told_apart() -> Result<()> {
    local::run(async {
        let contradiction = ibov::run(&["run", "--sample", "--live"], &[]).await?;
        assert_eq!(contradiction.code, Some(2), "{}", contradiction.stderr);
        let unknown = ibov::run(&["run", "--sample", "--index", "SMLL", "--json"], &[]).await?;
        assert_eq!(unknown.code, Some(1), "{}", unknown.stderr);
        assert_eq!(unknown.document()?["error"]["stage"], "source");
        Ok(())
    })
}

#[test]
fn the_end_of_its_time_is_an_exit_code_of_its_own() -> Result<()> {
    local::run(async {
        let server = B3Server::with_sample().await?;
        server.reply(Reply::Hang);
        let ended =
            ibov::run(&["run", "--b3-url", server.base_url(), "--timeout", "3s", "--timings"], &[])
                .await?;
        assert_eq!(ended.code, Some(4), "{}", ended.stderr);
        assert!(ended.stdout.is_empty(), "{}", ended.stdout);
        assert!(ended.stderr.contains("  ✗ "), "the step that was interrupted: {}", ended.stderr);
        assert!(ended.stderr.contains("  in all\n"), "{}", ended.stderr);
        Ok(())
    })
}

#[test]
fn ctrl_c_during_the_spark_run_leaves_nothing_running() -> Result<()> {
    local::run(async {
        let mut running = ibov::start(&["run", "--sample"], &[]).await?;
        running.until_it_says("refine with Spark").await?;
        running.signal("INT").await?;
        let folder = running.folder()?;
        let ended = running.end().await?;
        assert_eq!(ended.code, Some(130), "{}", ended.stderr);
        holds_only_logs(&folder)?;
        Ok(())
    })
}

#[test]
fn ctrl_c_while_the_next_runs_are_made_quicker_does_no_harm() -> Result<()> {
    local::run(async {
        python::interpreter().await?;
        let folders = Workspace::locate()?.private("venv/share/glue-local");
        fs::create_dir_all(&folders)?;
        // As a run of other versions of Spark and Java left it.
        let folder = tempfile::tempdir_in(folders)?;
        fs::write(folder.path().join("spark-classes.list"), "java/lang/Object\n")?;
        let mut running = ibov::start_without_spark(&["run", "--sample"], &[]).await?;
        running.until_it_says("make later runs quicker").await?;
        running.signal("INT").await?;
        let ended = running.end().await?;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(ended.stdout.contains("total of 29 sectors"), "{}", ended.stdout);
        Ok(())
    })
}

#[test]
fn tests_may_have_another_program_carry_out_the_glue_runs() -> Result<()> {
    local::run(async {
        let folder = tempfile::tempdir()?;
        let runner = folder.path().join("runner.py");
        fs::write(&runner, "raise SystemExit('no runs today')\n")?;
        let runner = runner.to_str().context("a path that is not UTF-8")?;
        let ended = ibov::run(&["run", "--sample"], &[("IBOV_GLUE_RUNNER", runner)]).await?;
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        assert!(ended.stderr.contains("no runs today"), "{}", ended.stderr);
        Ok(())
    })
}

#[test]
fn a_run_that_is_killed_leaves_its_logs_alone_once_the_next_begins() -> Result<()> {
    local::run(async {
        let mut running = ibov::start(&["run", "--sample"], &[]).await?;
        running.until_it_says("fetch the portfolio").await?;
        let folder = running.folder()?;
        assert!(folder.join("functions/fetcher").exists(), "there is something to remove");
        running.signal("KILL").await?;
        let ended = running.end().await?;
        assert_eq!(ended.code, None, "{}", ended.stderr);
        drop(RunFolder::create(&Workspace::locate()?)?);
        holds_only_logs(&folder)
    })
}

/// Checks the folder of a run whose lake is another folder.
fn holds_only_logs(folder: &Path) -> Result<()> {
    let mut left = Vec::new();
    for entry in fs::read_dir(folder)? {
        left.push(entry?.file_name().to_string_lossy().into_owned());
    }
    left.retain(|name| {
        !["emulator.log", "glue", "lock", "logs", "outbox.jsonl"].contains(&&**name)
    });
    assert!(left.is_empty(), "{left:?} in {}", folder.display());
    assert!(folder.join("emulator.log").exists() && folder.join("logs").exists());
    Ok(())
}
