//! What people read. Each language is a file, in which every piece of news has its words.

mod english;
mod news;
mod portuguese;

pub(crate) use news::News;

use crate::{language::Language, stack::Stack};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mail {
    /// ASCII, one line, at most 99 characters: the limits of SNS.
    pub(crate) subject: String,
    pub(crate) text: String,
}

impl Mail {
    pub(crate) fn about(stack: &Stack, news: News<'_>) -> Self {
        let (title, text) = match stack.language {
            Language::English => english::title_and_text(stack, news),
            Language::Portuguese => portuguese::title_and_text(stack, news),
        };
        Self { subject: subject(&format!("{} {title}", stack.index)), text }
    }
}

/// SNS refuses longer subjects, and any with line breaks or characters outside ASCII.
fn subject(text: &str) -> String {
    const MAX_CHARACTERS: usize = 99;
    text.chars()
        .map(|character| if character.is_ascii_graphic() { character } else { ' ' })
        .take(MAX_CHARACTERS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_what_sns_takes() {
        let subject = subject(&format!("é\r\n{}", "x".repeat(200)));
        assert_eq!(subject, format!("   {}", "x".repeat(96)));
    }
}
