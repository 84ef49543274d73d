//! A checkout of the project: its paths, what it needs from the machine, and what is installed and built in it.

pub mod functions;
pub mod prerequisites;
pub mod python_environment;
mod workspace;

pub use workspace::{RunDir, Workspace, lock};
