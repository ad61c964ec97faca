//! The form of a monitor: what people type, and the settings it stands for. Every value stays text
//! until here, so that a form comes back as it was typed.

pub mod choices;
mod complaints;
pub mod durations;
mod kinds;
mod specs;
mod targets;
mod text;

use domain::ids::ContactId;
use domain::monitor::{Kind, MonitorSpec};

pub use self::complaints::complaints;
use self::durations::{milliseconds_text, seconds_text};
pub use self::kinds::KindFields;
use self::text::{masked, rule_text};
use crate::extract::Fields;
use crate::usecases::monitors::{MASK, masked_auth, masked_url};

/// Who is told of an outage.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Tell {
    /// As the default policy says.
    #[default]
    Default,
    /// As this policy says; as it was sent.
    Policy(String),
    /// The contacts that are ticked.
    Chosen,
}

impl Tell {
    fn of(text: &str) -> Self {
        match text {
            "" | "default" => Self::Default,
            "chosen" => Self::Chosen,
            policy => Self::Policy(policy.to_owned()),
        }
    }
}

/// What stands in the fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MonitorForm {
    pub kind: String,
    pub target: String,
    pub port: String,
    pub name: String,
    pub period_seconds: String,
    pub cron: String,
    pub timezone: String,
    pub grace_seconds: String,
    pub interval_seconds: String,
    pub timeout_ms: String,
    pub method: String,
    pub headers: String,
    pub body: String,
    pub follow_redirects: bool,
    pub max_redirects: String,
    pub expected_status: String,
    pub keyword: String,
    pub keyword_absent: String,
    pub regex: String,
    pub json: String,
    pub verify_tls: bool,
    pub username: String,
    pub password: String,
    pub bearer: String,
    pub ip_family: String,
    pub origin: String,
    pub warn_days: String,
    pub rechecks: String,
    pub over_seconds: String,
    pub degraded_above_ms: String,
    pub dns_anew: bool,
    pub tags: String,
    pub tell: Tell,
    pub contacts: Vec<String>,
    pub depends_on: Vec<String>,
    pub severity: String,
    pub key: String,
    pub of_kind: KindFields,
}

impl MonitorForm {
    /// An empty form with an address in it.
    pub fn empty(target: &str) -> Self {
        Self {
            kind: "http".into(),
            target: target.into(),
            follow_redirects: true,
            verify_tls: true,
            ..Self::default()
        }
    }

    /// What was sent. The short forms (dashboard, landing page) send an address only; what has a
    /// ticked default counts as ticked there.
    pub fn of(fields: &Fields) -> Self {
        let text = |name: &str| fields.text(name).to_owned();
        let long = fields.has("long");
        Self {
            kind: if long {
                text("kind")
            } else {
                "http".to_owned()
            },
            target: text("target"),
            port: text("port"),
            name: text("name"),
            period_seconds: text("period_seconds"),
            cron: text("cron"),
            timezone: text("timezone"),
            grace_seconds: text("grace_seconds"),
            interval_seconds: text("interval_seconds"),
            timeout_ms: text("timeout_ms"),
            method: text("method"),
            headers: text("headers"),
            body: fields.raw("body").to_owned(),
            follow_redirects: !long || fields.flag("follow_redirects"),
            max_redirects: text("max_redirects"),
            expected_status: text("expected_status"),
            keyword: text("keyword"),
            keyword_absent: text("keyword_absent"),
            regex: text("regex"),
            json: text("json"),
            verify_tls: !long || fields.flag("verify_tls"),
            username: text("username"),
            password: fields.raw("password").to_owned(),
            bearer: text("bearer"),
            ip_family: text("ip_family"),
            origin: text("origin"),
            warn_days: text("warn_days"),
            rechecks: text("rechecks"),
            over_seconds: text("over_seconds"),
            degraded_above_ms: text("degraded_above_ms"),
            dns_anew: fields.flag("dns_anew"),
            tags: text("tags"),
            tell: Tell::of(fields.text("tell")),
            contacts: fields
                .all("contact")
                .into_iter()
                .map(str::to_owned)
                .collect(),
            depends_on: fields
                .all("depends_on")
                .into_iter()
                .filter(|id| !id.is_empty())
                .map(str::to_owned)
                .collect(),
            severity: text("severity"),
            key: text("key"),
            of_kind: KindFields::of(fields),
        }
    }

    /// The same for an existing monitor, whose kind stays what it is whatever is sent.
    pub fn of_existing(fields: &Fields, before: Option<&MonitorSpec>) -> Self {
        let mut form = Self::of(fields);
        if let Some(before) = before {
            form.kind = before.kind().unwrap_or(Kind::Http).as_str().to_owned();
        }
        form
    }

    /// The settings of a monitor as fields; secrets masked.
    pub fn of_spec(spec: &MonitorSpec) -> Self {
        let number = |value: Option<u32>| value.map(|value| value.to_string()).unwrap_or_default();
        let http = spec.http.clone().unwrap_or_default();
        let auth = masked_auth(&http.auth.clone().unwrap_or_default());
        let basic = auth.basic.unwrap_or_default();
        let confirm = spec.confirm.clone().unwrap_or_default();
        let list = |values: &[u32]| {
            values
                .iter()
                .map(u32::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        };
        Self {
            kind: spec.kind().unwrap_or(Kind::Http).as_str().to_owned(),
            target: spec
                .url
                .as_deref()
                .map(masked_url)
                .or_else(|| spec.host.clone())
                .unwrap_or_default(),
            port: spec.port.map(|port| port.to_string()).unwrap_or_default(),
            name: spec.name.clone().unwrap_or_default(),
            period_seconds: seconds_text(spec.period_seconds),
            cron: spec.cron.clone().unwrap_or_default(),
            timezone: spec.timezone.clone().unwrap_or_default(),
            grace_seconds: seconds_text(spec.grace_seconds),
            interval_seconds: number(spec.interval_seconds),
            timeout_ms: milliseconds_text(spec.timeout_ms),
            method: http.method.unwrap_or_default(),
            headers: http
                .headers
                .map(|headers| masked(&headers))
                .unwrap_or_default(),
            body: http.body.map(|_| MASK.to_owned()).unwrap_or_default(),
            follow_redirects: http.follow_redirects.unwrap_or(true),
            max_redirects: number(http.max_redirects),
            expected_status: http.expected_status.unwrap_or_default().join(", "),
            keyword: http.keyword.unwrap_or_default(),
            keyword_absent: http.keyword_absent.unwrap_or_default(),
            json: http
                .json
                .unwrap_or_default()
                .iter()
                .map(rule_text)
                .collect::<Vec<_>>()
                .join("\n"),
            regex: http.regex.unwrap_or_default(),
            verify_tls: verify_tls(spec),
            username: basic.username,
            password: basic.password,
            bearer: auth.bearer.unwrap_or_default(),
            ip_family: http
                .ip_family
                .or_else(|| spec.ping.as_ref().and_then(|ping| ping.ip_family))
                .map(|family| family.as_str().to_owned())
                .unwrap_or_default(),
            origin: http.origin.unwrap_or_default(),
            warn_days: warn_days(spec).map(list).unwrap_or_default(),
            rechecks: number(confirm.rechecks),
            over_seconds: seconds_text(confirm.over_seconds),
            degraded_above_ms: milliseconds_text(spec.degraded_above_ms),
            dns_anew: spec.dns_cache == Some(false),
            tags: spec.tags.clone().unwrap_or_default().join(", "),
            tell: match (&spec.contact_ids, spec.policy_id) {
                (Some(_), _) => Tell::Chosen,
                (None, Some(policy)) => Tell::Policy(policy.to_string()),
                (None, None) => Tell::Default,
            },
            contacts: texts(spec.contact_ids.as_deref()),
            depends_on: texts(spec.depends_on.as_deref()),
            severity: spec
                .severity
                .map(|severity| severity.as_str().to_owned())
                .unwrap_or_default(),
            key: spec.key.clone().unwrap_or_default(),
            of_kind: KindFields::of_spec(spec),
        }
    }

    /// It is a heartbeat: nothing is looked at.
    pub fn waits(&self) -> bool {
        self.kind == Kind::Heartbeat.as_str()
    }

    /// A contact is ticked.
    pub fn tells(&self, contact: &ContactId) -> bool {
        self.contacts.contains(&contact.to_string())
    }

    /// A monitor is chosen as what it depends on.
    pub fn stands_behind(&self, monitor: &str) -> bool {
        self.depends_on.iter().any(|id| id == monitor)
    }

    /// Something is filled in under "More settings": they are shown opened.
    pub fn is_advanced(&self) -> bool {
        let above = Self {
            kind: self.kind.clone(),
            target: self.target.clone(),
            port: self.port.clone(),
            name: self.name.clone(),
            period_seconds: self.period_seconds.clone(),
            cron: self.cron.clone(),
            timezone: self.timezone.clone(),
            grace_seconds: self.grace_seconds.clone(),
            of_kind: self.of_kind.clone(),
            ..Self::empty("")
        };
        *self != above
    }

    /// The attributes of a part of the form that belongs to these kinds, and is not shown of another.
    pub fn only(&self, kinds: &str) -> String {
        let shown = kinds.split(' ').any(|kind| kind == self.kind);
        let hidden = if shown { "" } else { " hidden" };
        format!("data-kinds=\"{kinds}\"{hidden}")
    }
}

fn texts<T: ToString>(ids: Option<&[T]>) -> Vec<String> {
    ids.unwrap_or_default()
        .iter()
        .map(ToString::to_string)
        .collect()
}

/// Whether certificates are judged, in whichever block says so.
fn verify_tls(spec: &MonitorSpec) -> bool {
    let http = spec.http.as_ref().and_then(|block| block.verify_tls);
    let websocket = spec.websocket.as_ref().and_then(|block| block.verify_tls);
    let grpc = spec.grpc.as_ref().and_then(|block| block.verify_tls);
    http.or(websocket).or(grpc).unwrap_or(true)
}

/// The days of the certificate's warnings, or of the registration's.
fn warn_days(spec: &MonitorSpec) -> Option<&[u32]> {
    let tls = spec.tls.as_ref().and_then(|tls| tls.warn_days.as_deref());
    tls.or_else(|| spec.domain.as_ref()?.warn_days.as_deref())
}

#[cfg(test)]
mod tests;
