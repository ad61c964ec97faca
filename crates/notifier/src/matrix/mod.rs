//! The Matrix channel: a message in a room, as text and as HTML.

mod render;
#[cfg(test)]
mod tests;

use domain::contact::hook::Matrix;
use url::Url;

use crate::card::Card;
use crate::error::RenderError;
use crate::hook::{Answers, Call, Rule, base};

/// The request: <https://spec.matrix.org/latest/client-server-api/#put_matrixclientv3roomsroomidsendeventtypetxnid>.
/// `id` is the transaction: a repeated one makes no second message.
pub(crate) fn call(matrix: &Matrix, card: &Card, id: &str) -> Result<Call, RenderError> {
    let unread = || RenderError::Missing("a homeserver that can be read");
    let mut url = Url::parse(base(Some(&matrix.homeserver), "")).map_err(|_| unread())?;
    url.path_segments_mut()
        .map_err(|()| unread())?
        .pop_if_empty()
        .extend(["_matrix", "client", "v3", "rooms"])
        .push(&matrix.room_id)
        .extend(["send", "m.room.message"])
        .push(id);
    Ok(Call {
        is_put: true,
        headers: vec![("authorization", format!("Bearer {}", matrix.access_token))],
        ..Call::post(url.into(), &render::message(card))?
    })
}

/// `errcode` names what is wrong.
pub(crate) const ANSWERS: Answers = Answers {
    words: &["/error"],
    wait: Some(("/retry_after_ms", 1_000.0)),
    id: Some("/event_id"),
    ..Answers::of(
        "Matrix",
        &[
            Rule::stop(
                0,
                "m_unknown_token",
                "The homeserver does not know the access token: its session was signed out",
            ),
            Rule::stop(
                0,
                "m_user_deactivated",
                "The homeserver says that the user of the access token was deactivated",
            ),
            Rule::stop(
                403,
                "not in room",
                "The homeserver says that the user of the access token is not in that room: invite it and let it join",
            ),
            Rule::stop(
                403,
                "",
                "The homeserver does not let the user of the access token write in that room",
            ),
            Rule::stop(401, "", "The homeserver does not take the access token"),
            Rule::stop(
                404,
                "m_unrecognized",
                "That server does not speak Matrix: use the address of the homeserver itself",
            ),
            Rule::stop(404, "m_not_found", "The homeserver does not know that room"),
            Rule::stop(
                404,
                "",
                "That server does not speak Matrix: use the address of the homeserver itself",
            ),
            Rule::refuse(413, "", "The message is too large for the homeserver"),
        ],
    )
};
