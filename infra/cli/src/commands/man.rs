use std::fs;

use anyhow::{Context as _, Result};
use clap::Command;
use clap_mangen::Man;

use crate::{
    args::ManArgs,
    command_line::command,
    output::{print_line, text},
};

/// Prints the manual pages of `ibov` and of each command, or writes them to a folder.
pub(crate) fn man(args: &ManArgs) -> Result<()> {
    let pages = pages()?;
    let Some(folder) = &args.out else {
        let all: Vec<&str> = pages.iter().map(|(_, page)| page.trim_end()).collect();
        return print_line(all.join("\n"));
    };
    let place = folder.display();
    fs::create_dir_all(folder).with_context(
        || text!(en: "cannot create {place}", pt: "não foi possível criar {place}"),
    )?;
    for (name, page) in &pages {
        let path = folder.join(format!("{name}.1"));
        let place = path.display();
        fs::write(&path, page).with_context(
            || text!(en: "cannot write {place}", pt: "não foi possível gravar {place}"),
        )?;
    }
    let number = pages.len();
    print_line(text!(en: "{number} pages in {place}", pt: "{number} páginas em {place}"))
}

/// Name and text of each page.
fn pages() -> Result<Vec<(String, String)>> {
    let mut command = command();
    // Names the commands as the pages are named: ibov-run.
    command.build();
    let commands = command.get_subcommands().filter(|command| command.get_name() != "help");
    std::iter::once(&command).chain(commands).map(page).collect()
}

fn page(command: &Command) -> Result<(String, String)> {
    let mut text = Vec::new();
    Man::new(command.clone()).render(&mut text)?;
    let name = command.get_display_name().unwrap_or("ibov").to_owned();
    Ok((name, String::from_utf8(text)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_with_its_options_and_examples() {
        let pages = pages().unwrap();
        for command in command().get_subcommands() {
            let name = format!("ibov-{}", command.get_name());
            let (_, page) = pages.iter().find(|(known, _)| *known == name).unwrap();
            for part in [".TH", ".SH NAME", ".SH OPTIONS", "Examples:"] {
                assert!(page.contains(part), "{part} in {name}");
            }
        }
        assert_eq!(pages.first().map(|(name, _)| name.as_str()), Some("ibov"));
    }

    #[test]
    fn a_folder_gets_one_page_for_each_command() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("man 1");
        man(&ManArgs { out: Some(out.clone()) }).unwrap();
        let page = fs::read_to_string(out.join("ibov-run.1")).unwrap();
        assert!(page.contains("\\-\\-sample"), "{page}");
    }
}
