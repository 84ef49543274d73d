use std::collections::BTreeMap;

use super::ARTIFACT_BUCKET;

/// Where a local stack mails completions to. No mail leaves the machine.
pub const COMPLETION_EMAIL: &str = "team@example.com";
/// Where a local stack mails alerts to.
pub const ALERT_EMAIL: &str = "oncall@example.com";

/// Name and parameters of a local stack.
#[derive(Debug, Clone)]
pub struct StackConfig {
    /// Everything in the stack is named after it.
    pub name: String,
    pub index: String,
    pub segment: String,
    pub b3_base_url: String,
    /// Template parameters that replace or join the local ones.
    pub parameters: BTreeMap<String, String>,
}

impl StackConfig {
    /// A stack for IBOV by sector.
    pub fn new(name: &str, b3_base_url: &str) -> Self {
        Self {
            name: name.to_owned(),
            index: "IBOV".to_owned(),
            segment: "2".to_owned(),
            b3_base_url: b3_base_url.to_owned(),
            parameters: BTreeMap::new(),
        }
    }

    /// Replaces or adds a template parameter.
    pub fn with(mut self, parameter: &str, value: &str) -> Self {
        self.parameters.insert(parameter.to_owned(), value.to_owned());
        self
    }

    /// Timeouts are short and messages are received once, because a person is waiting and will not redrive.
    pub(super) fn all_parameters(&self) -> BTreeMap<String, String> {
        let local = [
            ("IndexCode", self.index.as_str()),
            ("Segment", &self.segment),
            ("B3BaseUrl", &self.b3_base_url),
            ("Architecture", architecture()),
            ("AlertEmail", ALERT_EMAIL),
            ("CompletionEmail", COMPLETION_EMAIL),
            ("ScheduleState", "DISABLED"),
            ("CreateDatabase", "true"),
            ("FunctionTimeout", "20"),
            ("HttpTimeout", "5"),
            ("VisibilityTimeout", "130"),
            ("GlueBatchingWindow", "1"),
            ("ArtifactBucket", ARTIFACT_BUCKET),
            ("MaxReceiveCount", "1"),
            // Tests that have messages come again set the queue's visibility timeout instead.
            ("BackoffBase", "0"),
            // Recorded portfolios are of any year, and listing partitions costs nothing here.
            ("FirstMonth", "2010-01"),
        ];
        let mut all: BTreeMap<String, String> =
            local.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        all.extend(self.parameters.clone());
        all
    }
}

/// Lambda's name for the architecture of this machine, for which the functions are built.
fn architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_parameters_replace_the_local_ones() {
        let parameters = StackConfig::new("s", "http://b3")
            .with("MaxReceiveCount", "3")
            .with("PageSize", "10")
            .all_parameters();
        assert_eq!(parameters["MaxReceiveCount"], "3");
        assert_eq!(parameters["PageSize"], "10");
        assert_eq!(parameters["B3BaseUrl"], "http://b3");
    }
}
