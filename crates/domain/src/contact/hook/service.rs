//! Services whose address and secrets are more than one URL.

mod check;

use std::fmt;

use serde::{Deserialize, Serialize};

use self::check::{Check, authority, end, is_number, is_visible, is_word};
use crate::contact::Channel;
use crate::target::AddressPolicy;

macro_rules! services {
    ($($(#[$doc:meta])* $name:ident $word:literal;)*) => {
        /// The parts of one service, as they were typed. Which of them are secrets is in each one's documentation.
        #[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Service {
            $($(#[$doc])* #[serde(rename = $word)] $name($name),)*
        }

        $(impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.display())
            }
        })*

        impl Service {
            /// Whose it is.
            pub const fn channel(&self) -> Channel {
                match self { $(Self::$name(_) => Channel::$name,)* }
            }

            fn parts(&self) -> &dyn Parts {
                match self { $(Self::$name(parts) => parts,)* }
            }

            fn hide(&mut self, mask: &str) {
                match self { $(Self::$name(parts) => parts.hide(mask),)* }
            }
        }
    };
}
services! {
    /// Telegram.
    Telegram "telegram";
    /// Matrix.
    Matrix "matrix";
    /// ntfy.
    Ntfy "ntfy";
    /// Pushover.
    Pushover "pushover";
    /// Gotify.
    Gotify "gotify";
    /// PagerDuty.
    PagerDuty "pagerduty";
    /// Opsgenie.
    Opsgenie "opsgenie";
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Service({})", self.display())
    }
}

/// A part that is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceError {
    /// Its name.
    pub field: &'static str,
    /// Why; reads on after the name.
    pub message: String,
}

impl Service {
    /// What may be shown of it.
    pub fn display(&self) -> String {
        self.parts().display()
    }

    /// Everything that is wrong with it.
    pub fn check(&self, policy: AddressPolicy) -> Result<(), Vec<ServiceError>> {
        let mut check = Check {
            policy,
            errors: Vec::new(),
        };
        self.parts().check(&mut check);
        match check.errors.is_empty() {
            true => Ok(()),
            false => Err(check.errors),
        }
    }

    /// The same with `mask` in the place of every secret.
    pub fn masked(&self, mask: &str) -> Self {
        let mut masked = self.clone();
        masked.hide(mask);
        masked
    }
}

trait Parts {
    fn display(&self) -> String;
    fn check(&self, check: &mut Check);
    fn hide(&mut self, mask: &str);
}

/// A bot that writes into a chat.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telegram {
    /// What @BotFather gave out; a secret.
    pub bot_token: String,
    /// A number, below zero for groups, or the @name of a public channel.
    pub chat_id: String,
    /// A Bot API server of one's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
}

impl Parts for Telegram {
    fn display(&self) -> String {
        format!("chat {}", self.chat_id)
    }

    fn check(&self, check: &mut Check) {
        let is_token = self.bot_token.split_once(':').is_some_and(|(id, rest)| {
            id.len() >= 5 && is_number(id) && rest.len() >= 30 && is_word(rest, "_-")
        });
        check.that("bot_token", is_token, "is not a token of @BotFather: it looks like 110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw");
        let number = self.chat_id.strip_prefix('-').unwrap_or(&self.chat_id);
        let name = self.chat_id.strip_prefix('@').unwrap_or_default();
        let is_chat = (is_number(number) && number.len() <= 20)
            || (name.len() >= 4 && name.len() <= 64 && is_word(name, "_"));
        check.that("chat_id", is_chat, "is not the id of a chat: it is a number such as -1001234567890, or the @name of a public channel");
        check.own_server(self.server.as_deref());
    }

    fn hide(&mut self, mask: &str) {
        mask.clone_into(&mut self.bot_token);
    }
}

/// A user of a homeserver who writes into a room.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matrix {
    /// Where the client API answers.
    pub homeserver: String,
    /// The room's internal id.
    pub room_id: String,
    /// Of the user who writes; a secret.
    pub access_token: String,
}

impl Parts for Matrix {
    fn display(&self) -> String {
        format!("{}/{}", authority(&self.homeserver), self.room_id)
    }

    fn check(&self, check: &mut Check) {
        check.server("homeserver", &self.homeserver);
        let room = &self.room_id;
        let is_room = room.starts_with('!') && (2..=255).contains(&room.len()) && is_visible(room);
        let why = match room.starts_with('#') {
            true => {
                "is an alias, which can come to name another room: the internal room ID begins with ! and is found in Element under Room settings, Advanced"
            }
            false => {
                "is not an internal room ID: it begins with ! and is found in Element under Room settings, Advanced"
            }
        };
        check.that("room_id", is_room, why);
        check.token("access_token", &self.access_token);
    }

    fn hide(&mut self, mask: &str) {
        mask.clone_into(&mut self.access_token);
    }
}

/// A topic of a server.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ntfy {
    /// Which one.
    #[serde(default = "Ntfy::usual")]
    pub server: String,
    /// A secret where the topic is open: who knows it reads and writes.
    pub topic: String,
    /// For topics that ask for one; a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

impl Ntfy {
    /// The public server.
    pub fn usual() -> String {
        "https://ntfy.sh".to_owned()
    }
}

impl Parts for Ntfy {
    fn display(&self) -> String {
        format!("{}/…{}", authority(&self.server), end(&self.topic))
    }

    fn check(&self, check: &mut Check) {
        check.server("server", &self.server);
        let is_topic = (1..=64).contains(&self.topic.len()) && is_word(&self.topic, "_-");
        check.that(
            "topic",
            is_topic,
            "is not the name of a topic: letters, digits, - and _, at most 64, without the server",
        );
        if let Some(token) = &self.token {
            check.token("token", token);
        }
    }

    fn hide(&mut self, mask: &str) {
        mask.clone_into(&mut self.topic);
        if let Some(token) = &mut self.token {
            mask.clone_into(token);
        }
    }
}

/// How loud an outage is at Pushover; quiet notices are always quiet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PushoverPriority {
    /// As the device is set.
    Normal,
    /// Also in the quiet hours of the device.
    #[default]
    High,
    /// Again and again until somebody takes it in the app.
    Emergency,
}

/// The devices of a user or group.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pushover {
    /// Of the user or group; a secret.
    pub user_key: String,
    /// Of the application that sends; a secret.
    pub app_token: String,
    /// Of an outage.
    #[serde(default)]
    pub priority: PushoverPriority,
    /// A server of one's own that speaks the same language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
}

impl Parts for Pushover {
    fn display(&self) -> String {
        format!("key …{}", end(&self.user_key))
    }

    fn check(&self, check: &mut Check) {
        let is_key = |key: &str| key.len() == 30 && is_word(key, "");
        check.that("user_key", is_key(&self.user_key), "is not a user or group key: 30 letters and digits, at the top of pushover.net once you are signed in");
        check.that("app_token", is_key(&self.app_token), "is not the token of an application: 30 letters and digits, at pushover.net under Your Applications");
        if self.user_key == self.app_token {
            check.that(
                "app_token",
                false,
                "is the same as the user key: it belongs to an application",
            );
        }
        check.own_server(self.server.as_deref());
    }

    fn hide(&mut self, mask: &str) {
        mask.clone_into(&mut self.user_key);
        mask.clone_into(&mut self.app_token);
    }
}

/// An application of a Gotify server.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gotify {
    /// Which one.
    pub server: String,
    /// Of the application; a secret.
    pub app_token: String,
}

impl Parts for Gotify {
    fn display(&self) -> String {
        format!("{}/…{}", authority(&self.server), end(&self.app_token))
    }

    fn check(&self, check: &mut Check) {
        check.server("server", &self.server);
        check.token("app_token", &self.app_token);
        let is_clients = self.app_token.len() == 15 && self.app_token.starts_with('C');
        check.that(
            "app_token",
            !is_clients,
            "is the token of a client, which only reads: take one from the page Apps",
        );
    }

    fn hide(&mut self, mask: &str) {
        mask.clone_into(&mut self.app_token);
    }
}

/// Where a paging service keeps an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Region {
    /// United States.
    #[default]
    Us,
    /// European Union.
    Eu,
}

/// A service or rule set of PagerDuty.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PagerDuty {
    /// Of an integration of the kind Events API v2; a secret.
    pub integration_key: String,
    /// Where the account is.
    #[serde(default)]
    pub region: Region,
    /// A server of one's own that speaks the same language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
}

impl Parts for PagerDuty {
    fn display(&self) -> String {
        format!("key …{}{}", end(&self.integration_key), self.region.shown())
    }

    fn check(&self, check: &mut Check) {
        let is_key = self.integration_key.len() == 32 && is_word(&self.integration_key, "");
        check.that("integration_key", is_key, "is not an integration key: 32 letters and digits, in PagerDuty under the service, Integrations, Events API V2");
        check.own_server(self.server.as_deref());
    }

    fn hide(&mut self, mask: &str) {
        mask.clone_into(&mut self.integration_key);
    }
}

/// An API integration of Opsgenie.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opsgenie {
    /// Of an integration of the kind API; a secret.
    pub api_key: String,
    /// Where the account is.
    #[serde(default)]
    pub region: Region,
    /// A server of one's own that speaks the same language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
}

impl Parts for Opsgenie {
    fn display(&self) -> String {
        format!("key …{}{}", end(&self.api_key), self.region.shown())
    }

    fn check(&self, check: &mut Check) {
        let is_key = (20..=200).contains(&self.api_key.len()) && is_word(&self.api_key, "-");
        check.that("api_key", is_key, "is not the key of an API integration: 36 characters such as 8a7b0c1d-…, in Opsgenie under Teams, Integrations, API");
        check.own_server(self.server.as_deref());
    }

    fn hide(&mut self, mask: &str) {
        mask.clone_into(&mut self.api_key);
    }
}

impl Region {
    const fn shown(self) -> &'static str {
        match self {
            Self::Us => "",
            Self::Eu => " (EU)",
        }
    }
}

#[cfg(test)]
mod tests;
