//! Athena: the workgroup, and that named queries and views are those of the SQL files.

use std::{collections::BTreeMap, fs};

use serde_json::Value;

use crate::document::{Template, references, repository, text};

#[test]
fn results_of_queries_lie_in_the_lake_whatever_a_query_asks_for_and_expire() {
    let template = Template::load();
    let settings = &template.properties("QueryWorkGroup")["WorkGroupConfiguration"];
    assert_eq!(settings["EnforceWorkGroupConfiguration"], true);
    let results = &settings["ResultConfiguration"];
    assert_eq!(text(&results["OutputLocation"]), "s3://${LakeBucket}/athena/");
    assert_eq!(text(&results["ExpectedBucketOwner"]), "${AWS::AccountId}");
    assert_eq!(results["EncryptionConfiguration"]["EncryptionOption"], "SSE_S3");
    let rules = &template.properties("LakeBucket")["LifecycleConfiguration"]["Rules"];
    let mut rules = rules.as_array().expect("lifecycle rules").iter();
    let expiry = rules.find(|rule| rule["Prefix"] == "athena/").expect("a rule for results");
    assert_eq!(expiry["ExpirationInDays"], 7);
}

#[test]
fn no_query_scans_more_than_a_gibibyte() {
    let template = Template::load();
    let settings = &template.properties("QueryWorkGroup")["WorkGroupConfiguration"];
    assert_eq!(settings["BytesScannedCutoffPerQuery"], 1_u64 << 30);
}

#[test]
fn queries_run_on_the_engine_whose_sql_they_are_written_in() {
    let template = Template::load();
    let settings = &template.properties("QueryWorkGroup")["WorkGroupConfiguration"];
    assert_eq!(settings["EngineVersion"]["SelectedEngineVersion"], "Athena engine version 3");
}

#[test]
fn workgroup_goes_with_its_stack_although_queries_have_run_in_it() {
    let template = Template::load();
    let group = template.properties("QueryWorkGroup");
    assert_eq!(group["RecursiveDeleteOption"], true);
    assert_eq!(text(&group["Name"]), "${AWS::StackName}-queries");
    assert_eq!(text(&template.section("Outputs")["WorkGroupName"]["Value"]), "${QueryWorkGroup}");
}

#[test]
fn named_queries_are_the_files_word_for_word() {
    let template = Template::load();
    let mut deployed = BTreeMap::new();
    for query in template.of_type("AWS::Athena::NamedQuery") {
        let query = template.properties(query);
        assert_eq!(text(&query["WorkGroup"]), "${QueryWorkGroup}");
        assert_eq!(text(&query["Database"]), "${DatabaseName}");
        let sql = text(&query["QueryString"]);
        let first = sql.lines().next().expect("a query is not empty");
        assert_eq!(format!("-- {}", text(&query["Description"])), first);
        deployed.insert(text(&query["Name"]), sql);
    }
    assert_eq!(deployed, files("queries"));
}

#[test]
fn views_are_the_files_without_their_headings() {
    let template = Template::load();
    let mut deployed = BTreeMap::new();
    for view in views(&template) {
        deployed.insert(text(&view["Name"]), words(&text(&definition(view)["originalSql"])));
    }
    let files = files("views").into_iter().map(|(name, sql)| {
        let statement: Vec<&str> = sql.lines().filter(|line| !line.starts_with("-- ")).collect();
        (name, words(&statement.join("\n")))
    });
    assert_eq!(deployed, files.collect());
}

#[test]
fn views_are_what_athena_takes_for_one() {
    let template = Template::load();
    for view in views(&template) {
        assert_eq!(view["Parameters"]["presto_view"], "true");
        assert_eq!(view["ViewExpandedText"], "/* Presto View */");
        let text = &view["ViewOriginalText"]["Fn::Join"];
        assert_eq!(
            (&text[0], &text[1][0], &text[1][2]),
            (&" ".into(), &"/* Presto View:".into(), &"*/".into())
        );
        // A query of a table without it fails.
        assert!(view["StorageDescriptor"]["SerdeInfo"].is_object());
        let definition = definition(view);
        assert_eq!(definition["catalog"], "awsdatacatalog");
        assert_eq!(definition["schema"], "${DatabaseName}");
    }
}

#[test]
fn a_view_has_the_same_columns_for_athena_and_for_the_catalog() {
    let template = Template::load();
    for view in views(&template) {
        let catalog = view["StorageDescriptor"]["Columns"].as_array().expect("columns").iter();
        let catalog = catalog.map(|column| {
            let kind = text(&column["Type"]);
            let kind = match kind.as_str() {
                "string" => "varchar",
                "int" => "integer",
                same => same,
            };
            (text(&column["Name"]), kind.to_owned())
        });
        let definition = definition(view);
        let athena = definition["columns"].as_array().expect("columns").iter();
        let athena = athena.map(|column| (text(&column["name"]), text(&column["type"])));
        assert_eq!(athena.collect::<Vec<_>>(), catalog.collect::<Vec<_>>(), "{}", view["Name"]);
    }
}

#[test]
fn what_is_deployed_for_athena_is_ascii() {
    // CloudFormation gives a template back with question marks for other characters.
    let template = Template::load();
    let named = template.of_type("AWS::Athena::NamedQuery");
    let named = named.into_iter().map(|name| template.properties(name));
    for resource in named.chain(views(&template)) {
        assert!(resource.to_string().is_ascii(), "{resource}");
    }
}

#[test]
fn both_pages_for_readers_name_every_query_and_view() {
    for page in ["docs/querying.md", "docs/pt-BR/querying.md"] {
        let page = fs::read_to_string(repository().join(page)).expect("a page");
        for name in files("queries").into_keys().chain(files("views").into_keys()) {
            assert!(page.contains(&format!("\n| `{name}` |")), "{name}");
        }
    }
}

/// The table inputs of all views.
fn views(template: &Template) -> Vec<&Value> {
    let tables = template.of_type("AWS::Glue::Table").into_iter();
    let inputs = tables.map(|table| &template.properties(table)["TableInput"]);
    let views: Vec<&Value> = inputs.filter(|input| input["TableType"] == "VIRTUAL_VIEW").collect();
    assert!(!views.is_empty());
    views
}

/// What Athena reads, with the names of parameters in the place of their values.
fn definition(view: &Value) -> Value {
    let encoded = &view["ViewOriginalText"]["Fn::Join"][1][1]["Fn::Base64"];
    assert_eq!(references(encoded).into_iter().collect::<Vec<_>>(), ["DatabaseName"]);
    serde_json::from_str(&text(encoded)).expect("a view is JSON")
}

fn words(sql: &str) -> Vec<String> {
    sql.split_whitespace().map(str::to_owned).collect()
}

/// The SQL files of a folder, by name.
fn files(folder: &str) -> BTreeMap<String, String> {
    let folder = repository().join("infra/athena").join(folder);
    let files = fs::read_dir(folder).expect("a folder of SQL files");
    let files = files.map(|file| {
        let path = file.expect("a file").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        (name, fs::read_to_string(path).expect("SQL"))
    });
    files.collect()
}
