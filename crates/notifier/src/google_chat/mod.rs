//! The Google Chat channel: a card in a thread of its incident.

mod render;
#[cfg(test)]
mod tests;

use crate::card::Card;
use crate::error::RenderError;
use crate::hook::{About, Answers, Call, Rule};

/// The request: <https://developers.google.com/workspace/chat/quickstart/webhooks>.
pub(crate) fn call(url: &str, card: &Card, about: &About) -> Result<Call, RenderError> {
    let url = render::address(url, &about.delivery)?;
    Call::post(url, &render::message(card, about.subject()))
}

/// <https://developers.google.com/workspace/chat/format-messages#errors>
pub(crate) const ANSWERS: Answers = Answers {
    words: &["/error/message"],
    id: Some("/name"),
    ..Answers::of(
        "Google Chat",
        &[
            Rule::stop(401, "", KEY),
            Rule::stop(400, "api key not valid", KEY),
            Rule::stop(
                403,
                "",
                "Google Chat does not let this webhook post in the space: it was removed, or an administrator forbids it",
            ),
            Rule::stop(404, "", GONE),
            Rule::stop(410, "", GONE),
        ],
    )
};

const KEY: &str = "Google Chat does not take the key or token of this address: copy it again";
const GONE: &str = "Google Chat does not know this webhook any more: it or its space was deleted";
