//! From a card to an alert.

use domain::delivery::Event;
use domain::incident::Severity;
use serde_json::{Map, Value, json};

use crate::card::Card;
use crate::hook::About;
use crate::text::{cut, plain};

/// Opens an alert; the same alias again is counted in it.
pub(super) fn create(card: &Card, about: &About) -> Value {
    let facts = card.facts.iter();
    let mut details: Map<String, Value> = facts
        .map(|(label, value)| ((*label).to_owned(), value.clone().into()))
        .collect();
    for (label, url) in &card.links {
        details.insert((*label).to_owned(), url.clone().into());
    }
    let links = card
        .links
        .iter()
        .map(|(label, url)| format!("{label}: {url}"));
    let text: Vec<String> = [plain(card)].into_iter().chain(links).collect();
    json!({
        "message": cut(&card.title, 130),
        "alias": about.subject(),
        "description": cut(&text.join("\n"), 15_000),
        "priority": priority(about.event, about.severity),
        "source": "Watchbell",
        "entity": cut(&about.source, 512),
        "tags": ["watchbell", about.event.as_str()],
        "details": details,
    })
}

/// Acknowledges or closes what [`create`] opened.
pub(super) fn follow(card: &Card) -> Value {
    json!({ "source": "Watchbell", "note": cut(&card.line(), 25_000) })
}

/// P1 pages, P5 informs.
const fn priority(event: Event, severity: Severity) -> &'static str {
    use Event::{IncidentEscalated, IncidentOpened, IncidentReminded};
    match (event, severity) {
        (IncidentOpened | IncidentEscalated | IncidentReminded, Severity::Critical) => "P1",
        (IncidentOpened | IncidentEscalated | IncidentReminded, Severity::Normal) => "P2",
        (Event::TlsExpiring | Event::TlsWorse | Event::DomainExpiring, _) => "P4",
        _ => "P5",
    }
}
