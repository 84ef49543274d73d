//! What `SSL_CERT_FILE` and `SSL_CERT_DIR` name, looked at before the first connection fails for it.

use std::{env, fs, path::Path};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use crate::settings::{Environment, SettingError};

pub(super) const FILE: &str = "SSL_CERT_FILE";
pub(super) const FOLDERS: &str = "SSL_CERT_DIR";

/// Checks that the file holds a root certificate, or, if none is named, the folders: they replace the system's. Reads no
/// farther than the first one, since the clients read them all.
///
/// # Errors
/// Names the variable and what it names.
pub fn check(environment: &Environment) -> Result<(), SettingError> {
    // As the clients see it, an empty name is a file that is not there, but a list of no folders.
    let (name, value, found) = match (environment.even_empty(FILE), environment.get(FOLDERS)) {
        (Some(file), _) => (FILE, file, of_file(Path::new(file))),
        (None, Some(folders)) => (FOLDERS, folders, of_folders(folders)),
        (None, None) => return Ok(()),
    };
    found.map_err(|reason| SettingError::Invalid {
        name,
        value: value.to_owned(),
        reason: format!("{reason}; without the variable, the system's root certificates count"),
    })
}

fn of_file(path: &Path) -> Result<(), String> {
    let mut problem = "there is no certificate in PEM in it".to_owned();
    let certificates = CertificateDer::pem_file_iter(path);
    for certificate in certificates.map_err(|error| error.to_string())? {
        let added = certificate.map_err(|error| error.to_string()).and_then(|certificate| {
            RootCertStore::empty().add(certificate).map_err(|error| error.to_string())
        });
        match added {
            Ok(()) => return Ok(()),
            Err(error) => problem = format!("no certificate in it can be read: {error}"),
        }
    }
    Err(problem)
}

fn of_folders(paths: &str) -> Result<(), String> {
    let mut problem = "no file in it holds a certificate in PEM".to_owned();
    for folder in env::split_paths(paths).filter(|folder| !folder.as_os_str().is_empty()) {
        match fs::read_dir(folder).map(Iterator::flatten) {
            Ok(mut entries) => {
                if entries.any(|entry| of_file(&entry.path()).is_ok()) {
                    return Ok(());
                }
            }
            Err(error) => problem = error.to_string(),
        }
    }
    Err(problem)
}
