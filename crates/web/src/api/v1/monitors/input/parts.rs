//! The objects inside a monitor, as clients send them.

use domain::monitor::blocks::StartTls;
use domain::monitor::spec::Headers;
use domain::monitor::{BasicAuth, HttpAuth, HttpSpec, IpFamily, JsonRule};
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::blocks::{IpFamilyName, StartTlsName};
use crate::api::openapi::shapes;

/// What is sent and expected of an `http` monitor.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpInput {
    /// GET by default.
    pub method: Option<String>,
    /// At most 20, 8 KiB together. `"••••"` keeps the value that is there.
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    pub headers: Option<Headers>,
    /// At most 64 kB.
    #[schema(max_length = 65536)]
    pub body: Option<String>,
    /// True by default.
    pub follow_redirects: Option<bool>,
    /// 10 by default.
    #[schema(minimum = 0, maximum = 20)]
    pub max_redirects: Option<u32>,
    /// Statuses and ranges, `["200-399"]` by default.
    #[schema(schema_with = shapes::expected_status)]
    pub expected_status: Option<Vec<String>>,
    /// A text that must be in the body.
    #[schema(min_length = 1, max_length = 500)]
    pub keyword: Option<String>,
    /// A text that must not be in the body.
    #[schema(min_length = 1, max_length = 500)]
    pub keyword_absent: Option<String>,
    /// A regular expression that must match the body, in the syntax of the Rust `regex` crate: no
    /// look-around, no back references.
    #[schema(max_length = 500)]
    pub regex: Option<String>,
    /// Rules over a JSON body.
    #[schema(max_items = 20)]
    pub json: Option<Vec<JsonRuleInput>>,
    /// Whether certificates are judged; true by default.
    pub verify_tls: Option<bool>,
    /// A login that is sent with the request, and dropped when a redirect leads elsewhere.
    pub auth: Option<HttpAuthInput>,
    /// Over which family of addresses; `any` by default. `both` looks over IPv4 and then over IPv6,
    /// and both must work.
    #[schema(value_type = Option<IpFamilyName>)]
    pub ip_family: Option<IpFamily>,
    /// The server behind the CDN, balancer or proxy that the URL leads to: `host`, `host:port`, an address, or
    /// `[v6]:port`. It is asked directly once it is shown to be yours; null by default.
    #[schema(max_length = 260, example = "origin.shop.example:8443")]
    pub origin: Option<String>,
}

/// A login: `basic` or `bearer`.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = HttpAuth)]
pub struct HttpAuthInput {
    /// Name and password.
    pub basic: Option<BasicAuthInput>,
    /// A token. `"••••"` keeps the one that is there.
    #[schema(max_length = 4000)]
    pub bearer: Option<String>,
}

/// Name and password.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BasicAuth)]
pub struct BasicAuthInput {
    /// Without a colon.
    #[schema(max_length = 200)]
    pub username: String,
    /// `"••••"` keeps the one that is there.
    #[schema(max_length = 500)]
    pub password: String,
}

/// One rule over a JSON body.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = JsonRule)]
pub struct JsonRuleInput {
    /// JSONPath (RFC 9535), such as `$.status`.
    #[schema(min_length = 1, max_length = 500)]
    pub path: String,
    /// `eq`, `ne`, `gt`, `lt`, `ge`, `le`, `contains` or `exists`.
    #[schema(schema_with = shapes::operators)]
    pub op: String,
    /// What is compared with; ignored by `exists`.
    #[serde(default)]
    pub value: serde_json::Value,
}

/// When certificates are spoken of.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsInput {
    /// Days before expiry, `[30,14,7,3,1]` by default.
    #[schema(schema_with = shapes::warn_days)]
    pub warn_days: Option<Vec<u32>>,
    /// Of a `tls` monitor: the protocol in which the server is asked to begin TLS; at once by default.
    #[schema(value_type = Option<StartTlsName>)]
    pub starttls: Option<StartTls>,
}

/// How a failure or a recovery is confirmed.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmInput {
    /// Looks that must agree after the first; 2 by default.
    #[schema(minimum = 0, maximum = 5)]
    pub rechecks: Option<u32>,
    /// Least seconds between the first and the deciding look; 6 by default.
    #[schema(minimum = 0, maximum = 600)]
    pub over_seconds: Option<u32>,
}

impl HttpInput {
    pub(super) fn into_spec(self) -> HttpSpec {
        let rule = |rule: JsonRuleInput| JsonRule {
            path: rule.path,
            op: rule.op,
            value: rule.value,
        };
        HttpSpec {
            method: self.method,
            headers: self.headers,
            body: self.body,
            follow_redirects: self.follow_redirects,
            max_redirects: self.max_redirects,
            expected_status: self.expected_status,
            keyword: self.keyword,
            keyword_absent: self.keyword_absent,
            json: self.json.map(|rules| rules.into_iter().map(rule).collect()),
            regex: self.regex,
            verify_tls: self.verify_tls,
            auth: self.auth.map(|auth| HttpAuth {
                basic: auth.basic.map(|basic| BasicAuth {
                    username: basic.username,
                    password: basic.password,
                }),
                bearer: auth.bearer,
            }),
            ip_family: self.ip_family,
            origin: self.origin,
        }
    }
}
