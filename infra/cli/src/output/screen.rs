//! Where text goes.

use std::io::{IsTerminal as _, stdout};

use harness::language::Language;

/// What standard output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Screen {
    pub(crate) language: Language,
    /// Columns of the terminal; `None` for a pipe or a file.
    pub(crate) width: Option<u16>,
}

impl Screen {
    /// Of a terminal that does not say how wide it is.
    const USUAL_WIDTH: u16 = 80;

    pub(crate) fn stdout() -> Self {
        let width = stdout().is_terminal().then(|| {
            // Some terminals say that they have no column.
            let width = comfy_table::Table::new().width().filter(|width| *width > 0);
            width.unwrap_or(Self::USUAL_WIDTH)
        });
        Self { language: Language::current(), width }
    }
}
