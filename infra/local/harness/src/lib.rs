//! The pipeline on one machine: builds the functions, packages and deploys the template to the emulator, and follows a
//! portfolio through the stack.
//!
//! The tool `ibov` and the end-to-end tests both stand on it. The modules form layers; each uses only those above it:
//!
//! | module | what |
//! |---|---|
//! | [`failure`], [`progress`], [`processes`] | what failed, what is going on, child processes |
//! | [`checkout`] | paths, prerequisites, the Python environment, built functions |
//! | [`aws`] | clients and the errors of their calls |
//! | [`stack`] | operations on a deployed stack, local or in AWS |
//! | [`emulator`] | the emulator of AWS, its logs and its outbox |
//! | [`deployment`] | packaging the template and creating a stack |
//! | [`b3_server`] | the stand-in for B3 |
//! | [`journey`] | following a portfolio through the chain |
//! | [`unfinished`] | what an interrupted run left undone in a lake that is kept |
//! | [`reprocess`] | sending landing objects through the chain again |
//! | [`local_runtime`] | all of it together |

pub mod aws;
pub mod b3_server;
pub mod checkout;
pub mod deployment;
pub mod emulator;
pub mod failure;
pub mod journey;
pub mod local_runtime;
pub mod processes;
pub mod progress;
pub mod reprocess;
pub mod stack;
pub mod unfinished;
