//! One invocation of a function.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

#[derive(Clone, Debug)]
pub struct Invocation {
    /// AWS's id of the invocation, for finding its log lines.
    pub request_id: String,
    /// Handling must end by this time.
    pub deadline: Instant,
}

impl Invocation {
    /// Time left after the deadline for parking and answering.
    const RESERVED: Duration = Duration::from_secs(2);

    pub fn new(context: &lambda_runtime::Context) -> Self {
        let remaining = context.deadline().duration_since(SystemTime::now()).unwrap_or_default();
        let deadline = Instant::now() + remaining.saturating_sub(Self::RESERVED);
        Self { request_id: context.request_id.clone(), deadline }
    }
}
