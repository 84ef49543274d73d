//! The file in which the emulator writes the e-mails that SNS would have sent, one JSON document a line.

use std::{collections::BTreeMap, fs, io::ErrorKind, path::Path};

use anyhow::{Context as _, Result};
use serde::Deserialize;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Mail {
    /// Address of the recipient.
    pub to: String,
    /// ARN of the topic that it was published to.
    pub topic: String,
    #[serde(default)]
    pub subject: Option<String>,
    pub message: String,
    /// Attributes of the message, which people do not see.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
}

impl Mail {
    /// The topic's name, without account and region.
    pub fn topic_name(&self) -> &str {
        self.topic.rsplit(':').next().unwrap_or(&self.topic)
    }

    /// Empty if it was published without a subject.
    pub fn subject(&self) -> &str {
        self.subject.as_deref().unwrap_or_default()
    }

    /// Whether it reports something odd that nobody has to repair.
    pub fn is_warning(&self) -> bool {
        self.attributes.get("severity").is_some_and(|severity| severity == "warning")
    }

    /// Whether an alarm has fallen back. Its subject is CloudWatch's, in any language.
    pub fn is_all_clear(&self) -> bool {
        self.subject().starts_with("OK: ")
    }
}

/// Reads all complete lines. A line that is still being written is left for the next time.
pub(super) fn read(outbox: &Path) -> Result<Vec<Mail>> {
    let text = match fs::read_to_string(outbox) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", outbox.display()));
        }
    };
    let complete = text.rfind('\n').and_then(|end| text.get(..end)).unwrap_or_default();
    let mails = complete.lines().map(serde_json::from_str).collect::<Result<_, _>>();
    mails.with_context(|| format!("{} holds a line that is no mail", outbox.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_written_line_waits() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("outbox.jsonl");
        assert!(read(&file).unwrap().is_empty());
        let line = r#"{"to":"a@example.com","topic":"arn:aws:sns:us-east-1:0:ibov-alerts","subject":null,"message":"m","id":"1"}"#;
        fs::write(&file, format!("{line}\n{{\"to\":")).unwrap();
        let mails = read(&file).unwrap();
        assert_eq!(mails.len(), 1);
        assert_eq!(mails[0].topic_name(), "ibov-alerts");
        assert_eq!(mails[0].subject(), "");
        assert!(!mails[0].is_warning());
    }
}
