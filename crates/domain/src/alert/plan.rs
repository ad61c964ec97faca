//! From an event to the messages that tell of it.

use jiff::Timestamp;

use crate::contact::Contact;
use crate::delivery::Event;
use crate::ids::ContactId;

/// Who is told of a monitor's incidents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipients {
    /// Every usable contact marked for the default policy.
    Default,
    /// The contacts the monitor names.
    Named(Vec<ContactId>),
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
        .filter(|contact| match recipients {
            Recipients::Default => contact.in_default,
            Recipients::Named(ids) => ids.contains(&contact.id),
        })
        .collect()
}

/// Nobody of `recipients` can be told any more, and `lost` was one of them.
pub fn is_uncovered_by(recipients: &Recipients, contacts: &[Contact], lost: &Contact) -> bool {
    let was_told = match recipients {
        Recipients::Default => lost.in_default,
        Recipients::Named(ids) => ids.contains(&lost.id),
    };
    was_told && told(recipients, contacts).is_empty()
}

/// The messages that tell `recipients` of `event`. `subject` names what the event is about (an
/// incident's id, a certificate and threshold), so that planning twice plans once.
pub fn deliveries(
    event: Event,
    subject: &str,
    recipients: &Recipients,
    contacts: &[Contact],
    now: Timestamp,
) -> Vec<PlannedDelivery> {
    told(recipients, contacts)
        .into_iter()
        .map(|contact| PlannedDelivery {
            contact: contact.id,
            dedup_key: dedup_key(event, subject, contact.id),
            not_before: now,
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
    use crate::contact::Channel;

    fn contact(name: &str, verified: bool, in_default: bool) -> Contact {
        let now = Timestamp::UNIX_EPOCH;
        Contact {
            id: ContactId::generate(),
            channel: Channel::Email,
            name: name.into(),
            address: format!("{name}@shop.example"),
            verified_at: verified.then_some(now),
            in_default,
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
