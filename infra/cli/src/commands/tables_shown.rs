//! Whose data the tables of a command hold, for titles and documents.

use anyhow::Result;
use harness::checkout::Workspace;

use crate::{
    args::TablesArgs,
    lake::{self, Origin},
    output::{Language, text},
    running_stack::RunningStack,
};

/// What is told about the tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TablesShown {
    /// Of a stack in AWS the index is not asked for.
    pub(super) index: String,
    /// For documents: `b3`, `sample`, `another-server` or `stack NAME`.
    pub(super) source: String,
    origin: Origin,
}

impl TablesShown {
    pub(super) fn of(args: &TablesArgs) -> Result<Self> {
        if let Some(name) = &args.stack {
            let source = format!("stack {name}");
            return Ok(Self { index: "IBOV".to_owned(), source, origin: Origin::B3 });
        }
        let workspace = &Workspace::locate()?;
        let folder = match (&args.lake, RunningStack::read(workspace)?) {
            (Some(folder), _) => folder.clone(),
            (None, Some(running)) => running.lake,
            (None, None) => workspace.private("lake"),
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
