//! Tests this crate under concurrency, with a crash after any step of any actor.
//!
//! The actors are the real functions ([`answer`](super::answer), [`ended`](super::ended), [`tick`](super::tick)) and a
//! model of the job that reads, deletes and writes in the order of `infra/glue/refine.py`. They share a world in
//! memory, where every call is one step. The [`explorer`] tries all orders of steps with at most two preemptions. After
//! each schedule the world settles as the deployed stack does: unacknowledged messages are delivered again, runs go on
//! to their ends, whose events are lost, and ticks come. Then no date may be forgotten, no end untold and no run
//! unfounded, and a redrive of all parked requests must refine every date.

mod actors;
mod explorer;
mod scenarios;
mod world;
