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
        .map(|(label, url)| action(label, url, *url == card.acknowledge))
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

/// What is down is taken from the notification itself, by a request of the app; the rest opens a page.
fn action(label: &str, url: &str, takes: bool) -> Value {
    if !takes {
        return json!({ "action": "view", "label": label, "url": url, "clear": true });
    }
    // The page of the link has a button of its own; an app posts past it.
    let url = match url.rsplit_once("/a/") {
        Some((base, token)) => format!("{base}/callbacks/acknowledge/{token}"),
        None => url.to_owned(),
    };
    json!({ "action": "http", "label": label, "url": url, "method": "POST", "clear": true })
}

/// 2 makes no sound, 3 is as usual, 4 is loud, 5 goes on for longer and may break through silence.
const fn priority(urgency: Urgency) -> u8 {
    match urgency {
        Urgency::Critical => 5,
        Urgency::Alarm => 4,
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
