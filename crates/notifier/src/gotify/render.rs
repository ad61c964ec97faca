//! From a card to a message.

use serde_json::{Value, json};

use crate::card::{Card, Urgency};
use crate::text::{cut, markdown};

/// The body of the request (<https://gotify.net/docs/msgextras>).
pub(super) fn message(card: &Card) -> Value {
    let facts: Vec<String> = card
        .facts
        .iter()
        .map(|(label, value)| format!("- **{label}** {}", markdown(value)))
        .collect();
    let links: Vec<String> = card
        .links
        .iter()
        .map(|(label, url)| format!("[{label}](<{url}>)"))
        .collect();
    let blocks = [
        markdown(&card.lead),
        facts.join("\n"),
        links.join(" · "),
        markdown(&card.footer),
    ];
    let blocks: Vec<String> = blocks
        .into_iter()
        .filter(|block| !block.is_empty())
        .collect();
    json!({
        "title": cut(&card.title, 250),
        "message": blocks.join("\n\n"),
        "priority": priority(card.urgency),
        "extras": {
            "client::display": { "contentType": "text/markdown" },
            "client::notification": { "click": { "url": card.link } },
        },
    })
}

/// From 8 on the app sounds and stays on the screen; below 4 it makes no sound.
const fn priority(urgency: Urgency) -> u8 {
    match urgency {
        Urgency::Critical => 10,
        Urgency::Alarm => 8,
        Urgency::News => 5,
        Urgency::Quiet => 2,
    }
}
