//! From a card to an Adaptive Card (<https://adaptivecards.io>), 1.4: what all clients of Teams show.

use serde_json::{Value, json};

use crate::card::Card;
use crate::email::render::Tone;
use crate::text::{cut, markdown};

/// The body of the request; Teams takes 28 KB.
pub(crate) fn message(card: &Card) -> Value {
    let mut body = vec![json!({
        "type": "TextBlock",
        "text": cut(&markdown(&card.title), 1_000),
        "size": "medium",
        "weight": "bolder",
        "color": colour(card.tone),
        "wrap": true,
    })];
    if !card.lead.is_empty() {
        body.push(
            json!({ "type": "TextBlock", "text": cut(&markdown(&card.lead), 2_000), "wrap": true }),
        );
    }
    if !card.facts.is_empty() {
        let facts: Vec<Value> = card
            .facts
            .iter()
            .map(|(label, value)| json!({ "title": label, "value": cut(&markdown(value), 1_500) }))
            .collect();
        body.push(json!({ "type": "FactSet", "facts": facts }));
    }
    body.push(json!({
        "type": "TextBlock",
        "text": markdown(&card.footer),
        "size": "small",
        "isSubtle": true,
        "wrap": true,
    }));
    let actions: Vec<Value> = card
        .links
        .iter()
        .map(|(label, url)| json!({ "type": "Action.OpenUrl", "title": label, "url": url }))
        .collect();
    json!({
        "type": "message",
        "summary": cut(&card.title, 1_000),
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "msteams": { "width": "Full" },
                "body": body,
                "actions": actions,
            },
        }],
    })
}

const fn colour(tone: Tone) -> &'static str {
    match tone {
        Tone::Down => "attention",
        Tone::Up => "good",
        Tone::Warn => "warning",
        Tone::Plain => "default",
    }
}
