//! Monitors as clients send them.

use domain::ids::{ContactId, PolicyId};
use domain::monitor::blocks::{
    DnsSpec, DomainSpec, ExchangeSpec, GrpcSpec, PingSpec, RecordType, SmtpSpec, StartTls,
    WebsocketSpec,
};
use domain::monitor::spec::Headers;
use domain::monitor::{
    BasicAuth, ConfirmSpec, HttpAuth, HttpSpec, IpFamily, JsonRule, Kind, MonitorSpec, TlsSpec,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::blocks::{
    DnsBlock, DomainBlock, ExchangeBlock, GrpcBlock, IpFamilyName, KindName, PingBlock,
    RecordTypeName, SmtpBlock, StartTlsName, WebsocketBlock,
};
use crate::api::json::Json;
use crate::api::openapi::shapes;
use crate::api::problem::{ApiResult, Problem};
use crate::api::read_only::{self, ReadOnly};
use crate::usecases::monitors::NewMonitor;

/// Fields of a Monitor that only we set.
pub const READ_ONLY: ReadOnly = ReadOnly {
    fixed: &["id", "html_url", "ping_url", "created_at"],
    moving: &[
        "status",
        "confirming",
        "status_since",
        "last_check",
        "heartbeat",
        "uptime_30d",
        "updated_at",
    ],
};

/// Fields that are objects.
const BLOCKS: [&str; 11] = [
    "http",
    "tls",
    "confirm",
    "tcp",
    "udp",
    "dns",
    "ping",
    "smtp",
    "websocket",
    "grpc",
    "domain",
];

/// A monitor to be made. `{"url":"https://…"}` is enough; what is left out or null has its default.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Shop", "url": "https://shop.example/health", "interval_seconds": 60, "tags": ["prod"]}))]
pub struct MonitorInput {
    /// What people read; host and path of the address by default.
    #[schema(min_length = 1, max_length = 200)]
    pub name: Option<String>,
    /// What is looked at; `http` when `url` is given. It cannot change later.
    #[schema(value_type = Option<KindName>)]
    pub kind: Option<Kind>,
    /// Of an `http` monitor: an absolute http or https URL. Of a `websocket` monitor: one with ws or wss.
    #[schema(max_length = 2048, example = "https://shop.example/health")]
    pub url: Option<String>,
    /// Of all other kinds: name or address; of a `domain` monitor the domain.
    pub host: Option<String>,
    /// Of a `tcp`, `udp`, `tls`, `smtp` or `grpc` monitor. By default 443 for `tls` (or that of its
    /// `starttls`) and `grpc`, 25 for `smtp`.
    #[schema(minimum = 1, maximum = 65535)]
    pub port: Option<u16>,
    /// Of a `dns` monitor: the type of record; `A` by default.
    #[schema(value_type = Option<RecordTypeName>)]
    pub record: Option<RecordType>,
    /// Of a `dns` monitor: the values that must be answered, in any order; any answer will do by default.
    #[schema(min_items = 1, max_items = 20)]
    pub expected: Option<Vec<String>>,
    /// Seconds between looks, from the plan's minimum to 86400; 60 by default, for `domain` always 86400.
    #[schema(minimum = 10, maximum = 86400)]
    pub interval_seconds: Option<u32>,
    /// Milliseconds that a whole look may take, less than the interval; the smaller of 10000 and half the
    /// interval by default.
    #[schema(minimum = 500, maximum = 60000)]
    pub timeout_ms: Option<u32>,
    /// What is sent and expected.
    pub http: Option<HttpInput>,
    /// When certificates are spoken of, and how TLS begins.
    pub tls: Option<TlsInput>,
    /// Of a `heartbeat` monitor: seconds from one heartbeat to the next, 86400 by default.
    #[schema(minimum = 60, maximum = 31_536_000)]
    pub period_seconds: Option<u32>,
    /// Of a `heartbeat` monitor, in the place of a period: five fields, or a word such as `@daily`.
    #[schema(max_length = 100, example = "0 3 * * MON-FRI")]
    pub cron: Option<String>,
    /// Of a `heartbeat` monitor with `cron`: an IANA time zone, UTC by default.
    #[schema(example = "Europe/Berlin")]
    pub timezone: Option<String>,
    /// Of a `heartbeat` monitor: how many seconds late one may be, and how long a run may take that said
    /// it began; 3600 by default.
    #[schema(minimum = 60, maximum = 31_536_000)]
    pub grace_seconds: Option<u32>,
    /// Of a `tcp` monitor: what is sent, and what must come back.
    #[schema(value_type = Option<ExchangeBlock>)]
    pub tcp: Option<ExchangeSpec>,
    /// Of a `udp` monitor: what is sent, which must be given, and what must come back.
    #[schema(value_type = Option<ExchangeBlock>)]
    pub udp: Option<ExchangeSpec>,
    /// Of a `dns` monitor: how and whom it asks.
    #[schema(value_type = Option<DnsBlock>)]
    pub dns: Option<DnsSpec>,
    /// Of a `ping` monitor: how many packets, and how many may be lost.
    #[schema(value_type = Option<PingBlock>)]
    pub ping: Option<PingSpec>,
    /// Of an `smtp` monitor: how the server is spoken to.
    #[schema(value_type = Option<SmtpBlock>)]
    pub smtp: Option<SmtpSpec>,
    /// Of a `websocket` monitor: what is sent, and what must come back.
    #[schema(value_type = Option<WebsocketBlock>)]
    pub websocket: Option<WebsocketSpec>,
    /// Of a `grpc` monitor: which service, and how it is spoken to.
    #[schema(value_type = Option<GrpcBlock>)]
    pub grpc: Option<GrpcSpec>,
    /// Of a `domain` monitor: when the end of its registration is spoken of.
    #[schema(value_type = Option<DomainBlock>)]
    pub domain: Option<DomainSpec>,
    /// From where it is looked at; all regions by default.
    #[schema(schema_with = shapes::regions)]
    pub regions: Option<Vec<String>>,
    /// How a failure or a recovery is confirmed.
    pub confirm: Option<ConfirmInput>,
    /// Slower than this is degraded.
    #[schema(minimum = 1, maximum = 60000)]
    pub degraded_above_ms: Option<u32>,
    /// The escalation policy; the default policy when null.
    #[schema(schema_with = shapes::policy_id)]
    pub policy_id: Option<PolicyId>,
    /// Short for a policy of one step; excludes `policy_id`.
    #[schema(schema_with = shapes::contact_ids)]
    pub contact_ids: Option<Vec<ContactId>>,
    /// At most 20 of 50 characters.
    #[schema(schema_with = shapes::tags)]
    pub tags: Option<Vec<String>>,
    /// Your own key: at most 100 letters, digits and `. _ : -`, one monitor each.
    #[schema(schema_with = shapes::key)]
    pub key: Option<String>,
    /// It is not looked at.
    pub paused: Option<bool>,
}

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

impl MonitorInput {
    /// Reads a new monitor.
    pub fn creating(body: &Json) -> ApiResult<NewMonitor> {
        match READ_ONLY.find(body) {
            Some(key) => Err(read_only::refused(key)),
            None => Self::read(body),
        }
    }

    fn read(body: &Json) -> ApiResult<NewMonitor> {
        let wrong = |error| Problem::invalid(vec![error]);
        body.require_objects(&BLOCKS).map_err(wrong)?;
        if let Some(Json::Array(rules)) = body.get("http").and_then(|http| http.get("json"))
            && let Some(i) = rules
                .iter()
                .position(|rule| !matches!(rule, Json::Object(_)))
        {
            let message = format!("must be an object, not {}", rules[i].kind());
            return Err(Problem::field(
                &format!("/http/json/{i}"),
                "wrong_type",
                message,
            ));
        }
        let input: Self = body.decode().map_err(wrong)?;
        Ok(NewMonitor {
            paused: input.paused.unwrap_or(false),
            spec: input.into_spec(),
        })
    }

    fn into_spec(self) -> MonitorSpec {
        MonitorSpec {
            name: self.name,
            kind: self.kind,
            url: self.url,
            host: self.host,
            port: self.port,
            interval_seconds: self.interval_seconds,
            timeout_ms: self.timeout_ms,
            http: self.http.map(HttpInput::into_spec),
            tls: self.tls.map(|tls| TlsSpec {
                warn_days: tls.warn_days,
                starttls: tls.starttls,
            }),
            period_seconds: self.period_seconds,
            cron: self.cron,
            timezone: self.timezone,
            grace_seconds: self.grace_seconds,
            record: self.record,
            expected: self.expected,
            tcp: self.tcp,
            udp: self.udp,
            dns: self.dns,
            ping: self.ping,
            smtp: self.smtp,
            websocket: self.websocket,
            grpc: self.grpc,
            domain: self.domain,
            regions: self.regions,
            confirm: self.confirm.map(|confirm| ConfirmSpec {
                rechecks: confirm.rechecks,
                over_seconds: confirm.over_seconds,
            }),
            degraded_above_ms: self.degraded_above_ms,
            policy_id: self.policy_id,
            contact_ids: self.contact_ids,
            tags: self.tags,
            key: self.key,
        }
    }
}

impl HttpInput {
    fn into_spec(self) -> HttpSpec {
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
        }
    }
}

/// Applies a merge patch to a monitor's settings; what only we set is out of it already. The second
/// value is `paused`, if it was sent.
pub fn patched(before: &MonitorSpec, mut patch: Json) -> ApiResult<(MonitorSpec, Option<bool>)> {
    let paused = match patch.remove("paused") {
        None => None,
        Some(Json::Null) => Some(false),
        Some(Json::Bool(paused)) => Some(paused),
        Some(other) => {
            let message = format!("must be true or false, not {}", other.kind());
            return Err(Problem::field("/paused", "wrong_type", message));
        }
    };
    let whole = Json::of(before)
        .map_err(|error| Problem::internal(&error))?
        .merged(patch);
    Ok((MonitorInput::read(&whole)?.spec, paused))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        serde_json::from_str(text).unwrap()
    }

    fn spec(text: &str) -> MonitorSpec {
        MonitorInput::creating(&json(text)).unwrap().spec
    }

    #[test]
    fn a_patch_changes_what_it_names_and_null_restores_the_default() {
        let before = spec(
            r#"{"url":"https://a.example","name":"A","http":{"headers":{"Z":"1","A":"2"},"keyword":"x"},"tags":["a","b"]}"#,
        );
        let (after, paused) = patched(
            &before,
            json(
                r#"{"name":null,"http":{"headers":{"A":null,"B":"3"}},"tags":["c"],"paused":true}"#,
            ),
        )
        .unwrap();
        assert_eq!(
            after,
            spec(
                r#"{"url":"https://a.example","http":{"headers":{"Z":"1","B":"3"},"keyword":"x"},"tags":["c"]}"#
            )
        );
        assert_eq!(paused, Some(true));
        let (same, paused) = patched(&before, json("{}")).unwrap();
        assert_eq!((same, paused), (before, None));
    }

    #[test]
    fn a_list_is_no_object() {
        for (text, pointer) in [
            (r#"{"url":"https://a.example","confirm":[2,6]}"#, "/confirm"),
            (r#"{"url":"https://a.example","tls":[[1]]}"#, "/tls"),
            (
                r#"{"url":"https://a.example","http":{"json":[["$.a","eq",1]]}}"#,
                "/http/json/0",
            ),
        ] {
            assert_eq!(
                MonitorInput::creating(&json(text)).unwrap_err().errors[0].pointer,
                pointer
            );
        }
    }

    #[test]
    fn what_only_we_set_is_refused_for_a_new_one() {
        let refused = MonitorInput::creating(&json(r#"{"url":"https://a.example","status":"up"}"#))
            .unwrap_err();
        assert_eq!(
            (refused.errors[0].pointer.as_str(), refused.errors[0].code),
            ("/status", "read_only")
        );
    }

    /// Every block of every kind is stored as it was sent.
    #[test]
    fn every_block_can_be_sent() {
        for whole in [
            r#"{"kind":"dns","host":"a.example","record":"MX","expected":["10 m.example"],"dns":{"match":"equals","server":"192.0.2.1"}}"#,
            r#"{"kind":"tcp","host":"a.example","port":1,"tcp":{"send":"a","expect":"b"}}"#,
            r#"{"kind":"udp","host":"a.example","port":1,"udp":{"send":"a","expect":"b"}}"#,
            r#"{"kind":"ping","host":"a.example","ping":{"count":2,"max_loss_percent":50,"ip_family":"v6"}}"#,
            r#"{"kind":"tls","host":"a.example","tls":{"warn_days":[1],"starttls":"imap"}}"#,
            r#"{"kind":"smtp","host":"a.example","smtp":{"security":"starttls"}}"#,
            r#"{"kind":"websocket","url":"wss://a.example/","websocket":{"send":"a","expect":"b","verify_tls":false}}"#,
            r#"{"kind":"grpc","host":"a.example","grpc":{"service":"s","tls":true,"verify_tls":false}}"#,
            r#"{"kind":"domain","host":"a.example","domain":{"warn_days":[30]}}"#,
        ] {
            let stored = serde_json::to_value(spec(whole)).unwrap();
            let sent: serde_json::Value = serde_json::from_str(whole).unwrap();
            assert_eq!(stored, sent);
        }
    }

    #[test]
    fn every_field_of_a_stored_monitor_can_be_sent() {
        let whole = r#"{"name":"A","kind":"http","url":"https://a.example","interval_seconds":60,"timeout_ms":1000,
            "http":{"method":"POST","headers":{"A":"b"},"body":"x","follow_redirects":false,"max_redirects":1,
            "expected_status":["200"],"keyword":"a","keyword_absent":"b","regex":"c","json":[{"path":"$.a","op":"eq","value":{"z":1}}],
            "verify_tls":false,"auth":{"basic":{"username":"u","password":"p"}},"ip_family":"both"},"tls":{"warn_days":[1]},"regions":["local"],"confirm":{"rechecks":1,"over_seconds":2},
            "degraded_above_ms":500,"contact_ids":[],"tags":["a"],"key":"k"}"#;
        let spec = spec(whole);
        let stored: serde_json::Value = serde_json::to_value(&spec).unwrap();
        assert_eq!(
            stored,
            serde_json::from_str::<serde_json::Value>(whole).unwrap()
        );
        assert_eq!(serde_json::from_value::<MonitorSpec>(stored).unwrap(), spec);
    }
}
