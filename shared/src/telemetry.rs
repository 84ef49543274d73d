//! Logs: one JSON object per line on standard output, for CloudWatch Logs.
//!
//! A failure is logged once, when its message is settled. Bodies and credentials are never logged. Fields are named
//! after the entity that they describe, with the unit in the name:
//!
//! | field | meaning |
//! |---|---|
//! | `requestId` (in `spans`) | AWS's id of the invocation, on all of its lines |
//! | `stage` | `fetch`, `parquet`, `glue` or `completion` |
//! | `message_id`, `attempt`, `max_attempts` | the SQS message, the number of this delivery, and the limit |
//! | `delay_s` | the wait before a failed message is delivered again |
//! | `code` | the stable name of a failure, such as `results-null` ([`Code`](crate::failure::Code)) |
//! | `class` | whether a retry helps: `transient`, `denied`, `permanent` or `bug` |
//! | `kind`, `rows` | an oddity of a portfolio, such as `type-absent`, and the number of rows |
//! | `error`, `parking_error` | a sentence for people; why a message could not be parked |
//! | `location` | source location of a panic |
//! | `object` | the S3 URI, queue or run concerned |
//! | `reason` | why there was nothing to do |
//! | `index`, `segment`, `date` | the portfolio |
//! | `landing_key`, `raw_key`, `rejected_key` | keys in the lake's bucket |
//! | `content_hash` | first 16 digits of the portfolio's hash |
//! | `size_bytes`, `pages`, `constituents` | the size of an object, answer or portfolio |
//! | `page_attempt`, `wait_ms` | the number of requests to B3 for a page, and the wait before the next |
//! | `warnings` | the number of kinds of oddities in a portfolio |
//! | `run_id`, `run_state`, `dates`, `parked` | the Glue run, its dates, and the number of dates that were parked |
//! | `date_count`, `first_date`, `last_date` | the dates of a run to start |
//! | `run_seconds` | the run's duration according to Glue |

use std::panic;

use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

/// Starts logging, panics included. `RUST_LOG` sets the filter; the default is `info`.
pub fn init() {
    let filter = filter(std::env::var("RUST_LOG").ok().as_deref());
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(true);
    let started = tracing_subscriber::registry().with(filter).with(lines).try_init();
    if started.is_ok() {
        panic::set_hook(Box::new(|panic| {
            let location = panic.location().map(ToString::to_string);
            let error = panic.payload_as_str().unwrap_or("no message");
            tracing::error!(error, location, code = "bug", "panic");
        }));
    }
}

/// Levels by target, such as `warn,shared=debug`. Without filters by span, which would bring regular expressions.
fn filter(chosen: Option<&str>) -> Targets {
    let chosen = chosen.filter(|text| !text.is_empty()).and_then(|text| text.parse().ok());
    chosen.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO))
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn levels_are_chosen_by_target_and_nonsense_counts_as_info() {
        for nonsense in [None, Some(""), Some("shared=loud")] {
            assert!(filter(nonsense).would_enable("shared", &Level::INFO), "{nonsense:?}");
            assert!(!filter(nonsense).would_enable("shared", &Level::DEBUG), "{nonsense:?}");
        }
        let chosen = filter(Some("warn,shared=debug"));
        assert!(chosen.would_enable("shared::stage", &Level::DEBUG));
        assert!(!chosen.would_enable("hyper", &Level::INFO));
    }
}
