//! The commands that people are told to type, at night, by mails and by the runbook.

use std::fs;

use clap::Parser as _;
use harness::checkout::Workspace;

use crate::args::Cli;

fn read(path: &str) -> String {
    let path = Workspace::locate().unwrap().root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What stands between backquotes, and the lines of code blocks without their comments.
fn code_of_a_page(page: &str) -> Vec<String> {
    let mut in_block = false;
    let mut code = Vec::new();
    for line in page.lines() {
        if line.starts_with("```") {
            in_block = !in_block;
        } else if in_block {
            code.extend(line.split(" # ").next().map(str::to_owned));
        } else {
            code.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    code
}

/// Checks each command of `ibov` as the program itself would, and returns them.
fn assert_all_are_understood(from: &str, code: &[String]) -> Vec<String> {
    let commands = code.iter().map(|line| line.trim()).filter(|line| line.starts_with("ibov "));
    let commands: Vec<String> = commands.map(str::to_owned).collect();
    for command in &commands {
        let words = command.split_whitespace();
        if let Err(error) = Cli::try_parse_from(words) {
            panic!("{from}: {command}\n{error}");
        }
        assert!(command.contains(" --stack "), "{from}: {command}: of which stack?");
    }
    commands
}

#[test]
fn every_command_of_the_runbooks_is_one_of_ibov_and_both_have_the_same() {
    let pages = ["docs/runbook.md", "docs/pt-BR/runbook.md"];
    let [english, portuguese] =
        pages.map(|page| assert_all_are_understood(page, &code_of_a_page(&read(page))));
    assert!(english.len() > 20, "the runbook is about commands: {english:?}");
    assert_eq!(english, portuguese);
}

#[test]
fn every_command_in_the_mail_of_an_alarm_is_one_of_ibov() {
    let template = read("infra/template.yaml");
    let commands = template.lines().filter_map(|line| line.split_once("}: ibov "));
    let commands = commands.map(|(_, command)| {
        format!("ibov {command}")
            .replace("${AWS::StackName}", "ibov")
            .replace("${AWS::Region}", "r")
    });
    let commands: Vec<String> = commands.collect();
    let count = assert_all_are_understood("infra/template.yaml", &commands).len();
    assert!(count >= 2 * 25, "each alarm has one that looks and one that repairs: {count}");
}

#[test]
fn every_command_in_a_mail_of_glue_notifier_is_one_of_ibov() {
    for language in ["english", "portuguese"] {
        let file = format!("services/glue-notifier/src/mail/{language}.rs");
        let source = read(&file);
        let commands = source.split("stack.command(\"").skip(1).filter_map(|rest| {
            let (command, _) = rest.split_once('"')?;
            Some(format!("ibov {command} --stack ibov --region r"))
        });
        let commands: Vec<String> = commands.collect();
        assert!(assert_all_are_understood(&file, &commands).len() >= 9, "{file}");
    }
}
