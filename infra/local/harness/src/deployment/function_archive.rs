//! The archive of a function, as CloudFormation wants one.
//!
//! On AWS it holds the function itself. Here it holds a script that starts it, because a function built for debugging
//! has tens of megabytes, which the emulator would receive, keep in memory, hash several times and unpack.

use std::{
    io::{Cursor, Write as _},
    os::unix::ffi::OsStrExt as _,
    path::Path,
};

use anyhow::Result;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

/// An archive with one file `bootstrap`, which becomes the process of `executable`.
pub(super) fn starting(executable: &Path) -> Result<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file(
        "bootstrap",
        SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .unix_permissions(0o755),
    )?;
    archive.write_all(b"#!/bin/sh\nexec '")?;
    for &byte in executable.as_os_str().as_bytes() {
        match byte {
            b'\'' => archive.write_all(br"'\''")?,
            other => archive.write_all(&[other])?,
        }
    }
    archive.write_all(b"'\n")?;
    Ok(archive.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _, process::Command};

    use super::*;

    #[test]
    fn the_bootstrap_becomes_the_function_wherever_that_is() {
        let folder = tempfile::tempdir().unwrap();
        let function = folder.path().join("it's a $HOME/fetcher");
        fs::create_dir(function.parent().unwrap()).unwrap();
        fs::write(&function, "#!/bin/sh\necho $$ $0").unwrap();
        fs::set_permissions(&function, fs::Permissions::from_mode(0o755)).unwrap();

        let mut archive = zip::ZipArchive::new(Cursor::new(starting(&function).unwrap())).unwrap();
        let unpacked = folder.path().join("task");
        archive.extract(&unpacked).unwrap();
        let bootstrap = unpacked.join("bootstrap");
        assert_eq!(fs::metadata(&bootstrap).unwrap().permissions().mode() & 0o777, 0o755);

        let child = Command::new(bootstrap).stdout(std::process::Stdio::piped()).spawn().unwrap();
        let pid = child.id();
        let said = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
        assert_eq!(said, format!("{pid} {}\n", function.display()), "a kill has to reach it");
    }
}
