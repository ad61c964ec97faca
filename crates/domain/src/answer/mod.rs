//! What a target's good answers look like: what is remembered of them, and what is another than before.
//! What changed shortly before an outage, or with it, is named in its incident and decides nothing there.

mod known;
mod read;
mod tell;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha1::{Digest as _, Sha1};

use crate::monitor::Target;

pub use known::{Known, Memory, difference, remember};
pub use read::{mark, read};
pub use tell::{before, now};

/// So many changes are named in an incident, the last before it first.
pub const NAMED: usize = 3;

/// One side of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aspect {
    /// What the name resolved to.
    Addresses,
    /// The values of the records that were asked for.
    Records,
    /// The server's own certificate: issuer, end and the begin of its fingerprint.
    Certificate,
    /// The status, as a number.
    Status,
    /// The header `Server`.
    Server,
    /// Where redirects ended.
    Leads,
    /// The page's title.
    Title,
}

impl Aspect {
    /// Every one.
    pub const ALL: [Self; 7] = [
        Self::Addresses,
        Self::Records,
        Self::Certificate,
        Self::Status,
        Self::Server,
        Self::Leads,
        Self::Title,
    ];

    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Addresses => "addresses",
            Self::Records => "records",
            Self::Certificate => "certificate",
            Self::Status => "status",
            Self::Server => "server",
            Self::Leads => "leads",
            Self::Title => "title",
        }
    }

    /// The one of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }
}

/// The values of each side, sorted; a side that was not seen is not in it, and one that was seen to be
/// without a value is empty.
pub type Answer = BTreeMap<Aspect, Vec<String>>;

/// A side of the good answers that became another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub aspect: Aspect,
    /// What it was.
    pub before: Vec<String>,
    /// What it became.
    pub after: Vec<String>,
    /// The first look that saw it.
    pub at: Timestamp,
}

/// What an answer is of, as a digest, since an address may hold a secret: what is remembered of another target
/// counts for nothing.
pub fn subject(target: &Target) -> String {
    let host = target.host();
    let port = target.port().map(|port| port.to_string());
    let url = match target {
        Target::Http(http) => http.url.as_str(),
        _ => "",
    };
    let mut digest = Sha1::new();
    for part in [host.as_str(), port.as_deref().unwrap_or(""), url] {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    hex::encode(digest.finalize())
}
