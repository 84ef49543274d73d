//! The pipeline on one machine: builds the functions, packages and deploys the template to the emulator, and follows a
//! portfolio through the stack.
//!
//! The tool `ibov` and the end-to-end tests both stand on it. The modules form layers; each uses only those above it:
//!
//! | module | what |
//! |---|---|
//! | [`language`], [`nearest`] | the language of what is printed; "did you mean" |
//! | [`failure`], [`timings`], [`progress`], [`processes`] | what failed, where time went, what is going on, child processes |
//! | [`causes`] | causes that people can mend, recognised in what programs say |
//! | `patience` | how long to wait while nothing moves |
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
pub mod causes;
pub mod checkout;
pub mod deployment;
pub mod emulator;
pub mod failure;
pub mod journey;
pub mod language;
pub mod local_runtime;
pub mod nearest;
mod patience;
pub mod processes;
pub mod progress;
pub mod reprocess;
pub mod stack;
pub mod timings;
pub mod unfinished;
