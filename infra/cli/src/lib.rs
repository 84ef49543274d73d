//! Runs the pipeline on this machine, and works with a stack that is up.
//!
//! The command line is a thin layer over parts that the end-to-end tests use, too: [`local::LocalRuntime`] is an
//! emulator with the built functions, [`stack::Stack`] a deployed stack, [`chain::Chain`] the view of it from outside,
//! and [`b3_server::B3Server`] the server that stands in for B3.

pub mod account;
pub mod args;
pub mod athena;
pub mod aws;
pub mod b3_server;
pub mod chain;
pub mod checks;
pub mod dead_letters;
pub mod deploy;
pub mod emulator;
pub mod failure;
pub mod functions;
pub mod kept;
pub mod lake_copy;
pub mod local;
pub mod outbox;
pub mod package;
pub mod process;
pub mod progress;
pub mod report;
pub mod run;
pub mod setup;
pub mod signals;
pub mod source;
pub mod stack;
pub mod table;
pub mod verbs;
pub mod workspace;
