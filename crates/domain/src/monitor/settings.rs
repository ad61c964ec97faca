//! A monitor's settings with every default filled in.

use std::time::Duration;

use super::spec::{Kind, MonitorSpec};
use super::targets::Target;

/// Seconds between looks unless the owner says otherwise.
pub const DEFAULT_INTERVAL_SECONDS: u32 = 60;
/// Seconds between looks at a domain's registration: registries answer strangers a few times a day.
pub const DOMAIN_INTERVAL_SECONDS: u32 = 86_400;
/// Days before expiry at which a certificate is spoken of unless the owner says otherwise.
pub const DEFAULT_WARN_DAYS: [u32; 5] = [30, 14, 7, 3, 1];

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
    pub dns_cache: bool,
    pub tags: Vec<String>,
}

impl Settings {
    /// Fills in the defaults of `spec`.
    pub fn of(spec: &MonitorSpec) -> Self {
        let target = Target::of(spec);
        let interval_seconds = spec
            .interval_seconds
            .unwrap_or_else(|| default_interval_seconds(target.kind()));
        let timeout_ms = spec
            .timeout_ms
            .unwrap_or_else(|| default_timeout_ms(interval_seconds));
        let confirm = spec.confirm.clone().unwrap_or_default();
        let usual = ConfirmPolicy::default();
        Self {
            name: spec.name.clone().unwrap_or_else(|| default_name(&target)),
            interval: Duration::from_secs(interval_seconds.into()),
            timeout: Duration::from_millis(timeout_ms.into()),
            warn_days: warn_days(spec).unwrap_or_else(|| DEFAULT_WARN_DAYS.to_vec()),
            regions: spec.regions.clone(),
            confirm: ConfirmPolicy {
                rechecks: confirm.rechecks.unwrap_or(usual.rechecks),
                over: confirm
                    .over_seconds
                    .map_or(usual.over, |s| Duration::from_secs(s.into())),
            },
            degraded_above_ms: spec.degraded_above_ms,
            dns_cache: spec.dns_cache.unwrap_or(true),
            tags: spec.tags.clone().unwrap_or_default(),
            target,
        }
    }
}

/// What the owner wrote of warnings: in the block of the certificate or of the registration.
fn warn_days(spec: &MonitorSpec) -> Option<Vec<u32>> {
    let tls = spec.tls.as_ref().and_then(|tls| tls.warn_days.as_ref());
    let domain = spec.domain.as_ref().and_then(|of| of.warn_days.as_ref());
    tls.or(domain).cloned()
}

/// A day for registrations, a minute for everything else.
pub const fn default_interval_seconds(kind: Kind) -> u32 {
    match kind {
        Kind::Domain => DOMAIN_INTERVAL_SECONDS,
        _ => DEFAULT_INTERVAL_SECONDS,
    }
}

/// The smaller of ten seconds and half the interval.
pub fn default_timeout_ms(interval_seconds: u32) -> u32 {
    interval_seconds.saturating_mul(500).min(10_000)
}

/// Host and path of a URL, else what people see as the address, or `Heartbeat`; at most 200
/// characters.
fn default_name(target: &Target) -> String {
    let whole = match target.url() {
        Some(text) => match url::Url::parse(text) {
            Ok(url) => {
                let path = url.path().trim_end_matches('/');
                let port = url
                    .port()
                    .map(|port| format!(":{port}"))
                    .unwrap_or_default();
                format!("{}{port}{path}", url.host_str().unwrap_or_default())
            }
            Err(_) => text.to_owned(),
        },
        None if target.heartbeat().is_some() => "Heartbeat".to_owned(),
        None => target.display(),
    };
    whole.chars().take(200).collect()
}
