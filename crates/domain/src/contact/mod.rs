//! Contacts: addresses that alerts go to, each proven before anything else is sent to it.

pub mod code;
pub mod hook;
pub mod phone;

pub use hook::{Hook, HookUrl};
pub use phone::PhoneNumber;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::ContactId;

/// How a contact is reached. A new channel is a variant here and a folder in `notifier`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Mail.
    Email,
    /// Text message.
    Sms,
    /// Signed JSON, posted to an address of the owner's.
    Webhook,
    /// A message in a Slack channel.
    Slack,
    /// A message in a Discord channel.
    Discord,
}

impl Channel {
    /// All channels there are.
    pub const ALL: [Self; 5] = [
        Self::Email,
        Self::Sms,
        Self::Webhook,
        Self::Slack,
        Self::Discord,
    ];
    /// Those that are reached by a URL that is a secret.
    pub const HOOKS: [Self; 3] = [Self::Webhook, Self::Slack, Self::Discord];

    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Webhook => "webhook",
            Self::Slack => "slack",
            Self::Discord => "discord",
        }
    }

    /// It is reached by a URL that is a secret, and proven by a test message that arrives.
    pub const fn is_hook(self) -> bool {
        matches!(self, Self::Webhook | Self::Slack | Self::Discord)
    }

    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "mail",
            Self::Sms => "SMS",
            Self::Webhook => "webhook",
            Self::Slack => "Slack",
            Self::Discord => "Discord",
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
    /// Mail address or E.164 number; of a hook what may be shown of its URL.
    pub address: String,
    /// When it was proven.
    pub verified_at: Option<Timestamp>,
    /// The default policy includes it.
    pub in_default: bool,
    /// Why nothing is sent to it any more.
    pub disabled_reason: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Contact {
    /// Its address as it may stand in a message to somebody else: of a number only its end.
    pub fn shown_address(&self) -> String {
        match self.channel {
            Channel::Sms => phone::masked(&self.address),
            _ => self.address.clone(),
        }
    }

    /// Alerts may be sent to it.
    pub const fn is_usable(&self) -> bool {
        self.verified_at.is_some() && self.disabled_reason.is_none()
    }
}
