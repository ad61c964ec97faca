//! From a card to a notification.

use domain::contact::hook::{Pushover, PushoverPriority};
use serde_json::{Value, json};

use crate::card::{Card, Urgency};
use crate::hook::About;
use crate::text::{cut, html, sign};

/// Between two rings of an emergency, seconds.
const RETRY: u32 = 60;
/// Until an emergency falls silent by itself, seconds; the most that Pushover takes.
const EXPIRE: u32 = 10_800;

/// The body of the request: a title of 250 characters, a message of 1,024, one link.
pub(super) fn message(pushover: &Pushover, card: &Card, about: &About) -> Value {
    let (label, url) = card
        .links
        .first()
        .map_or(("Open", card.link.as_str()), |(label, url)| (*label, url));
    let mut body = json!({
        "token": pushover.app_token,
        "user": pushover.user_key,
        "title": cut(&format!("{} {}", sign(card.tone), card.title), 250),
        "message": text(card),
        "html": 1,
        "url": url,
        "url_title": label,
        "timestamp": card.at.as_second(),
        "priority": priority(pushover.priority, card.urgency),
    });
    if body["priority"] == 2 {
        body["retry"] = RETRY.into();
        body["expire"] = EXPIRE.into();
        body["tags"] = about.incident.clone().into();
    }
    body
}

/// As many facts as there is room for; one that is cut in the middle would break its markup.
fn text(card: &Card) -> String {
    let mut text = html(&cut(&card.lead, 160));
    let facts = card
        .facts
        .iter()
        .map(|(label, value)| format!("<b>{label}</b> {}", html(&cut(value, 200))));
    for fact in facts {
        if text.chars().count() + fact.chars().count() > 1_000 {
            break;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&fact);
    }
    if text.is_empty() {
        text.push_str(&html(&cut(&card.footer, 300)));
    }
    text
}

/// From -1, without sound, to 2, until somebody takes it. What is critical is never less than loud.
const fn priority(asked: PushoverPriority, urgency: Urgency) -> i8 {
    match (urgency, asked) {
        (Urgency::Quiet, _) => -1,
        (Urgency::News, _) | (Urgency::Alarm, PushoverPriority::Normal) => 0,
        (Urgency::Alarm, PushoverPriority::High)
        | (Urgency::Critical, PushoverPriority::Normal | PushoverPriority::High) => 1,
        (Urgency::Alarm | Urgency::Critical, PushoverPriority::Emergency) => 2,
    }
}
