//! The form of a schedule: a group of fields a layer. A layer without anybody is left out, so that
//! emptying it removes it; so is a line of times without a day.

use domain::oncall::{
    Day, Layer, MAX_LAYERS, MAX_PARTICIPANTS, MAX_TIMES, Participant, Schedule, ShiftUnit, Times,
};
use jiff::civil::{DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::extract::{Fields, FormErrors};
use crate::usecases::UseCaseError;

/// Free places after the last participant.
const ROOM: usize = 2;

/// What stands in the fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScheduleForm {
    pub name: String,
    pub timezone: String,
    pub layers: Vec<LayerFields>,
}

/// The fields of a layer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LayerFields {
    /// Ids in order; empty ones are free places.
    pub people: Vec<String>,
    pub count: String,
    pub unit: String,
    pub start: String,
    pub times: Vec<TimesFields>,
}

/// The fields of some times of the week.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TimesFields {
    pub days: Vec<String>,
    pub from: String,
    pub to: String,
}

/// What a form means.
pub struct Parts {
    pub name: String,
    pub timezone: String,
    pub layers: Vec<Layer>,
}

impl TimesFields {
    /// A day is ticked.
    pub fn has(&self, day: &Day) -> bool {
        self.days.iter().any(|one| one == day.as_str())
    }
}

impl LayerFields {
    /// The unit is chosen.
    pub fn is(&self, unit: &str) -> bool {
        self.unit == unit
    }

    /// Somebody is in it.
    fn is_used(&self) -> bool {
        self.people.iter().any(|id| !id.is_empty())
    }

    /// It is only at some times.
    pub fn has_times(&self) -> bool {
        self.times.iter().any(|one| !one.days.is_empty())
    }

    fn usual(now: Timestamp, zone: &TimeZone) -> Self {
        let local = zone.to_datetime(now);
        let today = local.date();
        let mut behind = i32::from(today.weekday().since(Weekday::Monday));
        if behind == 0 && local.hour() < 9 {
            // Somebody is on call at once.
            behind = 7;
        }
        let monday = today.checked_sub(behind.days()).unwrap_or(today);
        Self {
            count: "1".to_owned(),
            unit: ShiftUnit::Week.as_str().to_owned(),
            start: format!("{monday}T09:00"),
            ..Self::default()
        }
    }

    fn of(fields: &Fields, i: usize) -> Self {
        let text = |name: &str| fields.text(&format!("{name}-{i}")).to_owned();
        let owned = |all: Vec<&str>| all.into_iter().map(str::to_owned).collect();
        let times = (0..=MAX_TIMES)
            .take_while(|j| fields.has(&format!("from-{i}-{j}")))
            .map(|j| TimesFields {
                days: owned(fields.all(&format!("day-{i}-{j}"))),
                from: fields.text(&format!("from-{i}-{j}")).to_owned(),
                to: fields.text(&format!("to-{i}-{j}")).to_owned(),
            });
        Self {
            people: owned(fields.all(&format!("person-{i}"))),
            count: text("count"),
            unit: text("unit"),
            start: text("start"),
            times: times.collect(),
        }
    }

    fn of_layer(layer: &Layer) -> Self {
        let times = layer.times.iter().flatten().map(|one| TimesFields {
            days: one.days.iter().map(|day| day.as_str().to_owned()).collect(),
            from: one.from.strftime("%H:%M").to_string(),
            to: one.to.strftime("%H:%M").to_string(),
        });
        Self {
            people: layer.participants.iter().map(ToString::to_string).collect(),
            count: layer.shift_count.to_string(),
            unit: layer.shift_unit.as_str().to_owned(),
            start: layer.local_start.strftime("%Y-%m-%dT%H:%M").to_string(),
            times: times.collect(),
        }
    }

    /// Free places behind what is filled in.
    fn with_room(mut self) -> Self {
        self.people.retain(|id| !id.is_empty());
        let wanted = (self.people.len() + ROOM).clamp(3, MAX_PARTICIPANTS);
        self.people
            .resize(wanted.max(self.people.len()), String::new());
        self.times.retain(|one| !one.days.is_empty());
        if self.times.len() < MAX_TIMES {
            self.times.push(TimesFields {
                days: Vec::new(),
                from: "09:00".to_owned(),
                to: "17:00".to_owned(),
            });
        }
        self
    }

    fn layer(&self, i: usize, errors: &mut FormErrors) -> Option<Layer> {
        let label = format!("Rotation {}", i + 1);
        let participants: Option<Vec<Participant>> = self
            .people
            .iter()
            .filter(|id| !id.is_empty())
            .map(|id| id.parse().ok())
            .collect();
        if participants.is_none() {
            errors.add(
                &format!("layer-{i}"),
                format!("{label}: somebody in it does not exist any more."),
            );
        }
        let count = self.count.parse().ok();
        if count.is_none() {
            let wrong = format!("{label}, handed over every: this must be a whole number.");
            errors.add(&format!("count-{i}"), wrong);
        }
        let start: Option<DateTime> = self.start.replace(' ', "T").parse().ok();
        if start.is_none() {
            let wrong = format!(
                "{label}, first handover: this must be a day and a time, such as 2026-11-23 09:00."
            );
            errors.add(&format!("start-{i}"), wrong);
        }
        let mut times = Vec::new();
        for (j, one) in self
            .times
            .iter()
            .enumerate()
            .filter(|(_, one)| !one.days.is_empty())
        {
            times.push(one.times(&label, (i, j), errors)?);
        }
        Some(Layer {
            participants: participants?,
            shift_unit: ShiftUnit::parse(&self.unit)?,
            shift_count: count?,
            local_start: start?,
            times: Some(times).filter(|times| !times.is_empty()),
        })
    }
}

impl TimesFields {
    fn times(&self, label: &str, (i, j): (usize, usize), errors: &mut FormErrors) -> Option<Times> {
        let mut time = |name: &str, text: &str| {
            let time: Option<Time> = text.parse().ok();
            if time.is_none() {
                let wrong = format!("{label}, {name}: this must be a time of day, such as 09:00.");
                errors.add(&format!("{name}-{i}-{j}"), wrong);
            }
            time
        };
        let (from, to) = (time("from", &self.from), time("to", &self.to));
        let days = Day::ALL.into_iter().filter(|day| self.has(day));
        Some(Times {
            days: days.collect(),
            from: from?,
            to: to?,
        })
    }
}

impl ScheduleForm {
    /// A form with the usual answers.
    pub fn empty(now: Timestamp, timezone: &str) -> Self {
        let zone = domain::words::zone(timezone);
        Self {
            name: String::new(),
            timezone: timezone.to_owned(),
            layers: vec![LayerFields::usual(now, &zone)],
        }
    }

    /// What was sent.
    pub fn of(fields: &Fields) -> Self {
        let layers = (0..MAX_LAYERS)
            .take_while(|i| fields.has(&format!("count-{i}")))
            .map(|i| LayerFields::of(fields, i));
        Self {
            name: fields.text("name").to_owned(),
            timezone: fields.text("timezone").to_owned(),
            layers: layers.collect(),
        }
    }

    /// A schedule as fields.
    pub fn of_schedule(schedule: &Schedule, now: Timestamp) -> Self {
        let mut form = Self {
            name: schedule.name.clone(),
            timezone: schedule.timezone.clone(),
            layers: schedule.layers.iter().map(LayerFields::of_layer).collect(),
        };
        if form.layers.is_empty() {
            form.layers = Self::empty(now, &schedule.timezone).layers;
        }
        form
    }

    /// With free places to fill in.
    #[must_use]
    pub fn with_room(mut self) -> Self {
        self.layers = self
            .layers
            .into_iter()
            .map(LayerFields::with_room)
            .collect();
        self
    }

    /// One more layer.
    #[must_use]
    pub fn with_one_more(mut self, now: Timestamp) -> Self {
        if self.layers.len() < MAX_LAYERS {
            let zone = domain::words::zone(&self.timezone);
            self.layers.push(LayerFields::usual(now, &zone));
        }
        self
    }

    /// What it means, or what is wrong with it.
    pub fn parts(&self) -> Result<Parts, FormErrors> {
        let mut errors = FormErrors::new();
        let layers: Vec<Layer> = self
            .used()
            .filter_map(|(i, layer)| layer.layer(i, &mut errors))
            .collect();
        if self.used().next().is_none() {
            errors.add(
                "layer-0",
                "Rotation 1: somebody must be in it. Choose at least one person.",
            );
        }
        if errors.is_empty() {
            Ok(Parts {
                name: self.name.clone(),
                timezone: self.timezone.clone(),
                layers,
            })
        } else {
            Err(errors)
        }
    }

    /// The layers that somebody is in, with their places on the page.
    fn used(&self) -> impl Iterator<Item = (usize, &LayerFields)> {
        let layers = self.layers.iter().enumerate();
        layers.filter(|(_, layer)| layer.is_used())
    }

    /// What a use case complains of, at the fields.
    pub fn complaints(&self, error: UseCaseError) -> Result<FormErrors, UseCaseError> {
        let Some(sentences) = error.field_sentences() else {
            return Err(error);
        };
        let mut errors = FormErrors::new();
        for (pointer, sentence) in sentences {
            let mut parts = pointer.trim_start_matches('/').split('/');
            let (first, place, part) = (parts.next(), parts.next(), parts.next());
            let row = place
                .and_then(|place| place.parse().ok())
                .and_then(|place| self.used().nth(place))
                .map_or(0, |(row, _)| row);
            let field = match (first, part) {
                (Some("timezone"), _) => "timezone".to_owned(),
                (Some("layers"), Some("shift_count")) => format!("count-{row}"),
                (Some("layers"), Some("local_start")) => format!("start-{row}"),
                (Some("layers"), _) => format!("layer-{row}"),
                _ => "name".to_owned(),
            };
            errors.add(&field, sentence);
        }
        Ok(errors)
    }
}

#[cfg(test)]
mod tests {
    use domain::ids::{ContactId, ScheduleId};
    use domain::monitor::validate::FieldError;

    use super::*;

    fn now() -> Timestamp {
        "2026-11-22T13:02:11Z".parse().unwrap()
    }

    fn form(pairs: &[(&str, &str)]) -> ScheduleForm {
        let body: String = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        ScheduleForm::of(&Fields::parse(body.as_bytes()))
    }

    fn layer<'p>(id: &'p str, more: &[(&'p str, &'p str)]) -> Vec<(&'p str, &'p str)> {
        let mut pairs = vec![
            ("name", "Night"),
            ("timezone", "Europe/Berlin"),
            ("person-0", id),
            ("person-0", ""),
            ("count-0", "2"),
            ("unit-0", "week"),
            ("start-0", "2026-11-23T09:00"),
        ];
        for (name, value) in more {
            pairs.retain(|(known, _)| known != name);
            pairs.push((name, value));
        }
        pairs
    }

    #[test]
    fn a_schedule_comes_back_as_it_was_typed() {
        let kim = ContactId::generate().to_string();
        let mut pairs = layer(&kim, &[]);
        pairs.extend([
            ("day-0-0", "MO"),
            ("day-0-0", "FR"),
            ("from-0-0", "22:00"),
            ("to-0-0", "06:00"),
            ("from-0-1", "09:00"),
            ("to-0-1", "17:00"),
            ("count-1", "1"),
            ("unit-1", "day"),
            ("start-1", "2026-11-23T09:00"),
        ]);
        let parts = form(&pairs).parts().ok().unwrap();
        assert_eq!(parts.layers.len(), 1, "a layer without anybody is left out");
        assert_eq!(parts.layers[0].times.as_ref().unwrap().len(), 1);
        let schedule = Schedule {
            members: None,
            id: ScheduleId::generate(),
            name: parts.name,
            timezone: parts.timezone,
            layers: parts.layers,
            created_at: now(),
            updated_at: now(),
            version: 1,
        };
        assert_eq!(schedule.validate(now()), []);
        let again = ScheduleForm::of_schedule(&schedule, now()).with_room();
        assert_eq!(again.layers[0].people.len(), 3);
        assert_eq!(again.parts().ok().unwrap().layers, schedule.layers);
    }

    #[test]
    fn what_is_wrong_is_at_its_field() {
        let kim = ContactId::generate().to_string();
        for (more, field) in [
            (vec![("person-0", "")], "layer-0"),
            (vec![("person-0", "con_x")], "layer-0"),
            (vec![("count-0", "many")], "count-0"),
            (vec![("start-0", "soon")], "start-0"),
            (
                vec![("day-0-0", "MO"), ("from-0-0", "9"), ("to-0-0", "10:00")],
                "from-0-0",
            ),
        ] {
            let errors = form(&layer(&kim, &more)).parts().err().unwrap();
            assert!(errors.at(field).is_some(), "{field}: {errors:?}");
        }
        let wrong = FieldError::new("/layers/0/shift_count", "out_of_range", "must be less");
        let errors = form(&layer(&kim, &[])).complaints(UseCaseError::Invalid(vec![wrong]));
        assert!(errors.unwrap().at("count-0").is_some());
    }

    #[test]
    fn there_are_free_places_until_there_are_none() {
        let mut empty = ScheduleForm::empty(now(), "Europe/Berlin").with_room();
        assert_eq!(empty.layers[0].people.len(), 3);
        assert_eq!(empty.layers[0].start, "2026-11-16T09:00");
        empty.layers[0].people = vec!["con_x".to_owned(); MAX_PARTICIPANTS];
        assert_eq!(empty.with_room().layers[0].people.len(), MAX_PARTICIPANTS);
        let mut form = ScheduleForm::empty(now(), "UTC");
        for _ in 0..20 {
            form = form.with_one_more(now());
        }
        assert_eq!(form.layers.len(), MAX_LAYERS);
    }
}
