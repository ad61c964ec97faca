//! The webhook channel: [`render`] makes the body, [`sign`] its headers (Standard Webhooks).

mod render;
mod sign;
#[cfg(test)]
mod tests;

use store::deliveries::claim::Claimed;

use crate::brief::Brief;
use crate::error::RenderError;
use crate::hook::{Answers, Call, Rule};
use render::body;
use sign::signed;

/// The endpoint of an owner says all by its status.
pub(crate) const ANSWERS: Answers = Answers {
    patient: true,
    ..Answers::of(
        "The endpoint",
        &[Rule::stop(
            410,
            "",
            "the endpoint says that it is gone (410)",
        )],
    )
};

/// The signed request; `text` says it all on one line.
pub(crate) fn call(
    claimed: &Claimed,
    brief: &Brief<'_>,
    (url, secrets): (String, &[String]),
    text: &str,
) -> Result<Call, RenderError> {
    let call = Call::post(url, &body(claimed, brief, text))?;
    let id = claimed.id.to_string();
    let headers = match secrets {
        [] => Vec::new(),
        secrets => signed(secrets, (&id, brief.now), &call.body)?,
    };
    Ok(Call { headers, ..call })
}
