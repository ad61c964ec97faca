//! From a card to a message of a bot.

use std::fmt::Write as _;

use serde_json::{Value, json};
use url::{Host, Url};

use crate::card::{Card, Urgency};
use crate::text::{cut, html, sign};

/// The body of the request; Telegram takes 4,096 characters of text.
pub(super) fn message(card: &Card, chat: &str) -> Value {
    let mut text = format!(
        "{} <b>{}</b>",
        sign(card.tone),
        html(&cut(&card.title, 300))
    );
    if !card.lead.is_empty() {
        let _ = write!(text, "\n{}", html(&card.lead));
    }
    if !card.facts.is_empty() {
        text.push('\n');
    }
    for (label, value) in &card.facts {
        let _ = write!(text, "\n<b>{label}</b>  {}", html(&cut(value, 400)));
    }
    let mut body = json!({
        "chat_id": chat,
        "parse_mode": "HTML",
        "link_preview_options": { "is_disabled": true },
        "disable_notification": card.urgency == Urgency::Quiet,
    });
    if card.links.iter().all(|(_, url)| may_be_a_button(url)) {
        let buttons: Vec<Value> = card
            .links
            .iter()
            .map(|(label, url)| json!({ "text": label, "url": url }))
            .collect();
        body["reply_markup"] = json!({ "inline_keyboard": [buttons] });
    } else {
        for (label, url) in &card.links {
            let _ = write!(text, "\n{label}: {}", html(url));
        }
    }
    let _ = write!(text, "\n\n<i>{}</i>", html(&cut(&card.footer, 300)));
    body["text"] = text.into();
    body
}

/// Telegram refuses the whole message for a button to a host without a dot.
fn may_be_a_button(url: &str) -> bool {
    let url = Url::parse(url).ok();
    match url.as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) => name.contains('.'),
        host => host.is_some(),
    }
}
