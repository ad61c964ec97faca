//! What a monitor's settings must be. Every complaint names its field by JSON pointer (RFC 6901).
//!
//! All complaints are found at once. To add a field: a line in [`validate`] or in the check of its
//! block, and a row in the table of `tests`.

mod complaints;
mod heartbeat;
mod http;
mod kinds;
mod status;

use crate::account::Limits;
use crate::alert::dependency::MOST_PARENTS;
use crate::target::AddressPolicy;

use self::complaints::{Complaints, Text};
pub use self::status::{StatusRangeError, parse_status_range, parse_status_ranges};
use super::settings::{DOMAIN_INTERVAL_SECONDS, default_interval_seconds, default_timeout_ms};
use super::spec::{Kind, MonitorSpec};

/// The longest interval: a day.
pub const MAX_INTERVAL_SECONDS: u32 = 86_400;

/// One thing wrong with what was sent.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FieldError {
    /// JSON pointer of the field, such as `/http/headers`.
    pub pointer: String,
    /// A stable word, such as `out_of_range`.
    pub code: &'static str,
    /// One sentence that begins with a verb phrase, such as "must be between 60 and 86400".
    pub message: String,
}

impl FieldError {
    /// A complaint about the field at `pointer`.
    pub fn new(pointer: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            code,
            message: message.into(),
        }
    }
}

/// Checks one line that people read, such as a name: not empty, at most `most` characters, no line
/// breaks, no marks that turn the direction of writing.
pub fn check_line(pointer: &str, text: &str, most: usize) -> Result<(), FieldError> {
    let mut complaints = Complaints::default();
    complaints.text(pointer, text, most, Text::Line);
    complaints.into_vec().into_iter().next().map_or(Ok(()), Err)
}

/// Checks a whole monitor against the bounds of the reference, the plan and the address policy.
pub fn validate(spec: &MonitorSpec, limits: &Limits, policy: AddressPolicy) -> Vec<FieldError> {
    let mut complaints = Complaints::default();
    kinds::check(spec, policy, &mut complaints);
    heartbeat::check(spec, &mut complaints);
    if spec.kind().is_none_or(Kind::looks) {
        timing(spec, limits, &mut complaints);
    }
    names(spec, &mut complaints);
    if let Some(http) = &spec.http {
        http::check(http, policy, &mut complaints);
    }
    if let Some(contacts) = &spec.contact_ids {
        if spec.policy_id.is_some() {
            complaints.add(
                "/contact_ids",
                "conflict",
                "must be left out when policy_id is given",
            );
        }
        complaints.distinct("/contact_ids", contacts);
    }
    if let Some(parents) = &spec.depends_on {
        complaints.count("/depends_on", parents.len(), 0, MOST_PARENTS);
        complaints.distinct("/depends_on", parents);
    }
    complaints.into_vec()
}

fn timing(spec: &MonitorSpec, limits: &Limits, complaints: &mut Complaints) {
    let kind = spec.kind().unwrap_or(Kind::Http);
    if kind == Kind::Domain {
        if spec
            .interval_seconds
            .is_some_and(|seconds| seconds != DOMAIN_INTERVAL_SECONDS)
        {
            let message = "must be 86400: a registration is looked at once a day";
            complaints.add("/interval_seconds", "out_of_range", message);
        }
    } else {
        complaints.range(
            "/interval_seconds",
            spec.interval_seconds,
            limits.min_interval_seconds,
            MAX_INTERVAL_SECONDS,
        );
    }
    complaints.range("/timeout_ms", spec.timeout_ms, 500, 60_000);
    let interval = spec
        .interval_seconds
        .unwrap_or_else(|| default_interval_seconds(kind));
    let timeout = spec
        .timeout_ms
        .unwrap_or_else(|| default_timeout_ms(interval));
    let too_long = u64::from(timeout) >= u64::from(interval) * 1_000;
    if too_long && complaints.is_clean("/timeout_ms") && complaints.is_clean("/interval_seconds") {
        let message = format!(
            "must be less than the interval ({} ms)",
            u64::from(interval) * 1_000
        );
        complaints.add("/timeout_ms", "out_of_range", message);
    }
    complaints.range("/degraded_above_ms", spec.degraded_above_ms, 1, timeout);
    if let Some(confirm) = &spec.confirm {
        complaints.range("/confirm/rechecks", confirm.rechecks, 0, 5);
        complaints.range("/confirm/over_seconds", confirm.over_seconds, 0, 600);
    }
}

fn names(spec: &MonitorSpec, complaints: &mut Complaints) {
    if let Some(name) = &spec.name {
        complaints.text("/name", name, 200, Text::Line);
    }
    if let Some(key) = &spec.key {
        complaints.text("/key", key, 100, Text::Key);
    }
    if let Some(tags) = &spec.tags {
        complaints.count("/tags", tags.len(), 0, 20);
        complaints.distinct("/tags", tags);
        for (i, tag) in tags.iter().enumerate() {
            complaints.text(&format!("/tags/{i}"), tag, 50, Text::Line);
        }
    }
    if let Some(regions) = &spec.regions {
        complaints.count("/regions", regions.len(), 1, 50);
        complaints.distinct("/regions", regions);
        for (i, region) in regions.iter().enumerate() {
            complaints.text(&format!("/regions/{i}"), region, 50, Text::Key);
        }
    }
}

#[cfg(test)]
mod tests;
