//! From an event to the messages that tell of it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::escalation::Reached;
use super::policy::Step;
use crate::contact::{Channel, Contact};
use crate::delivery::Event;
use crate::ids::ContactId;
use crate::incident::Severity;
use crate::oncall::Duty;

/// How long the default policy waits for somebody before it calls.
pub const CALL_AFTER: SignedDuration = SignedDuration::from_mins(3);

/// Who is told of a monitor's incidents. As an incident keeps it: targets, which are resolved to contacts
/// when a step is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipients {
    /// Every usable contact marked for the default policy: told at once, and called when nobody has taken
    /// it.
    Default,
    /// The contacts the monitor names.
    Named(Vec<ContactId>),
    /// The contacts of an escalation policy, step by step.
    Steps(Vec<Step>),
}

/// What the targets of a step are resolved with.
#[derive(Debug, Clone, Copy)]
pub struct Reach<'r> {
    /// The account's contacts, in the order they were made.
    pub contacts: &'r [Contact],
    /// The account's schedules.
    pub duties: &'r [Duty],
    /// How much it matters: some contacts are told of what is critical alone.
    pub severity: Severity,
    /// When the step is due.
    pub at: Timestamp,
}

impl Recipients {
    /// How many steps there are.
    pub const fn steps(&self) -> usize {
        match self {
            Self::Default => 2,
            Self::Named(_) => 1,
            Self::Steps(steps) => steps.len(),
        }
    }

    /// How long a step waits after the one before, or for the first after the outage is sure.
    pub fn wait(&self, step: usize) -> SignedDuration {
        match (self, step) {
            (Self::Default, 1) => CALL_AFTER,
            (Self::Default | Self::Named(_), _) => SignedDuration::ZERO,
            (Self::Steps(steps), step) => {
                let seconds = steps.get(step).map_or(0, |step| step.delay_seconds);
                SignedDuration::from_secs(i64::from(seconds))
            }
        }
    }

    /// Whom a step reaches: contacts that can be told when it is due and want to hear of it, in quiet hours
    /// too.
    pub fn resolve<'r>(&self, step: usize, reach: &Reach<'r>) -> Vec<&'r Contact> {
        let wanted = |one: &&Contact| one.is_usable() && one.wants(reach.severity);
        let usable = reach.contacts.iter().filter(wanted);
        usable
            .filter(|contact| match (self, step) {
                (Self::Default, 0) => contact.in_default && contact.channel != Channel::Voice,
                (Self::Default, 1) => contact.in_default && contact.channel == Channel::Voice,
                (Self::Named(ids), 0) => ids.contains(&contact.id),
                (Self::Steps(steps), step) => steps
                    .get(step)
                    .is_some_and(|step| step.reaches(contact, reach.duties, reach.at)),
                _ => false,
            })
            .collect()
    }

    /// Whether a step reaches somebody who hears of it at once.
    pub fn reached(&self, step: usize, reach: &Reach<'_>) -> Reached {
        let is_critical = reach.severity.is_critical();
        let contacts = self.resolve(step, reach);
        let ends = contacts
            .iter()
            .map(|one| one.quiet_until(is_critical, reach.at));
        // No end is before every end.
        match ends.min() {
            None => Reached::Nobody,
            Some(None) => Reached::Somebody,
            Some(Some(end)) => Reached::Later(end),
        }
    }

    /// Whom it tells in order and after which wait in all, each once and as far as can be told now, which is
    /// `reach.at`. A step that reaches nobody is passed over without its wait.
    pub fn order<'c>(&self, reach: &Reach<'c>) -> Vec<(&'c Contact, SignedDuration)> {
        let mut told: Vec<(&Contact, SignedDuration)> = Vec::new();
        let mut after = SignedDuration::ZERO;
        for step in 0..self.steps() {
            let wait = self.wait(if told.is_empty() { 0 } else { step });
            let due = reach.at.saturating_add(after + wait);
            let at = due.unwrap_or(Timestamp::MAX);
            let reached = self.resolve(step, &Reach { at, ..*reach });
            if !reached.is_empty() {
                after += wait;
            }
            for contact in reached {
                if !told.iter().any(|(one, _)| one.id == contact.id) {
                    told.push((contact, after));
                }
            }
        }
        told
    }

    fn names(&self, contact: &Contact, duties: &[Duty]) -> bool {
        match self {
            Self::Default => contact.in_default,
            Self::Named(ids) => ids.contains(&contact.id),
            Self::Steps(steps) => steps.iter().any(|step| step.may_reach(contact, duties)),
        }
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

/// The contacts that `recipients` means at some time, usable ones only, in the order they were made.
pub fn told<'c>(
    recipients: &Recipients,
    (contacts, duties): (&'c [Contact], &[Duty]),
) -> Vec<&'c Contact> {
    contacts
        .iter()
        .filter(|contact| contact.is_usable())
        .filter(|contact| recipients.names(contact, duties))
        .collect()
}

/// Nobody of `recipients` can be told any more, and `lost` was one of them.
pub fn is_uncovered_by(
    recipients: &Recipients,
    (contacts, duties): (&[Contact], &[Duty]),
    lost: &Contact,
) -> bool {
    recipients.names(lost, duties) && told(recipients, (contacts, duties)).is_empty()
}

/// The messages that tell `recipients` of `event`, as things stand. An outage goes from step to step (what is sent is
/// decided when each is due, see [`escalation`](super::escalation)); all else is for the first step that reaches somebody,
/// at once, and is never called about. `subject` names what the event is about (an incident's id, a certificate and
/// threshold), so that planning twice plans once.
pub fn deliveries(
    event: Event,
    subject: &str,
    recipients: &Recipients,
    reach: &Reach<'_>,
) -> Vec<PlannedDelivery> {
    let (escalates, now) = (event == Event::IncidentOpened, reach.at);
    let mut planned: Vec<(&Contact, SignedDuration)> = recipients
        .order(reach)
        .into_iter()
        .filter(|(contact, _)| escalates || contact.channel != Channel::Voice)
        .collect();
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
            member_id: None,
            only_critical: false,
            quiet_hours: None,
            disabled_reason: None,
            created_at: now,
        }
    }

    const fn reach(contacts: &[Contact]) -> Reach<'_> {
        Reach {
            contacts,
            duties: &[],
            severity: Severity::Normal,
            at: Timestamp::UNIX_EPOCH,
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
            told(recipients, (&contacts, &[]))
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
                is_uncovered_by(&recipients, (&contacts, &[]), &ops),
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
            ..Step::default()
        };
        let recipients = Recipients::Steps(vec![
            step(30, &[&ops]),
            step(180, &[&kim, &ops]),
            step(600, &[&boss]),
        ]);
        let plan = |event, contacts: &[Contact]| -> Vec<(String, i64)> {
            let planned = deliveries(event, "inc_1", &recipients, &reach(contacts));
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
            (std::slice::from_ref(&lost), &[]),
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
            deliveries(event, "x", &recipients, &reach(contacts))
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
                &reach(&contacts),
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
