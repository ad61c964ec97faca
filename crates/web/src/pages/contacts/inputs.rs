//! The fields of each kind, and where a service shows what belongs into them.

use domain::contact::hook::Service;
use domain::contact::{Channel, Way};
use domain::target::AddressPolicy;
use serde_json::{Map, Value};

use crate::extract::{Fields, FormErrors};
use crate::state::AppState;
use crate::usecases::contacts::Reached;

/// The fields of a kind, with what was typed into them.
pub(super) struct KindForm {
    pub(super) kind: &'static str,
    pub(super) inputs: Vec<Input>,
    /// Where it is found, step by step.
    pub(super) help: &'static str,
    pub(super) button: &'static str,
}

/// One field.
pub(super) struct Input {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) mode: &'static str,
    pub(super) placeholder: &'static str,
    pub(super) is_optional: bool,
    /// Word and label of each; none where anything can be typed.
    pub(super) choices: &'static [(&'static str, &'static str)],
    pub(super) value: String,
}

const REGIONS: &[(&str, &str)] = &[("us", "United States"), ("eu", "Europe")];
const PRIORITIES: &[(&str, &str)] = &[
    ("high", "High: also in quiet hours"),
    ("normal", "Normal"),
    ("emergency", "Emergency: until it is taken"),
];

fn text(name: &'static str, label: &'static str, placeholder: &'static str) -> Input {
    Input {
        name,
        label,
        mode: "text",
        placeholder,
        is_optional: false,
        choices: &[],
        value: String::new(),
    }
}

fn address(label: &'static str, mode: &'static str, placeholder: &'static str) -> Vec<Input> {
    vec![Input {
        mode,
        ..text("address", label, placeholder)
    }]
}

fn url(name: &'static str, label: &'static str, placeholder: &'static str) -> Input {
    Input {
        mode: "url",
        ..text(name, label, placeholder)
    }
}

fn optional(input: Input) -> Input {
    Input {
        is_optional: true,
        ..input
    }
}

fn choice(
    name: &'static str,
    label: &'static str,
    choices: &'static [(&'static str, &'static str)],
) -> Input {
    Input {
        choices,
        ..text(name, label, "")
    }
}

impl KindForm {
    /// The form of a kind; `typed` is what was sent.
    pub(super) fn of(channel: Channel, state: &AppState, typed: &Fields) -> Self {
        let (mut inputs, help) = fields(channel, state.config.outbox);
        let may_name_servers = state.config.address_policy == AddressPolicy::SelfHosted;
        if takes_a_server(channel) && may_name_servers {
            inputs.push(optional(url(
                "server",
                "Server of your own",
                "https://…, if it is not the service's",
            )));
        }
        for input in &mut inputs {
            typed.text(input.name).clone_into(&mut input.value);
        }
        Self {
            kind: channel.as_str(),
            inputs,
            help,
            button: match channel.way() {
                Way::Hook => "Add and send a test",
                Way::Call => "Add and call with a code",
                Way::Mail | Way::Text => "Add and send a code",
            },
        }
    }

    /// Where the contact is reached, from what was typed.
    pub(super) fn read(&self, channel: Channel) -> Result<Reached, FormErrors> {
        if !channel.is_hook() || channel.has_url() {
            let typed = self.inputs.first().map(|input| input.value.clone());
            return Ok(Reached::Text(typed.unwrap_or_default()));
        }
        let mut errors = FormErrors::new();
        let mut parts = Map::new();
        for input in &self.inputs {
            if !input.value.is_empty() {
                parts.insert(input.name.to_owned(), input.value.clone().into());
            } else if !input.is_optional && input.choices.is_empty() {
                errors.add(input.name, format!("{} is missing.", input.label));
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let service = Value::from_iter([(self.kind, Value::Object(parts))]);
        let service: Result<Service, _> = serde_json::from_value(service);
        let unread = || FormErrors::one("kind", "This choice is not one that we know.");
        service.map(Reached::Service).map_err(|_| unread())
    }
}

const fn takes_a_server(channel: Channel) -> bool {
    matches!(
        channel,
        Channel::Telegram | Channel::Pushover | Channel::PagerDuty | Channel::Opsgenie
    )
}

fn fields(channel: Channel, free: bool) -> (Vec<Input>, &'static str) {
    match channel {
        Channel::Email => (
            address("Address", "email", "kim@shop.example"),
            "We send a code there.",
        ),
        Channel::Sms if free => (
            address("Number", "tel", "+49 151 12345678"),
            "It begins with + and the country. Here SMS cost nothing: they go to the outbox.",
        ),
        Channel::Sms => (
            address("Number", "tel", "+49 151 12345678"),
            "It begins with + and the country. What an SMS costs is shown before the first is sent.",
        ),
        Channel::Voice if free => (
            address("Number", "tel", "+49 151 12345678"),
            "It begins with + and the country. We call it and say six digits. Here calls cost nothing: they go to the outbox.",
        ),
        Channel::Voice => (
            address("Number", "tel", "+49 151 12345678"),
            "It begins with + and the country. We call it at once and say six digits, twice. What a call costs is shown before the first alert.",
        ),
        Channel::Webhook => (
            address("URL", "url", "https://shop.example/hooks/watchbell"),
            "An address of yours that takes a POST and answers 2xx. After this you see, once, the secret that signs what we send.",
        ),
        Channel::Slack => (
            address(
                "Webhook URL",
                "url",
                "https://hooks.slack.com/services/T…/B…/…",
            ),
            "In Slack: Apps, search for Incoming Webhooks, Add to Slack, choose the channel, copy the Webhook URL.",
        ),
        Channel::Discord => (
            address("Webhook URL", "url", "https://discord.com/api/webhooks/…/…"),
            "In Discord: Edit channel, Integrations, Webhooks, New webhook, Copy webhook URL.",
        ),
        Channel::Teams => (
            address(
                "Workflow URL",
                "url",
                "https://….api.powerplatform.com/…&sig=…",
            ),
            "In Teams: ⋯ beside the channel, Workflows, Send webhook alerts to a channel, Save, Copy webhook link.",
        ),
        Channel::Mattermost => (
            address("Webhook URL", "url", "https://chat.example.com/hooks/…"),
            "In Mattermost: the menu of squares, Integrations, Incoming Webhooks, Add Incoming Webhook, choose the channel, Save, copy the URL.",
        ),
        Channel::GoogleChat => (
            address(
                "Webhook URL",
                "url",
                "https://chat.googleapis.com/v1/spaces/…/messages?key=…&token=…",
            ),
            "In the space: its name at the top, Apps & integrations, Webhooks, Add webhook, Save, copy the link.",
        ),
        Channel::Telegram
        | Channel::Matrix
        | Channel::Ntfy
        | Channel::Pushover
        | Channel::Gotify
        | Channel::PagerDuty
        | Channel::Opsgenie => parts(channel),
    }
}

/// Of services whose address has several parts.
fn parts(channel: Channel) -> (Vec<Input>, &'static str) {
    match channel {
        Channel::Telegram => (
            vec![
                text("bot_token", "Bot token", "110201543:AAHdqTcvCH1vGWJx…"),
                text("chat_id", "Chat", "-1001234567890 or @channel"),
            ],
            "In Telegram write /newbot to @BotFather and copy the token. Add the bot to the chat; for yourself, open it and choose Start. A public channel is its @name; for the number of any other chat write something there, open api.telegram.org/bot<token>/getUpdates and look for chat, id.",
        ),
        Channel::Matrix => (
            vec![
                url("homeserver", "Homeserver", "https://matrix.example.com"),
                text("room_id", "Room", "!abcdef:example.com"),
                text("access_token", "Access token", "syt_…"),
            ],
            "Make a user for alerts, invite it to the room and let it join. In Element, signed in as that user: Settings, Help & About has the homeserver and the access token; Room settings, Advanced has the internal room ID.",
        ),
        Channel::Ntfy => (
            vec![
                text("topic", "Topic", "shop-alerts-x8Kq2LmN"),
                optional(url("server", "Server", "https://ntfy.sh")),
                optional(text("token", "Access token", "tk_…")),
            ],
            "In the ntfy app: + and subscribe to a topic. Without an access token whoever guesses its name can read it, so make it long. A token is under Account, Access tokens.",
        ),
        Channel::Pushover => (
            vec![
                text("user_key", "User or group key", "30 letters and digits"),
                text("app_token", "Application token", "30 letters and digits"),
                choice("priority", "How loud an outage is", PRIORITIES),
            ],
            "At pushover.net: Your User Key is at the top once you are signed in; Create an Application/API Token is at the bottom.",
        ),
        Channel::Gotify => (
            vec![
                url("server", "Server", "https://push.example.com"),
                text("app_token", "Application token", "A…"),
            ],
            "In Gotify: Apps, Create application, then the eye beside its token.",
        ),
        Channel::PagerDuty => (
            vec![
                text(
                    "integration_key",
                    "Integration key",
                    "32 letters and digits",
                ),
                choice("region", "Region of the account", REGIONS),
            ],
            "In PagerDuty: Services, the service, Integrations, Add an integration, Events API V2, copy the Integration Key. The account is in Europe if its address has eu in it.",
        ),
        // The others have one field.
        _ => (
            vec![
                text("api_key", "API key", "8a7b0c1d-2e3f-…"),
                choice("region", "Region of the account", REGIONS),
            ],
            "In Opsgenie: Teams, the team, Integrations, Add integration, API, turn it on, copy the API key. The account is in Europe if its address is app.eu.opsgenie.com.",
        ),
    }
}
