//! A monitor as its owner wrote it. What was left out is `None` and stays so.

use serde::{Deserialize, Serialize};

use crate::ids::{ContactId, PolicyId};

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A web address.
    Http,
    /// A TCP port.
    Tcp,
    /// A TLS port and its certificate.
    Tls,
    /// A job that calls us.
    Heartbeat,
}

impl Kind {
    /// All kinds there are.
    pub const ALL: [Self; 4] = [Self::Http, Self::Tcp, Self::Tls, Self::Heartbeat];

    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Heartbeat => "heartbeat",
        }
    }

    /// We look; a heartbeat is the one kind that waits.
    pub const fn looks(self) -> bool {
        !matches!(self, Self::Heartbeat)
    }

    /// The kind a stored word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// One rule over a JSON body: a path (RFC 9535), an operator, a value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JsonRule {
    /// JSONPath, such as `$.status`.
    pub path: String,
    /// `eq`, `ne`, `gt`, `lt`, `ge`, `le`, `contains`, `exists`.
    pub op: String,
    /// What is compared with; ignored by `exists`.
    #[serde(default)]
    pub value: serde_json::Value,
}

/// The `http` block.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(
    missing_docs,
    reason = "the fields are those of the reference's Monitor.http"
)]
pub struct HttpSpec {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<Headers>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follow_redirects: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_redirects: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_status: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keyword: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keyword_absent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<Vec<JsonRule>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify_tls: Option<bool>,
}

/// The `tls` block.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsSpec {
    /// Days before expiry at which to warn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warn_days: Option<Vec<u32>>,
}

/// The `confirm` block.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConfirmSpec {
    /// Looks that must agree after the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rechecks: Option<u32>,
    /// Least seconds between the start of the first and of the deciding look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub over_seconds: Option<u32>,
}

/// A monitor's settings as written: what was left out is absent, what was set to `null` too.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(
    missing_docs,
    reason = "the fields are those of the reference's Monitor"
)]
pub struct MonitorSpec {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval_seconds: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period_seconds: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cron: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_seconds: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regions: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirm: Option<ConfirmSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub degraded_above_ms: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_id: Option<PolicyId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact_ids: Option<Vec<ContactId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl MonitorSpec {
    /// The kind: as written, else `http` when a URL is given.
    pub fn kind(&self) -> Option<Kind> {
        self.kind.or(self.url.is_some().then_some(Kind::Http))
    }
}

/// Header names and values in the order they were written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(pub Vec<(String, String)>);

impl Serialize for Headers {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> serde::de::Visitor<'de> for InOrder {
            type Value = Headers;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of header names and values")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Headers, A::Error> {
                let mut headers = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    headers.push(entry);
                }
                Ok(Headers(headers))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}
