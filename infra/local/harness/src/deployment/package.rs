//! Packaging as `sam package` does it: code and scripts go to a bucket, and the template names them there.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use aws_sdk_s3::primitives::ByteStream;
use tokio::task::JoinSet;

use super::{
    ARTIFACT_BUCKET, function_archive,
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
    /// Uploads the functions, the scripts and the template that names them. The executables have to stay where they
    /// are: an archive only starts one.
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
            let executable = executables.get(&binary.name).with_context(|| {
                format!("the template wants {}, which was not built", binary.name)
            })?;
            let archive = function_archive::starting(executable)?;
            let clients = clients.clone();
            uploads.spawn(async move { put(&clients, &binary.key, archive).await });
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
    let uploaded = request.body(ByteStream::from(content)).send().await;
    uploaded.map_err(explain).with_context(|| format!("cannot upload {key}"))?;
    Ok(())
}
