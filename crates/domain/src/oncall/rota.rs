//! From layers and overrides to who is on call.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{Day, Layer, Override, Participant, Schedule, Times};
use crate::ids::{OverrideId, UserId};
use crate::local;

/// By what somebody is on call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// A turn in a layer, both counted from 0.
    Layer {
        /// Which layer.
        layer: usize,
        /// Which turn since its start.
        number: i64,
    },
    /// An override.
    Override(OverrideId),
}

/// A time in which one person is on call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shift {
    /// Who.
    pub who: Participant,
    /// The first instant of it.
    pub from: Timestamp,
    /// The first instant after it.
    pub to: Timestamp,
    /// By what, at its beginning.
    pub turn: Turn,
}

impl Shift {
    /// Somebody stands in.
    pub const fn is_override(&self) -> bool {
        matches!(self.turn, Turn::Override(_))
    }

    /// The instant is inside.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }
}

/// A time, its end not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first instant inside.
    pub from: Timestamp,
    /// The first instant after it.
    pub to: Timestamp,
}

/// When nobody is on call between `from` and `to`; `shifts` are those of that time.
pub fn gaps(shifts: &[Shift], from: Timestamp, to: Timestamp) -> Vec<Span> {
    let mut gaps = Vec::new();
    let mut covered = from;
    for shift in shifts {
        if shift.from > covered {
            gaps.push(Span {
                from: covered,
                to: shift.from.min(to),
            });
        }
        covered = covered.max(shift.to);
    }
    if covered < to {
        gaps.push(Span { from: covered, to });
    }
    gaps
}

/// A schedule with its overrides, ready to be asked.
#[derive(Debug, Clone)]
pub struct Rota<'s> {
    layers: &'s [Layer],
    overrides: &'s [Override],
    members: Option<&'s [UserId]>,
    zone: TimeZone,
}

impl<'s> Rota<'s> {
    /// Of a schedule and its overrides.
    pub fn new(schedule: &'s Schedule, overrides: &'s [Override]) -> Self {
        Self {
            layers: &schedule.layers,
            overrides,
            members: schedule.members.as_deref(),
            zone: crate::words::zone(&schedule.timezone),
        }
    }

    /// Who is on call at an instant, and by what.
    pub fn at(&self, at: Timestamp) -> Option<(Participant, Turn)> {
        let stands_in = self
            .overrides
            .iter()
            .filter(|one| one.starts_at <= at && at < one.ends_at && self.is_here(one.participant))
            .max_by_key(|one| (one.created_at, one.id));
        if let Some(one) = stands_in {
            return Some((one.participant, Turn::Override(one.id)));
        }
        let layers = self.layers.iter().enumerate().rev();
        layers
            .filter_map(|(layer, of)| {
                let (who, number) = self.in_layer(of, at)?;
                Some((who, Turn::Layer { layer, number }))
            })
            .next()
    }

    /// Who is on call from `from` to before `to`; what one person has in a row is one shift.
    pub fn shifts(&self, from: Timestamp, to: Timestamp) -> Vec<Shift> {
        joined(self.pieces(from, to), |last, next| {
            last.is_override() == next.is_override()
        })
    }

    /// The same with every turn for itself.
    pub fn turns(&self, from: Timestamp, to: Timestamp) -> Vec<Shift> {
        joined(self.pieces(from, to), |last, next| last.turn == next.turn)
    }

    /// No turn lasts longer than this, and none that an override makes.
    pub fn longest_turn(&self) -> SignedDuration {
        // A turn may be longer by the hours that clocks go back.
        let slack = SignedDuration::from_hours(26);
        let turns = self
            .layers
            .iter()
            .map(|layer| SignedDuration::from_secs(layer.seconds()) + slack);
        let overrides = self
            .overrides
            .iter()
            .map(|one| one.ends_at.duration_since(one.starts_at));
        turns.chain(overrides).max().unwrap_or_default()
    }

    /// From one instant at which something may change to the next.
    fn pieces(&self, from: Timestamp, to: Timestamp) -> Vec<Shift> {
        let mut edges = vec![from];
        for layer in self.layers {
            self.handovers_into(&mut edges, layer, (from, to));
            self.times_into(&mut edges, layer, (from, to));
        }
        for one in self.overrides {
            edges.extend([one.starts_at, one.ends_at]);
        }
        edges.retain(|edge| (from..to).contains(edge));
        edges.push(to.max(from));
        edges.sort_unstable();
        edges.dedup();
        edges
            .windows(2)
            .filter_map(|edge| {
                let (who, turn) = self.at(edge[0])?;
                Some(Shift {
                    who,
                    from: edge[0],
                    to: edge[1],
                    turn,
                })
            })
            .collect()
    }

    fn handovers_into(
        &self,
        edges: &mut Vec<Timestamp>,
        layer: &Layer,
        (from, to): (Timestamp, Timestamp),
    ) {
        let first = self.number(layer, from).map_or(0, |number| number + 1);
        edges.extend(
            (first..)
                .map_while(|number| self.handover(layer, number))
                .take_while(|at| *at < to),
        );
    }

    fn times_into(
        &self,
        edges: &mut Vec<Timestamp>,
        layer: &Layer,
        (from, to): (Timestamp, Timestamp),
    ) {
        let Some(times) = &layer.times else { return };
        let (first, last) = (self.date(from), self.date(to));
        let days = first
            .yesterday()
            .unwrap_or(first)
            .series(jiff::ToSpan::days(1));
        for date in days.take_while(|date| *date <= last.tomorrow().unwrap_or(last)) {
            for one in times {
                if let Some(span) = self.span(one, date) {
                    edges.extend([span.from, span.to]);
                }
            }
        }
    }

    fn in_layer(&self, layer: &Layer, at: Timestamp) -> Option<(Participant, i64)> {
        if !self.is_in_times(layer, at) {
            return None;
        }
        let number = self.number(layer, at)?;
        let people = i64::try_from(layer.participants.len()).ok()?;
        let place = usize::try_from(number.checked_rem(people)?).ok()?;
        let who = *layer.participants.get(place)?;
        self.is_here(who).then_some((who, number))
    }

    /// Nobody who has left the account is on call, and nobody moves up: others keep their turns.
    fn is_here(&self, who: Participant) -> bool {
        match (who, self.members) {
            (Participant::Member(id), Some(members)) => members.contains(&id),
            _ => true,
        }
    }

    /// When a turn begins.
    fn handover(&self, layer: &Layer, number: i64) -> Option<Timestamp> {
        let since = SignedDuration::from_secs(layer.seconds().checked_mul(number)?);
        let local = layer.local_start.checked_add(since).ok()?;
        local::instant(local, &self.zone)
    }

    /// The turn of an instant; `None` before the first.
    fn number(&self, layer: &Layer, at: Timestamp) -> Option<i64> {
        let passed = self
            .zone
            .to_datetime(at)
            .duration_since(layer.local_start)
            .as_secs();
        // The clock on the wall may stand before a handover that was (a time that comes twice).
        let mut number = passed.checked_div_euclid(layer.seconds())?.max(-1);
        while self
            .handover(layer, number + 1)
            .is_some_and(|next| next <= at)
        {
            number += 1;
        }
        while number >= 0 && self.handover(layer, number).is_none_or(|began| began > at) {
            number -= 1;
        }
        (number >= 0).then_some(number)
    }

    fn is_in_times(&self, layer: &Layer, at: Timestamp) -> bool {
        let Some(times) = &layer.times else {
            return true;
        };
        let today = self.date(at);
        // One over midnight began yesterday; where clocks go back over midnight tomorrow has begun.
        let days = [today.yesterday().ok(), Some(today), today.tomorrow().ok()];
        days.into_iter().flatten().any(|date| {
            let mut spans = times.iter().filter_map(|one| self.span(one, date));
            spans.any(|span| span.from <= at && at < span.to)
        })
    }

    fn date(&self, at: Timestamp) -> Date {
        self.zone.to_datetime(at).date()
    }

    /// The time of a day, if it is on that day.
    fn span(&self, times: &Times, date: Date) -> Option<Span> {
        if !times.days.contains(&Day::of(date.weekday())) {
            return None;
        }
        let last = if times.to > times.from {
            date
        } else {
            date.tomorrow().ok()?
        };
        Some(Span {
            from: local::instant(date.to_datetime(times.from), &self.zone)?,
            to: local::instant(last.to_datetime(times.to), &self.zone)?,
        })
    }
}

impl Layer {
    /// How long a turn is by the clock on the wall, seconds; at least one.
    fn seconds(&self) -> i64 {
        (self.shift_unit.seconds() * i64::from(self.shift_count)).max(1)
    }
}

/// Pieces that follow one another, of one person and alike, as one.
fn joined(pieces: Vec<Shift>, alike: impl Fn(&Shift, &Shift) -> bool) -> Vec<Shift> {
    let mut shifts: Vec<Shift> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match shifts.last_mut() {
            Some(last) if last.to == piece.from && last.who == piece.who && alike(last, &piece) => {
                last.to = piece.to;
            }
            _ => shifts.push(piece),
        }
    }
    shifts
}
