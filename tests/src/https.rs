//! HTTPS on 127.0.0.1, with certificates of an authority that nobody knows but the test.

use std::{io, path::Path, sync::Arc};

use anyhow::{Context as _, Result};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};
use rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

/// The host that the fetcher asks unless it is told another.
const B3: &str = "sistemaswebb3-listados.b3.com.br";

/// What a company's proxy that reads HTTPS signs with.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its root certificate.
    pub pem: String,
}

/// Gives the answers of a server of HTTP by HTTPS. Dropping it stops it.
#[derive(Debug)]
pub struct Front {
    pub url: String,
    server: JoinHandle<()>,
}

impl Authority {
    pub fn new(name: &str) -> Result<Self> {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate()?;
        let pem = parameters.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(parameters, key), pem })
    }

    /// Writes the root certificate to a file.
    pub fn write(&self, path: &Path) -> Result<()> {
        std::fs::write(path, &self.pem).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Stands before the server at `url`.
    pub async fn front_of(&self, url: &str) -> Result<Front> {
        self.serve(url, false).await
    }

    /// A proxy that reads HTTPS: whichever host it is asked for, the server at `url` answers, with a certificate for
    /// B3's host.
    pub async fn proxy_to(&self, url: &str) -> Result<Front> {
        self.serve(url, true).await
    }

    async fn serve(&self, url: &str, is_proxy: bool) -> Result<Front> {
        let server = url.strip_prefix("http://").context("not a URL of HTTP")?.to_owned();
        let tls = TlsAcceptor::from(Arc::new(self.server_config()?));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let scheme = if is_proxy { "http" } else { "https" };
        let url = format!("{scheme}://{}", listener.local_addr()?);
        let accepting = async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let (tls, server) = (tls.clone(), server.clone());
                tokio::spawn(async move {
                    if is_proxy {
                        open_tunnel(&mut connection).await?;
                    }
                    let mut client = tls.accept(connection).await?;
                    let mut server = TcpStream::connect(server).await?;
                    copy_bidirectional(&mut client, &mut server).await
                });
            }
        };
        Ok(Front { url, server: tokio::spawn(accepting) })
    }

    fn server_config(&self) -> Result<ServerConfig> {
        let mut parameters = CertificateParams::default();
        let names = [SanType::IpAddress([127, 0, 0, 1].into()), SanType::DnsName(B3.try_into()?)];
        parameters.subject_alt_names.extend(names);
        let key = KeyPair::generate()?;
        let certificate = parameters.signed_by(&key, &self.issuer)?;
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions()?.with_no_client_auth();
        Ok(builder.with_single_cert(vec![certificate.der().clone()], key)?)
    }
}

/// Reads a request to connect, and agrees.
async fn open_tunnel(connection: &mut TcpStream) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await?);
    }
    connection.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await
}

impl Drop for Front {
    fn drop(&mut self) {
        self.server.abort();
    }
}
