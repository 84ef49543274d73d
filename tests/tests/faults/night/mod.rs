//! The operator's commands, typed by somebody without a checkout, on stacks that fail.

#[path = "many.rs"]
mod many;
#[path = "runbook.rs"]
mod runbook;
#[path = "selection.rs"]
mod selection;
#[path = "walk.rs"]
mod walk;
