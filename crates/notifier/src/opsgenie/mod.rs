//! The Opsgenie channel: an alert whose alias is its incident, acknowledged and closed by it, with a note
//! where a closer look finds another cause.

mod render;
#[cfg(test)]
mod tests;

use domain::contact::hook::{Opsgenie, Region};
use domain::delivery::Event;
use serde_json::Value;

use crate::card::Card;
use crate::error::RenderError;
use crate::hook::{About, Answers, Call, Rule, base};

/// The request: <https://docs.opsgenie.com/docs/alert-api>. A test is closed at once, so that nobody has to.
pub(crate) fn call(
    opsgenie: &Opsgenie,
    card: &Card,
    about: &About,
) -> Result<(Call, Option<Call>), RenderError> {
    let own = match opsgenie.region {
        Region::Us => "https://api.opsgenie.com",
        Region::Eu => "https://api.eu.opsgenie.com",
    };
    let alerts = format!("{}/v2/alerts", base(opsgenie.server.as_deref(), own));
    let call = |url, body: &Value| -> Result<Call, RenderError> {
        let key = format!("GenieKey {}", opsgenie.api_key);
        Ok(Call {
            headers: vec![("authorization", key)],
            ..Call::post(url, body)?
        })
    };
    let follow = |action: &str| {
        let url = format!("{alerts}/{}/{action}?identifierType=alias", about.subject());
        call(url, &render::follow(card))
    };
    let create = || call(alerts.clone(), &render::create(card, about));
    Ok(match about.event {
        Event::IncidentAcknowledged => (follow("acknowledge")?, None),
        Event::IncidentDiagnosed => (follow("notes")?, None),
        Event::IncidentResolved => (follow("close")?, None),
        Event::ContactTest => (create()?, Some(follow("close")?)),
        _ => (create()?, None),
    })
}

/// `message` says what is wrong. 202 says that it will be looked at.
pub(crate) const ANSWERS: Answers = Answers {
    words: &["/message"],
    id: Some("/requestId"),
    ..Answers::of(
        "Opsgenie",
        &[
            Rule::stop(401, "", KEY),
            Rule::stop(403, "", KEY),
            Rule::stop(422, "key format is not valid", KEY),
            Rule::stop(
                402,
                "",
                "Opsgenie says that the account's plan does not include this",
            ),
            Rule::refuse(413, "", "The alert is too large for Opsgenie"),
        ],
    )
};

const KEY: &str = "Opsgenie does not take the API key: its integration was deleted or switched off, may not create alerts, or the account is in the other region";
