//! Where the fault of an answer lies.

use serde::{Deserialize, Serialize};

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
        [Self::Origin, Self::OriginProxy, Self::Edge, Self::Dns, Self::Tls, Self::Network, Self::Ours]
            .into_iter()
            .find(|attribution| attribution.as_str() == word)
    }
}
