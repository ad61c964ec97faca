//! From a card to a message attachment
//! (<https://developers.mattermost.com/integrate/reference/message-attachments/>).

use serde_json::{Value, json};

use crate::card::Card;
use crate::text::{cut, markdown};

/// The body of the request. Nobody is mentioned, whatever a target says.
pub(crate) fn message(card: &Card) -> Value {
    let links: Vec<String> = card
        .links
        .iter()
        .map(|(label, url)| format!("[{label}]({url})"))
        .collect();
    let said: Vec<String> = [quiet(&card.lead), links.join(" · ")]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect();
    let fields: Vec<Value> = card
        .facts
        .iter()
        .map(|(label, value)| {
            json!({ "title": label, "value": quiet(value), "short": value.chars().count() <= 40 })
        })
        .collect();
    json!({
        "username": "Watchbell",
        "attachments": [{
            "fallback": silent(&card.line()),
            "color": card.tone.color(),
            "title": silent(&cut(&card.title, 1_000)),
            "title_link": card.link,
            "text": said.join("\n\n"),
            "fields": fields,
            "footer": cut(&card.footer, 300),
        }],
    })
}

/// Markdown stays what it was, and nobody is mentioned.
fn quiet(text: &str) -> String {
    silent(&markdown(text).replace("\\@", "@"))
}

/// A backslash does not keep Mattermost from mentioning; a blank of no width does.
fn silent(text: &str) -> String {
    text.replace('@', "@\u{200b}")
}
