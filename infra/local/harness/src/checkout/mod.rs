//! A checkout of the project: its paths, what it needs from the machine, and what is installed and built in it.

pub mod cargo;
mod file_lock;
pub mod prerequisites;
pub mod python_environment;
mod run_folder;
pub mod spark_archive;
mod workspace;

pub use self::{file_lock::lock_file, run_folder::RunFolder, workspace::Workspace};
