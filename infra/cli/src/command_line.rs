//! What `--help` shows besides the arguments: the commands in groups, and examples of each.

use std::ffi::OsString;

use clap::{
    Command, CommandFactory as _, FromArgMatches as _,
    builder::styling::{AnsiColor, Style},
};

use crate::{args::Cli, examples::EXAMPLES};

/// Every command stands in one group.
const GROUPS: [(&str, &[&str]); 4] = [
    ("Run", &["run", "import", "reprocess"]),
    ("Look", &["query", "queries", "chart", "history", "diff", "report"]),
    (
        "Operate",
        &["status", "fetch", "refine", "parked", "redrive", "discard", "logs", "doctor", "b3"],
    ),
    ("Set up", &["completions", "man"]),
];

const HEADING: Style = Style::new().bold().underline();
const LITERAL: Style = Style::new().bold();
const QUIET: Style = AnsiColor::BrightBlack.on_default();

/// Reads the arguments. Ends the process with a message if they are wrong.
pub(crate) fn parse() -> Cli {
    let mut command = command();
    let matches = command
        .try_get_matches_from_mut(with_account_behind_command(std::env::args_os()))
        .unwrap_or_else(|error| error.exit());
    Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.format(&mut command).exit())
}

/// The AWS CLI takes `--profile` and `--region` before the command too. Here they belong to the commands that know
/// `--stack`, so they are moved behind the command, which then accepts or refuses them.
fn with_account_behind_command(words: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut words = words.into_iter();
    let (mut before, mut moved): (Vec<_>, Vec<_>) = (words.next().into_iter().collect(), vec![]);
    while let Some(word) = words.next() {
        let text = word.to_string_lossy().into_owned();
        if !text.starts_with('-') {
            before.push(word);
            break;
        }
        let (name, has_value) =
            text.split_once('=').map_or((&*text, false), |(name, _)| (name, true));
        let list = if ["--profile", "--region"].contains(&name) { &mut moved } else { &mut before };
        list.push(word);
        if !has_value && ["--profile", "--region", "--lang"].contains(&name) {
            list.extend(words.next());
        }
    }
    before.into_iter().chain(moved).chain(words).collect()
}

/// The command line with groups and examples.
pub(crate) fn command() -> Command {
    let mut command = Cli::command();
    for (name, examples) in EXAMPLES {
        command = command.mut_subcommand(name, |command| command.after_help(text_of(examples)));
    }
    let groups = groups(&command);
    command.help_template(format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n{groups}\n{HEADING}Options:{HEADING:#}\n{{options}}{{after-help}}"
    ))
}

fn text_of(examples: &[(&str, &str)]) -> String {
    let mut text = format!("{HEADING}Examples:{HEADING:#}");
    for (line, what) in examples {
        text.push_str(&format!("\n  {QUIET}# {what}{QUIET:#}\n  {LITERAL}{line}{LITERAL:#}"));
    }
    text
}

fn groups(command: &Command) -> String {
    let mut text = String::new();
    for (title, names) in GROUPS {
        let members: Vec<&Command> =
            names.iter().filter_map(|name| command.find_subcommand(name)).collect();
        if members.is_empty() {
            continue;
        }
        text.push_str(&format!("\n{HEADING}{title}:{HEADING:#}\n"));
        for member in members {
            let (name, about) = (member.get_name(), member.get_about().map(ToString::to_string));
            let about = about.unwrap_or_default();
            text.push_str(&format!("  {LITERAL}{name:<12}{LITERAL:#} {about}\n"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Splits as a shell does that knows quotes around whole words, up to a pipe or a redirection.
    fn words(line: &str) -> Vec<String> {
        let (mut words, mut rest) = (Vec::new(), line.trim_start());
        while let Some(first) = rest.chars().next() {
            let quote = Some(first).filter(|first| ['\'', '"'].contains(first));
            let word = quote.map_or(rest, |_| &rest[1..]);
            let end = word.find(|c| quote.map_or(c == ' ', |quote| c == quote));
            let (word, after) = word.split_at(end.unwrap_or(word.len()));
            words.push(word.to_owned());
            // Without the quote that ends the word.
            rest = after.get(usize::from(quote.is_some())..).unwrap_or_default().trim_start();
        }
        let end = words.iter().position(|word| [">", "|"].contains(&word.as_str()));
        words.truncate(end.unwrap_or(words.len()));
        words
    }

    /// The lines of a command's help that begin as the command is typed, without what is said about them.
    fn examples(command: &Command) -> Vec<String> {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let lines = help.lines().map(str::trim).map(|line| line.trim_start_matches("cargo "));
        let lines = lines.filter(|line| line.starts_with("ibov "));
        lines.map(|line| line.split("  ").next().unwrap_or(line).to_owned()).collect()
    }

    #[test]
    fn profile_and_region_may_stand_before_the_command_as_in_the_aws_cli() {
        let parsed = |line: &str| {
            let words = line.split(' ').map(OsString::from);
            let matches = command().try_get_matches_from(with_account_behind_command(words));
            matches.and_then(|matches| Cli::from_arg_matches(&matches))
        };
        let wanted = parsed("ibov --lang pt status --stack s --profile p --region r").unwrap();
        for line in [
            "ibov --profile p --region=r --lang pt status --stack s",
            "ibov --lang=pt --region r status --profile p --stack s",
        ] {
            assert_eq!(format!("{:?}", parsed(line).unwrap()), format!("{wanted:?}"), "{line}");
        }
        for line in
            ["ibov --profile p completions bash", "ibov --profile", "ibov --profile p status"]
        {
            assert!(parsed(line).is_err(), "{line}");
        }
        assert!(parsed("ibov parked fetch --limit 3").is_ok());
    }

    #[test]
    fn every_command_has_two_examples_and_each_of_them_parses() {
        let all = command();
        for command in all.get_subcommands() {
            let (name, examples) = (command.get_name(), examples(command));
            assert!(examples.len() >= 2, "`ibov {name}` has too few examples");
            for line in examples {
                let start = format!("ibov {name}");
                assert!(line.starts_with(&start), "{line:?} is no example of {name}");
                let parsed = all.clone().try_get_matches_from(words(&line));
                let parsed = parsed.and_then(|matches| Cli::from_arg_matches(&matches));
                assert!(parsed.is_ok(), "{line}\n{}", parsed.unwrap_err());
            }
        }
    }

    #[test]
    fn every_command_stands_in_one_group_of_the_help() {
        let (command, help) = (command(), command().render_help().to_string());
        for name in command.get_subcommands().map(Command::get_name) {
            let groups = GROUPS.iter().filter(|(_, names)| names.contains(&name)).count();
            assert_eq!(groups, 1, "{name}");
            let line = format!("\n  {name:<12} ");
            assert_eq!(help.matches(&line).count(), 1, "{name} in\n{help}");
        }
        for heading in ["\nRun:\n", "\nLook:\n", "\nOperate:\n", "\nExit codes"] {
            assert!(help.contains(heading), "{heading:?} in\n{help}");
        }
    }

    #[test]
    fn examples_are_in_the_help_of_their_command() {
        let mut command = command();
        let run = command.find_subcommand_mut("run").unwrap();
        for help in [run.render_help(), run.render_long_help()] {
            let help = help.to_string();
            assert!(help.contains("Examples:\n"), "{help}");
            assert!(help.contains("\n  cargo ibov run --sample\n"), "{help}");
        }
    }

    #[test]
    fn a_slip_is_answered_with_what_may_have_been_meant() {
        for (line, meant) in [
            ("ibov pakred", "'parked'"),
            ("ibov run --smaple", "'--sample'"),
            ("ibov parked fech", "'fetch'"),
            ("ibov redrive completions", "'completion'"),
            ("ibov b3 total", "did you mean totals?"),
            ("ibov completions bsh", "'bash'"),
        ] {
            let error = command().try_get_matches_from(line.split(' ')).unwrap_err().to_string();
            assert!(error.contains(meant), "{line}: {error}");
        }
    }

    #[test]
    fn a_stage_is_taken_by_its_name_and_by_its_functions() {
        for word in ["fetch", "fetcher", "parquet-writer", "glue-notifier", "completion"] {
            assert!(command().try_get_matches_from(["ibov", "redrive", word]).is_ok(), "{word}");
        }
    }

    #[test]
    fn without_arguments_the_help_is_shown() {
        let error = command().try_get_matches_from(["ibov"]).unwrap_err();
        assert!(error.to_string().contains("\nOperate:\n"), "{error}");
    }
}
