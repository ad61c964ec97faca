//! The kinds that the form offers, and what it says of each.

use domain::contact::Channel;

use crate::pages::monitors::parts::channel_icon;
use crate::state::AppState;
use crate::usecases::contacts::is_available;

/// One kind to choose.
pub(super) struct Kind {
    pub(super) word: &'static str,
    pub(super) label: &'static str,
    pub(super) icon: &'static str,
    pub(super) is_chosen: bool,
    pub(super) is_available: bool,
}

impl Kind {
    pub(super) fn of(channel: Channel, chosen: Channel, state: &AppState) -> Self {
        Self {
            word: channel.as_str(),
            label: label(channel),
            icon: channel_icon(channel),
            is_chosen: channel == chosen,
            is_available: is_available(state, channel),
        }
    }
}

/// The one field of a kind.
pub(super) struct KindForm {
    pub(super) kind: &'static str,
    pub(super) label: &'static str,
    pub(super) input: &'static str,
    pub(super) placeholder: &'static str,
    /// Where it is found, step by step.
    pub(super) help: &'static str,
    pub(super) button: &'static str,
}

impl KindForm {
    pub(super) fn of(channel: Channel, free: bool) -> Self {
        let (field, input, placeholder, help) = match channel {
            Channel::Email => (
                "Address",
                "email",
                "kim@shop.example",
                "We send a code there.",
            ),
            Channel::Sms => (
                "Number",
                "tel",
                "+49 151 12345678",
                if free {
                    "It begins with + and the country. Here SMS cost nothing: they go to the outbox."
                } else {
                    "It begins with + and the country. What an SMS costs is shown before the first is sent."
                },
            ),
            Channel::Webhook => (
                "URL",
                "url",
                "https://shop.example/hooks/watchbell",
                "An address of yours that takes a POST and answers 2xx. After this you see, once, the secret that signs what we send.",
            ),
            Channel::Slack => (
                "Webhook URL",
                "url",
                "https://hooks.slack.com/services/T…/B…/…",
                "In Slack: Apps, search for Incoming Webhooks, Add to Slack, choose the channel, copy the Webhook URL.",
            ),
            Channel::Discord => (
                "Webhook URL",
                "url",
                "https://discord.com/api/webhooks/…/…",
                "In Discord: Edit channel, Integrations, Webhooks, New webhook, Copy webhook URL.",
            ),
        };
        Self {
            kind: channel.as_str(),
            label: field,
            input,
            placeholder,
            help,
            button: if channel.is_hook() {
                "Add and send a test"
            } else {
                "Add and send a code"
            },
        }
    }
}

const fn label(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "Mail",
        Channel::Sms => "SMS",
        Channel::Webhook => "Webhook",
        Channel::Slack => "Slack",
        Channel::Discord => "Discord",
    }
}
