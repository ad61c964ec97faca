//! When a message is tried again.

use std::time::Duration;

use jiff::Timestamp;

/// Tries after which a delivery is given up.
pub const MAX_ATTEMPTS: u32 = 12;
/// Claims without any result after which a delivery is given up (each killed its process).
pub const MAX_LOST_CLAIMS: u32 = 5;
/// How long a claim keeps others away.
pub const LEASE: Duration = Duration::from_secs(60);
/// The whole of one send, all commands included.
pub const SEND_LIMIT: Duration = Duration::from_secs(20);

/// A person who has not been told so long after a message was due is told by another way.
pub const FALLBACK_AFTER: Duration = Duration::from_secs(60);

/// What kind of trouble a send met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorClass {
    /// Worth trying again, not before the provider says so.
    Transient {
        /// The provider's own wish.
        retry_after: Option<Duration>,
    },
    /// Refused for good.
    Permanent {
        /// The address itself is bad: nothing more is sent to it.
        disable_contact: bool,
    },
    /// Our own fault: wrong credentials, a template that does not render.
    Ours,
}

const BACKOFF_SECONDS: [u64; 8] = [2, 5, 15, 30, 60, 120, 300, 600];

/// When attempt `attempts + 1` starts; `None` when there is none. `jitter` is from 0 to 1 and
/// lengthens the wait by up to a fifth.
pub fn next_attempt(
    attempts: u32,
    class: &ErrorClass,
    jitter: f64,
    now: Timestamp,
) -> Option<Timestamp> {
    if attempts >= MAX_ATTEMPTS {
        return None;
    }
    let index = usize::try_from(attempts.saturating_sub(1))
        .unwrap_or(usize::MAX)
        .min(BACKOFF_SECONDS.len() - 1);
    let backoff =
        Duration::from_secs(BACKOFF_SECONDS[index]).mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 5.0);
    let wait = match class {
        ErrorClass::Permanent { .. } => return None,
        ErrorClass::Ours => backoff.max(Duration::from_secs(30)),
        ErrorClass::Transient { retry_after } => backoff.max(
            retry_after
                .unwrap_or_default()
                .min(Duration::from_secs(3600)),
        ),
    };
    now.checked_add(wait).ok()
}

/// Whether a message that was due at `due` may still be untold [`FALLBACK_AFTER`] that, if its next try,
/// which starts at `next`, takes as long as it may: then somebody else is told meanwhile.
pub fn waits_too_long(due: Timestamp, next: Timestamp) -> bool {
    next.duration_since(due).unsigned_abs() + SEND_LIMIT > FALLBACK_AFTER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_try_that_may_end_too_late_is_too_late() {
        let at = |second| Timestamp::from_second(second).unwrap();
        assert!(!waits_too_long(at(100), at(140)));
        assert!(waits_too_long(at(100), at(141)));
    }

    #[test]
    fn waits_grow_and_end() {
        let now = Timestamp::from_second(0).unwrap();
        let transient = ErrorClass::Transient { retry_after: None };
        let wait = |attempts| next_attempt(attempts, &transient, 0.0, now).map(|at| at.as_second());
        assert_eq!(
            (1..=12).map(wait).collect::<Vec<_>>(),
            [
                Some(2),
                Some(5),
                Some(15),
                Some(30),
                Some(60),
                Some(120),
                Some(300),
                Some(600),
                Some(600),
                Some(600),
                Some(600),
                None
            ]
        );
        let asked = ErrorClass::Transient {
            retry_after: Some(Duration::from_secs(90)),
        };
        assert_eq!(
            next_attempt(1, &asked, 0.0, now).map(|at| at.as_second()),
            Some(90)
        );
        assert_eq!(
            next_attempt(
                1,
                &ErrorClass::Permanent {
                    disable_contact: true
                },
                0.0,
                now
            ),
            None
        );
    }
}
