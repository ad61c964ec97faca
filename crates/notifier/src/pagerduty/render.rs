//! From a card to an event.

use domain::delivery::Event;
use domain::incident::Severity;
use serde_json::{Map, Value, json};

use crate::card::Card;
use crate::hook::About;
use crate::text::cut;

/// What is done with an event.
pub(super) enum Act {
    Trigger,
    Acknowledge,
    Resolve,
    Change,
    Test,
}

pub(super) const fn act(event: Event) -> Act {
    match event {
        // The same key again is added to the alert, and notifies again where the service is set up so.
        Event::IncidentOpened | Event::IncidentEscalated | Event::IncidentReminded => Act::Trigger,
        Event::IncidentAcknowledged => Act::Acknowledge,
        Event::IncidentResolved => Act::Resolve,
        Event::ContactTest => Act::Test,
        // It is not planned: the same key again would notify.
        Event::IncidentDiagnosed
        | Event::TlsExpiring
        | Event::TlsRenewed
        | Event::TlsWorse
        | Event::DomainExpiring
        | Event::MonitorDegraded
        | Event::MonitorPartial
        | Event::MonitorBlocked
        | Event::MonitorUnknown => Act::Change,
    }
}

/// Opens an alert; the same key again adds to it.
pub(super) fn trigger(key: &str, card: &Card, about: &About) -> Value {
    let severity = match (about.event, about.severity) {
        (Event::ContactTest, _) => "info",
        (_, Severity::Critical) => "critical",
        (_, Severity::Normal) => "error",
    };
    json!({
        "routing_key": key,
        "event_action": "trigger",
        "dedup_key": about.subject(),
        "client": "Watchbell",
        "client_url": card.link,
        "links": links(card),
        "payload": {
            "summary": cut(&card.title, 1_024),
            "severity": severity,
            "source": about.source,
            "component": about.monitor,
            "group": about.account,
            "class": about.class,
            "timestamp": card.at.to_string(),
            "custom_details": details(card),
        },
    })
}

/// Acknowledges or resolves what [`trigger`] opened.
pub(super) fn follow(key: &str, action: &str, about: &About) -> Value {
    json!({
        "routing_key": key,
        "event_action": action,
        "dedup_key": about.subject(),
    })
}

/// Something that is good to know beside an alert.
pub(super) fn change(key: &str, card: &Card, about: &About) -> Value {
    json!({
        "routing_key": key,
        "links": links(card),
        "payload": {
            "summary": cut(&card.title, 1_024),
            "source": about.source,
            "timestamp": card.at.to_string(),
            "custom_details": details(card),
        },
    })
}

fn links(card: &Card) -> Value {
    let links = card.links.iter();
    links
        .map(|(label, url)| json!({ "href": url, "text": label }))
        .collect()
}

fn details(card: &Card) -> Value {
    let mut details = Map::new();
    if !card.lead.is_empty() {
        details.insert("What".to_owned(), card.lead.clone().into());
    }
    let facts = card.facts.iter();
    details.extend(facts.map(|(label, value)| ((*label).to_owned(), value.clone().into())));
    Value::Object(details)
}
