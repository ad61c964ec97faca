//! The Slack channel: Block Kit in an attachment, whose bar has the colour of the event. Servers that
//! speak Slack's language take the same.

mod render;
#[cfg(test)]
mod tests;

pub(crate) use render::message;

use crate::hook::{Answers, Rule};

/// <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/#handling_errors>
pub(crate) const ANSWERS: Answers = Answers::of(
    "Slack",
    &[
        Rule::stop(410, "", "Slack says that the channel is archived"),
        Rule::stop(
            0,
            "channel_is_archived",
            "Slack says that the channel is archived",
        ),
        Rule::stop(
            403,
            "",
            "Slack does not let this webhook post there any more",
        ),
        Rule::stop(404, "", GONE),
        Rule::stop(401, "", GONE),
    ],
);

const GONE: &str = "Slack does not know this webhook any more: it was removed, or its app was";
