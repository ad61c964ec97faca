//! What a schedule must be. Every complaint names its field by JSON pointer, as in the API.

use jiff::{SignedDuration, Timestamp};

use super::{Layer, Override, Schedule, ShiftUnit, Times};
use crate::monitor::validate::{FieldError, check_line};

/// Characters of a name, at most.
pub const MAX_NAME: usize = 200;
/// Layers of a schedule, at most.
pub const MAX_LAYERS: usize = 10;
/// Participants of a layer, at most.
pub const MAX_PARTICIPANTS: usize = 50;
/// Times of the week of a layer, at most.
pub const MAX_TIMES: usize = 14;
/// The longest override.
pub const MAX_OVERRIDE: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Overrides of a schedule that are not over, at most.
pub const MAX_OVERRIDES: u32 = 200;
/// How far ahead and back a time may lie.
const REACH: SignedDuration = SignedDuration::from_hours(5 * 366 * 24);

impl ShiftUnit {
    /// The longest turn: half a year.
    pub const fn most(self) -> u32 {
        match self {
            Self::Hour => 720,
            Self::Day => 182,
            Self::Week => 26,
        }
    }
}

impl Schedule {
    /// What is wrong with it.
    pub fn validate(&self, now: Timestamp) -> Vec<FieldError> {
        let mut errors: Vec<FieldError> = check_line("/name", &self.name, MAX_NAME)
            .err()
            .into_iter()
            .collect();
        if jiff::tz::TimeZone::get(&self.timezone).is_err() {
            let message = "must be the name of a time zone, such as Europe/Berlin";
            errors.push(FieldError::new("/timezone", "unknown_timezone", message));
        }
        if !(1..=MAX_LAYERS).contains(&self.layers.len()) {
            let message = format!("must have 1 to {MAX_LAYERS} layers");
            errors.push(FieldError::new("/layers", "wrong_length", message));
        }
        for (i, layer) in self.layers.iter().enumerate().take(MAX_LAYERS) {
            errors.extend(layer.validate(&format!("/layers/{i}"), now));
        }
        errors
    }
}

impl Layer {
    fn validate(&self, at: &str, now: Timestamp) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut wrong = |field: &str, code, message: String| {
            errors.push(FieldError::new(format!("{at}/{field}"), code, message));
        };
        if !(1..=MAX_PARTICIPANTS).contains(&self.participants.len()) {
            let message = format!("must have 1 to {MAX_PARTICIPANTS} participants");
            wrong("participants", "wrong_length", message);
        }
        let most = self.shift_unit.most();
        if !(1..=most).contains(&self.shift_count) {
            let message = format!("must be between 1 and {most}");
            wrong("shift_count", "out_of_range", message);
        }
        if self.local_start.second() != 0 || self.local_start.subsec_nanosecond() != 0 {
            let message = "must be a whole minute".to_owned();
            wrong("local_start", "out_of_range", message);
        }
        // To the day, whatever the zone.
        let here = now.to_zoned(jiff::tz::TimeZone::UTC).datetime();
        if self.local_start.duration_since(here).abs() > REACH {
            let message = "must lie within five years from now".to_owned();
            wrong("local_start", "out_of_range", message);
        }
        let Some(times) = &self.times else {
            return errors;
        };
        if !(1..=MAX_TIMES).contains(&times.len()) {
            let message =
                format!("must have 1 to {MAX_TIMES} times of the week; leave it out for always");
            wrong("times", "wrong_length", message);
        }
        for (i, one) in times.iter().enumerate().take(MAX_TIMES) {
            errors.extend(one.validate(&format!("{at}/times/{i}")));
        }
        errors
    }
}

impl Times {
    fn validate(&self, at: &str) -> Option<FieldError> {
        if self.days.is_empty() {
            let message = "must have at least one day";
            return Some(FieldError::new(
                format!("{at}/days"),
                "wrong_length",
                message,
            ));
        }
        let mut days = self.days.iter().enumerate();
        let (place, _) = days.find(|(i, day)| self.days[..*i].contains(day))?;
        let pointer = format!("{at}/days/{place}");
        Some(FieldError::new(pointer, "duplicate", "must be named once"))
    }
}

impl Override {
    /// What is wrong with one that is to be made.
    pub fn validate(&self, now: Timestamp) -> Vec<FieldError> {
        let wrong = |pointer: &str, message: &str| {
            vec![FieldError::new(pointer, "out_of_range", message.to_owned())]
        };
        if self.ends_at <= self.starts_at {
            return wrong("/ends_at", "must be after starts_at");
        }
        if self.ends_at <= now {
            return wrong("/ends_at", "must be in the future");
        }
        if self.ends_at.duration_since(self.starts_at) > MAX_OVERRIDE {
            return wrong("/ends_at", "must be at most 90 days after starts_at");
        }
        if self.starts_at.duration_since(now) > REACH {
            return wrong("/starts_at", "must be within five years");
        }
        Vec::new()
    }
}
