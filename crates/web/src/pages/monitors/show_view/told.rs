//! Who is told of a monitor's outages, in order.

use domain::alert::policy::recipients;
use domain::alert::{Reach, deliveries};
use domain::delivery::Event;
use domain::words;

use super::Facts;
use crate::pages::monitors::parts::{channel_icon, channel_word};

/// Someone who is told.
pub struct ToldLine {
    pub name: String,
    pub address: String,
    pub channel: &'static str,
    pub icon: &'static str,
    pub when: String,
}

pub(super) fn told_lines(facts: &Facts) -> Vec<ToldLine> {
    let (monitor, contacts) = (&facts.monitor, &facts.contacts);
    let recipients = recipients(monitor.contact_ids(), monitor.policy_id(), &facts.policies);
    let start = facts.now;
    let reach = Reach {
        contacts,
        duties: &facts.duties,
        severity: monitor.spec.severity(),
        at: start,
    };
    deliveries(Event::IncidentOpened, "", &recipients, &reach)
        .into_iter()
        .filter_map(|planned| {
            let contact = contacts.iter().find(|one| one.id == planned.contact)?;
            Some((contact, planned.not_before.duration_since(start)))
        })
        .map(|(contact, delay)| ToldLine {
            when: if delay.is_zero() {
                "at once".to_owned()
            } else {
                format!("after {}", words::duration(delay))
            },
            name: contact.name.clone(),
            address: contact.address.clone(),
            channel: channel_word(contact.channel),
            icon: channel_icon(contact.channel),
        })
        .collect()
}
