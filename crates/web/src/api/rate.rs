//! How many requests a minute: a generic cell rate algorithm (ITU-T I.371) per account, or per network
//! for requests without a valid key. Counted per web process.

use std::collections::HashMap;
use std::sync::Mutex;

use domain::ids::AccountId;
use jiff::{SignedDuration, Timestamp};

/// Requests a minute from one network without a valid key.
pub const ANONYMOUS_PER_MINUTE: u32 = 120;
/// Entries over which those that have fully recovered are dropped.
const SWEEP_OVER: usize = 10_000;

/// Whose requests are counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Counted {
    /// A valid key's account.
    Account(AccountId),
    /// A network without one.
    Network(String),
    /// A heartbeat's address.
    Pings(String),
}

/// The state of one counter after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Requests a minute.
    pub limit: u32,
    /// How many may come at once now.
    pub remaining: u32,
    /// Seconds until all of them are there again.
    pub reset: u64,
    /// Seconds to wait, when this request was one too many.
    pub retry_after: Option<u64>,
}

/// All counters of this process.
#[derive(Debug, Default)]
pub struct Limiter {
    /// When each counter will have recovered.
    full_at: Mutex<HashMap<Counted, Timestamp>>,
}

impl Limiter {
    /// Counts one request.
    pub fn take(&self, who: Counted, per_minute: u32, now: Timestamp) -> Allowance {
        let mut full_at = self
            .full_at
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if full_at.len() > SWEEP_OVER {
            full_at.retain(|_, at| *at > now);
        }
        let limit = per_minute.max(1);
        let step = SignedDuration::from_secs(60) / i32::try_from(limit).unwrap_or(i32::MAX);
        let whole = SignedDuration::from_secs(60);
        let entry = full_at.entry(who).or_insert(now);
        let debt = (*entry).max(now).duration_since(now);
        let after = debt + step;
        let seconds =
            |time: SignedDuration| u64::try_from((time.as_millis() + 999) / 1_000).unwrap_or(0);
        if after > whole {
            let retry_after = Some(seconds(after - whole).max(1));
            return Allowance {
                limit,
                remaining: 0,
                reset: seconds(debt),
                retry_after,
            };
        }
        *entry = now + after;
        let remaining = (whole - after).as_nanos() / step.as_nanos().max(1);
        Allowance {
            limit,
            remaining: u32::try_from(remaining).unwrap_or(0),
            reset: seconds(after),
            retry_after: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_used_up_and_comes_back_evenly() {
        let limiter = Limiter::default();
        let who = || Counted::Network("203.0.113.7".to_owned());
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        for left in (0..120).rev() {
            let got = limiter.take(who(), 120, now);
            assert_eq!((got.remaining, got.retry_after), (left, None));
        }
        let refused = limiter.take(who(), 120, now);
        assert_eq!(
            (refused.remaining, refused.retry_after, refused.reset),
            (0, Some(1), 60)
        );
        assert_eq!(
            limiter
                .take(Counted::Network("other".into()), 120, now)
                .remaining,
            119
        );
        let later = now + SignedDuration::from_secs(10);
        assert_eq!(
            limiter.take(who(), 120, later).remaining,
            19,
            "two came back every second"
        );
        assert_eq!(
            limiter
                .take(who(), 120, later + SignedDuration::from_mins(2))
                .remaining,
            119
        );
    }

    #[test]
    fn what_has_recovered_is_forgotten() {
        let limiter = Limiter::default();
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        for i in 0..=SWEEP_OVER {
            limiter.take(Counted::Network(i.to_string()), 120, now);
        }
        limiter.take(
            Counted::Network("late".into()),
            120,
            now + SignedDuration::from_mins(5),
        );
        assert_eq!(limiter.full_at.lock().unwrap().len(), 1);
    }
}
