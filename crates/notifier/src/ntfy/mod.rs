//! The ntfy channel: a notification of a topic, with priority, tags and buttons.

mod render;
#[cfg(test)]
mod tests;

use domain::contact::hook::Ntfy;

use crate::card::Card;
use crate::error::RenderError;
use crate::hook::{Answers, Call, Rule, base};

/// The request: <https://docs.ntfy.sh/publish/#publish-as-json>. `id` is the sequence: servers and apps that
/// know it show a repeated one once.
pub(crate) fn call(ntfy: &Ntfy, card: &Card, id: &str) -> Result<Call, RenderError> {
    let url = format!("{}/", base(Some(&ntfy.server), ""));
    let token = ntfy.token.as_ref();
    let headers = token.map(|token| ("authorization", format!("Bearer {token}")));
    Ok(Call {
        headers: headers.into_iter().collect(),
        ..Call::post(url, &render::message(card, &ntfy.topic, id))?
    })
}

/// `code` names what is wrong (`server/errors.go` of binwiederhier/ntfy).
pub(crate) const ANSWERS: Answers = Answers {
    words: &["/error"],
    id: Some("/id"),
    ..Answers::of(
        "ntfy",
        &[
            Rule::stop(
                0,
                "\"code\":40009",
                "ntfy does not take the name of this topic",
            ),
            Rule::stop(
                401,
                "",
                "ntfy does not take the access token: it was revoked, or belongs to another server",
            ),
            Rule::stop(
                403,
                "",
                "ntfy does not let us write to this topic: it asks for an access token that may",
            ),
            Rule::stop(
                404,
                "",
                "That server is no ntfy server: use its address without the topic",
            ),
            Rule::stop(
                405,
                "",
                "That server is no ntfy server: use its address without the topic",
            ),
            Rule::refuse(413, "", "The message is too large for ntfy"),
        ],
    )
};
