//! Where the portfolio comes from: B3 itself, the bundled sample, or a server that was named.

use std::{error::Error as _, time::Duration};

use anyhow::{Result, bail};
use harness::{
    b3_server::{B3Server, SAMPLE_INDEX},
    progress::Progress,
};
use shared::http;

use super::proxy;
use crate::{args::RunArgs, commands::https, lake::Origin, output::text};

/// B3's own address, the template's default.
pub(in crate::commands) const B3: &str = "https://sistemaswebb3-listados.b3.com.br";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(8);

#[derive(Debug)]
pub(super) struct PortfolioSource {
    /// `live`, `sample`, or the URL that was given: the `source` of the report.
    pub(super) label: String,
    /// The server that the fetcher asks.
    pub(super) base_url: String,
    /// The stand-in server, if it is the source.
    pub(super) stand_in: Option<B3Server>,
    pub(super) origin: Origin,
    /// Why the sample stands in for B3, if nobody asked for it.
    pub(super) unreached: Option<String>,
}

impl PortfolioSource {
    /// Decides by the flags, or by whether B3 can be reached if they leave it open. A machine that `has_days` of B3's
    /// is not given the sample instead of the next.
    pub(super) async fn choose(
        args: &RunArgs,
        has_days: bool,
        progress: &Progress,
    ) -> Result<Self> {
        if let Some(url) = &args.b3_url {
            let url = url.trim_end_matches('/').to_owned();
            return Ok(Self {
                label: url.clone(),
                base_url: url,
                stand_in: None,
                origin: Origin::AnotherServer,
                unreached: None,
            });
        }
        if args.sample {
            return Self::sample(&args.index).await;
        }
        if !args.live {
            let step = progress.step("source", text!(en: "ask for B3", pt: "consultar a B3"));
            let proxy = args.proxy.as_deref();
            match probe(B3, proxy).await.by_way_of(proxy) {
                Probe::Reached => step.done(text!(en: "reached", pt: "respondeu")),
                Probe::Unreached(why) if has_days => bail!(text!(
                    en: "B3 cannot be reached from here: {why}; the days that are kept stay as they are. `cargo ibov run` asks again, and --sample shows the bundled sample",
                    pt: "não há conexão com a B3 a partir daqui: {why}; os dias guardados continuam como estão. `cargo ibov run` consulta de novo, e --sample mostra o exemplo",
                )),
                Probe::Unreached(why) => {
                    step.done(text!(
                        en: "B3 cannot be reached from here: {why}",
                        pt: "não há conexão com a B3 a partir daqui: {why}",
                    ));
                    let sample = Self::sample(&args.index).await?;
                    progress.say(text!(
                        en: "  ! Going on with the bundled sample portfolio, which is not B3's.",
                        pt: "  ! Seguindo com a carteira de exemplo, que não é da B3.",
                    ));
                    return Ok(Self { unreached: Some(why), ..sample });
                }
            }
        }
        Ok(Self {
            label: "live".to_owned(),
            base_url: B3.to_owned(),
            stand_in: None,
            origin: Origin::B3,
            unreached: None,
        })
    }

    async fn sample(index: &str) -> Result<Self> {
        if index != SAMPLE_INDEX {
            bail!(text!(
                en: "the bundled sample is of {SAMPLE_INDEX}; {index} needs B3 itself (--live) or a server that has it (--b3-url)",
                pt: "o exemplo incluído é do {SAMPLE_INDEX}; {index} precisa da própria B3 (--live) ou de um servidor que o tenha (--b3-url)",
            ));
        }
        let server = B3Server::with_sample().await?;
        Ok(Self {
            label: "sample".to_owned(),
            base_url: server.base_url().to_owned(),
            stand_in: Some(server),
            origin: Origin::Sample,
            unreached: None,
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Probe {
    Reached,
    Unreached(String),
}

impl Probe {
    fn by_way_of(self, proxy: Option<&str>) -> Self {
        match self {
            Self::Reached => self,
            Self::Unreached(why) => Self::Unreached(proxy::add(why, proxy)),
        }
    }
}

/// One cheap request, to learn whether B3 can be reached. Judging its answers is the fetcher's work.
async fn probe(url: &str, proxy: Option<&str>) -> Probe {
    let mut client = match http::builder() {
        Ok(client) => client.connect_timeout(CONNECT_TIMEOUT).timeout(ANSWER_TIMEOUT),
        Err(error) => return Probe::Unreached(error.to_string()),
    };
    let answer = async {
        if let Some(proxy) = proxy {
            let proxy = reqwest::Proxy::all(proxy)?.no_proxy(reqwest::NoProxy::from_env());
            client = client.proxy(proxy);
        }
        client.build()?.get(url).send().await
    };
    match answer.await {
        Ok(answer) => judge(answer.status().as_u16()),
        Err(error) => Probe::Unreached(innermost(&error)),
    }
}

/// With these statuses a proxy or the content network says that it could not reach B3 either.
fn judge(status: u16) -> Probe {
    match status {
        407 | 502..=504 | 520..=530 => Probe::Unreached(text!(
            en: "something on the way answers HTTP {status}",
            pt: "algo no caminho responde HTTP {status}",
        )),
        _ => Probe::Reached,
    }
}

/// Reqwest's own message only says that sending failed; the last cause says why.
fn innermost(error: &reqwest::Error) -> String {
    if let Some(untrusted) = https::untrusted(error) {
        return untrusted;
    }
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        words = deeper.to_string();
        cause = deeper.source();
    }
    if error.is_timeout() {
        return text!(en: "no answer in time ({words})", pt: "sem resposta a tempo ({words})");
    }
    words
}

#[cfg(test)]
mod tests {
    use harness::b3_server::Reply;

    use super::*;

    fn args(words: &[&str]) -> RunArgs {
        use clap::Parser as _;
        match crate::args::Cli::parse_from(["ibov", "run"].iter().chain(words)).command {
            crate::args::Command::Run(args) => args,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_server_that_answers_is_reached_and_one_that_resets_is_not() {
        let server = B3Server::with_sample().await.unwrap();
        assert_eq!(probe(server.base_url(), None).await, Probe::Reached);
        server.reply(Reply::Reset);
        assert!(matches!(probe(server.base_url(), None).await, Probe::Unreached(_)));
        let url = server.base_url().to_owned();
        drop(server);
        assert!(matches!(probe(&url, None).await, Probe::Unreached(_)));
    }

    #[test]
    fn gateways_speak_for_a_b3_that_is_not_there() {
        assert!(matches!(judge(520), Probe::Unreached(_)));
        assert!(matches!(judge(503), Probe::Unreached(_)));
        for status in [200, 301, 403, 404, 500] {
            assert_eq!(judge(status), Probe::Reached, "{status}");
        }
    }

    #[tokio::test]
    async fn a_name_that_does_not_resolve_is_not_reached() {
        assert!(matches!(probe("http://b3.invalid", None).await, Probe::Unreached(_)));
    }

    #[tokio::test]
    async fn flags_decide_without_a_probe() {
        let progress = Progress::silent();
        let named =
            PortfolioSource::choose(&args(&["--b3-url", "http://127.0.0.1:9/"]), false, &progress)
                .await
                .unwrap();
        assert_eq!(named.base_url, "http://127.0.0.1:9");
        assert!(named.stand_in.is_none());
        let live = PortfolioSource::choose(&args(&["--live"]), false, &progress).await.unwrap();
        assert_eq!((live.label.as_str(), live.base_url.as_str()), ("live", B3));
        let sample = PortfolioSource::choose(&args(&["--sample"]), true, &progress).await.unwrap();
        assert_eq!(sample.base_url, sample.stand_in.unwrap().base_url());
        assert!(
            PortfolioSource::choose(&args(&["--sample", "--index", "SMLL"]), false, &progress)
                .await
                .is_err()
        );
    }
}
