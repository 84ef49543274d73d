use std::{fmt, str::FromStr};

use anyhow::{Result, bail};

/// The four stages, in the order of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// B3 → landing.
    Fetch,
    /// landing → raw.
    Parquet,
    /// raw → a Glue run.
    Glue,
    /// The run's end → a notification.
    Completion,
}

impl Stage {
    pub const ALL: [Self; 4] = [Self::Fetch, Self::Parquet, Self::Glue, Self::Completion];

    /// The word that the names of its queue and dead-letter queue begin with.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Parquet => "parquet",
            Self::Glue => "glue",
            Self::Completion => "completion",
        }
    }

    pub fn function(self) -> &'static str {
        match self {
            Self::Fetch => "fetcher",
            Self::Parquet => "parquet-writer",
            Self::Glue => "glue-trigger",
            Self::Completion => "glue-notifier",
        }
    }

    /// Name of the output with the URL of its `Queue` or `Dlq`.
    pub(super) fn url_output(self, queue: &str) -> String {
        let (first, rest) = self.name().split_at(1);
        format!("{}{rest}{queue}Url", first.to_uppercase())
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Stage {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match Self::ALL.into_iter().find(|stage| text == stage.name() || text == stage.function()) {
            Some(stage) => Ok(stage),
            None => bail!("{text:?} is no stage; the stages are fetch, parquet, glue, completion"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_found_by_its_name_or_its_functions() {
        for stage in Stage::ALL {
            assert_eq!(stage.name().parse::<Stage>().unwrap(), stage);
            assert_eq!(stage.function().parse::<Stage>().unwrap(), stage);
        }
        assert!("landing".parse::<Stage>().is_err());
        assert_eq!(Stage::Parquet.url_output("Dlq"), "ParquetDlqUrl");
    }
}
