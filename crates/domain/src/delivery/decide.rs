//! What a claimed delivery does: send, wait, or end without being sent.
//!
//! A recovery goes only to those who were told of the outage, never before it, and swallows an outage
//! that nobody has heard of yet. A webhook is read by a program: it gets every event, an incident's in
//! the order in which they came about.

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
    /// It stands in for a message to someone else who was told.
    pub stand_in: bool,
    /// To a webhook: when an earlier message about the same incident is looked at again; `None` when
    /// all of them have come to their end.
    pub earlier: Option<Timestamp>,
    /// What this contact has heard of the beginning of the incident; `None` when nothing was planned.
    pub outage: Option<OutageDelivery>,
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
    /// Not sent on purpose.
    Skip(&'static str),
    /// A later message says it too.
    Supersede,
    /// Tried often enough; the fallback is told.
    GiveUp(&'static str),
}

/// Decides.
pub fn decide(facts: &Facts<'_>) -> Decision {
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
    if contact.channel == Channel::Webhook {
        return in_order(facts);
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
        _ => Decision::Send { first_word: false },
    }
}

/// Each after the ones before it, whatever became of those.
fn in_order(facts: &Facts<'_>) -> Decision {
    let untold = facts
        .outage
        .is_none_or(|outage| outage.state == DeliveryState::Skipped);
    match (facts.event, facts.earlier) {
        (Event::IncidentResolved | Event::IncidentAcknowledged, _) if untold => {
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

fn acknowledged(facts: &Facts<'_>) -> Decision {
    if facts.resolved.is_some() {
        return Decision::Skip("the outage is over");
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
const NOT_TOLD: &str = "this contact was not told of the outage";

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::contact::Channel;
    use crate::ids::ContactId;

    const LATER: Timestamp = Timestamp::UNIX_EPOCH;

    fn contact() -> Contact {
        Contact {
            id: ContactId::generate(),
            channel: Channel::Email,
            name: "Ana".into(),
            address: "ana@shop.example".into(),
            verified_at: Some(LATER),
            in_default: true,
            disabled_reason: None,
            created_at: LATER,
        }
    }

    fn facts(event: Event, contact: &Contact) -> Facts<'_> {
        Facts {
            event,
            contact: Some(contact),
            lost_claims: 0,
            may_have_arrived: false,
            resolved: None,
            stand_in: false,
            earlier: None,
            outage: None,
            now: LATER,
        }
    }

    const SEND: Decision = Decision::Send { first_word: false };
    const FIRST_WORD: Decision = Decision::Send { first_word: true };
    const HOLD: Decision = Decision::Hold { until: LATER };
    const NOT_FOR_THEM: Decision = Decision::Skip(NOT_TOLD);

    #[rstest]
    #[case(DeliveryState::Sent, false, SEND)]
    #[case(DeliveryState::Delivered, false, SEND)]
    #[case(DeliveryState::Merged, false, SEND)]
    #[case(DeliveryState::Pending, false, FIRST_WORD)]
    #[case(DeliveryState::Pending, true, HOLD)]
    #[case(DeliveryState::Held, false, FIRST_WORD)]
    #[case(DeliveryState::Sending, false, HOLD)]
    #[case(DeliveryState::Superseded, false, FIRST_WORD)]
    #[case(DeliveryState::Failed, false, NOT_FOR_THEM)]
    #[case(DeliveryState::GivenUp, true, NOT_FOR_THEM)]
    #[case(DeliveryState::Skipped, false, NOT_FOR_THEM)]
    fn a_recovery_follows_its_outage(
        #[case] state: DeliveryState,
        #[case] may_have_arrived: bool,
        #[case] wanted: Decision,
    ) {
        let contact = contact();
        let outage = Some(OutageDelivery {
            state,
            may_have_arrived,
            next_at: LATER,
            accepted_at: None,
        });
        let recovered = Facts {
            resolved: Some(ResolvedReason::Recovered),
            outage,
            ..facts(Event::IncidentResolved, &contact)
        };
        assert_eq!(decide(&recovered), wanted);
    }

    #[test]
    fn a_recovery_without_an_outage_is_not_sent() {
        let contact = contact();
        let recovered = facts(Event::IncidentResolved, &contact);
        assert_eq!(decide(&recovered), NOT_FOR_THEM);
        assert_eq!(
            decide(&Facts {
                stand_in: true,
                ..recovered
            }),
            FIRST_WORD
        );
    }

    #[test]
    fn an_outage_that_is_over_is_left_to_its_recovery() {
        let contact = contact();
        let over = Facts {
            resolved: Some(ResolvedReason::Recovered),
            ..facts(Event::IncidentOpened, &contact)
        };
        assert_eq!(decide(&over), Decision::Supersede);
        assert_eq!(
            decide(&Facts {
                may_have_arrived: true,
                ..over
            }),
            SEND
        );
        assert_eq!(
            decide(&Facts {
                resolved: None,
                ..over
            }),
            SEND
        );
    }

    #[rstest]
    #[case(Channel::Sms, ResolvedReason::Deleted, Some(59), true)]
    #[case(Channel::Sms, ResolvedReason::Paused, Some(61), false)]
    #[case(Channel::Sms, ResolvedReason::Edited, None, false)]
    #[case(Channel::Sms, ResolvedReason::Recovered, Some(600), true)]
    #[case(Channel::Sms, ResolvedReason::Manual, Some(600), true)]
    #[case(Channel::Email, ResolvedReason::Deleted, Some(600), true)]
    fn a_change_of_settings_is_worth_a_text_for_an_hour(
        #[case] channel: Channel,
        #[case] reason: ResolvedReason,
        #[case] told_minutes_ago: Option<i64>,
        #[case] sent: bool,
    ) {
        let contact = Contact {
            channel,
            ..contact()
        };
        let outage = OutageDelivery {
            state: if told_minutes_ago.is_some() {
                DeliveryState::Sent
            } else {
                DeliveryState::Pending
            },
            may_have_arrived: false,
            next_at: LATER,
            accepted_at: told_minutes_ago.map(|ago| LATER - SignedDuration::from_mins(ago)),
        };
        let closed = Facts {
            resolved: Some(reason),
            outage: Some(outage),
            ..facts(Event::IncidentResolved, &contact)
        };
        let wanted = matches!(decide(&closed), Decision::Send { .. });
        assert_eq!(wanted, sent, "{closed:?}");
    }

    #[rstest]
    #[case(Event::IncidentResolved, Some(DeliveryState::Sent), None, SEND)]
    #[case(Event::IncidentResolved, Some(DeliveryState::Failed), None, SEND)]
    #[case(Event::IncidentResolved, Some(DeliveryState::GivenUp), None, SEND)]
    #[case(
        Event::IncidentResolved,
        Some(DeliveryState::Pending),
        Some(LATER),
        HOLD
    )]
    #[case(
        Event::IncidentResolved,
        Some(DeliveryState::Sending),
        Some(LATER),
        HOLD
    )]
    #[case(Event::IncidentResolved, Some(DeliveryState::Sent), Some(LATER), HOLD)]
    #[case(
        Event::IncidentResolved,
        Some(DeliveryState::Skipped),
        None,
        NOT_FOR_THEM
    )]
    #[case(Event::IncidentResolved, None, None, NOT_FOR_THEM)]
    #[case(Event::IncidentAcknowledged, Some(DeliveryState::Failed), None, SEND)]
    #[case(
        Event::IncidentAcknowledged,
        Some(DeliveryState::Pending),
        Some(LATER),
        HOLD
    )]
    #[case(Event::IncidentOpened, Some(DeliveryState::Sending), None, SEND)]
    fn a_webhook_gets_every_event_in_order(
        #[case] event: Event,
        #[case] outage: Option<DeliveryState>,
        #[case] earlier: Option<Timestamp>,
        #[case] wanted: Decision,
    ) {
        let contact = Contact {
            channel: Channel::Webhook,
            ..contact()
        };
        let outage = outage.map(|state| OutageDelivery {
            state,
            may_have_arrived: false,
            next_at: LATER,
            accepted_at: None,
        });
        let over = Facts {
            resolved: Some(ResolvedReason::Recovered),
            earlier,
            outage,
            ..facts(event, &contact)
        };
        assert_eq!(decide(&over), wanted);
    }

    #[rstest]
    #[case(Channel::Webhook, Event::ContactTest, true)]
    #[case(Channel::Slack, Event::ContactTest, true)]
    #[case(Channel::Discord, Event::ContactTest, true)]
    #[case(Channel::Webhook, Event::IncidentOpened, false)]
    #[case(Channel::Slack, Event::TlsExpiring, false)]
    #[case(Channel::Email, Event::ContactTest, false)]
    #[case(Channel::Sms, Event::ContactTest, false)]
    fn a_hook_is_proven_by_a_test_and_by_nothing_else(
        #[case] channel: Channel,
        #[case] event: Event,
        #[case] sent: bool,
    ) {
        let unproven = Contact {
            channel,
            verified_at: None,
            ..contact()
        };
        let stopped = Contact {
            channel,
            disabled_reason: Some("it is gone".into()),
            ..contact()
        };
        for contact in [unproven, stopped] {
            assert_eq!(decide(&facts(event, &contact)) == SEND, sent);
        }
    }

    #[rstest]
    #[case(None, Some(LATER), "deleted")]
    #[case(Some(()), None, "not verified")]
    fn only_proven_contacts(
        #[case] exists: Option<()>,
        #[case] verified_at: Option<Timestamp>,
        #[case] reason: &str,
    ) {
        let contact = Contact {
            verified_at,
            ..contact()
        };
        let facts = Facts {
            contact: exists.map(|()| &contact),
            ..facts(Event::IncidentOpened, &contact)
        };
        assert!(matches!(decide(&facts), Decision::Skip(why) if why.contains(reason)));
    }

    #[test]
    fn a_disabled_contact_and_a_lost_cause() {
        let disabled = Contact {
            disabled_reason: Some("mailbox does not exist".into()),
            ..contact()
        };
        assert!(matches!(
            decide(&facts(Event::TlsExpiring, &disabled)),
            Decision::Skip(_)
        ));
        let contact = contact();
        let lost = |lost_claims| {
            decide(&Facts {
                lost_claims,
                ..facts(Event::IncidentOpened, &contact)
            })
        };
        assert_eq!(lost(4), SEND);
        assert!(matches!(lost(5), Decision::GiveUp(_)));
    }
}
