//! A monitor as its owner wrote it. What was left out is `None` and stays so.

use serde::{Deserialize, Serialize};

use super::blocks::{
    DnsSpec, DomainSpec, ExchangeSpec, GrpcSpec, PingSpec, RecordType, SmtpSpec, StartTls,
    WebsocketSpec, words,
};
use crate::ids::{ContactId, MonitorId, PolicyId};
use crate::incident::Severity;

words! {
    /// What is looked at.
    Kind {
        /// A web address.
        Http "http",
        /// A TCP port.
        Tcp "tcp",
        /// A host that answers ICMP echo.
        Ping "ping",
        /// A name and what DNS says of it.
        Dns "dns",
        /// A TLS port and its certificate.
        Tls "tls",
        /// The registration of a domain.
        Domain "domain",
        /// A mail server.
        Smtp "smtp",
        /// A WebSocket address.
        Websocket "websocket",
        /// A gRPC health service.
        Grpc "grpc",
        /// A UDP port that answers.
        Udp "udp",
        /// A job that calls us.
        Heartbeat "heartbeat",
    }
}

impl Kind {
    /// We look; a heartbeat is the one kind that waits.
    pub const fn looks(self) -> bool {
        !matches!(self, Self::Heartbeat)
    }

    /// It has a `host`.
    pub const fn has_host(self) -> bool {
        self.looks() && !self.has_url()
    }

    /// It has a `url` in the place of a host.
    pub const fn has_url(self) -> bool {
        matches!(self, Self::Http | Self::Websocket)
    }

    /// It has a `port`.
    pub const fn has_port(self) -> bool {
        matches!(
            self,
            Self::Tcp | Self::Tls | Self::Smtp | Self::Grpc | Self::Udp
        )
    }

    /// It dials what DNS answers, and may do so by an answer that was given before.
    pub const fn has_dns_cache(self) -> bool {
        !matches!(self, Self::Dns | Self::Domain | Self::Heartbeat)
    }

    /// It may be shown a certificate, whose end is warned of.
    pub const fn has_certificate(self) -> bool {
        matches!(
            self,
            Self::Http | Self::Tls | Self::Smtp | Self::Websocket | Self::Grpc
        )
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

/// A login that is sent with the request, one of the two.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpAuth {
    /// Name and password (RFC 7617).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basic: Option<BasicAuth>,
    /// A token (RFC 6750).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bearer: Option<String>,
}

/// Name and password.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BasicAuth {
    /// Without a colon.
    pub username: String,
    /// Anything.
    pub password: String,
}

/// Over which family of addresses a name is looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IpFamily {
    /// Whichever answers first (RFC 8305).
    #[default]
    Any,
    /// IPv4 alone.
    V4,
    /// IPv6 alone.
    V6,
    /// Over IPv4 and then over IPv6; both must work.
    Both,
}

impl IpFamily {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Any, Self::V4, Self::V6, Self::Both];

    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::V4 => "v4",
            Self::V6 => "v6",
            Self::Both => "both",
        }
    }

    /// The family a stored word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.as_str() == word)
    }
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
    pub regex: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<Vec<JsonRule>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify_tls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<HttpAuth>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_family: Option<IpFamily>,
    /// The server behind what the URL leads to, as its owner wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}

/// The `tls` block.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsSpec {
    /// Days before expiry at which to warn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warn_days: Option<Vec<u32>>,
    /// The protocol in which the server is asked to begin TLS; only of a `tls` monitor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starttls: Option<StartTls>,
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
    pub record: Option<RecordType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<Vec<String>>,
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
    pub tcp: Option<ExchangeSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub udp: Option<ExchangeSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns: Option<DnsSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ping: Option<PingSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smtp: Option<SmtpSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub websocket: Option<WebsocketSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grpc: Option<GrpcSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<DomainSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regions: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirm: Option<ConfirmSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub degraded_above_ms: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_cache: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_id: Option<PolicyId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact_ids: Option<Vec<ContactId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depends_on: Option<Vec<MonitorId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl MonitorSpec {
    /// How much an outage of it matters; normal unless it is said otherwise.
    pub fn severity(&self) -> Severity {
        self.severity.unwrap_or_default()
    }

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
