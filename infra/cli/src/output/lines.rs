//! Lines on standard output.

use std::{
    fmt::Display,
    io::{self, ErrorKind, Write},
};

use anyhow::{Context as _, Result};

use super::screen::Screen;

/// Prints a line. A reader that has seen enough, such as `head`, is not an error.
pub(crate) fn print_line(text: impl Display) -> Result<()> {
    write_line(&mut io::stdout().lock(), text)
}

/// Prints what stands above a table. With a pipe for standard output it goes to standard error, so that the table is
/// all that the next program reads.
pub(crate) fn print_heading(screen: Screen, text: impl Display) -> Result<()> {
    if let Some(width) = screen.width {
        return print_line(wrapped(&text.to_string(), usize::from(width)));
    }
    eprintln!("{text}");
    Ok(())
}

/// Breaks lines between words where they are wider than the terminal.
pub(crate) fn wrapped(text: &str, width: usize) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut shown = String::new();
        for word in line.split(' ') {
            let length = shown.chars().count();
            if length > 0 && length + 1 + word.chars().count() > width {
                lines.push(std::mem::take(&mut shown));
            } else if length > 0 {
                shown.push(' ');
            }
            shown.push_str(word);
        }
        lines.push(shown);
    }
    lines.join("\n")
}

/// Prints what has line breaks of its own.
pub(crate) fn print_bytes(content: &[u8]) -> Result<()> {
    let mut output = io::stdout().lock();
    unless_gone(output.write_all(content).and_then(|()| output.flush()))
}

fn write_line(output: &mut impl Write, text: impl Display) -> Result<()> {
    unless_gone(writeln!(output, "{text}").and_then(|()| output.flush()))
}

fn unless_gone(written: io::Result<()>) -> Result<()> {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to standard output")
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fails(ErrorKind);

    impl Write for Fails {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn headings_are_broken_between_words() {
        assert_eq!(wrapped("IBOV from a to b: c\nd", 12), "IBOV from a\nto b: c\nd");
        assert_eq!(wrapped("a-word-of-its-own x", 5), "a-word-of-its-own\nx");
        assert_eq!(wrapped("fits", 4), "fits");
    }

    #[test]
    fn a_reader_that_has_gone_is_no_error_and_a_full_disk_is_one() {
        assert!(write_line(&mut Fails(ErrorKind::BrokenPipe), "text").is_ok());
        let full = write_line(&mut Fails(ErrorKind::StorageFull), "text").unwrap_err();
        assert_eq!(full.to_string(), "cannot write to standard output");
        let mut written = Vec::new();
        write_line(&mut written, "text").unwrap();
        assert_eq!(written, b"text\n");
    }
}
