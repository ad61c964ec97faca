//! The Mattermost channel: a message attachment, whose bar has the colour of the event.

mod render;
#[cfg(test)]
mod tests;

use crate::hook::{Answers, Rule};

pub(crate) use render::message;

/// `id` names what is wrong (`server/i18n/en.json` of mattermost/mattermost).
pub(crate) const ANSWERS: Answers = Answers {
    words: &["/message"],
    ..Answers::of(
        "Mattermost",
        &[
            Rule::stop(0, "incoming_webhook.invalid", GONE),
            Rule::stop(
                0,
                "incoming_webhook.disabled",
                "Mattermost says that incoming webhooks are switched off there",
            ),
            Rule::stop(
                0,
                "deleted_channel",
                "Mattermost says that the channel is archived",
            ),
            Rule::stop(
                0,
                "deleted.error",
                "Mattermost says that the channel is archived",
            ),
            Rule::stop(
                0,
                "incoming_webhook.channel",
                "Mattermost does not find the channel of this webhook",
            ),
            Rule::stop(403, "", "Mattermost does not let this webhook post there"),
            Rule::stop(404, "", GONE),
            Rule::stop(410, "", GONE),
            Rule::refuse(413, "", "The message is too large for Mattermost"),
        ],
    )
};

const GONE: &str = "Mattermost does not know this webhook any more: it was deleted";
