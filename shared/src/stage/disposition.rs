//! Whether a failed message is retried or parked.

use crate::failure::Class;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disposition {
    /// The message stays on its queue and is delivered again.
    Retry,
    /// The message goes to the dead-letter queue with its cause.
    Park,
}

pub(super) fn of(class: Class, receive_count: u32, max_receive_count: u32) -> Disposition {
    /// Only the number of deliveries is known, so an attempt that failed for another reason counts as well: the
    /// permission had that long to reach every service.
    const ATTEMPTS_IF_DENIED: u32 = 2;
    let attempts = match class {
        Class::Permanent => return Disposition::Park,
        Class::Denied => max_receive_count.min(ATTEMPTS_IF_DENIED),
        Class::Transient | Class::Bug => max_receive_count,
    };
    match receive_count < attempts {
        true => Disposition::Retry,
        false => Disposition::Park,
    }
}
