//! The escalation of an incident: which step of the policy comes next, in which round, when; and when those
//! who were told are reminded. What was planned is decided when it is due, so that who is told is who can
//! be reached then.

use jiff::{SignedDuration, Timestamp};

use super::plan::Recipients;

/// A further round begins this long after the last step, or after the first step's wait where that is
/// longer.
pub const ROUND_WAIT: SignedDuration = SignedDuration::from_mins(5);
/// Reminders of an incident, at most.
pub const MAX_REMINDERS: u32 = 24;

/// A step of a round, both counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "a pair")]
pub struct Cursor {
    pub round: u32,
    pub step: usize,
}

/// How far an incident's escalation has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalation {
    /// The policy as it was when the incident opened.
    pub recipients: Recipients,
    /// Rounds after the first.
    pub repeat: u32,
    /// Between two reminders; `None` for none.
    pub reminder_seconds: Option<u32>,
    /// What may be told next; `None` when nothing is left.
    pub next: Option<Cursor>,
    /// From when its wait counts: when the step before was told, or the outage was sure.
    pub since: Timestamp,
    /// When those who were told are reminded; `None` for not any more.
    pub reminder_at: Option<Timestamp>,
    /// Reminders so far.
    pub reminders: u32,
    /// Nobody is told before.
    pub snoozed_until: Option<Timestamp>,
}

/// What is known when an escalation is looked at.
#[derive(Clone, Copy)]
pub struct Facts<'f> {
    /// The incident is open and nobody has it.
    pub is_waiting: bool,
    /// Maintenance covers the monitor until then.
    pub maintenance_until: Option<Timestamp>,
    /// Whom a step reaches at an instant.
    pub reaches: &'f dyn Fn(usize, Timestamp) -> Reached,
}

/// Whom a step reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// Nobody can be told.
    Nobody,
    /// Everybody whom it reaches is in quiet hours; the first hears of it then.
    Later(Timestamp),
    /// Somebody hears of it at once.
    Somebody,
}

/// Something that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// A step is told.
    Tell(Cursor),
    /// A step was passed over, because everybody whom it reaches is in quiet hours: they are told at the end of
    /// those, if it is still open then and nobody has it.
    Later(Cursor),
    /// Those who were told are reminded, for the nth time counted from 1.
    Remind(u32),
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advance {
    /// How far it has come now.
    pub escalation: Escalation,
    /// What is due, in order.
    pub effects: Vec<Effect>,
    /// When it is to be looked at again; `None` when nothing comes any more.
    pub next_at: Option<Timestamp>,
    /// As things stand, somebody is told then.
    pub tells: bool,
}

/// The step that comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coming {
    /// Which.
    pub cursor: Cursor,
    /// When, as things stand.
    pub at: Timestamp,
}

impl Escalation {
    /// That of an incident which is sure since `now`.
    pub fn begin(
        recipients: Recipients,
        (repeat, reminder_seconds): (u32, Option<u32>),
        now: Timestamp,
    ) -> Self {
        let next = (recipients.steps() > 0).then_some(Cursor { round: 0, step: 0 });
        Self {
            recipients,
            repeat,
            reminder_seconds,
            next,
            since: now,
            reminder_at: reminder_seconds.map(|seconds| after(now, seconds)),
            reminders: 0,
            snoozed_until: None,
        }
    }

    /// The same without further rounds and reminders.
    #[must_use]
    pub fn once(self) -> Self {
        Self {
            repeat: 0,
            reminder_seconds: None,
            reminder_at: None,
            ..self
        }
    }

    /// Until when nobody is told, if that is still to come.
    fn held_until(&self, facts: &Facts<'_>, now: Timestamp) -> Option<Timestamp> {
        let holds = [self.snoozed_until, facts.maintenance_until];
        holds.into_iter().flatten().filter(|at| *at > now).max()
    }

    /// The step that comes next, with all that delays it; `None` when nobody is left to tell.
    pub fn coming(&self, facts: &Facts<'_>, now: Timestamp) -> Option<Coming> {
        if !facts.is_waiting {
            return None;
        }
        let (cursor, due) = self.candidate(facts, now)?;
        let held = self.held_until(facts, now);
        Some(Coming {
            cursor,
            at: held.map_or(due, |held| held.max(due)),
        })
    }

    /// The first step from the next one on that reaches somebody, and when it is due. Those before it are
    /// passed over without their wait. A step in whose quiet hours another one reaches somebody is passed over
    /// too; where none does, it is told and its messages wait: late is better than never.
    fn candidate(&self, facts: &Facts<'_>, now: Timestamp) -> Option<(Cursor, Timestamp)> {
        let mut waits: Option<(Cursor, Timestamp, Timestamp)> = None;
        for cursor in self.rest() {
            let due = self.due(cursor);
            match (facts.reaches)(cursor.step, due.max(now)) {
                Reached::Somebody if waits.is_none_or(|(_, _, end)| due.max(now) < end) => {
                    return Some((cursor, due));
                }
                Reached::Later(end) => waits = waits.or(Some((cursor, due, end))),
                Reached::Somebody | Reached::Nobody => {}
            }
        }
        waits.map(|(cursor, due, _)| (cursor, due))
    }

    /// When nobody is reached as things stand, a step may still reach somebody at its time.
    fn look_again(&self, now: Timestamp) -> Option<Timestamp> {
        self.rest()
            .map(|cursor| self.due(cursor))
            .filter(|due| *due > now)
            .min()
    }

    /// The next step and all after it.
    fn rest(&self) -> impl Iterator<Item = Cursor> + '_ {
        let steps = self.recipients.steps();
        let rounds = self
            .next
            .map_or(0..0, |next| next.round..self.repeat.saturating_add(1));
        rounds
            .flat_map(move |round| (0..steps).map(move |step| Cursor { round, step }))
            .filter(|cursor| self.next.is_some_and(|next| *cursor >= next))
    }

    /// When a step is due if none before it is told. The first that is told of a round has the wait of the
    /// round.
    fn due(&self, cursor: Cursor) -> Timestamp {
        let is_first_told = self
            .next
            .is_none_or(|next| next.step == 0 || cursor.round > next.round);
        let wait = match (is_first_told, cursor.round) {
            (false, _) => self.recipients.wait(cursor.step),
            (true, 0) => self.recipients.wait(0),
            (true, _) => self.recipients.wait(0).max(ROUND_WAIT),
        };
        self.since.saturating_add(wait).unwrap_or(Timestamp::MAX)
    }

    fn follow(&mut self, told: Cursor, now: Timestamp) {
        let Cursor { round, step } = told;
        self.since = now;
        self.next = if step + 1 < self.recipients.steps() {
            let step = step + 1;
            Some(Cursor { round, step })
        } else {
            let round = round + 1;
            (round <= self.repeat).then_some(Cursor { round, step: 0 })
        };
    }

    /// Tells all steps that are due.
    fn tell_due(&mut self, facts: &Facts<'_>, now: Timestamp) -> Vec<Effect> {
        let mut effects = Vec::new();
        while let Some((cursor, due)) = self.candidate(facts, now)
            && due <= now
        {
            effects.extend(self.passed_over(cursor, facts, now));
            self.follow(cursor, now);
            effects.push(Effect::Tell(cursor));
        }
        effects
    }

    /// The steps before `told` that wait for the end of quiet hours.
    fn passed_over(&self, told: Cursor, facts: &Facts<'_>, now: Timestamp) -> Vec<Effect> {
        let before = self.rest().take_while(|cursor| *cursor < told);
        let is_quiet =
            |cursor: &Cursor| matches!((facts.reaches)(cursor.step, now), Reached::Later(_));
        before.filter(is_quiet).map(Effect::Later).collect()
    }

    /// It belongs to the round that has begun.
    fn is_in_round(&self, cursor: Cursor) -> bool {
        self.next
            .is_some_and(|next| next.round == cursor.round && (next.step > 0 || next.round == 0))
    }

    /// Tells a step now, whenever it is due, and then all that are due after it.
    fn tell_early(mut self, cursor: Cursor, facts: &Facts<'_>, now: Timestamp) -> Advance {
        let mut effects = self.passed_over(cursor, facts, now);
        self.follow(cursor, now);
        effects.push(Effect::Tell(cursor));
        let mut after = advance(&self, facts, now);
        effects.append(&mut after.effects);
        Advance { effects, ..after }
    }

    fn remind_due(&mut self, now: Timestamp) -> Option<Effect> {
        let seconds = self.reminder_seconds?;
        self.reminder_at.filter(|at| *at <= now)?;
        self.reminders += 1;
        self.reminder_at = (self.reminders < MAX_REMINDERS).then(|| after(now, seconds));
        Some(Effect::Remind(self.reminders))
    }

    /// When it is to be looked at again, and whether somebody is told then as things stand.
    fn wake_at(&mut self, facts: &Facts<'_>, now: Timestamp) -> Option<(Timestamp, bool)> {
        let told = self.candidate(facts, now).map(|(_, due)| due);
        let step = told.or_else(|| self.look_again(now));
        if step.is_none() {
            self.next = None;
        }
        let due = [step, self.reminder_at].into_iter().flatten().min()?;
        let tells = [told, self.reminder_at].contains(&Some(due));
        let held = self.held_until(facts, now);
        Some((held.map_or(due, |held| held.max(due)), tells))
    }

    fn over(mut self) -> Advance {
        (self.next, self.reminder_at) = (None, None);
        Advance {
            escalation: self,
            effects: Vec::new(),
            next_at: None,
            tells: false,
        }
    }
}

/// What is due now, and when to look again. Looked at twice, nothing is due the second time; an incident
/// that somebody has or that is over ends it.
pub fn advance(before: &Escalation, facts: &Facts<'_>, now: Timestamp) -> Advance {
    let mut after = before.clone();
    if !facts.is_waiting {
        return after.over();
    }
    let mut effects = Vec::new();
    if after.held_until(facts, now).is_none() {
        effects = after.tell_due(facts, now);
        effects.extend(after.remind_due(now));
    }
    let wake = after.wake_at(facts, now);
    Advance {
        escalation: after,
        effects,
        next_at: wake.map(|(at, _)| at),
        tells: wake.is_some_and(|(_, tells)| tells),
    }
}

/// Goes on before its time: the next step of the round that reaches somebody is told now, and those after
/// it as much earlier. A further round is not begun by it.
pub fn go_on(before: &Escalation, facts: &Facts<'_>, now: Timestamp) -> Advance {
    let next = before.candidate(facts, now).map(|(cursor, _)| cursor);
    let next = next.filter(|cursor| before.is_in_round(*cursor));
    let free = facts.is_waiting && before.held_until(facts, now).is_none();
    match next.filter(|_| free) {
        Some(cursor) => before.clone().tell_early(cursor, facts, now),
        None => advance(before, facts, now),
    }
}

/// The same because a person asked for it: nothing holds the next step. A snooze is ended by it, and where all
/// who are left of the round are in quiet hours, the first of them are told.
pub fn pass_on(before: &Escalation, facts: &Facts<'_>, now: Timestamp) -> Advance {
    let left = || {
        let reach = |cursor: Cursor| (cursor, (facts.reaches)(cursor.step, now));
        let of_round = before.rest().filter(|cursor| before.is_in_round(*cursor));
        of_round.map(reach)
    };
    let hears = left().find(|(_, reached)| *reached == Reached::Somebody);
    let next = hears.or_else(|| left().find(|(_, reached)| *reached != Reached::Nobody));
    let Some((cursor, _)) = next.filter(|_| facts.is_waiting) else {
        return advance(before, facts, now);
    };
    let awake = Escalation {
        snoozed_until: None,
        ..before.clone()
    };
    awake.tell_early(cursor, facts, now)
}

fn after(at: Timestamp, seconds: u32) -> Timestamp {
    at.saturating_add(SignedDuration::from_secs(i64::from(seconds)))
        .unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
