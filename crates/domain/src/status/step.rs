//! The vote of the regions, and what a change of status brings about.

use jiff::Timestamp;

use crate::check::{Attribution, Failure, VerdictKind};

use super::Observed;
use super::region::RegionVote;

/// What is kept of a monitor's status (`monitor_states`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonitorState {
    /// The confirmed status.
    pub observed: Observed,
    /// Since when.
    pub since: Timestamp,
    /// A change is being confirmed.
    pub confirming: bool,
    /// It was up at some time.
    pub ever_up: bool,
    /// After a manual resolve: no new incident until it was up once.
    pub quiet_until_up: bool,
    /// The failure class of the open incident, to tell a change of cause.
    pub failure: Option<Failure>,
}

impl MonitorState {
    /// A monitor nobody has looked at yet.
    pub const fn new(now: Timestamp) -> Self {
        Self {
            observed: Observed::Pending,
            since: now,
            confirming: false,
            ever_up: false,
            quiet_until_up: false,
            failure: None,
        }
    }
}

/// Something that follows from a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Ask the regions that have not voted freshly.
    AskRegions(Vec<String>),
    /// Open an incident.
    Open {
        /// Start of the first failing look.
        first_failure_at: Timestamp,
        /// What is wrong.
        failure: Failure,
        /// Where the fault lies.
        attribution: Option<Attribution>,
        /// Failing looks that confirmed it, over all regions that say down.
        looks: u32,
    },
    /// Close the open incident as recovered.
    Close {
        /// Start of the first good look.
        recovered_at: Timestamp,
    },
    /// The status changed without opening or closing an incident.
    Changed {
        /// From.
        from: Observed,
        /// To.
        to: Observed,
    },
    /// It is still down, but for another reason.
    CauseChanged {
        /// The new reason.
        failure: Failure,
        /// Where the fault lies now.
        attribution: Option<Attribution>,
    },
}

/// The outcome of [`step`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The state to save.
    pub state: MonitorState,
    /// What to do, in order.
    pub effects: Vec<Effect>,
}

/// Decides the status from all votes. `voters` are the monitor's regions that have a healthy
/// worker; votes of others are not counted, nor are those from before the failure in question. A
/// strict majority of the voters makes `down`.
pub fn step(state: &MonitorState, votes: &[RegionVote], voters: &[String], now: Timestamp) -> Step {
    let counted: Vec<&RegionVote> = fresh(
        votes
            .iter()
            .filter(|vote| voters.contains(&vote.region))
            .collect(),
    );
    let decided = decide(state.observed, &counted, voters.len());
    let mut next = state.clone();
    next.confirming = counted.iter().any(|vote| vote.candidate.is_some());
    let mut effects = Vec::new();
    let behind = missing(state.observed, &counted, voters);
    if !behind.is_empty() {
        effects.push(Effect::AskRegions(behind));
    }
    if decided == Observed::Up || decided == Observed::Degraded {
        next.ever_up = true;
        next.quiet_until_up = false;
    }
    if decided == state.observed {
        effects.extend(cause_change(&mut next, &counted));
        return Step {
            state: next,
            effects,
        };
    }
    next.observed = decided;
    next.since = changed_at(decided, &counted, state, now);
    let was_down = state.observed == Observed::Down;
    if decided == Observed::Down {
        effects.extend(opening(&mut next, &counted, now));
    } else if was_down {
        next.failure = None;
        effects.push(Effect::Close {
            recovered_at: recovered_at(&counted, now),
        });
    }
    effects.push(Effect::Changed {
        from: state.observed,
        to: decided,
    });
    Step {
        state: next,
        effects,
    }
}

/// The outage of a monitor that is down, to be opened later than when it was confirmed; `None` when it
/// is not down, or quiet. A heartbeat has no votes: its outage is in its state.
pub fn standing(state: &MonitorState, votes: &[RegionVote], voters: &[String]) -> Option<Effect> {
    if state.observed != Observed::Down {
        return None;
    }
    let counted = fresh(
        votes
            .iter()
            .filter(|vote| voters.contains(&vote.region))
            .collect(),
    );
    let mut next = state.clone();
    if let Some(effect) = opening(&mut next, &counted, state.since) {
        return Some(effect);
    }
    let failure = state.failure.clone().filter(|_| !state.quiet_until_up)?;
    Some(Effect::Open {
        first_failure_at: state.since,
        failure,
        attribution: None,
        looks: 0,
    })
}

/// Good looks are not recorded as votes one by one, so that a good vote may be days old; it counts
/// against a failure only when it was cast after that began.
fn fresh(votes: Vec<&RegionVote>) -> Vec<&RegionVote> {
    let down = |vote: &&RegionVote| vote.verdict == Some(VerdictKind::Down);
    let Some(since) = votes
        .iter()
        .filter(|vote| down(vote))
        .filter_map(|vote| vote.first_failure_at)
        .min()
    else {
        return votes;
    };
    votes
        .into_iter()
        .filter(|vote| down(vote) || vote.looked_at >= since)
        .collect()
}

/// The regions that have spoken on the present question.
pub fn spoken(votes: &[RegionVote]) -> Vec<&str> {
    let spoke = fresh(votes.iter().collect())
        .into_iter()
        .filter(|vote| vote.verdict.is_some());
    spoke.map(|vote| vote.region.as_str()).collect()
}

fn decide(observed: Observed, votes: &[&RegionVote], voters: usize) -> Observed {
    let count = |kind: VerdictKind| {
        votes
            .iter()
            .filter(|vote| vote.verdict == Some(kind))
            .count()
    };
    let down = count(VerdictKind::Down);
    let known = votes.iter().filter(|vote| vote.verdict.is_some()).count();
    if known == 0 {
        return observed;
    }
    if down > voters / 2 {
        return Observed::Down;
    }
    let unknown = count(VerdictKind::Unknown);
    if unknown == known {
        // Blindness neither ends nor hides an outage.
        return if observed == Observed::Down {
            observed
        } else {
            Observed::Unknown
        };
    }
    if down > 0 {
        let everyone_spoke = known == voters;
        return if everyone_spoke {
            Observed::Partial
        } else {
            observed
        };
    }
    if count(VerdictKind::Blocked) * 2 > known {
        return Observed::Blocked;
    }
    if count(VerdictKind::Degraded) * 2 > known - unknown {
        return Observed::Degraded;
    }
    if count(VerdictKind::Up) > 0 {
        Observed::Up
    } else {
        Observed::Degraded
    }
}

/// The regions whose word is wanted on a failure: those that have not looked since the first look that
/// saw it, be it confirmed or only suspected. They look while the first one still makes sure.
fn missing(observed: Observed, votes: &[&RegionVote], voters: &[String]) -> Vec<String> {
    let suspected = |vote: &&RegionVote| {
        let candidate = vote.candidate.as_ref();
        candidate
            .filter(|c| c.kind == VerdictKind::Down)
            .map(|c| c.since)
    };
    let confirmed = |vote: &&RegionVote| {
        let down = vote.verdict == Some(VerdictKind::Down);
        vote.first_failure_at.filter(|_| down)
    };
    let since = match observed {
        Observed::Down => votes.iter().filter_map(confirmed).min(),
        _ => votes
            .iter()
            .filter_map(|v| confirmed(v).or_else(|| suspected(v)))
            .min(),
    };
    let Some(since) = since else {
        return Vec::new();
    };
    let spoke = |region: &&String| {
        votes
            .iter()
            .any(|vote| vote.region == **region && vote.looked_at >= since)
    };
    voters
        .iter()
        .filter(|region| !spoke(region))
        .cloned()
        .collect()
}

fn worst<'v>(votes: &[&'v RegionVote]) -> Option<&'v RegionVote> {
    votes
        .iter()
        .filter(|vote| vote.verdict == Some(VerdictKind::Down) && vote.failure.is_some())
        .min_by_key(|vote| vote.first_failure_at)
        .copied()
}

fn opening(next: &mut MonitorState, votes: &[&RegionVote], now: Timestamp) -> Option<Effect> {
    let vote = worst(votes)?;
    let failure = vote.failure.clone()?;
    next.failure = Some(failure.clone());
    if next.quiet_until_up {
        return None;
    }
    let looks = votes
        .iter()
        .filter(|vote| vote.verdict == Some(VerdictKind::Down))
        .map(|vote| vote.confirmed_by)
        .sum();
    Some(Effect::Open {
        first_failure_at: vote.first_failure_at.unwrap_or(now),
        failure,
        attribution: vote.attribution,
        looks,
    })
}

fn cause_change(next: &mut MonitorState, votes: &[&RegionVote]) -> Option<Effect> {
    if next.observed != Observed::Down {
        return None;
    }
    let vote = worst(votes)?;
    let failure = vote.failure.clone()?;
    let same = next
        .failure
        .as_ref()
        .is_some_and(|known| known.class == failure.class && known.detail == failure.detail);
    if same {
        return None;
    }
    next.failure = Some(failure.clone());
    Some(Effect::CauseChanged {
        failure,
        attribution: vote.attribution,
    })
}

fn changed_at(
    decided: Observed,
    votes: &[&RegionVote],
    state: &MonitorState,
    now: Timestamp,
) -> Timestamp {
    let moment = match decided {
        Observed::Down => worst(votes).and_then(|vote| vote.first_failure_at),
        _ if state.observed == Observed::Down => Some(recovered_at(votes, now)),
        _ if state.observed == Observed::Pending => votes.iter().map(|vote| vote.looked_at).min(),
        _ => None,
    };
    moment.unwrap_or(now).max(state.since).min(now)
}

fn recovered_at(votes: &[&RegionVote], now: Timestamp) -> Timestamp {
    votes
        .iter()
        .filter_map(|vote| vote.recovered_at)
        .max()
        .unwrap_or(now)
}

#[cfg(test)]
mod tests;
