//! When a heartbeat is expected.

use jiff::tz::TimeZone;

use super::complaints::Complaints;
use crate::heartbeat::{Cron, LONGEST_SECONDS, SHORTEST_SECONDS};
use crate::monitor::spec::{Kind, MonitorSpec};

/// The fields of a heartbeat: right in one, and left out in every other kind.
pub(super) fn check(spec: &MonitorSpec, complaints: &mut Complaints) {
    let Some(kind) = spec.kind() else { return };
    if kind != Kind::Heartbeat {
        let given = [
            ("/period_seconds", spec.period_seconds.is_some()),
            ("/grace_seconds", spec.grace_seconds.is_some()),
            ("/cron", spec.cron.is_some()),
            ("/timezone", spec.timezone.is_some()),
        ];
        for (pointer, _) in given.into_iter().filter(|(_, given)| *given) {
            let message = format!(
                "must be left out: a {} monitor has no such field",
                kind.as_str()
            );
            complaints.add(pointer, "unexpected_field", message);
        }
        return;
    }
    for (pointer, seconds) in [
        ("/period_seconds", spec.period_seconds),
        ("/grace_seconds", spec.grace_seconds),
    ] {
        complaints.range(pointer, seconds, SHORTEST_SECONDS, LONGEST_SECONDS);
    }
    let Some(cron) = &spec.cron else {
        if spec.timezone.is_some() {
            let message = "must be left out: a period is the same in every time zone";
            complaints.add("/timezone", "unexpected_field", message);
        }
        return;
    };
    if spec.period_seconds.is_some() {
        let message = "must be left out when cron is given";
        complaints.add("/period_seconds", "conflict", message);
    }
    if let Err(error) = Cron::parse(cron) {
        complaints.add("/cron", "invalid_cron", error.to_string());
    }
    if let Some(zone) = &spec.timezone
        && TimeZone::get(zone).is_err()
    {
        let message = "must be an IANA time zone such as Europe/Berlin";
        complaints.add("/timezone", "unknown_timezone", message);
    }
}
