use anyhow::Result;
use clap_complete::Shell;

use crate::{args::CompletionsArgs, command_line::command, output::print_line};

/// Prints the script by which a shell completes commands and options.
pub(crate) fn completions(args: &CompletionsArgs) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(Shell::from(args.shell), &mut command(), "ibov", &mut script);
    print_line(String::from_utf8(script)?.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::KnownShell;

    #[test]
    fn scripts_know_the_commands_and_their_options() {
        for shell in [KnownShell::Bash, KnownShell::Zsh, KnownShell::Fish] {
            let mut script = Vec::new();
            clap_complete::generate(Shell::from(shell), &mut command(), "ibov", &mut script);
            let script = String::from_utf8(script).unwrap();
            for word in ["redrive", "sample", "completion"] {
                assert!(script.contains(word), "{word} for {shell:?}");
            }
        }
    }
}
