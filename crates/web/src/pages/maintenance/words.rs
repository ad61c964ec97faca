//! Windows in words: when they are and for what.

use domain::maintenance::{MaintenanceWindow, Occurrence, Rule, Schedule};
use domain::words;
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use store::monitors::Listed;

/// The days of a week as a rule writes them and as people do.
pub const DAYS: [(&str, &str); 7] = [
    ("MO", "Monday"),
    ("TU", "Tuesday"),
    ("WE", "Wednesday"),
    ("TH", "Thursday"),
    ("FR", "Friday"),
    ("SA", "Saturday"),
    ("SU", "Sunday"),
];

/// For what: `All monitors`, `Shop, Blog and the tag prod`.
pub fn targets(window: &MaintenanceWindow, monitors: &[Listed]) -> String {
    if window.targets.is_all() {
        return "All monitors".to_owned();
    }
    let ids = window.targets.monitor_ids.as_deref().unwrap_or_default();
    let mut parts: Vec<String> = ids
        .iter()
        .take(3)
        .map(|id| {
            let found = monitors.iter().find(|listed| listed.monitor.id == *id);
            found.map_or_else(
                || "a monitor that is gone".to_owned(),
                |listed| listed.monitor.settings().name,
            )
        })
        .collect();
    if ids.len() > 3 {
        parts.push(format!("{} more", ids.len() - 3));
    }
    let tags = window.targets.tags.as_deref().unwrap_or_default();
    parts.extend(tags.iter().map(|tag| format!("tag {tag}")));
    parts.join(", ")
}

/// When: `Every Tuesday at 02:00 for 1 h, Europe/Berlin`.
pub fn schedule(window: &MaintenanceWindow, zone: &TimeZone) -> String {
    match &window.schedule {
        Schedule::Once(once) => span(once, zone),
        Schedule::Rule(rule) => {
            let lasts =
                words::duration(SignedDuration::from_secs(i64::from(rule.duration_seconds)));
            let time = rule.local_start.strftime("%H:%M");
            let how = match weekly(rule) {
                Some(days) if days.len() == 7 => "Every day".to_owned(),
                Some(days) => format!("Every {}", named(&days)),
                None => format!("By the rule {}", rule.rrule),
            };
            format!("{how} at {time} for {lasts}, {}", rule.timezone)
        }
    }
}

/// `Tue 24 Nov 2026, 02:00 to 03:00 UTC+1`, with both days where they differ.
pub fn span(one: &Occurrence, zone: &TimeZone) -> String {
    let (from, to) = (
        one.starts_at.to_zoned(zone.clone()),
        one.ends_at.to_zoned(zone.clone()),
    );
    let format = |at: &jiff::Zoned| match at.second() {
        0 => at.strftime("%H:%M").to_string(),
        _ => at.strftime("%H:%M:%S").to_string(),
    };
    let clock = |at: &jiff::Zoned| {
        let whole = words::clock(at.timestamp(), zone);
        let offset = whole
            .split_once(' ')
            .map_or("", |(_, offset)| offset)
            .to_owned();
        format!("{} {offset}", format(at))
    };
    let day = words::day(one.starts_at, zone);
    if from.date() == to.date() && from.offset() == to.offset() {
        return format!("{day}, {} to {}", format(&from), clock(&to));
    }
    let last = words::day(one.ends_at, zone);
    format!("{day}, {} to {last}, {}", clock(&from), clock(&to))
}

/// The days of a rule that is plainly every week.
pub fn weekly(rule: &Rule) -> Option<Vec<&'static str>> {
    let days = rule.rrule.strip_prefix("FREQ=WEEKLY;BYDAY=")?;
    days.split(',')
        .map(|day| {
            DAYS.iter()
                .find(|(word, _)| *word == day)
                .map(|(word, _)| *word)
        })
        .collect()
}

fn named(days: &[&str]) -> String {
    let names = DAYS.iter().filter(|(word, _)| days.contains(word));
    names.map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(rrule: &str) -> MaintenanceWindow {
        MaintenanceWindow {
            id: domain::ids::MaintenanceWindowId::generate(),
            name: "Deploy".into(),
            targets: domain::maintenance::Targets::default(),
            schedule: Schedule::Rule(Rule {
                rrule: rrule.into(),
                local_start: "2026-11-24T02:00".parse().unwrap(),
                duration_seconds: 3_600,
                timezone: "Europe/Berlin".into(),
            }),
            ended_at: None,
            created_at: jiff::Timestamp::UNIX_EPOCH,
            updated_at: jiff::Timestamp::UNIX_EPOCH,
            version: 1,
        }
    }

    #[test]
    fn windows_are_read_in_a_line() {
        let said = |rrule| schedule(&rule(rrule), &TimeZone::UTC);
        assert_eq!(
            said("FREQ=WEEKLY;BYDAY=TU,FR"),
            "Every Tuesday, Friday at 02:00 for 1 h, Europe/Berlin"
        );
        assert_eq!(
            said("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU"),
            "Every day at 02:00 for 1 h, Europe/Berlin"
        );
        assert_eq!(
            said("FREQ=MONTHLY;BYDAY=2SU"),
            "By the rule FREQ=MONTHLY;BYDAY=2SU at 02:00 for 1 h, Europe/Berlin"
        );
        assert_eq!(targets(&rule(""), &[]), "All monitors");
    }

    #[test]
    fn a_time_over_midnight_or_a_change_of_clocks_says_both_ends() {
        let berlin = words::zone("Europe/Berlin");
        let said = |from: &str, to: &str| {
            let one = Occurrence {
                starts_at: from.parse().unwrap(),
                ends_at: to.parse().unwrap(),
            };
            span(&one, &berlin)
        };
        assert_eq!(
            said("2026-11-24T01:00:00Z", "2026-11-24T02:00:30Z"),
            "Tue 24 Nov 2026, 02:00 to 03:00:30 UTC+1"
        );
        assert_eq!(
            said("2026-11-24T22:30:00Z", "2026-11-24T23:30:00Z"),
            "Tue 24 Nov 2026, 23:30 UTC+1 to Wed 25 Nov 2026, 00:30 UTC+1"
        );
        assert_eq!(
            said("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"),
            "Sun 25 Oct 2026, 02:30 UTC+2 to Sun 25 Oct 2026, 02:30 UTC+1"
        );
    }
}
