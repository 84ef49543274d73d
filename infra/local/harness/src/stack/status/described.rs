//! What CloudFormation says about a stack.

use std::collections::BTreeMap;

use serde::Serialize;

/// What CloudFormation says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Described {
    /// Such as `CREATE_COMPLETE`.
    pub state: String,
    #[serde(skip)]
    pub parameters: BTreeMap<String, String>,
}

impl Described {
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// Whether the stack fetches by itself.
    pub fn fetches(&self) -> bool {
        self.parameter("ScheduleState") != Some("DISABLED")
    }
}
