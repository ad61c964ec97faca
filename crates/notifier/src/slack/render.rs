//! From a card to Block Kit. Links are text and no buttons: Slack warns of buttons that nobody answers.

use serde_json::{Value, json};

use crate::card::Card;

/// The body of the request.
pub(crate) fn message(card: &Card) -> Value {
    let mut blocks = Vec::new();
    if !card.lead.is_empty() {
        blocks.push(section(&escaped(&card.lead)));
    }
    if !card.facts.is_empty() {
        let facts: Vec<String> = card
            .facts
            .iter()
            .map(|(label, value)| format!("*{label}*  {}", escaped(value)))
            .collect();
        blocks.push(section(&facts.join("\n")));
    }
    if !card.links.is_empty() {
        let links: Vec<String> = card
            .links
            .iter()
            .map(|(label, url)| format!("<{url}|{label}>"))
            .collect();
        blocks.push(section(&links.join("   ·   ")));
    }
    blocks.push(json!({
        "type": "context",
        "elements": [{ "type": "mrkdwn", "text": escaped(&card.footer) }],
    }));
    json!({
        "text": format!("*<{}|{}>*", card.link, escaped(&card.title)),
        "attachments": [{
            "color": card.tone.color(),
            "fallback": escaped(&card.line()),
            "blocks": blocks,
        }],
        "unfurl_links": false,
        "unfurl_media": false,
    })
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": cut(text) } })
}

/// A text block takes 3,000 characters.
fn cut(text: &str) -> String {
    text.chars().take(3_000).collect()
}

/// The three characters that begin a mention, a link or an entity.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
