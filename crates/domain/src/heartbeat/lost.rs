//! When nothing could have reached us.

use jiff::{SignedDuration, Timestamp};

/// Our own call is due every five seconds; when three in a row are missing, nothing was taken in.
pub const GAP: SignedDuration = SignedDuration::from_secs(15);
/// The same where one is known to be missing: it failed, or whoever calls has only just begun to. Longer
/// than from one call to the next, so that another worker's count.
pub const ONE_MISSED: SignedDuration = SignedDuration::from_secs(6);
/// How long we must have been reachable before anything is held against a job: long enough for what
/// was tried again meanwhile.
pub const SETTLED_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// A time in which a heartbeat may have been sent without reaching us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost {
    /// Our last call that arrived before.
    pub from: Timestamp,
    /// The first one that arrived again.
    pub until: Timestamp,
}

impl Lost {
    /// Whether it touches the time from `from` until `until`.
    pub fn touches(&self, from: Timestamp, until: Timestamp) -> bool {
        self.from < until && self.until > from
    }

    /// How much of the time from `from` until `until` was lost.
    pub fn within(lost: &[Self], from: Timestamp, until: Timestamp) -> SignedDuration {
        let shares = lost.iter().map(|gap| {
            let share = gap
                .until
                .min(until)
                .duration_since(gap.from.max(from).min(gap.until.min(until)));
            share.max(SignedDuration::ZERO)
        });
        shares.fold(SignedDuration::ZERO, SignedDuration::saturating_add)
    }
}

/// Whether we could be reached of late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    /// Our last call that arrived.
    pub last_beat_at: Option<Timestamp>,
    /// The end of the last time in which none did, or the first call ever.
    pub well_since: Option<Timestamp>,
}

impl Sight {
    /// We are reachable now, and have been for a minute: what is missing is missing.
    pub fn is_settled(&self, now: Timestamp) -> bool {
        let (Some(last), Some(since)) = (self.last_beat_at, self.well_since) else {
            return false;
        };
        now.duration_since(last) <= GAP && now.duration_since(since) >= SETTLED_AFTER
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn gap(from: i64, until: i64) -> Lost {
        Lost {
            from: at(from),
            until: at(until),
        }
    }

    #[test]
    fn only_what_overlaps_counts() {
        let lost = [gap(0, 10), gap(20, 50), gap(90, 200)];
        let within = |from, until| Lost::within(&lost, at(from), at(until)).as_secs();
        assert_eq!(
            [
                within(0, 10),
                within(5, 30),
                within(10, 20),
                within(30, 40),
                within(100, 150),
                within(300, 400)
            ],
            [10, 15, 0, 10, 50, 0]
        );
        assert!(gap(0, 10).touches(at(9), at(20)) && !gap(0, 10).touches(at(10), at(20)));
    }

    #[test]
    fn a_minute_after_we_are_back() {
        let sight = |last, since| Sight {
            last_beat_at: Some(at(last)),
            well_since: Some(at(since)),
        };
        assert!(sight(98, 40).is_settled(at(100)));
        assert!(!sight(98, 41).is_settled(at(100)));
        assert!(!sight(84, 0).is_settled(at(100)));
        let never = Sight {
            last_beat_at: None,
            well_since: None,
        };
        assert!(!never.is_settled(at(100)));
    }
}
