//! The PagerDuty channel: Events API v2. An outage is an alert that its end resolves; quiet notices are
//! changes, which page nobody.

mod render;
#[cfg(test)]
mod tests;

use domain::contact::hook::{PagerDuty, Region};

use crate::card::Card;
use crate::error::RenderError;
use crate::hook::{About, Answers, Call, Rule, base};

use render::{Act, act};

/// The request: <https://developer.pagerduty.com/docs/send-alert-event>, or that of a change. A test is
/// resolved at once, so that nobody has to.
pub(crate) fn call(
    pagerduty: &PagerDuty,
    card: &Card,
    about: &About,
) -> Result<(Call, Option<Call>), RenderError> {
    let own = match pagerduty.region {
        Region::Us => "https://events.pagerduty.com",
        Region::Eu => "https://events.eu.pagerduty.com",
    };
    let base = base(pagerduty.server.as_deref(), own);
    let key = &pagerduty.integration_key;
    let enqueue = || format!("{base}/v2/enqueue");
    let call = match act(about.event) {
        Act::Change => Call::post(
            format!("{base}/v2/change/enqueue"),
            &render::change(key, card, about),
        )?,
        Act::Resolve => Call::post(enqueue(), &render::follow(key, "resolve", about))?,
        Act::Acknowledge => Call::post(enqueue(), &render::follow(key, "acknowledge", about))?,
        Act::Trigger => Call::post(enqueue(), &render::trigger(key, card, about))?,
        Act::Test => {
            let test = Call::post(enqueue(), &render::trigger(key, card, about))?;
            let over = Call::post(enqueue(), &render::follow(key, "resolve", about))?;
            return Ok((test, Some(over)));
        }
    };
    Ok((call, None))
}

/// `errors` says what is wrong.
pub(crate) const ANSWERS: Answers = Answers {
    words: &["/errors/0", "/message"],
    id: Some("/dedup_key"),
    ..Answers::of(
        "PagerDuty",
        &[
            Rule::stop(400, "routing_key", KEY),
            Rule::stop(400, "routing key", KEY),
            Rule::stop(401, "", KEY),
            Rule::stop(403, "", KEY),
            Rule::stop(404, "", KEY),
            Rule::refuse(413, "", "The event is too large for PagerDuty"),
        ],
    )
};

const KEY: &str = "PagerDuty does not know the integration key: it was deleted, is of another kind than Events API V2, or the account is in the other region";
