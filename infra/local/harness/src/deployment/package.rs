//! Packaging as `sam package` does it: code and scripts go to a bucket, and the template names them there.

use std::{
    fs,
    io::{Cursor, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use aws_sdk_s3::primitives::ByteStream;
use tokio::task::JoinSet;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::{
    ARTIFACT_BUCKET,
    packaged_template::{Binary, PackagedTemplate, tables_only},
};
use crate::{
    aws::{Clients, explain},
    checkout::cargo::Executables,
    progress::Step,
    text,
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
        step: &Step,
    ) -> Result<Self> {
        let text = fs::read_to_string(template)
            .with_context(|| format!("cannot read {}", template.display()))?;
        let packaged = PackagedTemplate::new(&text, ARTIFACT_BUCKET)
            .with_context(|| format!("cannot package {}", template.display()))?;
        create_bucket(clients).await?;
        let mut uploads = JoinSet::new();
        for (key, archive) in archives(packaged.binaries, executables).await? {
            let clients = clients.clone();
            uploads.spawn(async move { put(&clients, &key, archive).await });
        }
        step.part(text!(en: "archive the functions", pt: "empacotar as funções"));
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
        let package = Self::upload_template(clients, endpoint, packaged.text).await;
        step.part(text!(en: "upload", pt: "enviar"));
        package
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

/// The archive of each function, with its key.
async fn archives(
    binaries: Vec<Binary>,
    executables: &Executables,
) -> Result<Vec<(String, Vec<u8>)>> {
    let mut archives = JoinSet::new();
    for Binary { name, key } in binaries {
        let executable: PathBuf = executables
            .get(&name)
            .with_context(|| format!("the template wants {name}, which was not built"))?
            .clone();
        archives.spawn_blocking(move || anyhow::Ok((key, zip_function(&executable)?)));
    }
    archives.join_all().await.into_iter().collect()
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
