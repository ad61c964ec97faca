//! On-call schedules: who is on call at a moment, and who was and will be.
//!
//! A schedule has layers. In each its participants take turns, and a later layer covers an earlier one
//! where it has somebody. An override covers them all. Where nothing has anybody there is a gap, which is
//! shown and never filled.
//!
//! Handovers are local times: a turn of a day has 23 or 25 hours where clocks change. A handover in a gap
//! of the clock is the first instant after it, and of a time that comes twice the first counts.

mod participant;
mod rota;
#[cfg(test)]
mod tests;
mod validate;

pub use crate::local::instant;
pub use participant::{Participant, ParticipantError};
pub use rota::{Rota, Shift, Span, Turn, gaps};
pub use validate::{
    MAX_LAYERS, MAX_NAME, MAX_OVERRIDE, MAX_OVERRIDES, MAX_PARTICIPANTS, MAX_TIMES,
};

use jiff::civil::{DateTime, Time, Weekday};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ids::{OverrideId, ScheduleId, UserId};

/// A schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Its id.
    pub id: ScheduleId,
    /// What its owner calls it.
    pub name: String,
    /// The IANA zone of its local times.
    pub timezone: String,
    /// The lowest first. Empty only when everybody who was in it is gone.
    pub layers: Vec<Layer>,
    /// The account's members: turns of somebody who has left it are nobody's. `None`: everybody is one.
    pub members: Option<Vec<UserId>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// Counts changes.
    pub version: i64,
}

/// People who take turns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// In the order of their turns.
    pub participants: Vec<Participant>,
    /// What `shift_count` counts.
    pub shift_unit: ShiftUnit,
    /// How long a turn is.
    pub shift_count: u32,
    /// When the first participant begins. Every handover has its time of day, and its day of the week
    /// where turns are weeks. Nobody is on call before.
    pub local_start: DateTime,
    /// Only at these times of the week. `None`: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<Vec<Times>>,
}

/// The unit of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShiftUnit {
    /// Hours of the clock.
    Hour,
    /// Days of the calendar.
    Day,
    /// Weeks of the calendar.
    Week,
}

impl ShiftUnit {
    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
        }
    }

    /// The unit that a word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Hour, Self::Day, Self::Week]
            .into_iter()
            .find(|unit| unit.as_str() == word)
    }

    /// Seconds of the clock on the wall.
    pub const fn seconds(self) -> i64 {
        match self {
            Self::Hour => 3_600,
            Self::Day => 86_400,
            Self::Week => 7 * 86_400,
        }
    }
}

/// Times of the week: on some days from one time of day to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Times {
    /// On which days it begins.
    pub days: Vec<Day>,
    /// From then, to the minute.
    #[serde(with = "minutes")]
    pub from: Time,
    /// Until then; on the next day if it is not after `from`.
    #[serde(with = "minutes")]
    pub to: Time,
}

/// A day of the week, as calendars write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the words say what they are")]
pub enum Day {
    Mo,
    Tu,
    We,
    Th,
    Fr,
    Sa,
    Su,
}

impl Day {
    /// From Monday on.
    pub const ALL: [Self; 7] = [
        Self::Mo,
        Self::Tu,
        Self::We,
        Self::Th,
        Self::Fr,
        Self::Sa,
        Self::Su,
    ];

    /// As calendars write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mo => "MO",
            Self::Tu => "TU",
            Self::We => "WE",
            Self::Th => "TH",
            Self::Fr => "FR",
            Self::Sa => "SA",
            Self::Su => "SU",
        }
    }

    /// As people write it.
    pub const fn short(self) -> &'static str {
        match self {
            Self::Mo => "Mon",
            Self::Tu => "Tue",
            Self::We => "Wed",
            Self::Th => "Thu",
            Self::Fr => "Fri",
            Self::Sa => "Sat",
            Self::Su => "Sun",
        }
    }

    /// The day of a date.
    pub const fn of(weekday: Weekday) -> Self {
        match weekday {
            Weekday::Monday => Self::Mo,
            Weekday::Tuesday => Self::Tu,
            Weekday::Wednesday => Self::We,
            Weekday::Thursday => Self::Th,
            Weekday::Friday => Self::Fr,
            Weekday::Saturday => Self::Sa,
            Weekday::Sunday => Self::Su,
        }
    }
}

/// Somebody stands in for whoever would be on call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// Its id; of two that meet the later made counts.
    pub id: OverrideId,
    /// Who stands in.
    pub participant: Participant,
    /// The first instant inside.
    pub starts_at: Timestamp,
    /// The first instant after it.
    pub ends_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Override {
    /// The override as it is read back: to the microsecond.
    #[must_use]
    pub fn as_kept(mut self) -> Self {
        use crate::maintenance::kept;
        (self.starts_at, self.ends_at) = (kept(self.starts_at), kept(self.ends_at));
        self.created_at = kept(self.created_at);
        self
    }
}

impl Schedule {
    /// Somebody who has turns in it has left the account.
    pub fn has_lost_somebody(&self) -> bool {
        let Some(members) = &self.members else {
            return false;
        };
        let mut all = self.layers.iter().flat_map(|layer| &layer.participants);
        all.any(|who| matches!(who, Participant::Member(id) if !members.contains(id)))
    }

    /// The schedule as it is read back: to the microsecond.
    #[must_use]
    pub fn as_kept(mut self) -> Self {
        use crate::maintenance::kept;
        (self.created_at, self.updated_at) = (kept(self.created_at), kept(self.updated_at));
        self
    }

    /// Somebody takes turns in it.
    pub fn names(&self, who: Participant) -> bool {
        self.layers
            .iter()
            .any(|layer| layer.participants.contains(&who))
    }

    /// Takes somebody out of every layer; a layer without anybody is gone. True when something changed.
    pub fn forget(&mut self, who: Participant) -> bool {
        let names = self.names(who);
        for layer in &mut self.layers {
            layer.participants.retain(|one| *one != who);
        }
        self.layers.retain(|layer| !layer.participants.is_empty());
        names
    }
}

/// A schedule with its overrides, as messages are planned by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duty {
    /// The schedule.
    pub schedule: Schedule,
    /// Who stands in.
    pub overrides: Vec<Override>,
}

impl Duty {
    /// Who is on call at an instant.
    pub fn who(&self, at: Timestamp) -> Option<Participant> {
        on_call(&self.schedule, &self.overrides, at)
    }
}

/// Who is on call at an instant.
pub fn on_call(schedule: &Schedule, overrides: &[Override], at: Timestamp) -> Option<Participant> {
    let rota = Rota::new(schedule, overrides);
    rota.at(at).map(|(who, _)| who)
}

/// Who is on call from `from` to before `to`, in order, cut at both ends. What one person has in a row is
/// one shift, unless a part of it is an override. Where nobody is on call there is none.
pub fn shifts(
    schedule: &Schedule,
    overrides: &[Override],
    from: Timestamp,
    to: Timestamp,
) -> Vec<Shift> {
    Rota::new(schedule, overrides).shifts(from, to)
}

/// So far ahead the next one is looked for.
pub const LOOK_AHEAD: SignedDuration = SignedDuration::from_hours(92 * 24);

/// Who is on call now, until when, and who is next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Who is on call.
    pub who: Option<Participant>,
    /// They stand in.
    pub is_override: bool,
    /// Until then; `None` when nothing changes within [`LOOK_AHEAD`].
    pub until: Option<Timestamp>,
    /// The next shift.
    pub next: Option<Shift>,
}

/// How a schedule stands at an instant.
pub fn now(schedule: &Schedule, overrides: &[Override], at: Timestamp) -> Now {
    let end = at.saturating_add(LOOK_AHEAD).unwrap_or(Timestamp::MAX);
    let mut shifts = shifts(schedule, overrides, at, end).into_iter().peekable();
    let current = shifts.next_if(|shift| shift.from <= at);
    let next = shifts.next();
    Now {
        who: current.map(|shift| shift.who),
        is_override: current.is_some_and(|shift| shift.is_override()),
        until: match current {
            Some(shift) => Some(shift.to).filter(|to| *to < end),
            None => next.map(|next| next.from),
        },
        next,
    }
}

/// Times of day to the minute, `09:00`.
mod minutes {
    use jiff::civil::Time;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(time: &Time, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&time.strftime("%H:%M"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || D::Error::custom("must be a time of day such as 09:00");
        if text.len() != 5 {
            return Err(wrong());
        }
        Time::strptime("%H:%M", &text).map_err(|_| wrong())
    }
}
