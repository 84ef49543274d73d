//! Commands that the tool advises to type next, complete with the stack that they are about.

use std::borrow::Cow;

use crate::args::StackArgs;

/// How a command for a stack begins and ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Advice {
    program: &'static str,
    options: String,
}

impl Advice {
    pub(crate) fn about(args: &StackArgs) -> Self {
        let account = &args.account;
        let given =
            [("stack", &args.stack), ("profile", &account.profile), ("region", &account.region)];
        let options = given.iter().filter_map(|(name, value)| {
            value.as_ref().map(|value| format!(" --{name} {}", quoted(value)))
        });
        // The local stack belongs to a checkout, where Cargo runs the tool.
        let program = if args.stack.is_some() { "ibov" } else { "cargo ibov" };
        Self { program, options: options.collect() }
    }

    /// A command with its words, as a shell takes it.
    pub(crate) fn command(&self, words: &str) -> String {
        format!("{} {words}{}", self.program, self.options)
    }
}

/// A word for a shell.
pub(crate) fn quoted(word: &str) -> Cow<'_, str> {
    let plain =
        |character: char| character.is_ascii_alphanumeric() || "-_.:/=@".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        word.into()
    } else {
        format!("'{}'", word.replace('\'', r"'\''")).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::AccountArgs;

    #[test]
    fn advice_names_the_stack_that_it_is_about() {
        let local = StackArgs { stack: None, account: AccountArgs::default() };
        assert_eq!(Advice::about(&local).command("redrive fetch"), "cargo ibov redrive fetch");
        let account = AccountArgs { profile: Some("my ops".into()), region: Some("r-1".into()) };
        let aws = StackArgs { stack: Some("ibov".into()), account };
        let command = Advice::about(&aws).command("parked");
        assert_eq!(command, "ibov parked --stack ibov --profile 'my ops' --region r-1");
    }
}
