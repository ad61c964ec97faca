//! A clock that runs on the machine's monotonic one and is set by the database's.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use domain::clock::Clock;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Now = the database's time at the last renewal of the leases, plus what has passed since. A step
/// of the machine's own clock moves no slot.
pub struct Anchored {
    before: Arc<dyn Clock>,
    anchor: RwLock<Option<(Instant, Timestamp)>>,
}

impl Anchored {
    /// A clock that is `before` until it is set.
    pub fn new(before: Arc<dyn Clock>) -> Self {
        Self {
            before,
            anchor: RwLock::new(None),
        }
    }

    /// Sets it: the database said `now` somewhere between `asked` and `answered`.
    pub fn set(&self, now: Timestamp, asked: Instant, answered: Instant) {
        let middle = asked + answered.saturating_duration_since(asked) / 2;
        *self.anchor.write().unwrap_or_else(PoisonError::into_inner) = Some((middle, now));
    }
}

impl Anchored {
    fn at(&self, instant: Instant) -> Timestamp {
        match *self.anchor.read().unwrap_or_else(PoisonError::into_inner) {
            None => self.before.now(),
            Some((since, then)) => later(then, instant.saturating_duration_since(since)),
        }
    }
}

impl Clock for Anchored {
    fn now(&self) -> Timestamp {
        self.at(Instant::now())
    }
}

/// `at` and `by` later.
pub(crate) fn later(at: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// How long from `now` until `at`; zero when it is past.
pub(crate) fn until(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use domain::clock::ManualClock;

    use super::*;

    #[test]
    fn it_follows_the_database_and_not_the_machine() {
        let machine = ManualClock::at(Timestamp::UNIX_EPOCH);
        let clock = Anchored::new(machine.clone());
        assert_eq!(clock.now(), Timestamp::UNIX_EPOCH);
        let database: Timestamp = "2026-11-22T14:00:00Z".parse().unwrap();
        let asked = Instant::now();
        clock.set(database, asked, asked + Duration::from_millis(20));
        machine.advance(SignedDuration::from_hours(5));
        assert_eq!(
            clock.at(asked + Duration::from_millis(1010)),
            database + SignedDuration::from_secs(1)
        );
    }
}
