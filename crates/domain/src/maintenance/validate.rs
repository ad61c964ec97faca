//! What a window must be. Every complaint names its field by JSON pointer, as in the API.

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};

use super::{MaintenanceWindow, Rule, RuleError, Schedule, Targets};
use crate::monitor::validate::{FieldError, check_line};

/// Characters of a name, at most.
pub const MAX_NAME: usize = 200;
/// Monitors that a window names, at most.
pub const MAX_MONITORS: usize = 500;
/// Tags that a window names, at most.
pub const MAX_TAGS: usize = 20;
/// The longest window that is once.
pub const MAX_ONCE: SignedDuration = SignedDuration::from_hours(30 * 24);
/// The shortest occurrence of a rule.
pub const MIN_DURATION_SECONDS: u32 = 60;
/// The longest occurrence of a rule: a week.
pub const MAX_DURATION_SECONDS: u32 = 7 * 86_400;
/// How far ahead a window may lie, and how far back a rule may begin.
const REACH: SignedDuration = SignedDuration::from_hours(5 * 366 * 24);

impl MaintenanceWindow {
    /// What is wrong with it.
    pub fn validate(&self, now: Timestamp) -> Vec<FieldError> {
        let mut errors: Vec<FieldError> = check_line("/name", &self.name, MAX_NAME)
            .err()
            .into_iter()
            .collect();
        errors.extend(self.targets.validate());
        match &self.schedule {
            Schedule::Once(once) => errors.extend(once_errors(once.starts_at, once.ends_at, now)),
            Schedule::Rule(rule) => errors.extend(rule.validate(now)),
        }
        errors
    }
}

impl Targets {
    pub(crate) fn validate(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let ids = self.monitor_ids.as_ref().map(Vec::len);
        if ids.is_some_and(|count| !(1..=MAX_MONITORS).contains(&count)) {
            let message = format!(
                "must have 1 to {MAX_MONITORS} monitors; leave it out, and tags too, for all of them"
            );
            errors.push(FieldError::new("/monitor_ids", "wrong_length", message));
        }
        let Some(tags) = &self.tags else {
            return errors;
        };
        if !(1..=MAX_TAGS).contains(&tags.len()) {
            let message = format!("must have 1 to {MAX_TAGS} tags; leave it out for none");
            errors.push(FieldError::new("/tags", "wrong_length", message));
        }
        for (i, tag) in tags.iter().enumerate().take(MAX_TAGS) {
            errors.extend(check_line(&format!("/tags/{i}"), tag, 50).err());
        }
        errors
    }
}

fn once_errors(starts_at: Timestamp, ends_at: Timestamp, now: Timestamp) -> Option<FieldError> {
    let wrong = |pointer: &str, message: &str| {
        Some(FieldError::new(pointer, "out_of_range", message.to_owned()))
    };
    if ends_at <= starts_at {
        return wrong("/ends_at", "must be after starts_at");
    }
    if ends_at.duration_since(starts_at) > MAX_ONCE {
        return wrong("/ends_at", "must be at most 30 days after starts_at");
    }
    if starts_at.duration_since(now) > REACH {
        return wrong("/starts_at", "must be within five years");
    }
    if now.duration_since(starts_at) > REACH {
        return wrong("/starts_at", "must not lie more than five years back");
    }
    None
}

impl Rule {
    fn validate(&self, now: Timestamp) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let zone = jiff::tz::TimeZone::get(&self.timezone);
        if zone.is_err() {
            let message = "must be the name of a time zone, such as Europe/Berlin";
            errors.push(FieldError::new("/timezone", "unknown_timezone", message));
        }
        if !(MIN_DURATION_SECONDS..=MAX_DURATION_SECONDS).contains(&self.duration_seconds) {
            let message =
                format!("must be between {MIN_DURATION_SECONDS} and {MAX_DURATION_SECONDS}");
            errors.push(FieldError::new(
                "/duration_seconds",
                "out_of_range",
                message,
            ));
        }
        if !is_near(self.local_start, now) {
            let message = "must lie within five years from now";
            errors.push(FieldError::new("/local_start", "out_of_range", message));
        }
        if errors.is_empty()
            && let Err(error) = self.check()
        {
            let code = match error {
                RuleError::Overlaps => "overlaps",
                RuleError::Never => "never",
                _ => "invalid",
            };
            errors.push(FieldError::new("/rrule", code, error.to_string()));
        }
        errors
    }
}

/// To the day, whatever the zone.
fn is_near(local: DateTime, now: Timestamp) -> bool {
    let here = now.to_zoned(jiff::tz::TimeZone::UTC).datetime();
    local.duration_since(here).abs() <= REACH
}
