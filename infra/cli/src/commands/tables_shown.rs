//! Which tables a command reads, and whose data they hold.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use harness::{checkout::Workspace, stack::Stack};
use serde::{Serialize, Serializer};

use crate::{
    lake::{Contents, Origin},
    output::{Language, text},
    running_stack::RunningStack,
};

/// Where the tables are that a command reads without `--stack`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The stack that is up has them.
    Running(Box<RunningStack>),
    /// In a lake that no stack is up over.
    Folder(PathBuf),
}

impl Place {
    pub(super) fn find(workspace: &Workspace, named: Option<&Path>) -> Result<Self> {
        Ok(Self::choose(named, RunningStack::read(workspace)?, workspace.private("lake")))
    }

    fn choose(named: Option<&Path>, running: Option<RunningStack>, usual: PathBuf) -> Self {
        match (named, running) {
            (Some(folder), Some(running)) if running.lake != folder => Self::Folder(folder.into()),
            (_, Some(running)) => Self::Running(Box::new(running)),
            (named, None) => Self::Folder(named.map_or(usual, Path::to_path_buf)),
        }
    }
}

/// Tables, and what is told about them.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) stack: Stack,
    pub(super) shown: TablesShown,
}

/// What is told about the tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TablesShown {
    pub(super) index: String,
    pub(super) source: Source,
}

/// Where the rows come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    B3,
    /// The bundled portfolio.
    Sample,
    /// What `--b3-url` named.
    AnotherServer,
    /// A stack in AWS.
    Stack(String),
}

/// As documents have it.
impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::B3 => formatter.write_str("b3"),
            Self::Sample => formatter.write_str("sample"),
            Self::AnotherServer => formatter.write_str("another-server"),
            Self::Stack(name) => write!(formatter, "stack {name}"),
        }
    }
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Tables {
    /// Those of a stack in AWS, whose parameters say which index it serves.
    pub(super) async fn of_stack(stack: Stack) -> Result<Self> {
        let index = stack.parameters().await?.remove("IndexCode");
        let index = index.with_context(|| {
            let name = &stack.name;
            text!(
                en: "stack {name} has no parameter IndexCode",
                pt: "a stack {name} não tem o parâmetro IndexCode",
            )
        })?;
        let source = Source::Stack(stack.name.clone());
        Ok(Self { stack, shown: TablesShown { index, source } })
    }
}

impl TablesShown {
    /// Of a lake of this machine.
    pub(super) fn of(contents: &Contents) -> Self {
        let source = match contents.origin {
            Origin::B3 => Source::B3,
            Origin::Sample => Source::Sample,
            Origin::AnotherServer => Source::AnotherServer,
        };
        Self { index: contents.index.clone(), source }
    }

    /// What has to stand above data that are not B3's.
    pub(super) fn mark(&self, language: Language) -> Option<String> {
        match self.source {
            Source::B3 | Source::Stack(_) => None,
            Source::Sample => Some(text!(
                language,
                en: "SAMPLE, NOT B3'S DATA",
                pt: "EXEMPLO, NÃO SÃO DADOS DA B3"
            )),
            Source::AnotherServer => Some(text!(
                language,
                en: "FROM ANOTHER SERVER, NOT B3'S DATA",
                pt: "DE OUTRO SERVIDOR, NÃO SÃO DADOS DA B3"
            )),
        }
    }

    /// The title with the mark before it.
    pub(super) fn title(&self, language: Language, title: &str) -> String {
        self.mark(language).map_or_else(|| title.to_owned(), |mark| format!("{mark}: {title}"))
    }

    /// Where the data come from, in words.
    pub(super) fn source_in_words(&self, language: Language) -> String {
        match &self.source {
            Source::Stack(name) => {
                text!(language, en: "Source: B3, stack {name}", pt: "Fonte: B3, stack {name}")
            }
            Source::B3 => text!(language, en: "Source: B3", pt: "Fonte: B3"),
            Source::Sample => text!(
                language,
                en: "Source: bundled sample, not B3's data",
                pt: "Fonte: exemplo que acompanha o programa, não são dados da B3"
            ),
            Source::AnotherServer => text!(
                language,
                en: "Source: another server than B3's",
                pt: "Fonte: um servidor que não é o da B3"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::running_stack::tests::running;

    #[test]
    fn the_lake_of_the_stack_that_is_up_is_read_through_it_by_name_too() {
        let usual = || PathBuf::from("/usual");
        let up = || running("/runs/1".into());
        let through_it = Place::Running(Box::new(up()));
        assert_eq!(Place::choose(None, Some(up()), usual()), through_it);
        assert_eq!(Place::choose(Some(&up().lake), Some(up()), usual()), through_it);
        let other = Path::new("/other");
        for running in [Some(up()), None] {
            assert_eq!(Place::choose(Some(other), running, usual()), Place::Folder(other.into()));
        }
        assert_eq!(Place::choose(None, None, usual()), Place::Folder(usual()));
    }

    #[test]
    fn what_another_server_answered_is_marked_while_its_stack_is_up() {
        let up = running("/runs/1".into());
        assert!(!up.lake.join(".ibov").exists(), "the folder says nothing");
        let shown = TablesShown::of(&up.contents);
        assert_eq!(
            (shown.index.as_str(), shown.source.to_string().as_str()),
            ("SMLL", "another-server")
        );
        assert!(shown.mark(Language::English).is_some());
        assert_eq!(shown.source_in_words(Language::English), "Source: another server than B3's");
    }

    #[test]
    fn what_is_not_b3s_is_marked_in_every_title_and_language() {
        let shown = |origin| {
            TablesShown::of(&Contents { origin, index: "IBOV".into(), segment: "2".into() })
        };
        for (origin, english, portuguese) in [
            (Origin::Sample, "SAMPLE, NOT B3'S DATA: t", "EXEMPLO, NÃO SÃO DADOS DA B3: t"),
            (
                Origin::AnotherServer,
                "FROM ANOTHER SERVER, NOT B3'S DATA: t",
                "DE OUTRO SERVIDOR, NÃO SÃO DADOS DA B3: t",
            ),
            (Origin::B3, "t", "t"),
        ] {
            let shown = shown(origin);
            assert_eq!(shown.title(Language::English, "t"), english);
            assert_eq!(shown.title(Language::Portuguese, "t"), portuguese);
        }
    }
}
