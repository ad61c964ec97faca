//! What a claimed delivery does: send, wait, or end without being sent.
//!
//! A recovery goes only to those who were told of the outage, never before it, and swallows an outage
//! that nobody has heard of yet. A program that reads them (a webhook, a paging service) gets every event, an
//! incident's in the order in which they came about.

use jiff::{SignedDuration, Timestamp};

use super::retry::MAX_LOST_CLAIMS;
use super::{DeliveryState, Event};
use crate::contact::{Channel, Contact};
use crate::incident::ResolvedReason;

/// What is known when a delivery is claimed.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'f> {
    /// What it tells.
    pub event: Event,
    /// To whom; `None` when the contact is gone.
    pub contact: Option<&'f Contact>,
    /// Claims before this one that ended without a word.
    pub lost_claims: u32,
    /// An earlier try of this delivery may have arrived.
    pub may_have_arrived: bool,
    /// The incident it tells of has ended, and why.
    pub resolved: Option<ResolvedReason>,
    /// Somebody has taken the incident it tells of.
    pub taken: bool,
    /// It stands in for a message to someone else who was told.
    pub stand_in: bool,
    /// To a program: when an earlier message about the same incident is looked at again; `None` when
    /// all of them have come to their end.
    pub earlier: Option<Timestamp>,
    /// What this contact has heard of the beginning of the incident; `None` when nothing was planned.
    pub outage: Option<OutageDelivery>,
    /// The end of the contact's quiet hours, when they hold this message.
    pub quiet_until: Option<Timestamp>,
    /// Somebody wants nobody to be told of its incident before, and nobody has it.
    pub snoozed_until: Option<Timestamp>,
    /// It is for somebody who was passed over in quiet hours, and only worth it while nobody has the incident.
    pub passed_over: bool,
    /// What is known of the cause is not what the message about the outage said to this contact.
    pub is_news: bool,
    /// Now.
    pub now: Timestamp,
}

/// Where the message about the outage stands that goes to the same contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutageDelivery {
    /// Its state.
    pub state: DeliveryState,
    /// A try of it may have arrived.
    pub may_have_arrived: bool,
    /// When it is looked at again.
    pub next_at: Timestamp,
    /// When the provider took it.
    pub accepted_at: Option<Timestamp>,
    /// It is for somebody who was passed over in quiet hours.
    pub passed_over: bool,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Send it.
    Send {
        /// The contact has not heard of the outage: the recovery tells all of it, and the outage's own
        /// message is superseded.
        first_word: bool,
    },
    /// Look again later.
    Hold {
        /// When.
        until: Timestamp,
    },
    /// Look again when nobody wants it quiet any more.
    Snoozed {
        /// When.
        until: Timestamp,
    },
    /// Look again when the contact's quiet hours are over.
    Quiet {
        /// When.
        until: Timestamp,
    },
    /// Not sent on purpose.
    Skip(&'static str),
    /// A later message says it too.
    Supersede,
    /// Tried often enough; the fallback is told.
    GiveUp(&'static str),
}

/// Decides. In the quiet hours of its contact a message that would be sent waits, unless it may have been
/// sent already; while its incident is snoozed an alert does.
pub fn decide(facts: &Facts<'_>) -> Decision {
    let decision = decided(facts);
    let is_sent = matches!(decision, Decision::Send { .. });
    if let (true, Some(until)) = (is_sent, facts.snoozed_until) {
        match facts.event {
            Event::IncidentOpened | Event::IncidentEscalated => {
                return Decision::Snoozed { until };
            }
            // The next one comes after it, and says what is known then.
            Event::IncidentReminded | Event::IncidentDiagnosed => {
                return Decision::Skip(IS_SNOOZED);
            }
            _ => {}
        }
    }
    match (decision, facts.quiet_until) {
        (Decision::Send { .. }, Some(until))
            if !facts.may_have_arrived && facts.event != Event::ContactTest =>
        {
            Decision::Quiet { until }
        }
        // The message that waits says all of it.
        (Decision::Hold { .. }, Some(_))
            if matches!(
                facts.event,
                Event::IncidentReminded | Event::IncidentEscalated
            ) && !facts.contact.is_some_and(|one| one.channel.is_program()) =>
        {
            Decision::Skip(WAITS)
        }
        (decision, _) => decision,
    }
}

fn decided(facts: &Facts<'_>) -> Decision {
    let Some(contact) = facts.contact else {
        return Decision::Skip("the contact was deleted");
    };
    let proves = facts.event == Event::ContactTest && contact.channel.is_hook();
    if contact.disabled_reason.is_some() && !proves {
        return Decision::Skip("nothing is sent to this contact any more");
    }
    if contact.verified_at.is_none() && !proves {
        return Decision::Skip("the contact is not verified");
    }
    if facts.lost_claims >= MAX_LOST_CLAIMS {
        return Decision::GiveUp("five tries ended without a result");
    }
    if facts.event == Event::IncidentDiagnosed {
        return diagnosed(facts, contact);
    }
    if contact.channel.is_program() {
        return in_order(facts);
    }
    if contact.channel == Channel::Voice
        && let Some(reason) = is_not_worth_a_call(facts, contact)
    {
        return Decision::Skip(reason);
    }
    if let (true, false, Some(reason)) = (
        facts.passed_over && facts.event == Event::IncidentOpened,
        facts.may_have_arrived,
        is_settled(facts),
    ) {
        return Decision::Skip(reason);
    }
    match facts.event {
        Event::IncidentOpened if facts.resolved.is_some() && !facts.may_have_arrived => {
            Decision::Supersede
        }
        Event::IncidentResolved => match recovery(facts.outage) {
            Decision::Send { .. } if is_not_worth_a_text(facts, contact) => {
                Decision::Skip(NOT_WORTH_A_TEXT)
            }
            // It says what another contact should have heard, so it says all of it.
            Decision::Skip(NOT_TOLD) if facts.stand_in => Decision::Send { first_word: true },
            decision => decision,
        },
        Event::IncidentAcknowledged => acknowledged(facts),
        Event::IncidentEscalated | Event::IncidentReminded => again(facts),
        _ => Decision::Send { first_word: false },
    }
}

/// Each after the ones before it, whatever became of those.
fn in_order(facts: &Facts<'_>) -> Decision {
    let untold = facts
        .outage
        .is_none_or(|outage| outage.state == DeliveryState::Skipped);
    match (facts.event, facts.earlier) {
        (Event::IncidentResolved | Event::IncidentAcknowledged | Event::IncidentReminded, _)
            if untold =>
        {
            Decision::Skip(NOT_TOLD)
        }
        (_, Some(until)) => Decision::Hold { until },
        (_, None) => Decision::Send { first_word: false },
    }
}

fn recovery(outage: Option<OutageDelivery>) -> Decision {
    let Some(outage) = outage else {
        return Decision::Skip(NOT_TOLD);
    };
    match outage.state {
        DeliveryState::Sent | DeliveryState::Delivered | DeliveryState::Merged => {
            Decision::Send { first_word: false }
        }
        DeliveryState::Superseded => Decision::Send { first_word: true },
        DeliveryState::Pending | DeliveryState::Held
            if outage.passed_over && !outage.may_have_arrived =>
        {
            Decision::Skip(NOT_TOLD)
        }
        DeliveryState::Pending | DeliveryState::Held if !outage.may_have_arrived => {
            Decision::Send { first_word: true }
        }
        DeliveryState::Pending | DeliveryState::Held | DeliveryState::Sending => Decision::Hold {
            until: outage.next_at,
        },
        DeliveryState::Failed | DeliveryState::GivenUp | DeliveryState::Skipped => {
            Decision::Skip(NOT_TOLD)
        }
    }
}

/// A call wakes people: they are called when something is down and nobody has it, and about its end only
/// where they asked for that and were called about its beginning.
fn is_not_worth_a_call(facts: &Facts<'_>, contact: &Contact) -> Option<&'static str> {
    match facts.event {
        Event::IncidentOpened | Event::IncidentEscalated
            if facts.taken && !facts.may_have_arrived =>
        {
            Some("somebody had it before the call")
        }
        Event::IncidentOpened | Event::IncidentEscalated | Event::ContactTest => None,
        Event::IncidentResolved if !contact.call_on_recovery => {
            Some("a call about the recovery was not asked for")
        }
        Event::IncidentResolved if facts.resolved != Some(ResolvedReason::Recovered) => {
            Some("nobody is called about a change of settings")
        }
        Event::IncidentResolved => match recovery(facts.outage) {
            Decision::Send { first_word: true } => Some(NOT_TOLD),
            _ => None,
        },
        _ => Some("nobody is called about this"),
    }
}

/// A text costs money. That someone paused, deleted or changed a monitor is worth one only to those who
/// had a text about the outage a short while ago and may still be at it.
fn is_not_worth_a_text(facts: &Facts<'_>, contact: &Contact) -> bool {
    let settings_changed = matches!(
        facts.resolved,
        Some(ResolvedReason::Paused | ResolvedReason::Deleted | ResolvedReason::Edited)
    );
    let told_lately = facts
        .outage
        .and_then(|outage| outage.accepted_at)
        .is_some_and(|at| facts.now.duration_since(at) <= STILL_AT_IT);
    contact.channel == Channel::Sms && settings_changed && !told_lately
}

/// Told once more that it goes on, after the first message: once it is over or taken there is nothing to
/// repeat. A later step may succeed where the first message did not.
fn again(facts: &Facts<'_>) -> Decision {
    if facts.may_have_arrived {
        return Decision::Send { first_word: false };
    }
    if let Some(reason) = is_settled(facts) {
        return Decision::Skip(reason);
    }
    let is_reminder = facts.event == Event::IncidentReminded;
    match facts.outage {
        Some(outage) if !outage.state.is_final() => Decision::Hold {
            until: outage.next_at,
        },
        Some(outage) if is_reminder && !outage.state.was_told() => Decision::Skip(NOT_TOLD),
        None if is_reminder && !facts.stand_in => Decision::Skip(NOT_TOLD),
        _ => Decision::Send { first_word: false },
    }
}

/// Why nobody needs to be told of it any more.
fn is_settled(facts: &Facts<'_>) -> Option<&'static str> {
    match (facts.resolved, facts.taken) {
        (Some(_), _) => Some(IS_OVER),
        (None, true) => Some(IS_TAKEN),
        (None, false) => None,
    }
}

/// After the first message, and only where that said something else: one that was still to be made says what is
/// known by itself.
fn diagnosed(facts: &Facts<'_>, contact: &Contact) -> Decision {
    if !contact.channel.hears_diagnosis() {
        return Decision::Skip("nobody is told of this on such a channel");
    }
    if facts.resolved.is_some() {
        return Decision::Skip(IS_OVER);
    }
    match facts.outage {
        Some(outage) if !outage.state.is_final() => Decision::Hold {
            until: outage.next_at,
        },
        Some(outage) if !outage.state.was_told() => Decision::Skip(NOT_TOLD),
        None => Decision::Skip(NOT_TOLD),
        Some(_) if facts.is_news || facts.may_have_arrived => Decision::Send { first_word: false },
        Some(_) => Decision::Skip(SAID_SO),
    }
}

fn acknowledged(facts: &Facts<'_>) -> Decision {
    if facts.resolved.is_some() {
        return Decision::Skip(IS_OVER);
    }
    match facts.outage {
        Some(outage) if outage.state.was_told() => Decision::Send { first_word: false },
        Some(outage) if !outage.state.is_final() => Decision::Hold {
            until: outage.next_at,
        },
        _ => Decision::Skip(NOT_TOLD),
    }
}

/// How long after the text about an outage its end by a change of settings is worth another.
const STILL_AT_IT: SignedDuration = SignedDuration::from_hours(1);
const NOT_WORTH_A_TEXT: &str =
    "a change of settings is sent as a text only within an hour of the text about the outage";
const IS_OVER: &str = "the outage is over";
const IS_TAKEN: &str = "somebody had it before it was sent";
const IS_SNOOZED: &str = "it was snoozed before it was sent";
const WAITS: &str = "the message about the outage waits for the end of quiet hours";
const SAID_SO: &str = "the message about the outage said so already";
const NOT_TOLD: &str = "this contact was not told of the outage";

#[cfg(test)]
mod tests;
