//! Logs: one JSON object a line on standard output, for CloudWatch Logs.
//!
//! A failure is logged once, where its message is settled. Bodies and credentials are never logged. Fields are named by the
//! entity that they describe, with the unit in the name:
//!
//! | field | meaning |
//! |---|---|
//! | `requestId` (in `spans`) | AWS's id of the invocation, on every line of it |
//! | `stage` | the function: `fetcher`, `parquet-writer`, `glue-trigger`, `glue-notifier` |
//! | `message_id`, `attempt`, `max_attempts` | the SQS message, how often it was received, and at most |
//! | `delay_s` | how long a message that failed waits before it comes again |
//! | `code` | the stable name of a failure, such as `results-null` ([`Code`](crate::failure::Code)) |
//! | `class` | whether trying again helps: `transient`, `denied`, `permanent` or `bug` |
//! | `kind`, `rows` | what is odd about a portfolio, such as `type-absent`, and in how many of its rows |
//! | `error`, `parking_error` | a sentence for people; why a message could not be parked |
//! | `location` | where in the source a panic was |
//! | `object` | the S3 URI, queue or run that it is about |
//! | `reason` | why there was nothing to do |
//! | `index`, `segment`, `date` | the portfolio |
//! | `landing_key`, `raw_key`, `rejected_key` | keys in the lake's bucket |
//! | `content_hash` | first 16 digits of the portfolio's hash |
//! | `size_bytes`, `pages`, `constituents` | how large it is |
//! | `page_attempt`, `wait_ms` | how often B3 was asked, and when it is asked again |
//! | `warnings` | how many kinds of oddities a portfolio has |
//! | `run_id`, `run_state`, `dates`, `parked` | the Glue run, the dates it was given, and how many of them were parked |
//! | `date_count`, `first_date`, `last_date` | the dates of a run that is started |
//! | `run_seconds` | how long Glue says that the run took |

use std::panic;

use tracing_subscriber::EnvFilter;

/// Starts logging, and makes panics log lines. `RUST_LOG` chooses what is logged; `info` by default.
pub fn init() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let started = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(true)
        .with_env_filter(filter)
        .try_init();
    if started.is_ok() {
        panic::set_hook(Box::new(|panic| {
            let location = panic.location().map(ToString::to_string);
            let error = panic.payload_as_str().unwrap_or("no message");
            tracing::error!(error, location, code = "bug", "panic");
        }));
    }
}
