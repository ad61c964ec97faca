//! Contacts: addresses that alerts go to, each proven before anything else is sent to it.

pub mod code;
pub mod phone;

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
}

impl Channel {
    /// All channels there are.
    pub const ALL: [Self; 2] = [Self::Email, Self::Sms];

    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
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
    /// Mail address or E.164 number.
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
    /// Alerts may be sent to it.
    pub const fn is_usable(&self) -> bool {
        self.verified_at.is_some() && self.disabled_reason.is_none()
    }
}
