//! From a card to a card of Google Chat
//! (<https://developers.google.com/workspace/chat/api/reference/rest/v1/cards>).

use serde_json::{Value, json};
use url::Url;

use crate::card::Card;
use crate::error::RenderError;
use crate::text::{cut, html, sign};

/// The address that answers a repeated message (`id`) with the first one, and keeps an incident's messages
/// in one thread.
pub(super) fn address(url: &str, id: &str) -> Result<String, RenderError> {
    let mut url = Url::parse(url).map_err(|_| RenderError::Missing("a URL that can be read"))?;
    let ours = ["requestId", "messageReplyOption"];
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, _)| !ours.contains(&name.as_ref()))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    url.query_pairs_mut()
        .clear()
        .extend_pairs(kept)
        .append_pair("requestId", id)
        .append_pair("messageReplyOption", "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD");
    Ok(url.into())
}

/// The body of the request; `thread` is the same for all messages that belong together.
pub(super) fn message(card: &Card, thread: &str) -> Value {
    let mut widgets = Vec::new();
    if !card.lead.is_empty() {
        widgets.push(json!({ "textParagraph": { "text": html(&card.lead) } }));
    }
    for (label, value) in &card.facts {
        let value = cut(&html(value), 1_500);
        widgets.push(
            json!({ "decoratedText": { "topLabel": label, "text": value, "wrapText": true } }),
        );
    }
    let buttons: Vec<Value> = card
        .links
        .iter()
        .map(|(label, url)| json!({ "text": label, "onClick": { "openLink": { "url": url } } }))
        .collect();
    if !buttons.is_empty() {
        widgets.push(json!({ "buttonList": { "buttons": buttons } }));
    }
    let title = format!("{} {}", sign(card.tone), cut(&card.title, 300));
    json!({
        "fallbackText": silent(&card.line()),
        "thread": { "threadKey": thread },
        "cardsV2": [{
            "cardId": "watchbell",
            "card": {
                "header": { "title": title, "subtitle": card.footer },
                "sections": [{ "widgets": widgets }],
            },
        }],
    })
}

/// What begins a mention in a text of Google Chat, as another sign.
fn silent(text: &str) -> String {
    text.replace('<', "‹").replace('>', "›")
}
