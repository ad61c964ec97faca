//! From an event to the messages that tell of it.

use jiff::{SignedDuration, Timestamp};

use super::policy::Step;
use crate::contact::{Channel, Contact};
use crate::delivery::Event;
use crate::ids::ContactId;

/// How long the default policy waits for somebody before it calls.
pub const CALL_AFTER: SignedDuration = SignedDuration::from_mins(3);

/// Who is told of a monitor's incidents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipients {
    /// Every usable contact marked for the default policy.
    Default,
    /// The contacts the monitor names.
    Named(Vec<ContactId>),
    /// The contacts of an escalation policy, step by step.
    Steps(Vec<Step>),
}

impl Recipients {
    /// How long after the outage is sure `contact`, one of `contacts`, is told; `None` for never. A
    /// step that can reach nobody is passed over without its wait.
    fn delay(&self, contact: &Contact, contacts: &[Contact]) -> Option<SignedDuration> {
        let steps = match self {
            Self::Default => {
                return contact
                    .in_default
                    .then(|| default_delay(contact.channel, contacts));
            }
            Self::Named(ids) => {
                return ids.contains(&contact.id).then_some(SignedDuration::ZERO);
            }
            Self::Steps(steps) => steps,
        };
        let reaches = |step: &&Step| {
            contacts
                .iter()
                .any(|one| one.is_usable() && step.contact_ids.contains(&one.id))
        };
        let mut seconds = 0;
        for (i, step) in steps.iter().filter(reaches).enumerate() {
            let wait = if i == 0 { steps.first()? } else { step };
            seconds += i64::from(wait.delay_seconds);
            if step.contact_ids.contains(&contact.id) {
                return Some(SignedDuration::from_secs(seconds));
            }
        }
        None
    }

    fn names(&self, contact: &Contact) -> bool {
        match self {
            Self::Default => contact.in_default,
            Self::Named(ids) => ids.contains(&contact.id),
            Self::Steps(steps) => steps
                .iter()
                .any(|step| step.contact_ids.contains(&contact.id)),
        }
    }
}

/// The default policy tells everybody at once and calls when nobody has taken it; where it can only
/// call, it calls at once.
fn default_delay(channel: Channel, contacts: &[Contact]) -> SignedDuration {
    let told_before = contacts
        .iter()
        .any(|one| one.is_usable() && one.in_default && one.channel != Channel::Voice);
    if channel == Channel::Voice && told_before {
        CALL_AFTER
    } else {
        SignedDuration::ZERO
    }
}

/// One message to one contact, not yet written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedDelivery {
    /// To whom.
    pub contact: ContactId,
    /// Two plans with the same key are one delivery.
    pub dedup_key: String,
    /// Not sent before.
    pub not_before: Timestamp,
}

/// The contacts that `recipients` means, usable ones only, in the order they were made.
pub fn told<'c>(recipients: &Recipients, contacts: &'c [Contact]) -> Vec<&'c Contact> {
    contacts
        .iter()
        .filter(|contact| contact.is_usable())
        .filter(|contact| recipients.names(contact))
        .collect()
}

/// Nobody of `recipients` can be told any more, and `lost` was one of them.
pub fn is_uncovered_by(recipients: &Recipients, contacts: &[Contact], lost: &Contact) -> bool {
    recipients.names(lost) && told(recipients, contacts).is_empty()
}

/// The messages that tell `recipients` of `event`. An outage goes from step to step; all else is for
/// the first step that reaches somebody, at once, and is never called about. `subject` names what the event is about (an
/// incident's id, a certificate and threshold), so that planning twice plans once.
pub fn deliveries(
    event: Event,
    subject: &str,
    recipients: &Recipients,
    contacts: &[Contact],
    now: Timestamp,
) -> Vec<PlannedDelivery> {
    let escalates = event == Event::IncidentOpened;
    let mut planned: Vec<(&Contact, SignedDuration)> = told(recipients, contacts)
        .into_iter()
        .filter(|contact| escalates || contact.channel != Channel::Voice)
        .filter_map(|contact| Some((contact, recipients.delay(contact, contacts)?)))
        .collect();
    planned.sort_by_key(|(_, delay)| *delay);
    if !escalates {
        let first = planned.first().map(|(_, delay)| *delay);
        planned.retain(|(_, delay)| Some(*delay) == first);
    }
    planned
        .into_iter()
        .map(|(contact, delay)| PlannedDelivery {
            contact: contact.id,
            dedup_key: dedup_key(event, subject, contact.id),
            not_before: if escalates { now + delay } else { now },
        })
        .collect()
}

/// The key of the one message about `event` and `subject` to a contact.
pub fn dedup_key(event: Event, subject: &str, contact: ContactId) -> String {
    format!("{}:{subject}:{contact}", event.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contact(name: &str, verified: bool, in_default: bool) -> Contact {
        let now = Timestamp::UNIX_EPOCH;
        Contact {
            id: ContactId::generate(),
            channel: Channel::Email,
            name: name.into(),
            address: format!("{name}@shop.example"),
            verified_at: verified.then_some(now),
            in_default,
            call_on_recovery: false,
            disabled_reason: None,
            created_at: now,
        }
    }

    #[test]
    fn only_proven_contacts_are_told() {
        let mut disabled = contact("disabled", true, true);
        disabled.disabled_reason = Some("mailbox does not exist".into());
        let contacts = [
            contact("ops", true, true),
            contact("new", false, true),
            contact("spare", true, false),
            disabled,
        ];
        let names = |recipients: &Recipients| -> Vec<String> {
            told(recipients, &contacts)
                .into_iter()
                .map(|c| c.name.clone())
                .collect()
        };
        assert_eq!(names(&Recipients::Default), ["ops"]);
        assert_eq!(
            names(&Recipients::Named(contacts.iter().map(|c| c.id).collect())),
            ["ops", "spare"]
        );
    }

    #[test]
    fn a_lost_contact_uncovers_what_it_alone_was_for() {
        let (mut ops, spare) = (contact("ops", true, true), contact("spare", true, false));
        ops.disabled_reason = Some("mailbox does not exist".into());
        let contacts = [ops.clone(), spare.clone()];
        let named =
            |ids: &[&Contact]| Recipients::Named(ids.iter().map(|contact| contact.id).collect());
        for (recipients, uncovered) in [
            (Recipients::Default, true),
            (named(&[&ops]), true),
            (named(&[&ops, &spare]), false),
            (named(&[&spare]), false),
            (named(&[]), false),
        ] {
            assert_eq!(
                is_uncovered_by(&recipients, &contacts, &ops),
                uncovered,
                "{recipients:?}"
            );
        }
    }

    #[test]
    fn an_outage_goes_from_step_to_step() {
        let (ops, kim, boss) = (
            contact("ops", true, true),
            contact("kim", true, false),
            contact("boss", true, false),
        );
        let step = |delay_seconds, contacts: &[&Contact]| Step {
            delay_seconds,
            contact_ids: contacts.iter().map(|contact| contact.id).collect(),
        };
        let recipients = Recipients::Steps(vec![
            step(30, &[&ops]),
            step(180, &[&kim, &ops]),
            step(600, &[&boss]),
        ]);
        let plan = |event, contacts: &[Contact]| -> Vec<(String, i64)> {
            let planned = deliveries(event, "inc_1", &recipients, contacts, Timestamp::UNIX_EPOCH);
            let name = |id| {
                contacts
                    .iter()
                    .find(|one| one.id == id)
                    .unwrap()
                    .name
                    .clone()
            };
            planned
                .into_iter()
                .map(|one| (name(one.contact), one.not_before.as_second()))
                .collect()
        };
        let told = |lines: &[(&str, i64)]| -> Vec<(String, i64)> {
            lines
                .iter()
                .map(|(name, at)| ((*name).to_owned(), *at))
                .collect()
        };
        let all = [boss.clone(), kim.clone(), ops.clone()];
        assert_eq!(
            plan(Event::IncidentOpened, &all),
            told(&[("ops", 30), ("kim", 210), ("boss", 810)])
        );
        assert_eq!(plan(Event::TlsExpiring, &all), told(&[("ops", 0)]));
        // Nobody waits for a step that reaches nobody.
        let mut lost = ops;
        lost.disabled_reason = Some("mailbox does not exist".into());
        assert_eq!(
            plan(Event::IncidentOpened, &[lost.clone(), kim, boss]),
            told(&[("kim", 30), ("boss", 630)])
        );
        assert!(is_uncovered_by(
            &recipients,
            std::slice::from_ref(&lost),
            &lost
        ));
    }

    #[test]
    fn the_default_policy_calls_when_nobody_takes_it() {
        let mail = contact("mail", true, true);
        let phone = Contact {
            channel: Channel::Voice,
            ..contact("phone", true, true)
        };
        let spare = Contact {
            channel: Channel::Voice,
            ..contact("spare", true, false)
        };
        let plan = |event, contacts: &[Contact]| -> Vec<(ContactId, i64)> {
            let recipients = Recipients::Default;
            deliveries(event, "x", &recipients, contacts, Timestamp::UNIX_EPOCH)
                .into_iter()
                .map(|one| (one.contact, one.not_before.as_second()))
                .collect()
        };
        let all = [phone.clone(), spare, mail.clone()];
        assert_eq!(
            plan(Event::IncidentOpened, &all),
            [(mail.id, 0), (phone.id, 180)]
        );
        // Only a call can reach somebody.
        assert_eq!(
            plan(Event::IncidentOpened, std::slice::from_ref(&phone)),
            [(phone.id, 0)]
        );
        // Nobody is called about a certificate.
        assert_eq!(plan(Event::TlsExpiring, &all), [(mail.id, 0)]);
        assert!(plan(Event::TlsExpiring, std::slice::from_ref(&phone)).is_empty());
    }

    #[test]
    fn planning_twice_gives_the_same_keys() {
        let contacts = [contact("ops", true, true)];
        let plan = || {
            deliveries(
                Event::IncidentOpened,
                "inc_1",
                &Recipients::Default,
                &contacts,
                Timestamp::UNIX_EPOCH,
            )
        };
        assert_eq!(plan(), plan());
        assert!(
            plan()[0]
                .dedup_key
                .starts_with("incident.opened:inc_1:con_")
        );
    }
}
