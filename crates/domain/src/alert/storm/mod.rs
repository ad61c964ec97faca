//! Storms: many things break at once, and one person is told of them in few messages.
//!
//! The first [`ALONE`] messages to a contact in [`WINDOW`] go out by themselves and at once. What comes
//! after that waits for the next full minute, and then one message tells of everything of its kind that
//! is due. It is decided when a message is claimed and not when it is planned, so that nobody needs to
//! know beforehand that a storm begins. Programs are not people: their contacts get every event.

mod shared;

pub use shared::{Member, Shared, What, shared};

use jiff::{SignedDuration, Timestamp};

use crate::contact::Channel;
use crate::delivery::Event;

/// Messages to a contact that go out by themselves within [`WINDOW`]; of calls it is one.
pub const ALONE: usize = 5;
/// How far back what a contact was sent counts.
pub const WINDOW: SignedDuration = SignedDuration::from_mins(10);
/// Between two messages of a storm to one contact.
const STRIDE: SignedDuration = SignedDuration::from_mins(1);

/// What may be told together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Outages that begin.
    Down,
    /// Outages that go on and that nobody has: reminders, and steps that tell somebody again.
    Again,
    /// Outages that somebody has.
    Taken,
    /// Outages that end.
    Up,
    /// Quiet notices about a status, and about certificates that are new.
    Notice,
    /// Certificates and registrations that come to their end.
    Ending,
}

impl Kind {
    /// The kind of an event; `None` for what is always told by itself.
    pub const fn of(event: Event) -> Option<Self> {
        match event {
            Event::IncidentOpened => Some(Self::Down),
            Event::IncidentEscalated | Event::IncidentReminded => Some(Self::Again),
            Event::IncidentAcknowledged => Some(Self::Taken),
            Event::IncidentResolved => Some(Self::Up),
            Event::MonitorDegraded
            | Event::MonitorPartial
            | Event::MonitorBlocked
            | Event::MonitorUnknown
            | Event::TlsRenewed
            | Event::TlsWorse => Some(Self::Notice),
            Event::TlsExpiring | Event::DomainExpiring => Some(Self::Ending),
            Event::ContactTest | Event::IncidentDiagnosed => None,
        }
    }

    /// The events of a kind.
    pub const fn events(self) -> &'static [Event] {
        match self {
            Self::Down => &[Event::IncidentOpened],
            Self::Again => &[Event::IncidentEscalated, Event::IncidentReminded],
            Self::Taken => &[Event::IncidentAcknowledged],
            Self::Up => &[Event::IncidentResolved],
            Self::Notice => &[
                Event::MonitorDegraded,
                Event::MonitorPartial,
                Event::MonitorBlocked,
                Event::MonitorUnknown,
                Event::TlsRenewed,
                Event::TlsWorse,
            ],
            Self::Ending => &[Event::TlsExpiring, Event::DomainExpiring],
        }
    }
}

/// Contacts of this channel are told of a storm in few messages.
pub const fn may_share(channel: Channel) -> bool {
    !channel.is_program()
}

/// Messages that go out by themselves within [`WINDOW`]: nobody can answer five calls at once.
const fn alone(channel: Channel) -> usize {
    match channel {
        Channel::Voice => 1,
        _ => ALONE,
    }
}

/// What becomes of a message that could be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// It goes out by itself.
    Alone,
    /// It goes out now, with all others of its kind that are due.
    Together,
    /// It waits.
    Wait {
        /// A full minute.
        until: Timestamp,
    },
}

/// Decides for a contact of `channel`. `due_at` is when the message was to go out, `sent` when others went to the same contact, in
/// order, and `in_group` says that the outage is one of a storm, whose end is told together.
pub fn pace(
    channel: Channel,
    (due_at, in_group): (Timestamp, bool),
    sent: &[Timestamp],
    now: Timestamp,
) -> Pace {
    let since = now.saturating_sub(WINDOW).unwrap_or(Timestamp::MIN);
    let lately = sent.iter().filter(|at| **at > since).count();
    if lately < alone(channel) && !in_group {
        return Pace::Alone;
    }
    let after_last = sent
        .last()
        .map(|last| full_minute(*last).saturating_add(STRIDE).unwrap_or(*last));
    let due = full_minute(due_at);
    let due = if due < due_at {
        due.saturating_add(STRIDE).unwrap_or(due)
    } else {
        due
    };
    // Whatever else goes to the contact, nothing waits two minutes.
    let latest = due.saturating_add(STRIDE).unwrap_or(due);
    let until = after_last.map_or(due, |after| after.clamp(due, latest));
    if until <= now {
        Pace::Together
    } else {
        Pace::Wait { until }
    }
}

fn full_minute(at: Timestamp) -> Timestamp {
    let second = at.as_second();
    Timestamp::from_second(second - second.rem_euclid(STRIDE.as_secs())).unwrap_or(at)
}

#[cfg(test)]
mod tests;
