//! The proxy that a user names reaches the fetcher, and nothing else of a run goes through it.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use e2e::{ibov, local, python};
use harness::b3_server::B3Server;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

/// A proxy that refuses everything, and the first line of each request to it.
struct Refusing {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Refusing {
    async fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let lines = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let mut head = [0; 2048];
                let read = connection.read(&mut head).await.unwrap_or_default();
                let head = String::from_utf8_lossy(head.get(..read).unwrap_or_default());
                let line = head.lines().next().unwrap_or_default().to_owned();
                lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                let refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
                let _gone = connection.write_all(refusal).await;
            }
        });
        Ok(Self { url, asked })
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[test]
fn the_fetcher_reaches_b3_through_the_proxy_that_the_run_was_given() -> Result<()> {
    local::run(async {
        python::interpreter().await?;
        // As a proxy is asked, with the whole URL in the request's first line, the stand-in answers too.
        let proxy = B3Server::with_sample().await?;
        let b3 = "http://b3.invalid";
        let arguments = ["run", "--b3-url", b3, "--proxy", proxy.base_url(), "--json"];
        let ended = ibov::run_without_spark(&arguments, &[]).await?;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert_eq!(ended.document()?["source"], b3);
        assert_eq!(proxy.requests().len(), 1);
        Ok(())
    })
}

#[test]
fn a_proxy_of_the_environment_is_asked_for_b3_alone_and_named_when_it_refuses() -> Result<()> {
    local::run(async {
        python::interpreter().await?;
        let proxy = Refusing::start().await?;
        let folder = tempfile::tempdir()?;
        let lake = folder.path().to_str().context("a path that is not UTF-8")?;
        let arguments = ["run", "--live", "--lake", lake, "--json", "--timeout", "4m"];
        let names = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];
        let environment = names.map(|name| (name, proxy.url.as_str()));
        let ended = ibov::run(&arguments, &environment).await?;
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        let error = &ended.document()?["error"];
        assert_eq!((&error["stage"], &error["code"]), (&"fetch".into(), &"b3-unreachable".into()));
        assert_eq!(error["attempts"], 1, "a number: {error}");
        let address = proxy.url.trim_start_matches("http://");
        let cause = error["cause"].as_str().context("no cause")?;
        assert!(cause.contains(&format!("the way there is the proxy {address}")), "{cause}");
        let asked = proxy.asked();
        let of_b3 = "CONNECT sistemaswebb3-listados.b3.com.br:443 ";
        assert!(!asked.is_empty() && asked.iter().all(|line| line.starts_with(of_b3)), "{asked:?}");
        Ok(())
    })
}
