//! Monitors as clients send them.

mod parts;
#[cfg(test)]
mod tests;

use domain::ids::{ContactId, MonitorId, PolicyId};
use domain::incident::Severity;
use domain::monitor::blocks::{
    DnsSpec, DomainSpec, ExchangeSpec, GrpcSpec, PingSpec, RecordType, SmtpSpec, WebsocketSpec,
};
use domain::monitor::{ConfirmSpec, Kind, MonitorSpec, TlsSpec};
use serde::Deserialize;
use utoipa::ToSchema;

pub use parts::{BasicAuthInput, ConfirmInput, HttpAuthInput, HttpInput, JsonRuleInput, TlsInput};

use super::blocks::{
    DnsBlock, DomainBlock, ExchangeBlock, GrpcBlock, KindName, PingBlock, RecordTypeName,
    SmtpBlock, WebsocketBlock,
};
use super::view::SeverityName;
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
        "maintenance_until",
        "suppressed_by",
        "last_check",
        "heartbeat",
        "origin",
        "keyword_proposal",
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
    /// Whether an answer of DNS serves until its TTL is over, at most five minutes; if not, each look asks
    /// DNS. True by default. Not of a `dns`, `domain` or `heartbeat` monitor.
    pub dns_cache: Option<bool>,
    /// The escalation policy; the default policy when null.
    #[schema(schema_with = shapes::policy_id)]
    pub policy_id: Option<PolicyId>,
    /// Short for a policy of one step; excludes `policy_id`.
    #[schema(schema_with = shapes::contact_ids)]
    pub contact_ids: Option<Vec<ContactId>>,
    /// Monitors that this one stands behind, such as a router. While one of them is down, an outage of this
    /// one is told in its messages and not apart. Without circles, at most 20 levels.
    #[schema(schema_with = shapes::depends_on)]
    pub depends_on: Option<Vec<MonitorId>>,
    /// How much an outage matters; `normal` by default.
    #[schema(value_type = Option<SeverityName>)]
    pub severity: Option<Severity>,
    /// At most 20 of 50 characters.
    #[schema(schema_with = shapes::tags)]
    pub tags: Option<Vec<String>>,
    /// Your own key: at most 100 letters, digits and `. _ : -`, one monitor each.
    #[schema(schema_with = shapes::key)]
    pub key: Option<String>,
    /// It is not looked at.
    pub paused: Option<bool>,
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
            dns_cache: self.dns_cache,
            policy_id: self.policy_id,
            contact_ids: self.contact_ids,
            depends_on: self.depends_on.filter(|parents| !parents.is_empty()),
            severity: self.severity,
            tags: self.tags,
            key: self.key,
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
