//! The Gotify channel: a message of an application, in Markdown.

mod render;
#[cfg(test)]
mod tests;

use domain::contact::hook::Gotify;

use crate::card::Card;
use crate::error::RenderError;
use crate::hook::{Answers, Call, Rule, base};

/// The request: <https://gotify.net/api-docs#/message/createMessage>.
pub(crate) fn call(gotify: &Gotify, card: &Card) -> Result<Call, RenderError> {
    let url = format!("{}/message", base(Some(&gotify.server), ""));
    Ok(Call {
        headers: vec![("x-gotify-key", gotify.app_token.clone())],
        ..Call::post(url, &render::message(card))?
    })
}

/// `errorDescription` says what is wrong.
pub(crate) const ANSWERS: Answers = Answers {
    words: &["/errorDescription"],
    id: Some("/id"),
    ..Answers::of(
        "Gotify",
        &[
            Rule::stop(401, "", TOKEN),
            Rule::stop(403, "", TOKEN),
            Rule::stop(
                404,
                "",
                "That server is no Gotify server: use its address as in the browser, without what follows #",
            ),
            Rule::stop(
                405,
                "",
                "That server is no Gotify server: use its address as in the browser, without what follows #",
            ),
            Rule::refuse(413, "", "The message is too large for Gotify"),
        ],
    )
};

const TOKEN: &str =
    "Gotify does not know the token: the application was deleted, or it is that of a client";
