//! The refine state under the interleavings of its actors, with a crash after any step of any of them.
//!
//! The actors are the real moves, run against a world in memory in which every call is one step. The
//! explorer (see [`explorer`]) tries all orders of steps with at most two preemptions. After each, the world is let to
//! settle the way the deployed stack does: unacknowledged messages come again, leases expire, the tick
//! comes. Then nothing may be stuck, forgotten, or refined without cause.

mod actors;
mod explorer;
mod scenarios;
mod world;
