//! The moves under the interleavings of those who make them, with a crash after any step of any of them.
//!
//! What acts are the real moves, as the functions make them ([`answer`](super::answer), [`ended`](super::ended),
//! [`tick`](super::tick)), and a job that reads, deletes and writes in the order of `infra/glue/refine.py`; all of it against
//! a world in memory in which every call is one step. The explorer (see [`explorer`]) tries all orders of steps with at most
//! two preemptions. After each, the world is let to settle the way the deployed stack does: unacknowledged messages come
//! again, runs go on to their ends, whose events are lost, and the tick comes. Then nothing may be forgotten, untold or
//! refined without cause, and a redrive of all that was parked must make the lake whole.

mod actors;
mod explorer;
mod scenarios;
mod world;
