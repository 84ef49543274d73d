//! What the functions of the IBOV pipeline have in common.
//!
//! [`b3`], [`portfolio`], [`landing`], [`lake`], [`parquet`] and [`events`] are pure: they do no I/O and
//! know no AWS client. [`stage`] is the loop that every function runs; [`aws`], [`settings`] and
//! [`telemetry`] are the little around it. No service is known here.

#[cfg(feature = "aws")]
pub mod aws;
pub mod b3;
pub mod events;
pub mod failpoint;
pub mod lake;
pub mod landing;
pub mod parquet;
pub mod portfolio;
#[cfg(feature = "aws")]
pub mod refine;
pub mod settings;
#[cfg(feature = "aws")]
pub mod stage;
pub mod telemetry;

#[cfg(test)]
#[cfg(feature = "aws")]
mod decoding_tests;
#[cfg(test)]
mod test_support;
