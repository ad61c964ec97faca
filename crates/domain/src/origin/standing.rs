//! Where an origin stands: shown to be its owner's or not, and what the last look at it met.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Answer;
use crate::check::{Failure, FailureClass as C};

/// A proof is looked for again after this,
const DAILY: SignedDuration = SignedDuration::from_hours(24);
/// and sooner where it was there and is not found.
const HOURLY: SignedDuration = SignedDuration::from_hours(1);
/// So many times in a row it is missing before it counts as taken away: a broken deploy loses files too.
const MISSES: u32 = 3;
/// An origin that is silent may be the outage itself; one that is silent for longer has moved.
const SILENT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Looks at an origin are this far apart, or five intervals of its monitor.
const LEAST: Duration = Duration::from_secs(300);
/// Looks in a row that fail before anybody is told.
const FAILING: u32 = 3;

/// How an origin was shown to be its owner's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// By a TXT record in its zone.
    Dns,
    /// By a file on it.
    File,
}

impl How {
    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::File => "file",
        }
    }

    /// What a stored word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Dns, Self::File]
            .into_iter()
            .find(|how| how.as_str() == word)
    }
}

/// Whether an origin may be asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum State {
    /// Nothing shows yet whose it is.
    #[default]
    Unproven,
    /// It is its owner's.
    Proven,
    /// It was, and the proof is gone.
    Lost,
}

impl State {
    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unproven => "unproven",
            Self::Proven => "proven",
            Self::Lost => "lost",
        }
    }

    /// What a stored word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Unproven, Self::Proven, Self::Lost]
            .into_iter()
            .find(|state| state.as_str() == word)
    }
}

/// What is known of a monitor's origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Whether it may be asked.
    pub state: State,
    /// When the proof was last seen, and how.
    pub proven: Option<(Timestamp, How)>,
    /// When a proof was last asked for.
    pub asked_at: Option<Timestamp>,
    /// What the last asking met, where it found none.
    pub why: Option<String>,
    /// How often in a row it was missing.
    pub misses: u32,
    /// When it is asked for next.
    pub prove_at: Timestamp,
    /// When the origin is looked at next; only while it is proven.
    pub look_at: Option<Timestamp>,
    /// When it was last looked at.
    pub looked_at: Option<Timestamp>,
    /// When it last answered well.
    pub well_at: Option<Timestamp>,
    /// Looks in a row that failed.
    pub failing: u32,
    /// When the first of these was.
    pub failing_since: Option<Timestamp>,
    /// What the last one met.
    pub failure: Option<Failure>,
    /// When its owner was told.
    pub told_at: Option<Timestamp>,
}

impl Standing {
    /// Of an origin that was just named: the proof is asked for at once.
    pub const fn new(now: Timestamp) -> Self {
        Self {
            state: State::Unproven,
            proven: None,
            asked_at: None,
            why: None,
            misses: 0,
            prove_at: now,
            look_at: None,
            looked_at: None,
            well_at: None,
            failing: 0,
            failing_since: None,
            failure: None,
            told_at: None,
        }
    }

    /// It answers nobody but those whom it knows, so that its failure says little.
    pub fn refuses(&self) -> bool {
        self.failure.as_ref().is_some_and(refuses)
    }

    /// It failed long enough to be spoken of: it answered well before, and it is no mere refusal of
    /// strangers.
    pub fn is_failing(&self) -> bool {
        self.state == State::Proven
            && self.failing >= FAILING
            && self.well_at.is_some()
            && !self.refuses()
    }
}

/// Somebody at the origin, or in front of it, does not want us: that says nothing of how it is.
fn refuses(failure: &Failure) -> bool {
    match failure.class {
        C::BlockedByWaf | C::TlsClientCertRequired | C::TargetRefused => true,
        C::HttpStatus => matches!(
            failure.detail.as_deref(),
            Some("401" | "403" | "407" | "421" | "429")
        ),
        _ => false,
    }
}

fn after(now: Timestamp, wait: SignedDuration) -> Timestamp {
    now.saturating_add(wait).unwrap_or(Timestamp::MAX)
}

/// After a proof was asked for.
pub fn proven(before: &Standing, answer: &Answer, now: Timestamp) -> Standing {
    let was = before.state == State::Proven;
    let asked = Standing {
        asked_at: Some(now),
        ..before.clone()
    };
    match answer {
        Answer::Found(how) => Standing {
            state: State::Proven,
            proven: Some((now, *how)),
            why: None,
            misses: 0,
            prove_at: after(now, DAILY),
            look_at: before.look_at.filter(|_| was).or(Some(now)),
            ..asked
        },
        Answer::Missing(why) | Answer::Silent(why) if !was => Standing {
            why: Some(why.clone()),
            prove_at: after(now, DAILY),
            ..asked
        },
        Answer::Missing(why) => {
            let misses = before.misses + 1;
            let kept = Standing {
                misses,
                why: Some(why.clone()),
                prove_at: after(now, HOURLY),
                ..asked
            };
            match misses >= MISSES {
                true => lost(kept, now),
                false => kept,
            }
        }
        Answer::Silent(why) => {
            let seen = before.proven.map_or(now, |(at, _)| at);
            let kept = Standing {
                why: Some(why.clone()),
                prove_at: after(now, HOURLY),
                ..asked
            };
            match now.duration_since(seen) >= SILENT {
                true => lost(kept, now),
                false => kept,
            }
        }
    }
}

/// What the looks said is of no use any more, and nothing is asked of it.
fn lost(before: Standing, now: Timestamp) -> Standing {
    Standing {
        state: State::Lost,
        prove_at: after(now, DAILY),
        look_at: None,
        looked_at: None,
        well_at: None,
        failing: 0,
        failing_since: None,
        failure: None,
        told_at: None,
        ..before
    }
}

/// What a look at an origin came to, while what stands in front of it answers well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// It answers as its owner expects.
    Good,
    /// It does not.
    Bad(Failure),
    /// It was not looked at, or what was seen is our own fault.
    Nothing,
}

/// How far apart looks at the origin of a monitor are that is looked at every `interval`.
pub fn every(interval: Duration) -> Duration {
    interval.saturating_mul(5).max(LEAST)
}

/// After a look, and whether its owner is to be told now; who tells writes down when.
pub fn looked(
    before: &Standing,
    what: &Looked,
    interval: Duration,
    now: Timestamp,
) -> (Standing, bool) {
    if before.state != State::Proven {
        return (before.clone(), false);
    }
    let wait = SignedDuration::try_from(every(interval)).unwrap_or(DAILY);
    let next = Standing {
        look_at: Some(after(now, wait)),
        ..before.clone()
    };
    let standing = match what {
        Looked::Nothing => return (next, false),
        Looked::Good => Standing {
            looked_at: Some(now),
            well_at: Some(now),
            failing: 0,
            failing_since: None,
            failure: None,
            told_at: None,
            ..next
        },
        Looked::Bad(failure) => Standing {
            looked_at: Some(now),
            failing: before.failing.saturating_add(1),
            failing_since: before.failing_since.or(Some(now)),
            failure: Some(failure.clone()),
            ..next
        },
    };
    let tell = standing.is_failing() && standing.told_at.is_none();
    (standing, tell)
}

#[cfg(test)]
mod tests;
