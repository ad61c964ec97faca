//! Where the fault of an answer lies: read from status, headers and body.
//!
//! RFC 9209's `Proxy-Status` is read first, since it is the one standard; then the table in
//! [`tells`], from the most telling to the least. To recognise one more proxy, edge or platform:
//! one line in that table and one case in its test.

mod page;
mod proxy_status;
pub mod tells;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::observation::HttpFacts;
use crate::incident::diagnosis::Confidence;
pub(crate) use page::Page;
pub use tells::Meaning;

/// What an error answer tells: where the fault lies, who wrote the page, and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Where the fault lies.
    pub attribution: Attribution,
    /// How sure that is.
    pub confidence: Confidence,
    /// Who wrote the answer, such as `nginx` or `Cloudflare`; absent when nothing says.
    pub speaker: Option<String>,
    /// What it means.
    pub meaning: Meaning,
    /// The line of the table that decided.
    pub tell: &'static str,
}

/// Where the fault of an error answer lies, and how sure that is. `None` below status 400.
pub fn of(facts: &HttpFacts) -> (Option<Attribution>, Confidence) {
    if facts.status < 400 {
        return (None, Confidence::Possible);
    }
    let reading = read(facts);
    (Some(reading.attribution), reading.confidence)
}

/// Reads an error answer.
pub fn read(facts: &HttpFacts) -> Reading {
    let page = Page::of(facts);
    proxy_status::read(&page)
        .or_else(|| {
            tells::TELLS
                .iter()
                .find(|tell| tell.fits(&page))
                .map(tells::Tell::reading)
        })
        .unwrap_or_else(|| tells::unmarked(facts.status))
}

/// Where the fault lies (not who wrote the error page).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attribution {
    /// The owner's server.
    Origin,
    /// A proxy or load balancer of the owner that is alive in front of something that is not.
    OriginProxy,
    /// The edge's own failure or refusal.
    Edge,
    /// The name service.
    Dns,
    /// The certificate or the handshake.
    Tls,
    /// The way there.
    Network,
    /// Our own view only.
    Ours,
}

impl Attribution {
    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Origin => "origin",
            Self::OriginProxy => "origin_proxy",
            Self::Edge => "edge",
            Self::Dns => "dns",
            Self::Tls => "tls",
            Self::Network => "network",
            Self::Ours => "ours",
        }
    }

    /// The attribution a stored word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::Origin,
            Self::OriginProxy,
            Self::Edge,
            Self::Dns,
            Self::Tls,
            Self::Network,
            Self::Ours,
        ]
        .into_iter()
        .find(|attribution| attribution.as_str() == word)
    }
}
