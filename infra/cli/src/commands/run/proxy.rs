//! The proxy on the way to B3, which is named where that way fails.

use std::env;

use harness::failure::Failure;
use shared::failure::Code;

use crate::output::text;

/// Adds the proxy to a failure to reach B3.
pub(super) fn named_in(failure: Failure, given: Option<&str>) -> Failure {
    let unreached =
        [Code::B3Unreachable, Code::B3Certificate, Code::B3Timeout, Code::B3ConnectionBroken];
    if !unreached.iter().any(|code| failure.code.as_deref() == Some(code.name())) {
        return failure;
    }
    Failure { cause: add(failure.cause, given), ..failure }
}

/// Adds the proxy to a reason.
pub(super) fn add(reason: String, given: Option<&str>) -> String {
    match given.map(str::to_owned).or_else(from_environment).and_then(|url| address(&url)) {
        Some(proxy) => text!(
            en: "{reason}; the way there is the proxy {proxy}: see HTTPS_PROXY and --proxy",
            pt: "{reason}; o caminho passa pelo proxy {proxy}: veja HTTPS_PROXY e --proxy",
        ),
        None => reason,
    }
}

fn from_environment() -> Option<String> {
    ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
        .into_iter()
        .find_map(|name| env::var(name).ok().filter(|url| !url.is_empty()))
}

/// Host and port, without the password that a URL may hold.
fn address(url: &str) -> Option<String> {
    let url = reqwest::Url::parse(url).or_else(|_| reqwest::Url::parse(&format!("http://{url}")));
    let url = url.ok()?;
    let host = url.host_str()?.to_owned();
    Some(url.port().map_or(host.clone(), |port| format!("{host}:{port}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proxy_is_named_without_its_password() {
        let reason = add("no route".into(), Some("http://me:secret@proxy.example:3128"));
        assert!(reason.starts_with("no route; the way there is the proxy proxy.example:3128:"));
        assert!(!reason.contains("secret"), "{reason}");
    }

    #[test]
    fn only_a_way_that_failed_is_put_down_to_the_proxy() {
        let failure = |code: Code| Failure {
            code: Some(code.name().to_owned()),
            ..Failure::new("fetch", "it failed")
        };
        let proxy = Some("http://proxy:1");
        for code in [Code::B3Unreachable, Code::B3Certificate] {
            assert!(named_in(failure(code), proxy).cause.contains("the proxy proxy:1"), "{code}");
        }
        assert_eq!(named_in(failure(Code::B3Html), proxy).cause, "it failed");
    }
}
