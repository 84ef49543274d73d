//! `ibov --stack` with each way of signing in to AWS, and its messages when that fails.
#![allow(clippy::indexing_slicing, reason = "a test that finds something else has failed")]

#[path = "sign_in/home.rs"]
mod home;
#[path = "sign_in/refused.rs"]
mod refused;
#[path = "sign_in/works.rs"]
mod works;
