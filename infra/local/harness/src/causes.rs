//! Causes that people can mend, recognised in what programs say about them, and put first.

use std::path::Path;

use crate::{
    failure::{Exit, Failure},
    text,
};

/// As the operating system says it, in Rust, Python, Java and C alike.
const DISK_FULL: &str = "No space left on device";

/// Where packages come from.
#[derive(Debug, Clone, Copy)]
pub struct Registry {
    pub name: &'static str,
    /// What a proxy has to let through.
    hosts: &'static str,
    /// How to name another source.
    mirror: fn() -> String,
    /// How to name the certificates that are trusted.
    certificates: &'static str,
}

pub const PYPI: Registry = Registry {
    name: "PyPI",
    hosts: "pypi.org and files.pythonhosted.org",
    mirror: || text!(en: "PIP_INDEX_URL names a mirror", pt: "PIP_INDEX_URL indica um espelho"),
    certificates: "PIP_CERT",
};

pub const CRATES_IO: Registry = Registry {
    name: "crates.io",
    hosts: "index.crates.io and static.crates.io",
    mirror: || {
        text!(
            en: "`[source]` in Cargo's configuration names a mirror",
            pt: "`[source]` na configuração do Cargo indica um espelho",
        )
    },
    certificates: "CARGO_HTTP_CAINFO",
};

/// A cause that was recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Known<'a> {
    DiskFull,
    NoCompiler,
    /// The proxy answers, but not with a way through.
    ProxyRefuses {
        status: &'a str,
    },
    ProxyUnreachable,
    Certificate,
    Unreachable(Reason),
}

/// What a program that was to download or build something said, with its cause first if that is a known one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    pub cause: String,
    pub exit: Exit,
}

impl Explained {
    /// Explains what a program said that uses `registry` and writes below `place`. `None` if its cause is not known.
    pub fn of(said: &str, registry: Registry, place: &Path) -> Option<Self> {
        let Registry { name, hosts, mirror, certificates } = registry;
        let mirror = mirror();
        let (cause, exit) = match known(said)? {
            Known::DiskFull => (disk_full(place), Exit::MachineNotReady),
            Known::NoCompiler => (
                text!(
                    en: "the C compiler that Rust links with cannot be run: install one, or name it in CC",
                    pt: "o compilador C com que o Rust faz a ligação não pode ser executado: instale um, ou informe qual é em CC",
                ),
                Exit::MachineNotReady,
            ),
            Known::ProxyRefuses { status } => (
                text!(
                    en: "the proxy on the way to {name} refuses (HTTP {status}): ask for {hosts} to be allowed, or name another proxy in HTTPS_PROXY or with --proxy; {mirror}",
                    pt: "o proxy no caminho para {name} recusa (HTTP {status}): peça a liberação de {hosts}, ou informe outro proxy em HTTPS_PROXY ou com --proxy; {mirror}",
                ),
                Exit::Failed,
            ),
            Known::ProxyUnreachable => (
                text!(
                    en: "the proxy on the way to {name} cannot be reached: see whether it runs, or name another in HTTPS_PROXY or with --proxy; {mirror}",
                    pt: "não há conexão com o proxy no caminho para {name}: veja se ele está no ar, ou informe outro em HTTPS_PROXY ou com --proxy; {mirror}",
                ),
                Exit::Failed,
            ),
            Known::Certificate => (
                text!(
                    en: "the certificate that answers for {name} is not trusted: if a proxy here reads HTTPS, name its certificate's file in {certificates}",
                    pt: "o certificado que responde por {name} não é confiável: se um proxy daqui inspeciona HTTPS, informe o arquivo do certificado dele em {certificates}",
                ),
                Exit::Failed,
            ),
            Known::Unreachable(reason) => {
                let why = reason.words();
                (
                    text!(
                        en: "{name} cannot be reached from here ({why}): see whether this machine is online; where a proxy is needed, name it in HTTPS_PROXY or with --proxy; {mirror}",
                        pt: "não há conexão com {name} a partir daqui ({why}): veja se esta máquina está na internet; se for preciso um proxy, informe-o em HTTPS_PROXY ou com --proxy; {mirror}",
                    ),
                    Exit::Failed,
                )
            }
        };
        Some(Self { cause, exit })
    }
}

/// Puts a full disk first, whichever step met it, and whatever was made of it on the way: the emulator's S3 answers
/// HTTP 500. `places` are what a run writes below, the project first.
pub fn disk_full_first(failure: Failure, places: &[&Path]) -> Failure {
    let places: Vec<_> = places.iter().map(|place| (*place, free_bytes(place))).collect();
    with_room(failure, &places)
}

fn with_room(failure: Failure, places: &[(&Path, u64)]) -> Failure {
    /// What the last file that did not fit may have left.
    const ROOM: u64 = 1 << 20;
    let said = &failure.cause;
    let full = places.iter().find(|(_, free)| *free < ROOM);
    let full = full.or_else(|| places.first().filter(|_| said.contains(DISK_FULL)));
    let Some((place, _)) = full.filter(|_| failure.exit == Exit::Failed) else { return failure };
    let first = disk_full(place);
    let cause = text!(en: "{first}. What was said: {said}", pt: "{first}. O que foi dito: {said}");
    Failure { cause, exit: Exit::MachineNotReady, ..failure }
}

/// A file system that does not know its free space counts as large enough.
pub fn free_bytes(path: &Path) -> u64 {
    rustix::fs::statvfs(path).map_or(u64::MAX, |stat| stat.f_bavail.saturating_mul(stat.f_frsize))
}

fn disk_full(place: &Path) -> String {
    let place = place.display();
    text!(
        en: "the disk is full: free some space below {place}, or clone the project to another disk, and run again",
        pt: "o disco está cheio: libere espaço em {place}, ou clone o projeto em outro disco, e rode de novo",
    )
}

fn known(said: &str) -> Option<Known<'_>> {
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if said.contains(DISK_FULL) {
        return Some(Known::DiskFull);
    }
    if has(&["linker `cc` not found", "failed to find tool"]) {
        return Some(Known::NoCompiler);
    }
    // pip, then curl in Cargo. Either may be followed by the status's name.
    for words in ["Tunnel connection failed: ", "CONNECT tunnel failed, response "] {
        if let Some((_, rest)) = said.split_once(words) {
            let end = rest.find(['\'', '"', ')', '\n', ',']).unwrap_or(rest.len());
            return Some(Known::ProxyRefuses { status: rest.get(..end).unwrap_or(rest).trim() });
        }
    }
    if has(&["Cannot connect to proxy", "resolve proxy"]) {
        return Some(Known::ProxyUnreachable);
    }
    if has(&["CERTIFICATE_VERIFY_FAILED", "[60]", "SSL peer certificate"]) {
        return Some(Known::Certificate);
    }
    REASONS
        .iter()
        .find(|(words, _)| said.contains(words))
        .map(|(_, reason)| Known::Unreachable(*reason))
}

/// Why there is no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    UnknownName,
    NoNetwork,
    Refused,
    NoConnection,
    Timeout,
    Broken,
}

impl Reason {
    fn words(self) -> String {
        match self {
            Self::UnknownName => text!(en: "its name is not known", pt: "o nome não é conhecido"),
            Self::NoNetwork => text!(en: "there is no network", pt: "não há rede"),
            Self::Refused => text!(en: "the connection is refused", pt: "a conexão é recusada"),
            Self::NoConnection => text!(en: "there is no connection", pt: "a conexão não se abre"),
            Self::Timeout => {
                text!(en: "there is no answer in time", pt: "não há resposta a tempo")
            }
            Self::Broken => text!(en: "the connection breaks", pt: "a conexão cai"),
        }
    }
}

/// What pip and Cargo say if they get no connection, and what it means.
const REASONS: [(&str, Reason); 14] = [
    ("Name or service not known", Reason::UnknownName),
    ("Temporary failure in name resolution", Reason::UnknownName),
    ("nodename nor servname provided", Reason::UnknownName),
    ("Could not resolve host", Reason::UnknownName),
    ("Network is unreachable", Reason::NoNetwork),
    ("No route to host", Reason::NoNetwork),
    ("Connection refused", Reason::Refused),
    ("Could not connect to server", Reason::NoConnection),
    ("Failed to connect to", Reason::NoConnection),
    ("ConnectTimeoutError", Reason::Timeout),
    ("ReadTimeoutError", Reason::Timeout),
    ("Timeout was reached", Reason::Timeout),
    ("NewConnectionError", Reason::NoConnection),
    ("ConnectionResetError", Reason::Broken),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(said: &str, registry: Registry) -> Explained {
        Explained::of(said, registry, Path::new("/home/me/ibov")).unwrap()
    }

    #[test]
    fn a_full_disk_is_named_whoever_met_it() {
        for said in [
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
            "error: failed to write `/t/x.rlib`: No space left on device (os error 28)",
            "/usr/bin/ld: final link failed: No space left on device",
        ] {
            let Explained { cause, exit } = explained(said, PYPI);
            assert!(
                cause.starts_with("the disk is full: free some space below /home/me"),
                "{cause}"
            );
            assert_eq!(exit, Exit::MachineNotReady);
        }
    }

    #[test]
    fn a_proxy_that_refuses_is_told_from_one_that_is_not_there() {
        let pip = "connection broken by 'ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 403 Forbidden'))': /simple/idna/";
        let cause = explained(pip, PYPI).cause;
        assert!(
            cause.starts_with(
                "the proxy on the way to PyPI refuses (HTTP 403 Forbidden): ask for pypi.org"
            ),
            "{cause}"
        );
        let cargo = "  [56] Failure when receiving data from the peer (CONNECT tunnel failed, response 407)";
        let cause = explained(cargo, CRATES_IO).cause;
        assert!(
            cause.starts_with(
                "the proxy on the way to crates.io refuses (HTTP 407): ask for index.crates.io"
            ),
            "{cause}"
        );
        let absent = "ProxyError('Cannot connect to proxy.', NewConnectionError('<x>: Failed to establish a new connection: [Errno 111] Connection refused'))";
        let cause = explained(absent, PYPI).cause;
        assert!(cause.starts_with("the proxy on the way to PyPI cannot be reached"), "{cause}");
    }

    #[test]
    fn a_registry_that_cannot_be_reached_is_named_with_the_reason() {
        let pip = "NewConnectionError('<x>: Failed to establish a new connection: [Errno -2] Name or service not known')";
        let cause = explained(pip, PYPI).cause;
        assert!(
            cause.starts_with("PyPI cannot be reached from here (its name is not known)"),
            "{cause}"
        );
        assert!(cause.contains("HTTPS_PROXY") && cause.contains("PIP_INDEX_URL"), "{cause}");
        let cargo = "  [7] Could not connect to server (Failed to connect to 127.0.0.1 port 9)";
        let cause = explained(cargo, CRATES_IO).cause;
        assert!(
            cause.starts_with("crates.io cannot be reached from here (there is no connection)"),
            "{cause}"
        );
        let own = "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]'))";
        assert!(explained(own, PYPI).cause.contains("PIP_CERT"));
    }

    #[test]
    fn what_is_not_known_stays_as_it_was_said() {
        assert_eq!(
            Explained::of("error[E0425]: cannot find value `x`", CRATES_IO, Path::new("/")),
            None
        );
        let failure = Failure::new("deploy", "no rows");
        assert_eq!(with_room(failure.clone(), &[(Path::new("/"), ROOMY)]), failure);
    }

    const ROOMY: u64 = 1 << 30;

    #[test]
    fn a_step_that_met_a_full_disk_says_so_first_and_what_it_did_after() {
        let failure =
            Failure::new("package", "cannot write /x: No space left on device (os error 28)");
        let places = [(Path::new("/home/me"), ROOMY)];
        let once = with_room(failure, &places);
        assert!(once.cause.starts_with("the disk is full: free some space below /home/me"));
        assert!(once.cause.ends_with("cannot write /x: No space left on device (os error 28)"));
        assert_eq!(once.exit.code(), 3);
        assert_eq!(with_room(once.clone(), &places), once);
    }

    #[test]
    fn a_full_disk_is_noticed_where_nobody_says_so() {
        let failure =
            Failure::new("glue", "calling the PutObject operation: Internal Server Error");
        let places = [(Path::new("/home/me"), ROOMY), (Path::new("/mnt/lake"), 4096)];
        let told = with_room(failure.clone(), &places);
        assert!(told.cause.starts_with("the disk is full: free some space below /mnt/lake"));
        let stopped = Failure { exit: Exit::Interrupted, ..failure };
        assert_eq!(with_room(stopped.clone(), &places), stopped);
    }
}
