//! Contacts: addresses that alerts go to, each proven before anything else is sent to it.

pub mod code;
pub mod hook;
pub mod phone;
pub mod quiet;

pub use hook::{Hook, HookTarget, HookUrl};
pub use phone::PhoneNumber;
pub use quiet::QuietHours;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{ContactId, UserId};
use crate::incident::Severity;

/// How a contact is reached. A new channel is a variant here and a folder in `notifier`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Mail.
    Email,
    /// Text message.
    Sms,
    /// A call that is spoken, and answered by keys.
    Voice,
    /// Signed JSON, posted to an address of the owner's.
    Webhook,
    /// A message in a Slack channel.
    Slack,
    /// A message in a Discord channel.
    Discord,
    /// A card in a channel of Microsoft Teams.
    Teams,
    /// A message in a Mattermost channel.
    Mattermost,
    /// A card in a space of Google Chat.
    GoogleChat,
    /// A message of a bot in a Telegram chat.
    Telegram,
    /// A message in a Matrix room.
    Matrix,
    /// A notification of an ntfy topic.
    Ntfy,
    /// A notification on Pushover's apps.
    Pushover,
    /// A notification of a Gotify server.
    Gotify,
    /// An alert at PagerDuty.
    #[serde(rename = "pagerduty")]
    PagerDuty,
    /// An alert at Opsgenie.
    Opsgenie,
}

/// By which way messages of a channel leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// By a mail relay.
    Mail,
    /// By a provider of text messages.
    Text,
    /// By a provider of calls.
    Call,
    /// By a request to an address that is a secret; proven by a test message that arrives.
    Hook,
}

impl Channel {
    /// All channels there are.
    pub const ALL: [Self; 16] = [
        Self::Email,
        Self::Sms,
        Self::Voice,
        Self::Webhook,
        Self::Slack,
        Self::Discord,
        Self::Teams,
        Self::Mattermost,
        Self::GoogleChat,
        Self::Telegram,
        Self::Matrix,
        Self::Ntfy,
        Self::Pushover,
        Self::Gotify,
        Self::PagerDuty,
        Self::Opsgenie,
    ];

    /// Those that leave by a way.
    pub fn by(way: Way) -> impl Iterator<Item = Self> {
        let all = Self::ALL.into_iter();
        all.filter(move |channel| channel.way() == way)
    }

    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Voice => "voice",
            Self::Webhook => "webhook",
            Self::Slack => "slack",
            Self::Discord => "discord",
            Self::Teams => "teams",
            Self::Mattermost => "mattermost",
            Self::GoogleChat => "google_chat",
            Self::Telegram => "telegram",
            Self::Matrix => "matrix",
            Self::Ntfy => "ntfy",
            Self::Pushover => "pushover",
            Self::Gotify => "gotify",
            Self::PagerDuty => "pagerduty",
            Self::Opsgenie => "opsgenie",
        }
    }

    /// By which way its messages leave.
    pub const fn way(self) -> Way {
        match self {
            Self::Email => Way::Mail,
            Self::Sms => Way::Text,
            Self::Voice => Way::Call,
            Self::Webhook
            | Self::Slack
            | Self::Discord
            | Self::Teams
            | Self::Mattermost
            | Self::GoogleChat
            | Self::Telegram
            | Self::Matrix
            | Self::Ntfy
            | Self::Pushover
            | Self::Gotify
            | Self::PagerDuty
            | Self::Opsgenie => Way::Hook,
        }
    }

    /// It is reached by an address that is a secret, and proven by a test message that arrives.
    pub const fn is_hook(self) -> bool {
        matches!(self.way(), Way::Hook)
    }

    /// All of its address is one URL; the address of other hooks has several parts.
    pub const fn has_url(self) -> bool {
        matches!(
            self,
            Self::Webhook
                | Self::Slack
                | Self::Discord
                | Self::Teams
                | Self::Mattermost
                | Self::GoogleChat
        )
    }

    /// A program reads it, and keeps a state of its own: it gets every event, an incident's in order.
    /// Nothing is grouped, merged or superseded.
    pub const fn is_program(self) -> bool {
        matches!(self, Self::Webhook | Self::PagerDuty | Self::Opsgenie)
    }

    /// A follow-up that the cause is another one goes there. Not by phone, where it costs or wakes somebody twice,
    /// and not to a program: a webhook's types are a closed list, and PagerDuty has no way to add to an alert
    /// without notifying anew.
    pub const fn hears_diagnosis(self) -> bool {
        !matches!(
            self,
            Self::Sms | Self::Voice | Self::Webhook | Self::PagerDuty
        )
    }

    /// It is reached by a phone number, and each message is paid for.
    pub const fn is_phone(self) -> bool {
        matches!(self, Self::Sms | Self::Voice)
    }

    /// A new contact of this kind is told by the default policy unless it is said otherwise. A call wakes
    /// people, and so it is asked for.
    pub const fn is_default(self) -> bool {
        !matches!(self, Self::Voice)
    }

    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "mail",
            Self::Sms => "SMS",
            Self::Voice => "call",
            Self::Webhook => "webhook",
            Self::Slack => "Slack",
            Self::Discord => "Discord",
            Self::Teams => "Microsoft Teams",
            Self::Mattermost => "Mattermost",
            Self::GoogleChat => "Google Chat",
            Self::Telegram => "Telegram",
            Self::Matrix => "Matrix",
            Self::Ntfy => "ntfy",
            Self::Pushover => "Pushover",
            Self::Gotify => "Gotify",
            Self::PagerDuty => "PagerDuty",
            Self::Opsgenie => "Opsgenie",
        }
    }

    /// Several of what is paid for: `text messages`, `calls`.
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Sms => "text messages",
            Self::Voice => "calls",
            _ => "messages",
        }
    }

    /// The channel a stored word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|channel| channel.as_str() == word)
    }
}

/// A contact of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Its id.
    pub id: ContactId,
    /// How it is reached.
    pub channel: Channel,
    /// What its owner calls it.
    pub name: String,
    /// Mail address or E.164 number; of a hook what may be shown of it.
    pub address: String,
    /// When it was proven.
    pub verified_at: Option<Timestamp>,
    /// The default policy includes it.
    pub in_default: bool,
    /// Of a number that is called: it is also called when the outage is over.
    pub call_on_recovery: bool,
    /// Whose it is: whoever is on call is reached by all of theirs.
    pub member_id: Option<UserId>,
    /// It is told of critical monitors alone.
    pub only_critical: bool,
    /// When messages to it wait.
    pub quiet_hours: Option<QuietHours>,
    /// Why nothing is sent to it any more.
    pub disabled_reason: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Contact {
    /// Its address as it may stand in a message to somebody else: of a number only its end.
    pub fn shown_address(&self) -> String {
        match self.channel {
            channel if channel.is_phone() => phone::masked(&self.address),
            _ => self.address.clone(),
        }
    }

    /// It wants to hear of a monitor of this severity.
    pub fn wants(&self, severity: Severity) -> bool {
        severity == Severity::Critical || !self.only_critical
    }

    /// Until when its quiet hours hold a message that is due at `at`; `None` when it is sent.
    pub fn quiet_until(&self, is_critical: bool, at: Timestamp) -> Option<Timestamp> {
        self.quiet_hours.as_ref()?.holds(is_critical, at)
    }

    /// Alerts may be sent to it.
    pub const fn is_usable(&self) -> bool {
        self.verified_at.is_some() && self.disabled_reason.is_none()
    }
}
