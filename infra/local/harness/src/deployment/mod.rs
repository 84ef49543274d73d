//! Creating a stack in the emulator: parameters, packaging, and CloudFormation.

mod create;
mod function_archive;
mod package;
mod packaged_template;
mod stack_config;

pub use self::{
    create::create,
    package::Package,
    stack_config::{ALERT_EMAIL, COMPLETION_EMAIL, StackConfig},
};

/// The emulator's bucket for code, scripts and the packaged template.
const ARTIFACT_BUCKET: &str = "ibov-artifacts";
