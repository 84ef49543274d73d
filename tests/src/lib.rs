//! Shared parts of the end-to-end tests.
//!
//! One emulator serves all tests of a process ([`local`]). Each test deploys the real template as a stack of its own
//! with a stand-in B3 of its own ([`pipeline`]), and compares the lake with values that it computes from B3's answer
//! itself ([`expected`]).

pub mod aws_account;
pub mod aws_messages;
pub mod browser;
pub mod days;
pub mod diagnosis;
pub mod expected;
pub mod faults;
pub mod function;
pub mod https;
pub mod ibov;
pub mod lake;
pub mod local;
pub mod operator;
pub mod pipeline;
pub mod python;
pub mod recordings;
pub mod skeleton;
pub mod storm;
