//! From a card to an embed.

use serde_json::{Value, json};
use url::Url;

use crate::card::Card;
use crate::error::RenderError;
use crate::text::{cut, markdown};

/// The address that answers with the message once it is kept, and else with what is wrong.
pub(crate) fn address(url: &str) -> Result<String, RenderError> {
    let mut url = Url::parse(url).map_err(|_| RenderError::Missing("a URL that can be read"))?;
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, _)| name != "wait")
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    url.query_pairs_mut()
        .clear()
        .extend_pairs(kept)
        .append_pair("wait", "true");
    Ok(url.into())
}

/// The body of the request. Nobody is mentioned, whatever a target says.
pub(crate) fn message(card: &Card) -> Value {
    let links: Vec<String> = card
        .links
        .iter()
        .map(|(label, url)| format!("[{label}]({url})"))
        .collect();
    let said: Vec<String> = [markdown(&card.lead), links.join("   ·   ")]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect();
    let fields: Vec<Value> = card
        .facts
        .iter()
        .map(|(label, value)| {
            let value = cut(&markdown(value), 1_024);
            json!({ "name": label, "value": value, "inline": value.chars().count() <= 40 })
        })
        .collect();
    json!({
        "username": "Watchbell",
        "allowed_mentions": { "parse": [] },
        "embeds": [{
            "title": cut(&card.title, 256),
            "url": card.link,
            "description": cut(&said.join("\n\n"), 4_096),
            "color": colour(card.tone.color()),
            "fields": fields,
            "footer": { "text": cut(&card.footer, 2_048) },
            "timestamp": card.at.to_string(),
        }],
    })
}

fn colour(hex: &str) -> u32 {
    u32::from_str_radix(hex.trim_start_matches('#'), 16).unwrap_or_default()
}
