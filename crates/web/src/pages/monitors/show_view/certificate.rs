//! The certificate of a monitor's target.

use domain::words;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use store::certificates::Stored as Certificate;

use super::Facts;
use crate::view::Moment;

/// A certificate.
pub struct CertificateView {
    pub names: String,
    pub issuer: String,
    pub not_after: Moment,
    pub days: String,
    pub is_near: bool,
    pub problem: Option<&'static str>,
    pub chain: Vec<String>,
    pub key: String,
    pub serial: String,
    pub next_warning: Option<String>,
}

pub(super) fn shown(facts: &Facts, warn_days: &[u32], zone: &TimeZone) -> Option<CertificateView> {
    let found = facts.certificate.as_ref()?;
    Some(certificate(found, warn_days, facts.now, zone))
}

fn certificate(
    found: &Certificate,
    warn_days: &[u32],
    now: Timestamp,
    zone: &TimeZone,
) -> CertificateView {
    let leaf = found.facts.leaf();
    let not_after = found.facts.not_after().unwrap_or(found.seen_at);
    let left = not_after.duration_since(now);
    let days = left.as_hours().div_euclid(24);
    let mut thresholds: Vec<i64> = warn_days.iter().map(|days| i64::from(*days)).collect();
    thresholds.sort_unstable_by(|a, b| b.cmp(a));
    let next = thresholds.iter().find(|threshold| **threshold <= days);
    CertificateView {
        names: leaf
            .map(|leaf| {
                if leaf.names.is_empty() {
                    leaf.subject.clone()
                } else {
                    leaf.names.join(", ")
                }
            })
            .unwrap_or_default(),
        issuer: leaf.map(|leaf| leaf.issuer.clone()).unwrap_or_default(),
        not_after: Moment::new(not_after, zone.clone()),
        days: match days {
            ..0 => "expired".to_owned(),
            0 => "less than a day left".to_owned(),
            1 => "1 day left".to_owned(),
            days => format!("{days} days left"),
        },
        is_near: thresholds.first().is_some_and(|first| days <= *first),
        problem: found.facts.problem.map(|class| class.phrase()),
        chain: found
            .facts
            .chain
            .iter()
            .map(|part| format!("{} by {}", part.subject, part.issuer))
            .collect(),
        key: leaf.map(|leaf| leaf.key.clone()).unwrap_or_default(),
        serial: leaf.map(|leaf| leaf.serial.clone()).unwrap_or_default(),
        next_warning: next.map(|threshold| {
            let at = not_after - SignedDuration::from_hours(24 * threshold);
            words::day(at, zone)
        }),
    }
}
