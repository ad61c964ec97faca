//! From a card to a notification.

use serde_json::{Value, json};

use crate::card::{Card, Urgency};
use crate::email::render::Tone;
use crate::text::{cut, plain};

/// The body of the request; a message takes 4,096 bytes, a larger one becomes a file.
pub(super) fn message(card: &Card, topic: &str, id: &str) -> Value {
    // Three actions at most; the notification itself leads to the first place.
    let actions: Vec<Value> = card
        .links
        .iter()
        .take(3)
        .map(|(label, url)| json!({ "action": "view", "label": label, "url": url, "clear": true }))
        .collect();
    json!({
        "topic": topic,
        "sequence_id": id,
        "title": cut(&card.title, 250),
        "message": bytes(&plain(card), 3_900),
        "priority": priority(card.urgency),
        "tags": [tag(card.tone)],
        "click": card.link,
        "actions": actions,
    })
}

/// 3 is as usual, 5 rings through.
const fn priority(urgency: Urgency) -> u8 {
    match urgency {
        Urgency::Alarm => 5,
        Urgency::News => 3,
        Urgency::Quiet => 2,
    }
}

/// Shown as an emoji.
const fn tag(tone: Tone) -> &'static str {
    match tone {
        Tone::Down => "red_circle",
        Tone::Up => "green_circle",
        Tone::Warn => "yellow_circle",
        Tone::Plain => "large_blue_circle",
    }
}

fn bytes(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let mut end = most;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}
