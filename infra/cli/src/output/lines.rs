//! Lines on standard output.

use std::{
    fmt::Display,
    io::{self, ErrorKind, Write},
};

use anyhow::{Context as _, Result};

/// Prints a line. A reader that has seen enough, such as `head`, is not an error.
pub(crate) fn print_line(text: impl Display) -> Result<()> {
    write_line(&mut io::stdout().lock(), text)
}

fn write_line(output: &mut impl Write, text: impl Display) -> Result<()> {
    match writeln!(output, "{text}").and_then(|()| output.flush()) {
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
    fn a_reader_that_has_gone_is_no_error_and_a_full_disk_is_one() {
        assert!(write_line(&mut Fails(ErrorKind::BrokenPipe), "text").is_ok());
        let full = write_line(&mut Fails(ErrorKind::StorageFull), "text").unwrap_err();
        assert_eq!(full.to_string(), "cannot write to standard output");
        let mut written = Vec::new();
        write_line(&mut written, "text").unwrap();
        assert_eq!(written, b"text\n");
    }
}
