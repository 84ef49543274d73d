//! The cause of each error in the SDK's model of the operations that functions call.
//!
//! The SDK's error types are non-exhaustive, so a match over them proves nothing about the next version. These tests
//! compare the table with the sources of the SDK in this build: an error added by a new version, or an operation that a
//! function starts to call, fails a test until a developer adds an entry.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use super::Cause::{self, Busy, Conflict, Denied, Invalid, NotFound, Unavailable};

struct Operation {
    name: &'static str,
    package: &'static str,
    /// Codes in the SDK's model.
    errors: &'static [(&'static str, Cause)],
    /// Codes in the service's documentation that are missing in the model.
    documented: &'static [(&'static str, u16, Cause)],
}

const S3_DOCUMENTED: &[(&str, u16, Cause)] = &[
    ("AccessDenied", 403, Denied),
    ("ExpiredToken", 400, Cause::Credentials),
    ("InternalError", 500, Unavailable),
    ("NoSuchBucket", 404, Invalid),
    ("RequestTimeout", 400, Unavailable),
    ("RequestTimeTooSkewed", 403, Cause::Credentials),
    ("SlowDown", 503, Busy),
];

const S3_PUT_DOCUMENTED: &[(&str, u16, Cause)] = &[
    ("AccessDenied", 403, Denied),
    ("BadDigest", 400, Unavailable),
    ("ConditionalRequestConflict", 409, Conflict),
    ("ExpiredToken", 400, Cause::Credentials),
    ("IncompleteBody", 400, Unavailable),
    ("NoSuchKey", 404, NotFound),
    ("OperationAborted", 409, Conflict),
    ("PreconditionFailed", 412, Conflict),
    ("SlowDown", 503, Busy),
];

/// Codes of all services with a JSON or query protocol.
const COMMON: &[(&str, u16, Cause)] = &[
    ("AccessDenied", 403, Denied),
    ("AccessDeniedException", 400, Denied),
    ("ExpiredTokenException", 403, Cause::Credentials),
    ("InternalFailure", 500, Unavailable),
    ("RequestExpired", 400, Cause::Credentials),
    ("ServiceUnavailable", 503, Unavailable),
    ("ThrottlingException", 400, Busy),
    ("ValidationError", 400, Invalid),
];

const OPERATIONS: &[Operation] = &[
    Operation {
        name: "GetObject",
        package: "aws-sdk-s3",
        errors: &[("InvalidObjectState", Invalid), ("NoSuchKey", NotFound)],
        documented: S3_DOCUMENTED,
    },
    Operation {
        name: "HeadObject",
        package: "aws-sdk-s3",
        errors: &[("NotFound", NotFound)],
        documented: &[],
    },
    Operation {
        name: "PutObject",
        package: "aws-sdk-s3",
        errors: &[
            ("EncryptionTypeMismatch", Invalid),
            ("InvalidRequest", Invalid),
            ("InvalidWriteOffset", Invalid),
            ("TooManyParts", Invalid),
        ],
        documented: S3_PUT_DOCUMENTED,
    },
    Operation {
        name: "ListObjectsV2",
        package: "aws-sdk-s3",
        errors: &[("NoSuchBucket", Invalid)],
        documented: S3_DOCUMENTED,
    },
    Operation {
        name: "DeleteObject",
        package: "aws-sdk-s3",
        errors: &[],
        documented: S3_DOCUMENTED,
    },
    Operation {
        name: "SendMessage",
        package: "aws-sdk-sqs",
        errors: &[
            ("AWS.SimpleQueueService.NonExistentQueue", NotFound),
            ("AWS.SimpleQueueService.UnsupportedOperation", Invalid),
            ("InvalidAddress", Invalid),
            ("InvalidMessageContents", Invalid),
            ("InvalidSecurity", Invalid),
            ("KMS.AccessDeniedException", Denied),
            ("KMS.DisabledException", Invalid),
            ("KMS.InvalidKeyUsageException", Invalid),
            ("KMS.InvalidStateException", Unavailable),
            ("KMS.NotFoundException", Invalid),
            ("KMS.OptInRequired", Invalid),
            ("KMS.ThrottlingException", Busy),
            ("RequestThrottled", Busy),
        ],
        documented: COMMON,
    },
    Operation {
        name: "ChangeMessageVisibility",
        package: "aws-sdk-sqs",
        errors: &[
            ("AWS.SimpleQueueService.MessageNotInflight", Invalid),
            ("AWS.SimpleQueueService.NonExistentQueue", NotFound),
            ("AWS.SimpleQueueService.UnsupportedOperation", Invalid),
            ("InvalidAddress", Invalid),
            ("InvalidSecurity", Invalid),
            ("ReceiptHandleIsInvalid", Invalid),
            ("RequestThrottled", Busy),
        ],
        documented: COMMON,
    },
    Operation {
        name: "StartJobRun",
        package: "aws-sdk-glue",
        errors: &[
            ("ConcurrentRunsExceededException", Busy),
            ("EntityNotFoundException", NotFound),
            ("InternalServiceException", Unavailable),
            ("InvalidInputException", Invalid),
            ("OperationTimeoutException", Unavailable),
            ("ResourceNumberLimitExceededException", Busy),
        ],
        documented: COMMON,
    },
    Operation {
        name: "GetJobRuns",
        package: "aws-sdk-glue",
        errors: GLUE_READ,
        documented: COMMON,
    },
    Operation {
        name: "Publish",
        package: "aws-sdk-sns",
        errors: &[
            ("AuthorizationError", Denied),
            ("EndpointDisabled", Invalid),
            ("InternalError", Unavailable),
            ("InvalidParameter", Invalid),
            ("InvalidSecurity", Invalid),
            ("KMSAccessDenied", Denied),
            ("KMSDisabled", Invalid),
            ("KMSInvalidState", Unavailable),
            ("KMSNotFound", Invalid),
            ("KMSOptInRequired", Invalid),
            ("KMSThrottling", Busy),
            ("NotFound", NotFound),
            ("ParameterValueInvalid", Invalid),
            ("PlatformApplicationDisabled", Invalid),
            ("ValidationException", Invalid),
        ],
        documented: COMMON,
    },
];

const GLUE_READ: &[(&str, Cause)] = &[
    ("EntityNotFoundException", NotFound),
    ("InternalServiceException", Unavailable),
    ("InvalidInputException", Invalid),
    ("OperationTimeoutException", Unavailable),
];

#[test]
fn each_modelled_error_of_each_operation_means_what_was_decided() {
    for Operation { name, errors, documented, .. } in OPERATIONS {
        for (code, cause) in *errors {
            // The model does not state a code's HTTP status, which must not matter.
            for status in [400, 403, 404, 500] {
                assert_eq!(Cause::of_answer(Some(code), status), *cause, "{name} {status} {code}");
            }
        }
        for (code, status, cause) in *documented {
            assert_eq!(Cause::of_answer(Some(code), *status), *cause, "{name} {status} {code}");
        }
    }
}

#[test]
fn the_sdk_knows_no_error_about_which_nothing_was_decided() {
    let packages = sdk_packages();
    for Operation { name, package, errors, .. } in OPERATIONS {
        let decided: BTreeSet<&str> = errors.iter().map(|(code, _)| *code).collect();
        let source = packages.get(*package).unwrap_or_else(|| panic!("no {package}"));
        let (known, variants) = errors_of(source, name);
        assert_eq!(known.len(), variants, "codes of {name} are not found in {}", source.display());
        let known: BTreeSet<&str> = known.iter().map(String::as_str).collect();
        assert_eq!(known, decided, "{name} of {}", source.display());
    }
}

#[test]
fn every_operation_that_a_function_calls_is_in_the_table() {
    let mut called = BTreeSet::new();
    let root = manifest_dir();
    for folder in ["src", "refine/src", "../services"].map(|folder| root.join(folder)) {
        operations_in(&folder, &mut called);
    }
    let listed: BTreeSet<String> =
        OPERATIONS.iter().map(|operation| operation.name.to_owned()).collect();
    assert_eq!(called, listed);
}

/// This package's folder at run time, which may not be the one at compile time.
fn manifest_dir() -> PathBuf {
    env::var_os("CARGO_MANIFEST_DIR").expect("Cargo runs the tests").into()
}

/// The folders of the SDK's packages in Cargo's registry.
fn sdk_packages() -> BTreeMap<String, PathBuf> {
    let cargo = || Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let version = cargo().args(["-vV"]).output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    // For this platform only: packages of other platforms may not have been downloaded.
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let mut metadata = cargo();
    metadata.args(["metadata", "--format-version=1", "--offline", "--locked"]);
    metadata.arg(format!("--filter-platform={host}")).current_dir(manifest_dir());
    let metadata = metadata.output().unwrap();
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter().map(|package| {
        let text = |name| package[name].as_str().unwrap().to_owned();
        (text("name"), Path::new(&text("manifest_path")).parent().unwrap().to_owned())
    });
    packages.filter(|(name, _)| name.starts_with("aws-sdk-")).collect()
}

/// The codes that the SDK maps to variants of an operation's error, and the number of variants.
fn errors_of(package: &Path, operation: &str) -> (BTreeSet<String>, usize) {
    let module = snake_case(operation);
    let read = |path: String| fs::read_to_string(package.join(path)).unwrap();
    let types = read(format!("src/operation/{module}.rs"));
    let variants = between(&types, &format!("pub enum {operation}Error {{"), "\n}");
    let variants = variants.lines().filter(|line| line.contains("(crate::types::error::")).count();
    let decoding = read(format!("src/protocol_serde/shape_{module}.rs"));
    let decoding = between(&decoding, &format!("pub fn de_{module}_http_error("), "\n}");
    let codes = decoding.lines().filter_map(|line| line.trim_start().strip_prefix('"'));
    let codes = codes.filter_map(|line| line.split_once("\" => ")).map(|(code, _)| code.to_owned());
    (codes.collect(), variants)
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let (_, text) = text.split_once(from).unwrap_or_else(|| panic!("there is no {from}"));
    text.split_once(to).unwrap_or_else(|| panic!("{from} does not end")).0
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for character in name.chars() {
        if character.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    snake
}

/// Collects the operation names in calls such as `from_sdk("PutObject", …)`.
fn operations_in(folder: &Path, operations: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            operations_in(&path, operations);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let (program, _) = text.split_once("#[cfg(test)]\nmod").unwrap_or((&text, ""));
            let arguments = program.split("from_sdk(").skip(1).map(str::trim_start);
            let named = arguments.filter_map(|text| text.strip_prefix('"')?.split('"').next());
            let names = named.filter(|name| name.chars().all(|c| c.is_ascii_alphanumeric()));
            operations.extend(names.map(str::to_owned));
        }
    }
}
