//! Rules for `infra/template.yaml` that AWS enforces or bills, but the local emulator does not check.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot read the template has failed"
)]

#[path = "template/alarms.rs"]
mod alarms;
#[path = "template/athena.rs"]
mod athena;
#[path = "template/document.rs"]
mod document;
#[path = "template/exceptions.rs"]
mod exceptions;
#[path = "template/glue.rs"]
mod glue;
#[path = "template/lake.rs"]
mod lake;
#[path = "template/mails.rs"]
mod mails;
#[path = "template/parameters.rs"]
mod parameters;
#[path = "template/permissions.rs"]
mod permissions;
#[path = "template/queues.rs"]
mod queues;
#[path = "template/stages.rs"]
mod stages;
