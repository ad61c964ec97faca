//! One region's view of a monitor: a look that differs from it makes a candidate, further looks
//! confirm the candidate or drop it. The same rule serves outage and recovery.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::check::{Attribution, Failure, Verdict, VerdictKind};
use crate::monitor::settings::ConfirmPolicy;
use crate::report::BlindInterval;

/// Least time between the starts of two confirming looks.
pub const RECHECK_SPACING: Duration = Duration::from_secs(3);
/// A confirmation that our own trouble has interrupted for longer than this is dropped.
pub const CONFIRMATION_STALLS: Duration = Duration::from_secs(60);

/// A finished look, as the rules see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// Where it was made.
    pub region: String,
    /// When it started.
    pub at: Timestamp,
    /// When its verdict was known.
    pub finished_at: Timestamp,
    /// The verdict.
    pub verdict: Verdict,
    /// The monitor's config version it was made with.
    pub config_version: i64,
}

/// A view that further looks have to confirm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// What the looks say.
    pub kind: VerdictKind,
    /// Start of the first look that said so.
    pub since: Timestamp,
    /// End of that look: what it saw may have begun only then.
    pub seen_at: Timestamp,
    /// How many have said so.
    pub looks: u32,
    /// Start of the last one.
    pub last_at: Timestamp,
}

/// What one region says of one monitor (`region_votes`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionVote {
    /// The region.
    pub region: String,
    /// Its confirmed view; `None` before the first.
    pub verdict: Option<VerdictKind>,
    /// A view under confirmation.
    pub candidate: Option<Candidate>,
    /// The last failure seen, kept while the view or the candidate is bad.
    pub failure: Option<Failure>,
    /// Where that failure's fault lies.
    pub attribution: Option<Attribution>,
    /// Start of the first look of the bad streak that was confirmed or is being confirmed.
    pub first_failure_at: Option<Timestamp>,
    /// Start of the first good look after the outage, once recovery is confirmed.
    pub recovered_at: Option<Timestamp>,
    /// Looks that confirmed the present view.
    pub confirmed_by: u32,
    /// Start of the last good look.
    pub last_good_at: Option<Timestamp>,
    /// Start of the last look.
    pub looked_at: Timestamp,
}

impl RegionVote {
    /// A region that has not looked yet.
    pub fn none(region: impl Into<String>) -> Self {
        Self {
            region: region.into(),
            verdict: None,
            candidate: None,
            failure: None,
            attribution: None,
            first_failure_at: None,
            recovered_at: None,
            confirmed_by: 0,
            last_good_at: None,
            looked_at: Timestamp::MIN,
        }
    }
}

/// The confirming looks that are still wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rechecks {
    /// When each starts, the next one first.
    pub at: Vec<Timestamp>,
    /// The last of them, and it alone, must not start before this.
    pub decides_at: Timestamp,
}

impl Rechecks {
    /// None.
    pub fn none() -> Self {
        Self::default()
    }

    /// What is still to be planned when confirming looks that started at `under_way` have not
    /// answered yet: they take the place of the next ones, but of the last only if they may decide.
    pub fn less(mut self, under_way: &[Timestamp]) -> Vec<Timestamp> {
        let deciding = under_way.iter().any(|start| *start >= self.decides_at);
        let replaced = match self.at.len() {
            0 => 0,
            wanted if deciding => under_way.len().min(wanted),
            wanted => under_way.len().min(wanted - 1),
        };
        self.at.split_off(replaced)
    }
}

/// Takes a look into a region's vote; the second value is how to go on to confirm it, in place of
/// what was planned before.
///
/// A look that started before the last one taken in changes nothing: it came late or twice.
pub fn advance(vote: &RegionVote, look: &Look, confirm: &ConfirmPolicy) -> (RegionVote, Rechecks) {
    let mut next = vote.clone();
    if look.at <= vote.looked_at {
        return (next, Rechecks::none());
    }
    next.looked_at = look.at;
    let kind = look.verdict.kind;
    if kind.is_good() {
        next.last_good_at = Some(look.at);
    }
    if kind == VerdictKind::Unknown
        && let Some(candidate) = &vote.candidate
        && candidate.kind != VerdictKind::Unknown
        && !stalled(candidate, look)
    {
        // Our own trouble in the middle of a confirmation neither confirms nor clears it.
        return (next, rechecks(candidate, look, confirm));
    }
    let bad = kind == VerdictKind::Down
        || (kind == VerdictKind::Blocked && vote.verdict != Some(VerdictKind::Down));
    if bad {
        next.failure.clone_from(&look.verdict.failure);
        next.attribution = look.verdict.attribution;
    }
    if vote.verdict == Some(kind) {
        next.candidate = None;
        if kind.is_good() {
            next.first_failure_at = None;
        }
        return (next, Rechecks::none());
    }
    let candidate = grown(vote.candidate.as_ref(), look);
    if kind == VerdictKind::Down && candidate.looks == 1 {
        next.first_failure_at = Some(look.at);
    }
    if confirmed(&candidate, vote, confirm) {
        confirm_into(&mut next, &candidate);
        return (next, Rechecks::none());
    }
    let wanted = rechecks(&candidate, look, confirm);
    next.candidate = Some(candidate);
    (next, wanted)
}

/// Forgets what the region believed to see while it was `blind`. A view that came up then is dropped;
/// of one that came up before only its first look is left, so that it is confirmed anew and yet said
/// to have begun when it did.
pub fn after_blind(mut vote: RegionVote, blind: &[BlindInterval]) -> RegionVote {
    let Some(candidate) = &mut vote.candidate else {
        return vote;
    };
    let (since, last_at) = (candidate.since, candidate.last_at);
    let holds = |span: &BlindInterval, at: Timestamp| {
        span.started_at <= at && span.ended_at.is_none_or(|end| at < end)
    };
    if blind.iter().any(|span| holds(span, since)) {
        let was_down = candidate.kind == VerdictKind::Down;
        vote.candidate = None;
        if was_down {
            vote.first_failure_at = None;
            if vote.verdict != Some(VerdictKind::Blocked) {
                vote.failure = None;
                vote.attribution = None;
            }
        }
    } else if blind.iter().any(|span| holds(span, last_at)) {
        candidate.looks = 1;
        candidate.last_at = since;
    }
    vote
}

fn stalled(candidate: &Candidate, look: &Look) -> bool {
    look.at.duration_since(candidate.last_at) > signed(CONFIRMATION_STALLS)
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

fn grown(candidate: Option<&Candidate>, look: &Look) -> Candidate {
    let kind = look.verdict.kind;
    match candidate {
        Some(c) if c.kind == kind || (c.kind.is_good() && kind.is_good()) => Candidate {
            kind,
            looks: c.looks + 1,
            last_at: look.at,
            ..c.clone()
        },
        _ => Candidate {
            kind,
            since: look.at,
            seen_at: look.finished_at.max(look.at),
            looks: 1,
            last_at: look.at,
        },
    }
}

fn confirmed(candidate: &Candidate, vote: &RegionVote, confirm: &ConfirmPolicy) -> bool {
    // The very first look of a healthy target has nothing to contradict.
    if vote.verdict.is_none() && vote.first_failure_at.is_none() && candidate.kind.is_good() {
        return true;
    }
    if candidate.looks <= confirm.rechecks {
        return false;
    }
    // From the end of the first look: it may have begun well before what it saw.
    confirm.over.is_zero()
        || candidate.last_at.duration_since(candidate.seen_at) >= signed(confirm.over)
}

fn confirm_into(vote: &mut RegionVote, candidate: &Candidate) {
    let was_down = vote.verdict == Some(VerdictKind::Down);
    vote.verdict = Some(candidate.kind);
    vote.candidate = None;
    vote.confirmed_by = candidate.looks;
    if candidate.kind == VerdictKind::Down {
        vote.recovered_at = None;
    } else if was_down {
        vote.recovered_at = Some(candidate.since);
    }
    if candidate.kind.is_good() {
        vote.failure = None;
        vote.attribution = None;
        if !was_down {
            vote.first_failure_at = None;
        }
    }
}

/// When the confirming looks start: the next one when this one has answered, each at least three
/// seconds after the start of the one before it and spread over the time the policy wants, and the
/// deciding one not before it can decide. None waits for the end of another, so that three looks at a
/// target that hangs take two time-outs and not three.
fn rechecks(candidate: &Candidate, look: &Look, confirm: &ConfirmPolicy) -> Rechecks {
    let after = |moment: Timestamp, wait| moment.checked_add(wait).unwrap_or(Timestamp::MAX);
    let spacing = match confirm.rechecks {
        0 => RECHECK_SPACING,
        n => (confirm.over / n).max(RECHECK_SPACING),
    };
    let decides_at = after(candidate.seen_at, confirm.over);
    let wanted = (confirm.rechecks + 1)
        .saturating_sub(candidate.looks)
        .max(1);
    let mut at = Vec::new();
    let (mut before, mut earliest) = (look.at, look.finished_at);
    for left in (0..wanted).rev() {
        let start = match left {
            0 => after(before, RECHECK_SPACING).max(decides_at),
            _ => after(before, spacing),
        };
        before = start.max(earliest);
        earliest = before;
        at.push(before);
    }
    Rechecks { at, decides_at }
}

#[cfg(test)]
mod tests;
