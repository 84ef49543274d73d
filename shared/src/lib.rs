//! Code shared by the functions of the IBOV pipeline. Nothing here depends on a particular function.
//!
//! A module uses only modules listed above it:
//!
//! - pure, without I/O: [`failure`], [`values`], [`b3`] (the payload), [`portfolio`], [`keys`], [`landing`], [`raw`],
//!   [`events`];
//! - the runtime of a function: [`settings`], [`telemetry`], [`failpoint`], [`tls`], [`http`], [`aws`],
//!   [`queues`], [`stage`].

#[cfg(feature = "aws")]
pub mod aws;
pub mod b3;
pub mod events;
pub mod failpoint;
pub mod failure;
#[cfg(feature = "aws")]
pub mod http;
pub mod keys;
pub mod landing;
pub mod portfolio;
#[cfg(feature = "aws")]
pub mod queues;
pub mod raw;
pub mod settings;
#[cfg(feature = "aws")]
pub mod stage;
pub mod telemetry;
#[cfg(feature = "aws")]
pub mod tls;
pub mod values;

#[cfg(test)]
#[cfg(feature = "aws")]
mod decoding_tests;
#[cfg(test)]
mod test_support;
