//! Contacts that are an address and a secret: a webhook of the owner's, or what a chat, push or paging
//! service gave out. Who has them may write there; people read only what [`HookTarget::display`] shows.

mod service;
mod url;

pub use service::{
    Gotify, Matrix, Ntfy, Opsgenie, PagerDuty, Pushover, PushoverPriority, Region, Service,
    ServiceError, Telegram,
};
pub use url::{HookUrl, HookUrlError};

use std::fmt;

/// What a secret of a webhook begins with (Standard Webhooks).
pub const SECRET_PREFIX: &str = "whsec_";

/// The secrets of such a contact, as they are kept.
#[derive(Clone, PartialEq, Eq)]
pub enum Hook {
    /// All of it is a URL.
    Url {
        /// Where messages are posted.
        url: String,
        /// Each signs what is posted, newest first (`whsec_…`): webhooks have one, and two for a while
        /// after it was renewed.
        secrets: Vec<String>,
    },
    /// A service whose parts have names.
    Service(Service),
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook(…)")
    }
}

/// Where messages may be sent, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookTarget {
    /// A URL.
    Url(HookUrl),
    /// A service whose parts were checked.
    Service(Service),
}

impl HookTarget {
    /// What may be shown.
    pub fn display(&self) -> String {
        match self {
            Self::Url(url) => url.display(),
            Self::Service(service) => service.display(),
        }
    }
}

impl From<HookTarget> for Hook {
    /// Without a secret that signs.
    fn from(target: HookTarget) -> Self {
        match target {
            HookTarget::Url(url) => Self::Url {
                url: url.as_str().to_owned(),
                secrets: Vec::new(),
            },
            HookTarget::Service(service) => Self::Service(service),
        }
    }
}

/// The host out of what [`HookTarget::display`] made: those who share it share its slowness.
pub fn host_of_display(display: &str) -> &str {
    display.split('/').next().unwrap_or(display)
}
