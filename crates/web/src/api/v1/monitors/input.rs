//! Monitors as clients send them.

use domain::ids::{ContactId, PolicyId};
use domain::monitor::spec::Headers;
use domain::monitor::{ConfirmSpec, HttpSpec, JsonRule, Kind, MonitorSpec, TlsSpec};
use serde::Deserialize;
use utoipa::ToSchema;

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

/// A monitor to be made. `{"url":"https://…"}` is enough; what is left out or null has its default.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Shop", "url": "https://shop.example/health", "interval_seconds": 60, "tags": ["prod"]}))]
pub struct MonitorInput {
    /// What people read; host and path of the address by default.
    #[schema(min_length = 1, max_length = 200)]
    pub name: Option<String>,
    /// `http`, `tcp`, `tls` or `heartbeat`; `http` when `url` is given. It cannot change later.
    #[schema(value_type = Option<KindName>)]
    pub kind: Option<Kind>,
    /// Of an `http` monitor: an absolute http or https URL.
    #[schema(max_length = 2048, example = "https://shop.example/health")]
    pub url: Option<String>,
    /// Of a `tcp` or `tls` monitor: name or address.
    pub host: Option<String>,
    /// Of a `tcp` or `tls` monitor; 443 for `tls` by default.
    #[schema(minimum = 1, maximum = 65535)]
    pub port: Option<u16>,
    /// Seconds between looks, from the plan's minimum to 86400; 60 by default.
    #[schema(minimum = 10, maximum = 86400)]
    pub interval_seconds: Option<u32>,
    /// Milliseconds that a whole look may take, less than the interval; the smaller of 10000 and half the
    /// interval by default.
    #[schema(minimum = 500, maximum = 60000)]
    pub timeout_ms: Option<u32>,
    /// What is sent and expected.
    pub http: Option<HttpInput>,
    /// When certificates are spoken of.
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
    /// Rules over a JSON body.
    #[schema(max_items = 20)]
    pub json: Option<Vec<JsonRuleInput>>,
    /// Whether certificates are judged; true by default.
    pub verify_tls: Option<bool>,
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

/// The kinds that this server knows.
#[derive(Debug, ToSchema)]
#[schema(as = Kind, rename_all = "snake_case")]
pub enum KindName {
    /// A web address.
    Http,
    /// A TCP port.
    Tcp,
    /// A TLS port and its certificate.
    Tls,
    /// A job that calls us.
    Heartbeat,
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
        body.require_objects(&["http", "tls", "confirm"])
            .map_err(wrong)?;
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
            }),
            period_seconds: self.period_seconds,
            cron: self.cron,
            timezone: self.timezone,
            grace_seconds: self.grace_seconds,
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
            verify_tls: self.verify_tls,
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

    #[test]
    fn every_field_of_a_stored_monitor_can_be_sent() {
        let whole = r#"{"name":"A","kind":"http","url":"https://a.example","interval_seconds":60,"timeout_ms":1000,
            "http":{"method":"POST","headers":{"A":"b"},"body":"x","follow_redirects":false,"max_redirects":1,
            "expected_status":["200"],"keyword":"a","keyword_absent":"b","json":[{"path":"$.a","op":"eq","value":{"z":1}}],
            "verify_tls":false},"tls":{"warn_days":[1]},"regions":["local"],"confirm":{"rechecks":1,"over_seconds":2},
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
