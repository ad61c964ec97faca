//! The form of a window: for what, and one of four ways to say when.

use domain::ids::MonitorId;
use domain::maintenance::{MaintenanceWindow, Occurrence, Rule, Schedule, Targets};
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::words::{DAYS, weekly};
use crate::extract::{Fields, FormErrors};
use crate::pages::monitors::form::durations::{parse_seconds, seconds_text};
use crate::usecases::UseCaseError;

/// What stands in the fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WindowForm {
    pub name: String,
    /// `all` or `some`.
    pub scope: String,
    pub monitors: Vec<String>,
    pub tags: Vec<String>,
    /// `now`, `once`, `weekly` or `rule`.
    pub when: String,
    pub now_for: String,
    pub from: String,
    pub to: String,
    pub days: Vec<String>,
    pub time: String,
    pub weekly_for: String,
    pub rrule: String,
    pub local_start: String,
    pub rule_for: String,
    pub timezone: String,
}

/// What a form means.
pub struct Parts {
    pub name: String,
    pub targets: Targets,
    pub schedule: Schedule,
}

impl WindowForm {
    /// A form with the usual answers.
    pub fn empty(now: Timestamp, timezone: &str) -> Self {
        let zone = domain::words::zone(timezone);
        let hour = |hours: i64| {
            let at = (now + SignedDuration::from_hours(hours)).to_zoned(zone.clone());
            at.strftime("%Y-%m-%dT%H:00").to_string()
        };
        Self {
            scope: "all".to_owned(),
            when: "now".to_owned(),
            now_for: "30 min".to_owned(),
            from: hour(1),
            to: hour(2),
            time: "02:00".to_owned(),
            weekly_for: "1 h".to_owned(),
            local_start: now.to_zoned(zone).strftime("%Y-%m-%dT02:00").to_string(),
            rule_for: "1 h".to_owned(),
            timezone: timezone.to_owned(),
            ..Self::default()
        }
    }

    /// What was sent.
    pub fn of(fields: &Fields, timezone: &str) -> Self {
        let text = |name: &str| fields.text(name).to_owned();
        let all = |name: &str| fields.all(name).into_iter().map(str::to_owned).collect();
        Self {
            name: text("name"),
            scope: text("scope"),
            monitors: all("monitor"),
            tags: all("tag"),
            when: text("when"),
            now_for: text("now_for"),
            from: text("from"),
            to: text("to"),
            days: all("day"),
            time: text("time"),
            weekly_for: text("weekly_for"),
            rrule: text("rrule"),
            local_start: text("local_start"),
            rule_for: text("rule_for"),
            timezone: fields.optional("timezone").unwrap_or(timezone).to_owned(),
        }
    }

    /// A window as fields.
    pub fn of_window(window: &MaintenanceWindow, now: Timestamp, timezone: &str) -> Self {
        let ids = window.targets.monitor_ids.iter().flatten();
        let mut form = Self {
            name: window.name.clone(),
            scope: if window.targets.is_all() {
                "all"
            } else {
                "some"
            }
            .to_owned(),
            monitors: ids.map(ToString::to_string).collect(),
            tags: window.targets.tags.clone().unwrap_or_default(),
            ..Self::empty(now, timezone)
        };
        match &window.schedule {
            Schedule::Once(once) => {
                let zone = domain::words::zone(timezone);
                form.when = "once".to_owned();
                form.from = local(once.starts_at, &zone);
                form.to = local(once.ends_at, &zone);
            }
            Schedule::Rule(rule) => form.fill_rule(rule),
        }
        form
    }

    fn fill_rule(&mut self, rule: &Rule) {
        let lasts = seconds_text(Some(rule.duration_seconds));
        let start = rule.local_start.strftime("%Y-%m-%dT%H:%M").to_string();
        self.timezone.clone_from(&rule.timezone);
        match weekly(rule) {
            Some(days) => {
                self.when = "weekly".to_owned();
                self.days = days.into_iter().map(str::to_owned).collect();
                self.time = rule.local_start.strftime("%H:%M").to_string();
                self.weekly_for = lasts;
            }
            None => {
                self.when = "rule".to_owned();
                self.rrule.clone_from(&rule.rrule);
                self.rule_for = lasts;
            }
        }
        self.local_start = start;
    }

    /// This way of saying when is chosen.
    pub fn is(&self, when: &str) -> bool {
        self.when == when
    }

    /// A monitor is ticked.
    pub fn has_monitor(&self, id: &str) -> bool {
        self.monitors.iter().any(|one| one == id)
    }

    /// A tag is ticked.
    pub fn has_tag(&self, tag: &str) -> bool {
        self.tags.iter().any(|one| one == tag)
    }

    /// A day is ticked.
    pub fn has_day(&self, day: &str) -> bool {
        self.days.iter().any(|one| one == day)
    }

    /// The zone it is written in; UTC while it names none.
    pub fn zone(&self) -> TimeZone {
        domain::words::zone(&self.timezone)
    }

    /// What it means, or what is wrong with it.
    pub fn parts(&self, now: Timestamp) -> Result<Parts, FormErrors> {
        let mut errors = FormErrors::new();
        let targets = self.targets(&mut errors);
        let schedule = self.schedule(now, &mut errors);
        match schedule {
            Some(schedule) if errors.is_empty() => Ok(Parts {
                name: match self.name.as_str() {
                    "" => "Maintenance".to_owned(),
                    name => name.to_owned(),
                },
                targets,
                schedule,
            }),
            _ => Err(errors),
        }
    }

    fn targets(&self, errors: &mut FormErrors) -> Targets {
        if self.scope != "some" {
            return Targets::default();
        }
        if self.monitors.is_empty() && self.tags.is_empty() {
            errors.add(
                "scope",
                "For: tick at least one monitor or tag, or choose all.",
            );
        }
        let ids: Vec<MonitorId> = self
            .monitors
            .iter()
            .filter_map(|id| id.parse().ok())
            .collect();
        if ids.len() != self.monitors.len() {
            errors.add("scope", "For: one of the monitors does not exist any more.");
        }
        Targets {
            monitor_ids: Some(ids).filter(|ids| !ids.is_empty()),
            tags: Some(self.tags.clone()).filter(|tags| !tags.is_empty()),
        }
    }

    fn schedule(&self, now: Timestamp, errors: &mut FormErrors) -> Option<Schedule> {
        match self.when.as_str() {
            "now" => {
                let seconds = length("now_for", &self.now_for, errors)?;
                let lasts = SignedDuration::from_secs(i64::from(seconds));
                Some(Schedule::Once(Occurrence {
                    starts_at: now,
                    ends_at: now.checked_add(lasts).ok()?,
                }))
            }
            "once" => {
                let zone = self.known_zone(errors);
                let from = moment("from", "Begins", &self.from, errors);
                let to = moment("to", "Ends", &self.to, errors);
                let at = |local: DateTime, zone: &TimeZone| {
                    let zoned = local.to_zoned(zone.clone()).ok()?;
                    Some(zoned.timestamp())
                };
                let zone = zone?;
                Some(Schedule::Once(Occurrence {
                    starts_at: at(from?, &zone)?,
                    ends_at: at(to?, &zone)?,
                }))
            }
            "weekly" => self.weekly(now, errors),
            "rule" => {
                self.known_zone(errors);
                let start = moment("local_start", "First time", &self.local_start, errors);
                let seconds = length("rule_for", &self.rule_for, errors);
                Some(Schedule::Rule(Rule {
                    rrule: self.rrule.clone(),
                    local_start: start?,
                    duration_seconds: seconds?,
                    timezone: self.timezone.clone(),
                }))
            }
            _ => {
                errors.add("when", "When: choose one of the four.");
                None
            }
        }
    }

    fn weekly(&self, now: Timestamp, errors: &mut FormErrors) -> Option<Schedule> {
        let zone = self.known_zone(errors);
        let seconds = length("weekly_for", &self.weekly_for, errors);
        let time: Option<Time> = self.time.parse().ok();
        if time.is_none() {
            errors.add("time", "At: this must be a time of day, such as 02:00.");
        }
        let days = DAYS.iter().map(|(day, _)| *day);
        let days: Vec<&str> = days.filter(|day| self.has_day(day)).collect();
        if days.is_empty() {
            errors.add("day", "Every week on: tick at least one day.");
        }
        // One that began keeps its first day, so that saving without a change changes nothing.
        let kept: Option<DateTime> = self.local_start.parse().ok();
        let first = match kept {
            Some(start) if Some(start.time()) == time => start,
            _ => now.to_zoned(zone?).date().to_datetime(time?),
        };
        Some(Schedule::Rule(Rule {
            rrule: format!("FREQ=WEEKLY;BYDAY={}", days.join(",")),
            local_start: first,
            duration_seconds: seconds?,
            timezone: self.timezone.clone(),
        }))
    }

    fn known_zone(&self, errors: &mut FormErrors) -> Option<TimeZone> {
        let zone = TimeZone::get(&self.timezone).ok();
        if zone.is_none() {
            errors.add(
                "timezone",
                "Time zone: this must be the name of one, such as Europe/Berlin.",
            );
        }
        zone
    }

    /// What a use case complains of, at the fields.
    pub fn complaints(&self, error: UseCaseError) -> Result<FormErrors, UseCaseError> {
        let Some(sentences) = error.field_sentences() else {
            return Err(error);
        };
        let mut errors = FormErrors::new();
        for (pointer, sentence) in sentences {
            let first = pointer.trim_start_matches('/').split('/').next();
            let (field, label) = match (first.unwrap_or_default(), self.when.as_str()) {
                ("monitor_ids" | "tags", _) => ("scope", "For"),
                ("starts_at", "once") => ("from", "Begins"),
                ("ends_at", "once") => ("to", "Ends"),
                ("starts_at" | "ends_at", _) => ("now_for", "Now, for"),
                ("duration_seconds", "weekly") => ("weekly_for", "For"),
                ("duration_seconds", _) => ("rule_for", "For"),
                ("rrule", "weekly") => ("weekly_for", "For"),
                ("rrule", _) => ("rrule", "Rule"),
                ("local_start", _) => ("local_start", "First time"),
                ("timezone", _) => ("timezone", "Time zone"),
                _ => ("name", "Name"),
            };
            errors.add(field, format!("{label}: {}", in_form(&sentence)));
        }
        Ok(errors)
    }
}

/// The API's words for fields and numbers, as the form has them.
fn in_form(sentence: &str) -> String {
    let sentence = sentence.replace("starts_at", "the begin");
    let sentence = sentence.replace("between 60 and 604800", "between 1 min and 7 days");
    let mut letters = sentence.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => sentence,
    }
}

fn local(at: Timestamp, zone: &TimeZone) -> String {
    let at = at.to_zoned(zone.clone());
    let format = if at.second() == 0 {
        "%Y-%m-%dT%H:%M"
    } else {
        "%Y-%m-%dT%H:%M:%S"
    };
    at.strftime(format).to_string()
}

fn moment(field: &str, label: &str, text: &str, errors: &mut FormErrors) -> Option<DateTime> {
    let moment = text.replace(' ', "T").parse().ok();
    if moment.is_none() {
        let wrong = format!("{label}: this must be a day and a time, such as 2026-11-24 02:00.");
        errors.add(field, wrong);
    }
    moment
}

fn length(field: &str, text: &str, errors: &mut FormErrors) -> Option<u32> {
    let seconds = parse_seconds(text).filter(|seconds| *seconds > 0);
    if seconds.is_none() {
        errors.add(
            field,
            "For: this must be a length of time, such as 30 min or 2 h.",
        );
    }
    seconds
}

#[cfg(test)]
mod tests;
