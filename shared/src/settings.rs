//! A function's settings: environment variables, read once per cold start.

use std::{collections::HashMap, fmt::Display, str::FromStr};

#[derive(Clone, Debug)]
pub struct Environment(HashMap<String, String>);

/// A variable that is missing or cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    #[error("the environment variable {name} is not set")]
    Missing { name: &'static str },
    #[error("the environment variable {name} is {value:?}: {reason}")]
    Invalid { name: &'static str, value: String, reason: String },
}

impl Environment {
    pub fn of_process() -> Self {
        std::env::vars().collect()
    }

    /// A variable as it is, unless it is empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A variable as it is, also if it is empty, for those that other programs' libraries read.
    pub fn even_empty(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// All variables that are not empty.
    pub fn iter(&self) -> impl Iterator<Item = (String, String)> {
        self.0
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name.clone(), value.clone()))
    }

    /// A variable that must be set and not be empty.
    pub fn required<T>(&self, name: &'static str) -> Result<T, SettingError>
    where
        T: FromStr<Err: Display>,
    {
        self.optional(name)?.ok_or(SettingError::Missing { name })
    }

    /// A variable with a default, also for an empty value.
    pub fn or<T>(&self, name: &'static str, default: T) -> Result<T, SettingError>
    where
        T: FromStr<Err: Display>,
    {
        Ok(self.optional(name)?.unwrap_or(default))
    }

    fn optional<T>(&self, name: &'static str) -> Result<Option<T>, SettingError>
    where
        T: FromStr<Err: Display>,
    {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        value.parse().map(Some).map_err(|error: T::Err| SettingError::Invalid {
            name,
            value: value.to_owned(),
            reason: error.to_string(),
        })
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> Environment {
        [("PAGE_SIZE", "20"), ("HTTP_TIMEOUT", "soon"), ("EMPTY", "")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into_iter()
            .collect()
    }

    #[test]
    fn values_and_defaults() {
        assert_eq!(environment().required::<u32>("PAGE_SIZE"), Ok(20));
        assert_eq!(environment().or("RETRIES", 3), Ok(3));
        assert_eq!(environment().or("EMPTY", 3), Ok(3));
    }

    #[test]
    fn errors_name_the_variable() {
        let missing = environment().required::<String>("S3_BUCKET").unwrap_err();
        assert_eq!(missing.to_string(), "the environment variable S3_BUCKET is not set");
        let invalid = environment().or("HTTP_TIMEOUT", 15_u64).unwrap_err();
        assert_eq!(
            invalid.to_string(),
            "the environment variable HTTP_TIMEOUT is \"soon\": invalid digit found in string"
        );
    }
}
