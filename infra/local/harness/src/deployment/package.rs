//! Packaging as `sam package` does it: code and scripts go to a bucket, and the template names them there.

use std::{
    fs,
    io::{Cursor, Write as _},
    path::Path,
};

use anyhow::{Context as _, Result};
use aws_sdk_s3::primitives::ByteStream;
use tokio::task::JoinSet;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::{
    ARTIFACT_BUCKET,
    packaged_template::{PackagedTemplate, tables_only},
};
use crate::{
    aws::{Clients, explain},
    checkout::cargo::Executables,
};

/// A template whose code and scripts are uploaded.
#[derive(Debug, Clone)]
pub struct Package {
    /// Where CloudFormation reads the template.
    pub template_url: String,
}

impl Package {
    /// Uploads the functions, the scripts and the template that names them.
    pub async fn upload(
        clients: &Clients,
        endpoint: &str,
        template: &Path,
        executables: &Executables,
    ) -> Result<Self> {
        let text = fs::read_to_string(template)
            .with_context(|| format!("cannot read {}", template.display()))?;
        let packaged = PackagedTemplate::new(&text, ARTIFACT_BUCKET)
            .with_context(|| format!("cannot package {}", template.display()))?;
        create_bucket(clients).await?;
        let mut uploads = JoinSet::new();
        for binary in packaged.binaries {
            let executable = executables
                .get(&binary.name)
                .with_context(|| {
                    format!("the template wants {}, which was not built", binary.name)
                })?
                .clone();
            let clients = clients.clone();
            uploads.spawn(async move {
                let archive =
                    tokio::task::spawn_blocking(move || zip_function(&executable)).await??;
                put(&clients, &binary.key, archive).await
            });
        }
        let folder = template.parent().unwrap_or(Path::new("."));
        for script in packaged.scripts {
            let path = folder.join(&script);
            let content =
                fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let clients = clients.clone();
            uploads.spawn(async move { put(&clients, &script, content).await });
        }
        while let Some(uploaded) = uploads.join_next().await {
            uploaded??;
        }
        Self::upload_template(clients, endpoint, packaged.text).await
    }

    /// Uploads the part of the template that queries need.
    pub async fn upload_tables(clients: &Clients, endpoint: &str, template: &Path) -> Result<Self> {
        let text = fs::read_to_string(template)
            .with_context(|| format!("cannot read {}", template.display()))?;
        let text =
            tables_only(&text).with_context(|| format!("cannot package {}", template.display()))?;
        create_bucket(clients).await?;
        Self::upload_template(clients, endpoint, text).await
    }

    async fn upload_template(clients: &Clients, endpoint: &str, text: String) -> Result<Self> {
        put(clients, "template.json", text.into_bytes()).await?;
        Ok(Self { template_url: format!("{endpoint}/{ARTIFACT_BUCKET}/template.json") })
    }
}

async fn create_bucket(clients: &Clients) -> Result<()> {
    let bucket = clients.s3.create_bucket().bucket(ARTIFACT_BUCKET).send().await;
    bucket.map_err(explain).context("cannot create the bucket for artifacts")?;
    Ok(())
}

async fn put(clients: &Clients, key: &str, content: Vec<u8>) -> Result<()> {
    let request = clients.s3.put_object().bucket(ARTIFACT_BUCKET).key(key);
    let request = request.body(ByteStream::from(content)).customize();
    // Hashing tens of megabytes to sign them for the loopback interface is the slowest part of a deployment.
    let uploaded = request.disable_payload_signing().send().await;
    uploaded.map_err(explain).with_context(|| format!("cannot upload {key}"))?;
    Ok(())
}

/// An archive with one executable file `bootstrap`. It is stored uncompressed: compressing takes longer than it saves.
fn zip_function(executable: &Path) -> Result<Vec<u8>> {
    let content =
        fs::read(executable).with_context(|| format!("cannot read {}", executable.display()))?;
    let mut archive = ZipWriter::new(Cursor::new(Vec::with_capacity(content.len() + 1024)));
    archive.start_file(
        "bootstrap",
        SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .unix_permissions(0o755),
    )?;
    archive.write_all(&content)?;
    Ok(archive.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn the_archive_holds_an_executable_bootstrap() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("fetcher");
        fs::write(&file, b"\x7fELF").unwrap();
        let mut archive = zip::ZipArchive::new(Cursor::new(zip_function(&file).unwrap())).unwrap();
        let mut entry = archive.by_name("bootstrap").unwrap();
        assert_eq!(entry.unix_mode().unwrap() & 0o777, 0o755);
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        assert_eq!(content, b"\x7fELF");
    }
}
