//! The template as JSON, with CloudFormation's short tags (`!Ref X`) in their long form (`{"Ref": "X"}`).

use std::{collections::BTreeSet, path::PathBuf};

use serde_json::{Map, Value, json};

/// The four stages: logical prefix of queue and dead-letter queue, logical name of the function, name of its binary.
pub(crate) const STAGES: [(&str, &str, &str); 4] = [
    ("Fetch", "Fetcher", "fetcher"),
    ("Parquet", "ParquetWriter", "parquet-writer"),
    ("Glue", "GlueTrigger", "glue-trigger"),
    ("Completion", "GlueNotifier", "glue-notifier"),
];

pub(crate) struct Template(Value);

/// The root of the repository.
pub(crate) fn repository() -> PathBuf {
    e2e::local::in_workspace("").expect("the tests lie in a checkout")
}

impl Template {
    pub(crate) fn load() -> Self {
        let path = repository().join("infra/template.yaml");
        let text = std::fs::read_to_string(&path).expect("infra/template.yaml can be read");
        let yaml = serde_yaml_ng::from_str(&text).expect("infra/template.yaml is YAML");
        Self(long_form(yaml))
    }

    /// A top-level section, such as `Parameters`.
    pub(crate) fn section(&self, name: &str) -> &Map<String, Value> {
        self.0[name].as_object().unwrap_or_else(|| panic!("the template has no section {name}"))
    }

    /// The logical names of all resources of a type.
    pub(crate) fn of_type(&self, resource_type: &str) -> Vec<&str> {
        let found: Vec<&str> = self
            .section("Resources")
            .iter()
            .filter(|(_, resource)| resource["Type"] == resource_type)
            .map(|(name, _)| name.as_str())
            .collect();
        assert!(!found.is_empty(), "the template has no {resource_type}");
        found
    }

    /// A whole resource, with its type, conditions and policies on deletion.
    pub(crate) fn resource(&self, name: &str) -> &Value {
        self.section("Resources")
            .get(name)
            .unwrap_or_else(|| panic!("the template has no resource {name}"))
    }

    pub(crate) fn properties(&self, name: &str) -> &Value {
        &self.resource(name)["Properties"]
    }

    /// A parameter's default as text, empty if there is none.
    pub(crate) fn default_of(&self, parameter: &str) -> String {
        text(&self.section("Parameters")[parameter]["Default"])
    }

    /// The value of a numeric property when all parameters have their defaults.
    pub(crate) fn number(&self, value: &Value) -> u64 {
        let value = match value["Ref"].as_str() {
            Some(parameter) => self.default_of(parameter),
            None => text(value),
        };
        value.parse().unwrap_or_else(|_| panic!("{value:?} is not a whole number"))
    }

    /// Every statement of every policy, including conditional ones, with the resource that holds it.
    pub(crate) fn statements(&self) -> Vec<(&str, &Value)> {
        let mut found = Vec::new();
        for (name, resource) in self.section("Resources") {
            let properties = &resource["Properties"];
            let attached = properties["Policies"].as_array().into_iter().flatten();
            let attached = attached.map(|policy| policy.pointer("/Fn::If/1").unwrap_or(policy));
            let documents = attached.chain([properties]).map(|policy| &policy["PolicyDocument"]);
            for statement in
                documents.filter_map(|document| document["Statement"].as_array()).flatten()
            {
                found.push((name.as_str(), statement));
            }
        }
        found
    }

    /// The statements of the policies of one queue or topic, which `property` lists.
    pub(crate) fn statements_for(&self, list: &str, resource: &str) -> Vec<&Value> {
        let wanted = format!("${{{resource}}}");
        self.statements()
            .into_iter()
            .filter(|(policy, _)| texts(&self.properties(policy)[list]).contains(&wanted))
            .map(|(_, statement)| statement)
            .collect()
    }
}

/// A value as one line of text, in the notation of `Fn::Sub`: `!Ref X` and `!GetAtt X.Arn` are `${X}` and `${X.Arn}`.
pub(crate) fn text(value: &Value) -> String {
    let argument = |function: &str| value[function].as_str();
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Object(_) => match (argument("Fn::Sub"), argument("Ref").or(argument("Fn::GetAtt")))
        {
            (Some(pattern), _) => pattern.to_owned(),
            (None, Some(name)) => format!("${{{name}}}"),
            (None, None) => value.to_string(),
        },
        Value::Bool(_) | Value::Number(_) | Value::Array(_) => value.to_string(),
    }
}

/// One value or a list of them, as CloudFormation allows in policies.
pub(crate) fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(values) => values.iter().map(text).collect(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            vec![text(value)]
        }
    }
}

pub(crate) fn allows(statement: &Value) -> bool {
    statement["Effect"] == "Allow"
}

/// The names that a value refers to: parameters, pseudo parameters and resources.
pub(crate) fn references(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    match value {
        Value::Array(values) => found.extend(values.iter().flat_map(references)),
        Value::Object(fields) => {
            for (key, inner) in fields {
                match (key.as_str(), inner.as_str()) {
                    ("Ref", Some(name)) => found.extend([name.to_owned()]),
                    ("Fn::GetAtt", Some(name)) => {
                        found.extend(name.split('.').next().map(str::to_owned))
                    }
                    ("Fn::Sub", Some(pattern)) => found.extend(substituted(pattern)),
                    _ => found.extend(references(inner)),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    found
}

/// The names in the `${…}` of a pattern. `${!x}` stands for a literal `${x}`.
fn substituted(pattern: &str) -> impl Iterator<Item = String> {
    pattern
        .split("${")
        .skip(1)
        .filter(|rest| !rest.starts_with('!'))
        .filter_map(|rest| rest.split(['}', '.']).next())
        .map(str::to_owned)
}

fn long_form(yaml: serde_yaml_ng::Value) -> Value {
    use serde_yaml_ng::Value as Yaml;
    match yaml {
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let name = tag.trim_start_matches('!');
            let function = if name == "Ref" { name.to_owned() } else { format!("Fn::{name}") };
            json!({ function: long_form(tagged.value) })
        }
        Yaml::Mapping(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(key, value)| {
                    (key.as_str().expect("keys are text").to_owned(), long_form(value))
                })
                .collect(),
        ),
        Yaml::Sequence(values) => Value::Array(values.into_iter().map(long_form).collect()),
        plain @ (Yaml::Null | Yaml::Bool(_) | Yaml::Number(_) | Yaml::String(_)) => {
            serde_json::to_value(plain).expect("a plain YAML value fits JSON")
        }
    }
}
