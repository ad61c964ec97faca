//! What follows from a heartbeat, and from its absence.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{Action, HeartbeatTarget, Lost, Ping, Signal};
use crate::check::{Failure, FailureClass, Phase};
use crate::status::{Effect, MonitorState, Observed, Step};
use crate::words;

/// What came this much before its time may have been lost with the time before.
const EARLY_AT_MOST: SignedDuration = SignedDuration::from_mins(5);

/// A run that said it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// When.
    pub started_at: Timestamp,
    /// Its own id, where runs overlap.
    pub rid: Option<Uuid>,
}

/// What is known of a monitor's heartbeats.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Beat {
    /// The last one that was more than a note.
    pub last_at: Option<Timestamp>,
    /// What it said.
    pub last: Option<Action>,
    /// The last one that said success.
    pub last_good_at: Option<Timestamp>,
    /// How long the last finished run took, where its start was said.
    pub last_duration: Option<SignedDuration>,
    /// A run that has not ended.
    pub run: Option<Run>,
    /// From when the next one is counted: the last good one, or a later resume or edit.
    pub counted_from: Option<Timestamp>,
    /// When the next one is expected; `None` while none is waited for.
    pub expected_at: Option<Timestamp>,
    /// When its absence is to be decided on; `None` while nothing is waited for.
    pub due_at: Option<Timestamp>,
}

/// What follows from a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// To be saved.
    pub beat: Beat,
    /// What it does to the status.
    pub step: Step,
}

/// What follows from the time that has passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overdue {
    /// Nothing is waited for.
    Nothing,
    /// It may still come until then.
    Wait(Timestamp),
    /// It did not come; or, where we could not be reached meanwhile, nobody knows.
    Decided(Box<Taken>),
}

/// Takes a heartbeat in. Nothing has to be confirmed: a job knows what it says.
pub fn take(beat: &Beat, state: &MonitorState, target: &HeartbeatTarget, ping: &Ping) -> Taken {
    let mut next = *beat;
    let mut step = unchanged(state);
    if ping.action.signal != Signal::Log {
        next.last_at = Some(ping.at);
        next.last = Some(ping.action);
    }
    match ping.action.signal {
        Signal::Log => {}
        Signal::Start => {
            next.run = Some(Run {
                started_at: ping.at,
                rid: ping.rid,
            });
            next.due_at = due(&next, target).filter(|_| state.observed != Observed::Down);
        }
        Signal::Success => {
            end_run(&mut next, ping);
            next.last_good_at = Some(ping.at);
            expect(&mut next, target, ping.at);
            step = recover(state, ping.at);
        }
        Signal::Fail => {
            end_run(&mut next, ping);
            next.run = None;
            (next.expected_at, next.due_at) = (None, None);
            step = fail(state, failed(ping.action), (ping.at, ping.at));
        }
    }
    Taken { beat: next, step }
}

/// Whether the heartbeat changes what is known, beyond the time of the last one: what must be taken
/// in even from a job that calls too often.
pub fn matters(beat: &Beat, state: &MonitorState, ping: &Ping) -> bool {
    match ping.action.signal {
        Signal::Log => false,
        Signal::Start => beat.run.is_none_or(|run| run.rid != ping.rid),
        Signal::Success => state.observed != Observed::Up || beat.run.is_some(),
        Signal::Fail => state.observed != Observed::Down,
    }
}

/// Decides on a heartbeat that is due. `lost` are the times in which none could have reached us: they
/// are added to the grace, and where the heartbeat may have been sent in one of them, the answer is
/// unknown, until the next one comes or is missed. `zone` is that of the people who are told.
pub fn overdue(
    beat: &Beat,
    state: &MonitorState,
    target: &HeartbeatTarget,
    lost: &[Lost],
    (zone, now): (&TimeZone, Timestamp),
) -> Overdue {
    let grace = target.grace();
    let mut waits = None;
    // A run that does not end is the nearer cause.
    if let Some(run) = beat.run {
        let until = deadline(run.started_at, grace, lost, now);
        if until <= now {
            let sure = !lost.iter().any(|gap| gap.touches(run.started_at, until));
            let how = (run, until, sure);
            return Overdue::Decided(Box::new(unended(beat, state, target, how, (zone, now))));
        }
        waits = Some(until);
    }
    if let Some(expected) = beat.expected_at {
        let until = deadline(expected, grace, lost, now);
        if until <= now {
            let early = back(expected, grace.min(EARLY_AT_MOST));
            let from = beat.counted_from.map_or(early, |from| from.max(early));
            let sure = !lost.iter().any(|gap| gap.touches(from, until));
            let how = (expected, sure);
            return Overdue::Decided(Box::new(missed(beat, state, target, how, (zone, now))));
        }
        waits = Some(waits.map_or(until, |other: Timestamp| other.min(until)));
    }
    waits.map_or(Overdue::Nothing, Overdue::Wait)
}

/// Waits anew from `now`, after a pause or another beginning. What was never heard of is not waited for.
pub fn rearm(beat: &Beat, target: &HeartbeatTarget, now: Timestamp) -> Beat {
    let mut next = Beat { run: None, ..*beat };
    if beat.last_at.is_some() {
        expect(&mut next, target, now);
    } else {
        (next.expected_at, next.due_at) = (None, None);
    }
    next
}

/// The same wait under other settings. A heartbeat that would be overdue by them already is expected
/// from `now`: nobody is late by a rule that was not there.
pub fn reschedule(beat: &Beat, target: &HeartbeatTarget, now: Timestamp) -> Beat {
    let mut next = *beat;
    if let Some(from) = beat.counted_from {
        expect(&mut next, target, from);
    }
    if next.due_at.is_some_and(|due| due <= now) {
        next.run = None;
        expect(&mut next, target, now);
    }
    next
}

fn unchanged(state: &MonitorState) -> Step {
    Step {
        state: state.clone(),
        effects: Vec::new(),
    }
}

fn expect(beat: &mut Beat, target: &HeartbeatTarget, from: Timestamp) {
    beat.counted_from = Some(from);
    beat.expected_at = target.next_expected(from);
    beat.due_at = due(beat, target);
}

fn due(beat: &Beat, target: &HeartbeatTarget) -> Option<Timestamp> {
    let run = beat.run.map(|run| run.started_at);
    let begins = [beat.expected_at, run].into_iter().flatten().min()?;
    begins.checked_add(target.grace()).ok()
}

/// When `grace` after `from` is over, lost time not counted.
fn deadline(from: Timestamp, grace: SignedDuration, lost: &[Lost], now: Timestamp) -> Timestamp {
    let more = Lost::within(lost, from, now);
    from.checked_add(grace.saturating_add(more))
        .unwrap_or(Timestamp::MAX)
}

fn back(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_sub(by).unwrap_or(Timestamp::MIN)
}

/// A success without an id ends whatever runs; one with an id ends its own run.
fn end_run(beat: &mut Beat, ping: &Ping) {
    let began = match beat.run {
        Some(run) if run.rid == ping.rid => {
            beat.run = None;
            Some(run.started_at)
        }
        Some(_) if ping.rid.is_none() => {
            beat.run = None;
            None
        }
        _ => ping.began_at,
    };
    beat.last_duration = began.map(|began| ping.at.duration_since(began).max(SignedDuration::ZERO));
}

fn recover(state: &MonitorState, at: Timestamp) -> Step {
    let mut next = state.clone();
    next.ever_up = true;
    next.quiet_until_up = false;
    next.failure = None;
    let mut effects = Vec::new();
    if state.observed != Observed::Up {
        next.observed = Observed::Up;
        next.since = at.max(state.since);
        if state.observed == Observed::Down {
            effects.push(Effect::Close { recovered_at: at });
        }
        effects.push(Effect::Changed {
            from: state.observed,
            to: Observed::Up,
        });
    }
    Step {
        state: next,
        effects,
    }
}

fn fail(state: &MonitorState, failure: Failure, (since, now): (Timestamp, Timestamp)) -> Step {
    let mut next = state.clone();
    next.failure = Some(failure.clone());
    if state.observed == Observed::Down {
        let known = state.failure.as_ref();
        let same = known
            .is_some_and(|known| known.class == failure.class && known.detail == failure.detail);
        let change = Effect::CauseChanged {
            failure,
            attribution: None,
        };
        let effects = if same { Vec::new() } else { vec![change] };
        return Step {
            state: next,
            effects,
        };
    }
    next.observed = Observed::Down;
    next.since = since.max(state.since).min(now);
    let mut effects = Vec::new();
    if !state.quiet_until_up {
        effects.push(Effect::Open {
            first_failure_at: next.since,
            failure,
            attribution: None,
            looks: 0,
        });
    }
    effects.push(Effect::Changed {
        from: state.observed,
        to: Observed::Down,
    });
    Step {
        state: next,
        effects,
    }
}

fn unsure(state: &MonitorState, now: Timestamp) -> Step {
    if state.observed == Observed::Unknown {
        return unchanged(state);
    }
    Step {
        state: MonitorState {
            observed: Observed::Unknown,
            since: now.max(state.since),
            ..state.clone()
        },
        effects: vec![Effect::Changed {
            from: state.observed,
            to: Observed::Unknown,
        }],
    }
}

fn missed(
    beat: &Beat,
    state: &MonitorState,
    target: &HeartbeatTarget,
    (expected, sure): (Timestamp, bool),
    (zone, now): (&TimeZone, Timestamp),
) -> Taken {
    let mut next = *beat;
    if !sure {
        // The one after it, or the one after now where that is over as well.
        next.expected_at = target
            .next_expected(expected)
            .filter(|at| *at > now)
            .or_else(|| target.next_expected(now));
        next.counted_from = Some(expected);
        next.due_at = due(&next, target);
        return Taken {
            beat: next,
            step: unsure(state, now),
        };
    }
    (next.expected_at, next.due_at) = (None, None);
    let since = beat.last_at.or(beat.counted_from).unwrap_or(expected);
    let message = format!(
        "A heartbeat was expected at {expected} and had not come {} later.",
        words::duration(target.grace())
    );
    let failure = Failure::new(FailureClass::HeartbeatMissed, Phase::FirstByte, message);
    Taken {
        beat: next,
        step: fail(
            state,
            failure.with_detail(clock(since, zone, now)),
            (expected, now),
        ),
    }
}

/// A run said that it began, and nothing came after.
fn unended(
    beat: &Beat,
    state: &MonitorState,
    target: &HeartbeatTarget,
    (run, until, sure): (Run, Timestamp, bool),
    (zone, now): (&TimeZone, Timestamp),
) -> Taken {
    let mut next = *beat;
    if !sure {
        next.run = None;
        next.due_at = due(&next, target);
        return Taken {
            beat: next,
            step: unsure(state, now),
        };
    }
    (next.expected_at, next.due_at) = (None, None);
    let message = format!(
        "The run that began at {} had not ended {} later.",
        run.started_at,
        words::duration(target.grace())
    );
    let failure = Failure::new(FailureClass::HeartbeatMissed, Phase::Body, message);
    Taken {
        beat: next,
        step: fail(
            state,
            failure.with_detail(clock(run.started_at, zone, now)),
            (until, now),
        ),
    }
}

/// `13:55`, or `19 Nov 13:55` of another day.
fn clock(at: Timestamp, zone: &TimeZone, now: Timestamp) -> String {
    let (at, now) = (at.to_zoned(zone.clone()), now.to_zoned(zone.clone()));
    let format = if at.date() == now.date() {
        "%H:%M"
    } else {
        "%-d %b %H:%M"
    };
    at.strftime(format).to_string()
}

fn failed(action: Action) -> Failure {
    let failure =
        |message: String| Failure::new(FailureClass::HeartbeatFailed, Phase::FirstByte, message);
    match action.exit_status {
        Some(status) => failure(format!("The job called with exit status {status}."))
            .with_detail(status.to_string()),
        None => failure("The job called its failure address.".to_owned()),
    }
}

#[cfg(test)]
mod tests;
