//! Whose data the tables of a command hold, for titles and documents.

use std::path::{Path, PathBuf};

use anyhow::Result;
use harness::checkout::Workspace;

use crate::{
    args::TablesArgs,
    lake::{self, Origin},
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

/// What is told about the tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TablesShown {
    /// Of a stack in AWS the index is not asked for.
    pub(super) index: String,
    /// For documents: `b3`, `sample`, `another-server` or `stack NAME`.
    pub(super) source: String,
    pub(super) origin: Origin,
}

impl TablesShown {
    pub(super) fn of(args: &TablesArgs) -> Result<Self> {
        if let Some(name) = &args.stack {
            let source = format!("stack {name}");
            return Ok(Self { index: "IBOV".to_owned(), source, origin: Origin::B3 });
        }
        let folder = match Place::find(&Workspace::locate()?, args.lake.as_deref())? {
            Place::Running(running) => running.lake,
            Place::Folder(folder) => folder,
        };
        // Without a lake there is nothing to show, and `with_tables` says so.
        let contents = lake::contents(&folder)?;
        let (index, origin) =
            contents.map_or(("IBOV".to_owned(), Origin::B3), |found| (found.index, found.origin));
        let source = match origin {
            Origin::B3 => "b3",
            Origin::Sample => "sample",
            Origin::AnotherServer => "another-server",
        };
        Ok(Self { index, source: source.to_owned(), origin })
    }

    /// What has to stand above data that are not B3's.
    pub(super) fn mark(&self, language: Language) -> Option<String> {
        match self.origin {
            Origin::B3 => None,
            Origin::Sample => Some(text!(
                language,
                en: "SAMPLE, NOT B3'S DATA",
                pt: "EXEMPLO, NÃO SÃO DADOS DA B3"
            )),
            Origin::AnotherServer => Some(text!(
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
        let source = &self.source;
        match self.origin {
            Origin::B3 if source.starts_with("stack ") => {
                text!(language, en: "Source: B3, {source}", pt: "Fonte: B3, {source}")
            }
            Origin::B3 => text!(language, en: "Source: B3", pt: "Fonte: B3"),
            Origin::Sample => text!(
                language,
                en: "Source: bundled sample, not B3's data",
                pt: "Fonte: exemplo que acompanha o programa, não são dados da B3"
            ),
            Origin::AnotherServer => text!(
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
    fn what_is_not_b3s_is_marked_in_every_title_and_language() {
        let shown = |origin| TablesShown { index: "IBOV".into(), source: "x".into(), origin };
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
