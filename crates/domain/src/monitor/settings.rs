//! A monitor's settings with every default filled in.

use std::time::Duration;

use crate::heartbeat::{DEFAULT_GRACE_SECONDS, DEFAULT_PERIOD_SECONDS, HeartbeatTarget, Rhythm};

use super::spec::{Headers, JsonRule, Kind, MonitorSpec};

/// Seconds between looks unless the owner says otherwise.
pub const DEFAULT_INTERVAL_SECONDS: u32 = 60;
/// Days before expiry at which a certificate is spoken of unless the owner says otherwise.
pub const DEFAULT_WARN_DAYS: [u32; 5] = [30, 14, 7, 3, 1];

/// What an `http` look sends and expects.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    missing_docs,
    reason = "the fields are those of the reference's Monitor.http"
)]
pub struct HttpTarget {
    pub url: String,
    pub method: String,
    pub headers: Headers,
    pub body: Option<String>,
    pub follow_redirects: bool,
    pub max_redirects: u32,
    pub expected_status: Vec<String>,
    pub keyword: Option<String>,
    pub keyword_absent: Option<String>,
    pub json: Vec<JsonRule>,
    pub verify_tls: bool,
}

/// What is looked at.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// A web address.
    Http(HttpTarget),
    /// A TCP port.
    Tcp {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// A TLS port and its certificate.
    Tls {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// Nothing: a job calls us.
    Heartbeat(HeartbeatTarget),
}

impl Target {
    /// Its kind.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Http(_) => Kind::Http,
            Self::Tcp { .. } => Kind::Tcp,
            Self::Tls { .. } => Kind::Tls,
            Self::Heartbeat(_) => Kind::Heartbeat,
        }
    }

    /// What people see as the address: the URL without name and password, `host:port`, or when a
    /// heartbeat is expected.
    pub fn display(&self) -> String {
        match self {
            Self::Http(http) => crate::target::without_userinfo(&http.url),
            Self::Tcp { host, port } | Self::Tls { host, port } => format!("{host}:{port}"),
            Self::Heartbeat(heartbeat) => heartbeat.display(),
        }
    }

    /// What a heartbeat waits for; `None` for what is looked at.
    pub const fn heartbeat(&self) -> Option<&HeartbeatTarget> {
        match self {
            Self::Heartbeat(heartbeat) => Some(heartbeat),
            _ => None,
        }
    }

    /// The host, without port, scheme and path; of a heartbeat when it is expected.
    pub fn host(&self) -> String {
        match self {
            Self::Http(http) => url::Url::parse(&http.url)
                .ok()
                .and_then(|url| url.host_str().map(str::to_owned))
                .unwrap_or_else(|| http.url.clone()),
            Self::Tcp { host, .. } | Self::Tls { host, .. } => host.clone(),
            Self::Heartbeat(heartbeat) => heartbeat.display(),
        }
    }
}

/// How a failure or a recovery is confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfirmPolicy {
    /// Looks that must agree after the first.
    pub rechecks: u32,
    /// Least time between the start of the first and of the deciding look.
    pub over: Duration,
}

impl Default for ConfirmPolicy {
    fn default() -> Self {
        Self {
            rechecks: 2,
            over: Duration::from_secs(6),
        }
    }
}

/// A monitor's settings with every default filled in.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    missing_docs,
    reason = "the fields are those of the reference's Monitor"
)]
pub struct Settings {
    pub name: String,
    pub target: Target,
    pub interval: Duration,
    pub timeout: Duration,
    pub warn_days: Vec<u32>,
    pub regions: Option<Vec<String>>,
    pub confirm: ConfirmPolicy,
    pub degraded_above_ms: Option<u32>,
    pub tags: Vec<String>,
}

impl Settings {
    /// Fills in the defaults of `spec`.
    pub fn of(spec: &MonitorSpec) -> Self {
        let target = target(spec);
        let interval_seconds = spec.interval_seconds.unwrap_or(DEFAULT_INTERVAL_SECONDS);
        let timeout_ms = spec
            .timeout_ms
            .unwrap_or_else(|| default_timeout_ms(interval_seconds));
        let confirm = spec.confirm.clone().unwrap_or_default();
        let usual = ConfirmPolicy::default();
        Self {
            name: spec.name.clone().unwrap_or_else(|| default_name(&target)),
            interval: Duration::from_secs(interval_seconds.into()),
            timeout: Duration::from_millis(timeout_ms.into()),
            warn_days: spec
                .tls
                .as_ref()
                .and_then(|tls| tls.warn_days.clone())
                .unwrap_or_else(|| DEFAULT_WARN_DAYS.to_vec()),
            regions: spec.regions.clone(),
            confirm: ConfirmPolicy {
                rechecks: confirm.rechecks.unwrap_or(usual.rechecks),
                over: confirm
                    .over_seconds
                    .map_or(usual.over, |s| Duration::from_secs(s.into())),
            },
            degraded_above_ms: spec.degraded_above_ms,
            tags: spec.tags.clone().unwrap_or_default(),
            target,
        }
    }
}

/// The smaller of ten seconds and half the interval.
pub fn default_timeout_ms(interval_seconds: u32) -> u32 {
    interval_seconds.saturating_mul(500).min(10_000)
}

/// Host and path of a URL, `host:port`, or `Heartbeat`; at most 200 characters.
fn default_name(target: &Target) -> String {
    let whole = match target {
        Target::Http(http) => match url::Url::parse(&http.url) {
            Ok(url) => {
                let path = url.path().trim_end_matches('/');
                let port = url
                    .port()
                    .map(|port| format!(":{port}"))
                    .unwrap_or_default();
                format!("{}{port}{path}", url.host_str().unwrap_or_default())
            }
            Err(_) => http.url.clone(),
        },
        Target::Heartbeat(_) => "Heartbeat".to_owned(),
        other => other.display(),
    };
    whole.chars().take(200).collect()
}

fn target(spec: &MonitorSpec) -> Target {
    let host = spec.host.clone().unwrap_or_default();
    match spec.kind().unwrap_or(Kind::Http) {
        Kind::Tcp => Target::Tcp {
            host,
            port: spec.port.unwrap_or(0),
        },
        Kind::Tls => Target::Tls {
            host,
            port: spec.port.unwrap_or(443),
        },
        Kind::Heartbeat => Target::Heartbeat(heartbeat(spec)),
        Kind::Http => {
            let http = spec.http.clone().unwrap_or_default();
            Target::Http(HttpTarget {
                url: spec.url.clone().unwrap_or_default(),
                method: http.method.unwrap_or_else(|| "GET".to_owned()),
                headers: http.headers.unwrap_or_default(),
                body: http.body,
                follow_redirects: http.follow_redirects.unwrap_or(true),
                max_redirects: http.max_redirects.unwrap_or(10),
                expected_status: http
                    .expected_status
                    .unwrap_or_else(|| vec!["200-399".to_owned()]),
                keyword: http.keyword,
                keyword_absent: http.keyword_absent,
                json: http.json.unwrap_or_default(),
                verify_tls: http.verify_tls.unwrap_or(true),
            })
        }
    }
}

fn heartbeat(spec: &MonitorSpec) -> HeartbeatTarget {
    let seconds = |given: Option<u32>, usual| Duration::from_secs(given.unwrap_or(usual).into());
    let rhythm = match &spec.cron {
        Some(cron) => Rhythm::Cron {
            cron: cron.clone(),
            timezone: spec.timezone.clone().unwrap_or_else(|| "UTC".to_owned()),
        },
        None => Rhythm::Period(seconds(spec.period_seconds, DEFAULT_PERIOD_SECONDS)),
    };
    HeartbeatTarget {
        rhythm,
        grace: seconds(spec.grace_seconds, DEFAULT_GRACE_SECONDS),
    }
}
