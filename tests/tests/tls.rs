//! Which certificates the functions trust, what they say of one that they do not, and how often they read the roots.
#![allow(clippy::indexing_slicing, reason = "a test that finds something else has failed")]

use std::{
    ffi::OsStr,
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context as _, Result};
use axum::{
    Router,
    http::{Method, StatusCode, Uri},
    response::{IntoResponse as _, Response},
};
use e2e::{
    aws_messages,
    function::{self, Ended},
    https::{Authority, Front},
    ibov, local,
};
use harness::b3_server::B3Server;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};

const BUCKET: &str = "lake";
const COMPANY: &str = "company";

/// B3 and S3 behind HTTPS, with a certificate that only `authority` vouches for.
struct World {
    authority: Authority,
    b3: B3Server,
    b3_front: Front,
    /// Methods and paths of S3's requests.
    calls: Arc<Mutex<Vec<String>>>,
    s3: JoinHandle<std::io::Result<()>>,
    s3_front: Front,
    folder: TempDir,
}

impl World {
    async fn new() -> Result<Self> {
        let (authority, b3, calls) =
            (Authority::new(COMPANY)?, B3Server::with_sample().await?, Arc::default());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let s3_url = format!("http://{}", listener.local_addr()?);
        let seen = Arc::clone(&calls);
        let router =
            Router::new().fallback(async move |method, uri| empty_bucket(&seen, method, uri));
        let s3 = tokio::spawn(axum::serve(listener, router).into_future());
        let b3_front = authority.front_of(b3.base_url()).await?;
        let s3_front = authority.front_of(&s3_url).await?;
        let folder = tempfile::tempdir()?;
        Ok(Self { authority, b3, b3_front, calls, s3, s3_front, folder })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file with the authority's root certificate.
    fn root(&self) -> Result<PathBuf> {
        let path = self.path("root.pem");
        self.authority.write(&path)?;
        Ok(path)
    }

    fn s3_calls(&self) -> Vec<String> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Has the fetcher ask B3.
    async fn fetch(&self, roots: &[(&str, &OsStr)]) -> Result<Ended> {
        self.run("fetcher", roots, &self.b3_front.url, "{}").await
    }

    /// Has the parquet-writer read a landing object, which is gone.
    async fn write(&self, roots: &[(&str, &OsStr)]) -> Result<Ended> {
        let key = "landing/index=IBOV/date=2026-11-20/20261120T130003.123Z-0123456789abcdef.json";
        let message = aws_messages::created(BUCKET, &[key]);
        self.run("parquet-writer", roots, &self.b3_front.url, &message).await
    }

    async fn run(
        &self,
        function: &str,
        roots: &[(&str, &OsStr)],
        b3: &str,
        message: &str,
    ) -> Result<Ended> {
        let mut variables = vec![
            ("AWS_ENDPOINT_URL", self.s3_front.url.as_str()),
            ("B3_BASE_URL", b3),
            ("S3_BUCKET", BUCKET),
            ("INDEX", "IBOV"),
            ("FILENAME", "ibov_setor.parquet"),
            ("QUEUE_URL", "https://sqs.invalid/queue"),
            ("DLQ_URL", "https://sqs.invalid/dlq"),
            ("MAX_RECEIVE_COUNT", "5"),
            // The wait is left to the queue, which there is not.
            ("BACKOFF_BASE", "0"),
        ];
        for (name, value) in roots {
            variables.push((name, value.to_str().context("a path that is not UTF-8")?));
        }
        function::given(function, &variables, message).await
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.s3.abort();
    }
}

/// S3 with a bucket that takes everything and has nothing.
fn empty_bucket(calls: &Mutex<Vec<String>>, method: Method, uri: Uri) -> Response {
    let call = format!("{method} {}", uri.path());
    calls.lock().unwrap_or_else(PoisonError::into_inner).push(call);
    if method == Method::PUT {
        return [("etag", "\"1\"")].into_response();
    }
    if uri.query().is_some_and(|query| query.contains("list-type")) {
        return "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
            .into_response();
    }
    let absent = "<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>";
    (StatusCode::NOT_FOUND, absent).into_response()
}

/// The message was handled.
fn is_well(ended: &Ended) {
    assert!(matches!(ended, Ended::Answered { again, .. } if again.is_empty()), "{ended:?}");
}

/// The message is to come again, for a failure with this code, which says what to do about the certificate.
fn is_refused(ended: &Ended, code: &str) {
    assert!(matches!(ended, Ended::Answered { again, .. } if again == &["1"]), "{ended:?}");
    for words in [
        &format!("\"code\":\"{code}\""),
        "the certificate that answers is not trusted, because no root certificate here stands behind it",
        "name a file with its root certificate in SSL_CERT_FILE",
    ] {
        assert!(ended.log().contains(words), "{words:?} in {}", ended.log());
    }
}

#[test]
fn a_named_root_certificate_counts_for_b3_and_for_aws_alike() -> Result<()> {
    local::run(async {
        let world = World::new().await?;
        let root = world.root()?;
        is_well(&world.fetch(&[("SSL_CERT_FILE", root.as_os_str())]).await?);
        assert_eq!(world.b3.requests().len(), 1);
        let [list, put] = &world.s3_calls()[..] else { panic!("{:?}", world.s3_calls()) };
        assert_eq!(list, "GET /lake/");
        assert!(put.starts_with("PUT /lake/landing/index"), "{put}");
        is_well(&world.write(&[("SSL_CERT_FILE", root.as_os_str())]).await?);
        assert_eq!(world.s3_calls().len(), 3, "the landing object is looked for");
        Ok(())
    })
}

#[test]
fn a_folder_of_root_certificates_counts_as_a_file_does() -> Result<()> {
    local::run(async {
        let world = World::new().await?;
        let folder = world.path("roots");
        fs::create_dir(&folder)?;
        fs::write(folder.join("README"), "what is in here")?;
        world.authority.write(&folder.join("root.pem"))?;
        let nowhere = world.path("nowhere");
        let folders = std::env::join_paths([&nowhere, &folder])?;
        is_well(&world.fetch(&[("SSL_CERT_DIR", folders.as_os_str())]).await?);
        is_well(&world.write(&[("SSL_CERT_DIR", folders.as_os_str())]).await?);
        Ok(())
    })
}

#[test]
fn behind_a_proxy_that_reads_https_its_root_certificate_is_all_that_the_fetcher_needs() -> Result<()>
{
    local::run(async {
        let world = World::new().await?;
        let proxy = world.authority.proxy_to(world.b3.base_url()).await?;
        let root = world.root()?;
        let variables = [
            ("HTTPS_PROXY", OsStr::new(&proxy.url)),
            ("NO_PROXY", OsStr::new("127.0.0.1")),
            ("SSL_CERT_FILE", root.as_os_str()),
        ];
        is_well(&world.run("fetcher", &variables, "", "{}").await?);
        assert_eq!(world.b3.requests().len(), 1);
        // Without it the message names certificate and remedy, and so does `ibov`.
        is_refused(&world.run("fetcher", &variables[..2], "", "{}").await?, "b3-certificate");
        let [_, _, root] = variables;
        let doctor = async |roots: &[(&str, &OsStr)]| {
            let proxies = ["HTTPS_PROXY", "https_proxy"].map(|name| (name, proxy.url.as_str()));
            let mut variables = proxies.to_vec();
            for (name, value) in roots {
                variables.push((name, value.to_str().context("a path that is not UTF-8")?));
            }
            Ok::<_, anyhow::Error>(ibov::run(&["doctor"], &variables).await?.stdout)
        };
        let refused = doctor(&[]).await?;
        let words = "✗ B3: the certificate that answers for B3 is not trusted: if a proxy here reads HTTPS, name a file";
        assert!(refused.contains(words), "{refused}");
        let trusted = doctor(&[root]).await?;
        assert!(
            trusted.contains("✓ B3: https://sistemaswebb3-listados.b3.com.br answers"),
            "{trusted}"
        );
        Ok(())
    })
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused_and_the_failure_says_what_to_do() -> Result<()>
{
    local::run(async {
        let world = World::new().await?;
        // Others' roots, so that the system's do not matter. One has the name of the authority, but not its key.
        let [other, older] = ["other", COMPANY].map(|name| (world.path(name), name));
        for (path, name) in [&other, &older] {
            Authority::new(name)?.write(path)?;
            let fetched = world.fetch(&[("SSL_CERT_FILE", path.as_os_str())]).await?;
            is_refused(&fetched, "b3-certificate");
            assert!(!fetched.log().contains("B3 is asked again"), "{}", fetched.log());
        }
        assert_eq!(world.b3.requests().len(), 0);
        let other = [("SSL_CERT_FILE", other.0.as_os_str())];
        is_refused(&world.write(&other).await?, "aws-unavailable");
        assert!(world.s3_calls().is_empty(), "{:?}", world.s3_calls());
        // B3 by HTTP, so that the fetcher comes as far as S3.
        let landing = world.run("fetcher", &other, world.b3.base_url(), "{}").await?;
        is_refused(&landing, "aws-unavailable");
        assert!(world.s3_calls().is_empty(), "{:?}", world.s3_calls());
        Ok(())
    })
}

#[test]
fn variables_that_name_no_certificate_end_a_function_at_its_start_and_are_named() -> Result<()> {
    local::run(async {
        let world = World::new().await?;
        let pem = &world.authority.pem;
        let file = |name: &str, content: &str| -> Result<PathBuf> {
            fs::write(world.path(name), content)?;
            Ok(world.path(name))
        };
        let garbled = pem.replacen("MI", "not base64", 1);
        let damaged = pem.replacen("MI", "AA", 1);
        let folder = world.path("folder");
        fs::create_dir(&folder)?;
        for (name, value, reason) in [
            ("SSL_CERT_FILE", world.path("missing.pem"), "No such file"),
            ("SSL_CERT_FILE", PathBuf::new(), "No such file"),
            ("SSL_CERT_FILE", file("empty.pem", "")?, "there is no certificate in PEM in it"),
            ("SSL_CERT_FILE", file("page.pem", "<html>")?, "there is no certificate in PEM in it"),
            ("SSL_CERT_FILE", file("garbled.pem", &garbled)?, "no certificate in it can be read"),
            ("SSL_CERT_FILE", file("damaged.pem", &damaged)?, "no certificate in it can be read"),
            ("SSL_CERT_DIR", world.path("missing"), "No such file"),
            ("SSL_CERT_DIR", folder, "no file in it holds a certificate in PEM"),
        ] {
            for (function, stage) in [("fetcher", "fetch"), ("parquet-writer", "parquet")] {
                let variables = [(name, value.as_os_str())];
                let ended = world.run(function, &variables, world.b3.base_url(), "{}").await?;
                let Ended::AtItsStart { status, log } = &ended else { panic!("{ended:?}") };
                assert!(!status.success(), "{log}");
                let lines = log.lines().map(serde_json::from_str::<Value>);
                let [said] = &lines.collect::<Result<Vec<_>, _>>().context(log.clone())?[..] else {
                    panic!("not one line: {log}")
                };
                assert_eq!((&said["level"], &said["stage"]), (&json!("ERROR"), &json!(stage)));
                let error = said["error"].as_str().context("no error")?;
                for words in [name, &format!("{value:?}"), reason] {
                    assert!(error.contains(words), "{words} in {error}");
                }
            }
        }
        Ok(())
    })
}

// Only Linux tells how often a file is opened.
#[cfg(target_os = "linux")]
#[test]
fn the_root_certificates_are_read_once_for_all_clients_of_a_function() -> Result<()> {
    local::run(async {
        let world = World::new().await?;
        let root = world.root()?;
        let roots = [("SSL_CERT_FILE", root.as_os_str())];
        let opened = Opened::of(&root)?;
        is_well(&world.fetch(&roots).await?);
        assert_eq!(world.s3_calls().len(), 2, "both clients were needed");
        assert_eq!(opened.times()?, 2, "a look at the start, and one reading for both");
        let opened = Opened::of(&root)?;
        is_well(&world.write(&roots).await?);
        assert_eq!(opened.times()?, 2, "a look at the start, and one reading for the SDK");
        Ok(())
    })
}

/// How often a file has been opened.
#[cfg(target_os = "linux")]
struct Opened(rustix::fd::OwnedFd);

#[cfg(target_os = "linux")]
impl Opened {
    fn of(path: &std::path::Path) -> Result<Self> {
        use rustix::fs::inotify;

        let watch = inotify::init(inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC)?;
        // Equal events in a row count as one; these alternate.
        let events = inotify::WatchFlags::OPEN | inotify::WatchFlags::CLOSE;
        inotify::add_watch(&watch, path, events)?;
        Ok(Self(watch))
    }

    fn times(self) -> Result<usize> {
        use rustix::fs::inotify;

        let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(self.0, &mut buffer);
        let mut times = 0;
        loop {
            match events.next() {
                Ok(event) => {
                    times += usize::from(event.events().contains(inotify::ReadFlags::OPEN))
                }
                Err(rustix::io::Errno::WOULDBLOCK) => return Ok(times),
                Err(error) => return Err(error.into()),
            }
        }
    }
}
