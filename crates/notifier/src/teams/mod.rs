//! The Microsoft Teams channel: an Adaptive Card for a workflow that posts what it is sent.

mod render;
#[cfg(test)]
mod tests;

use crate::hook::{Answers, Rule};

pub(crate) use render::message;

/// A workflow answers 202 when it starts; whether it then posts is not told. What it refuses is in
/// <https://learn.microsoft.com/azure/logic-apps/> under the trigger "Request".
pub(crate) const ANSWERS: Answers = Answers {
    words: &["/error/message"],
    arrives: false,
    ..Answers::of(
        "Teams",
        &[
            Rule::stop(
                0,
                "workflowtriggerisnotenabled",
                "Teams says that the workflow is switched off",
            ),
            Rule::stop(0, "workflownotfound", GONE),
            Rule::stop(410, "", GONE),
            Rule::stop(404, "", GONE),
            Rule::stop(
                0,
                "directapiauthorizationrequired",
                "Teams says that the address lacks its signature: copy it again from the workflow",
            ),
            Rule::stop(401, "", UNSIGNED),
            Rule::stop(403, "", UNSIGNED),
            Rule::refuse(
                400,
                "triggerinputschemamismatch",
                "The workflow takes another kind of message: make it from the template Send webhook alerts to a channel",
            ),
            Rule::refuse(413, "", "The message is too large for Teams"),
        ],
    )
};

const GONE: &str = "Teams does not know this workflow any more: it was deleted";
const UNSIGNED: &str = "Teams does not take the signature of this address: it was renewed";
