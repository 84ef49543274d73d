//! What the end-to-end tests share.
//!
//! One emulator serves all tests of a process ([`local`]). Each test deploys the real template as a stack of its own,
//! with its own server in the place of B3's ([`pipeline`]), and compares what comes out with what it computes itself
//! from B3's answer ([`expected`]).

pub mod account;
pub mod command;
pub mod days;
pub mod diagnosis;
pub mod expected;
pub mod faults;
pub mod lake;
pub mod local;
pub mod pipeline;
pub mod python;
pub mod recordings;
pub mod storm;
pub mod wire;
