//! The Discord channel: one embed, whose bar has the colour of the event.

mod render;
#[cfg(test)]
mod tests;

pub(crate) use render::{address, message};

use crate::hook::{Answers, Rule};

/// <https://discord.com/developers/docs/topics/opcodes-and-status-codes>
pub(crate) const ANSWERS: Answers = Answers {
    words: &["/message"],
    wait: Some(("/retry_after", 1.0)),
    id: Some("/id"),
    ..Answers::of(
        "Discord",
        &[
            Rule::refuse(
                400,
                "50035",
                "Discord does not take the form of this message",
            ),
            Rule::stop(410, "", "Discord says that the webhook is gone"),
            Rule::stop(
                403,
                "",
                "Discord does not let this webhook post there any more",
            ),
            Rule::stop(404, "", GONE),
            Rule::stop(401, "", GONE),
        ],
    )
};

const GONE: &str = "Discord does not know this webhook any more: it was deleted";
