//! The Pushover channel: a notification with a priority. One that rings until somebody takes it is called
//! off when the outage is taken or over.

mod render;
#[cfg(test)]
mod tests;

use domain::contact::hook::{Pushover, PushoverPriority};
use domain::delivery::Event;
use serde_json::json;

use crate::card::Card;
use crate::error::RenderError;
use crate::hook::{About, Answers, Call, Rule, base};

/// The request: <https://pushover.net/api>. What follows it calls off an emergency
/// (<https://pushover.net/api/receipts#cancel>).
pub(crate) fn call(
    pushover: &Pushover,
    card: &Card,
    about: &About,
) -> Result<(Call, Option<Call>), RenderError> {
    let base = base(pushover.server.as_deref(), "https://api.pushover.net");
    let url = format!("{base}/1/messages.json");
    let call = Call::post(url, &render::message(pushover, card, about))?;
    let ends = matches!(
        about.event,
        Event::IncidentAcknowledged | Event::IncidentResolved
    );
    let rings = pushover.priority == PushoverPriority::Emergency;
    let off = match (&about.incident, ends && rings) {
        (Some(incident), true) => Some(Call::post(
            format!("{base}/1/receipts/cancel_by_tag/{incident}.json"),
            &json!({ "token": pushover.app_token }),
        )?),
        _ => None,
    };
    Ok((call, off))
}

/// `status` is 1 for what was taken, and `errors` says what is wrong.
pub(crate) const ANSWERS: Answers = Answers {
    words: &["/errors/0"],
    id: Some("/request"),
    taken: Some(("/status", "1")),
    ..Answers::of(
        "Pushover",
        &[
            Rule::stop(
                0,
                "application token is invalid",
                "Pushover does not know the token of the application",
            ),
            Rule::stop(
                0,
                "\"token\":\"invalid\"",
                "Pushover does not know the token of the application",
            ),
            Rule::stop(
                0,
                "no active devices",
                "Pushover says that the user has no active device",
            ),
            Rule::stop(
                0,
                "\"user\":\"invalid\"",
                "Pushover does not know the user or group key",
            ),
            Rule::refuse(
                429,
                "",
                "The application has used up its messages of the month at Pushover",
            ),
        ],
    )
};
