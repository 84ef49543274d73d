//! The language of what is printed.

mod number;

use std::{env, str::FromStr, sync::OnceLock};

use anyhow::{Result, bail};

static CHOSEN: OnceLock<Language> = OnceLock::new();

/// English, or Portuguese as spoken in Brazil.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Portuguese,
    English,
}

impl FromStr for Language {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> Result<Self> {
        Ok(match name {
            "pt" | "pt-BR" | "pt_BR" => Self::Portuguese,
            "en" | "en-US" | "en_US" => Self::English,
            _ => bail!("{name:?} is not spoken here; take pt or en"),
        })
    }
}

impl Language {
    /// Decides for the whole process: what `--lang` says, or else the locale.
    pub fn choose(named: Option<Self>) -> Self {
        *CHOSEN.get_or_init(|| named.unwrap_or_else(Self::of_environment))
    }

    /// What was chosen; English where nothing was, as in tests.
    pub fn current() -> Self {
        CHOSEN.get().copied().unwrap_or(Self::English)
    }

    fn of_environment() -> Self {
        Self::of_locale(|name| env::var(name).ok())
    }

    /// As POSIX says: the first of these variables that is not empty.
    fn of_locale(variable: impl Fn(&str) -> Option<String>) -> Self {
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .filter_map(variable)
            .find(|locale| !locale.is_empty())
            .unwrap_or_default();
        let language = locale.split(['_', '-', '.', '@']).next().unwrap_or_default();
        if language.eq_ignore_ascii_case("pt") { Self::Portuguese } else { Self::English }
    }
}

/// The text in a [`Language`], with placeholders that name variables:
/// `text!(language, en: "{name} is unknown", pt: "{name} não existe")`. Without a language, in the current one.
#[macro_export]
macro_rules! text {
    (en: $en:literal, pt: $pt:literal $(,)?) => {
        $crate::text!($crate::language::Language::current(), en: $en, pt: $pt)
    };
    ($language:expr, en: $en:literal, pt: $pt:literal $(,)?) => {
        match $language {
            $crate::language::Language::English => format!($en),
            $crate::language::Language::Portuguese => format!($pt),
        }
    };
}
pub use text;

/// The first word for one thing, the second for any other number of them; so it is in both languages.
pub fn plural<'a>(number: usize, one: &'a str, many: &'a str) -> &'a str {
    if number == 1 { one } else { many }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Language {
        let find = |name: &str| variables.iter().find(|(known, _)| *known == name);
        Language::of_locale(|name| find(name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_locale_decides_and_its_first_variable_wins() {
        assert_eq!(of(&[("LANG", "pt_BR.UTF-8")]), Language::Portuguese);
        assert_eq!(of(&[("LANG", "pt")]), Language::Portuguese);
        assert_eq!(of(&[("LANG", "pt_BR"), ("LC_ALL", "C")]), Language::English);
        assert_eq!(of(&[("LANG", "en_US"), ("LC_MESSAGES", "pt_PT")]), Language::Portuguese);
        assert_eq!(of(&[("LANG", "pt_BR"), ("LC_ALL", "")]), Language::Portuguese);
        for other in ["", "C", "de_DE.UTF-8", "ptx_XX"] {
            assert_eq!(of(&[("LANG", other)]), Language::English, "{other}");
        }
        assert_eq!(of(&[]), Language::English);
    }

    #[test]
    fn a_text_is_said_in_the_language_and_in_its_number() {
        let say = |language, days: usize| {
            let (en, pt) = (plural(days, "day", "days"), plural(days, "dia", "dias"));
            text!(language, en: "{days} {en}", pt: "{days} {pt}")
        };
        assert_eq!(say(Language::English, 1), "1 day");
        assert_eq!(say(Language::Portuguese, 2), "2 dias");
    }
}
