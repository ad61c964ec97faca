//! From a card to `m.room.message`.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::card::Card;
use crate::text::{html, plain, sign};

/// The body of the request; an event takes 64 KiB. Nobody is mentioned, whatever a target says.
pub(super) fn message(card: &Card) -> Value {
    let (sign, title) = (sign(card.tone), &card.title);
    let mut text = format!("{sign} {title}\n{}", plain(card));
    let mut rich = format!(
        "<p>{sign} <strong><a href=\"{}\">{}</a></strong></p>",
        html(&card.link),
        html(title)
    );
    if !card.lead.is_empty() {
        let _ = write!(rich, "<p>{}</p>", html(&card.lead));
    }
    if !card.facts.is_empty() {
        let facts: Vec<String> = card
            .facts
            .iter()
            .map(|(label, value)| format!("<li><strong>{label}</strong> {}</li>", html(value)))
            .collect();
        let _ = write!(rich, "<ul>{}</ul>", facts.concat());
    }
    let links: Vec<String> = card
        .links
        .iter()
        .map(|(label, url)| format!("<a href=\"{}\">{label}</a>", html(url)))
        .collect();
    for (label, url) in &card.links {
        let _ = write!(text, "\n{label}: {url}");
    }
    if !links.is_empty() {
        let _ = write!(rich, "<p>{}</p>", links.join(" · "));
    }
    let _ = write!(rich, "<p><sub>{}</sub></p>", html(&card.footer));
    json!({
        "msgtype": "m.text",
        "body": text,
        "format": "org.matrix.custom.html",
        "formatted_body": rich,
        "m.mentions": {},
    })
}
