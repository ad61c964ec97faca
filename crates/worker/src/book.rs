//! The worker's books: which shards it holds, which monitors are in them, when each is due, and how
//! far everything is recorded. In memory; pure, so that it is tested without a clock.

mod shards;
#[cfg(test)]
pub(crate) mod tests;
mod under_way;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use domain::check::FailureClass;
use domain::ids::MonitorId;
use domain::status::region::Rechecks;
use jiff::Timestamp;

use crate::answers;
use crate::clock::later;
use crate::evidence::Kept;
use crate::plan::{Known, Plan};
pub(crate) use shards::Shards;
use under_way::Running;
pub(crate) use under_way::Ticket;

/// What a certificate was when it was last handed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SeenCertificate {
    pub config_version: i64,
    pub fingerprint: String,
    pub problem: Option<FailureClass>,
    pub at: Timestamp,
}

/// Why a monitor is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Why {
    /// Its slot has come.
    Slot {
        /// Nobody held the shard when it came.
        caught_up: bool,
    },
    /// A view wants confirmation.
    Recheck,
}

/// A look to be made now.
#[derive(Debug, Clone)]
pub(crate) struct Due {
    pub ticket: Ticket,
    pub plan: Arc<Plan>,
    pub at: Timestamp,
    pub why: Why,
    pub slow: bool,
}

/// A monitor in the timetable.
#[derive(Debug)]
pub(crate) struct Entry {
    pub plan: Arc<Plan>,
    pub known: Known,
    pub kept: Kept,
    pub certificate: Option<Box<SeenCertificate>>,
    /// The good answer that is remembered.
    pub answer: Option<answers::Kept>,
    /// It came before its shard was loaded, perhaps, and no slot of it has come due yet.
    is_early: bool,
    /// Its last look was slow.
    pub slow: bool,
    /// Transitions that are not recorded yet: what comes after must wait behind them.
    pub waiting: u32,
    slot: Timestamp,
    /// When to look again to confirm, the next one first.
    rechecks: Vec<Timestamp>,
    /// When to look again for another reason.
    again: Option<Timestamp>,
    running: Vec<Running>,
}

/// What became due, and what could not be made.
#[derive(Debug, Default)]
pub(crate) struct Popped {
    pub due: Vec<Due>,
    /// Slots whose monitor was still being looked at.
    pub running: u64,
    /// Slots that were over before there was room for them: the next one has their place.
    pub overtaken: u64,
}

/// The books.
#[derive(Debug, Default)]
pub(crate) struct Book {
    pub shards: Shards,
    entries: HashMap<MonitorId, Entry>,
    queue: BinaryHeap<Reverse<(Timestamp, MonitorId, Why)>>,
    counted: u64,
}

impl Book {
    /// Takes a monitor in, or its changes. `since`: its shard was just taken and is recorded up to
    /// there, so that a slot that came meanwhile is looked at now.
    pub(crate) fn upsert(
        &mut self,
        plan: Plan,
        known: Known,
        since: Option<Timestamp>,
        now: Timestamp,
    ) {
        let id = plan.monitor_id;
        let plan = Arc::new(plan);
        let missed = since.map(|since| (plan.slot_at(now), since));
        let missed = missed.filter(|(slot, since)| slot > since && *slot > plan.created_at);
        let missed = missed.map(|(slot, _)| slot);
        match (self.entries.get(&id), missed) {
            // Somebody asked for a look before its shard was loaded: its slots are those of the shard.
            (Some(entry), Some(missed)) if entry.is_early => self.schedule_slot(id, missed, true),
            (Some(entry), _) if same_grid(&entry.plan, &plan) => {}
            (Some(_), _) => self.schedule_slot(id, plan.next_slot(now), false),
            (None, _) => {
                // The clock of whoever held it before may have been a little ahead.
                let next = since.map_or(now, |since| since.max(now));
                let slot = missed.unwrap_or_else(|| plan.next_slot(next));
                self.insert(plan.clone(), known, slot, since.is_none());
                self.schedule_slot(id, slot, missed.is_some());
            }
        }
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.plan = plan;
            entry.known = known;
            entry.is_early &= since.is_none();
        }
        // A confirmation that another process began is continued at once.
        let ours = |entry: &Entry| !entry.rechecks.is_empty();
        if known.confirming && !self.entries.get(&id).is_some_and(ours) {
            self.look_at(id, now);
        }
    }

    fn insert(&mut self, plan: Arc<Plan>, known: Known, slot: Timestamp, is_early: bool) {
        let entry = Entry {
            known,
            is_early,
            kept: Kept::default(),
            certificate: None,
            answer: None,
            slow: false,
            waiting: 0,
            slot,
            rechecks: Vec::new(),
            again: None,
            running: Vec::new(),
            plan,
        };
        self.entries.insert(entry.plan.monitor_id, entry);
    }

    /// Takes a monitor out: paused, deleted, or no longer of this region.
    pub(crate) fn remove(&mut self, id: MonitorId) {
        let Some(entry) = self.entries.remove(&id) else {
            return;
        };
        // What waits for room will not be looked at, and nobody else knows which slot it stands for.
        for slot in entry.slots_waiting() {
            self.shards.done(entry.plan.shard, slot, id);
        }
    }

    /// Takes out all monitors of shards that are no longer held.
    pub(crate) fn remove_shards(&mut self, gone: &[i16]) {
        if gone.is_empty() {
            return;
        }
        self.shards.remove(gone);
        self.entries
            .retain(|_, entry| !gone.contains(&entry.plan.shard));
    }

    /// Takes out what was to be given up.
    pub(crate) fn drop_leaving(&mut self) {
        let leaving = self.shards.leaving();
        self.remove_shards(&leaving);
    }

    #[cfg(test)]
    pub(crate) fn get(&self, id: MonitorId) -> Option<&Entry> {
        self.entries.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: MonitorId) -> Option<&mut Entry> {
        self.entries.get_mut(&id)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Id and version of each monitor, by shard.
    pub(crate) fn versions(&self) -> HashMap<i16, Vec<(MonitorId, i64)>> {
        let mut versions: HashMap<_, Vec<_>> = HashMap::new();
        for (id, entry) in &self.entries {
            let of_shard = versions.entry(entry.plan.shard).or_default();
            of_shard.push((*id, entry.plan.config_version));
        }
        versions
    }

    /// When the next look is due.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.queue.peek().map(|Reverse((at, _, _))| *at)
    }

    /// Asks for one more look at `at`, beside the timetable; what looks again by then will do.
    pub(crate) fn look_at(&mut self, id: MonitorId, at: Timestamp) {
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        let by_then = |asked: &Timestamp| *asked <= at;
        let planned = entry.again.iter().chain(&entry.rechecks).any(by_then);
        if planned || entry.rechecks_running().next().is_some() {
            return;
        }
        entry.again = Some(at);
        self.queue.push(Reverse((at, id, Why::Recheck)));
    }

    /// Plans the confirming looks that are still wanted after a look that began at `looked_at`, in
    /// place of those planned before. One that is under way and began after it is one of them.
    pub(crate) fn plan_rechecks(&mut self, id: MonitorId, looked_at: Timestamp, wanted: Rechecks) {
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        let under_way = entry.rechecks_running().map(|run| run.due);
        let under_way: Vec<_> = under_way.filter(|due| *due > looked_at).collect();
        entry.rechecks = wanted.less(&under_way);
        for at in &entry.rechecks {
            self.queue.push(Reverse((*at, id, Why::Recheck)));
        }
    }

    /// Looks at every monitor within `over`, evenly spread; one whose slot comes by then waits for it.
    pub(crate) fn look_again(&mut self, now: Timestamp, over: Duration) {
        let end = later(now, over);
        let waiting: Vec<MonitorId> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.slot > end)
            .map(|(id, _)| *id)
            .collect();
        let spacing = over / u32::try_from(waiting.len()).unwrap_or(u32::MAX).max(1);
        let mut at = now;
        for id in waiting {
            self.look_at(id, at);
            at = later(at, spacing);
        }
    }

    fn schedule_slot(&mut self, id: MonitorId, slot: Timestamp, caught_up: bool) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.slot = slot;
            self.queue
                .push(Reverse((slot, id, Why::Slot { caught_up })));
        }
    }

    /// Everything that is due at `now`; each monitor's next slot is put in the timetable.
    pub(crate) fn pop_due(&mut self, now: Timestamp) -> Popped {
        let mut popped = Popped::default();
        while let Some(Reverse((at, id, why))) = self.queue.peek().copied() {
            if at > now {
                break;
            }
            self.queue.pop();
            match why {
                Why::Slot { .. } => self.pop_slot(at, id, why, now, &mut popped),
                Why::Recheck => self.pop_recheck(at, id, &mut popped),
            }
        }
        self.shards.swept(now);
        popped
    }

    fn pop_slot(
        &mut self,
        at: Timestamp,
        id: MonitorId,
        why: Why,
        now: Timestamp,
        popped: &mut Popped,
    ) {
        // What was put in the timetable before an edit is no longer its slot.
        let Some(entry) = self.entries.get_mut(&id).filter(|entry| entry.slot == at) else {
            return;
        };
        let plan = entry.plan.clone();
        if !self.shards.stays(plan.shard) {
            return;
        }
        entry.is_early = false;
        // Slots that passed while this process slept are gaps: one look now, not one for each.
        let slot = plan.slot_at(now).max(at);
        if let Some(over) = entry.move_waiting(slot) {
            popped.overtaken += 1;
            self.shards.done(plan.shard, over, id);
            self.shards.began(plan.shard, slot, id);
        } else if entry.slot_runs() {
            popped.running += 1;
        } else {
            self.counted += 1;
            let ticket = Ticket(self.counted);
            entry.run(ticket, why, slot);
            self.shards.began(plan.shard, slot, id);
            popped.due.push(Due {
                ticket,
                plan: plan.clone(),
                at: slot,
                why,
                slow: entry.slow,
            });
        }
        self.schedule_slot(id, plan.next_slot(slot), false);
    }

    fn pop_recheck(&mut self, at: Timestamp, id: MonitorId, popped: &mut Popped) {
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        if let Some(index) = entry.rechecks.iter().position(|planned| *planned == at) {
            entry.rechecks.remove(index);
        } else if entry.again == Some(at) {
            entry.again = None;
        } else {
            return;
        }
        self.counted += 1;
        let ticket = Ticket(self.counted);
        entry.run(ticket, Why::Recheck, at);
        popped.due.push(Due {
            ticket,
            plan: entry.plan.clone(),
            at,
            why: Why::Recheck,
            slow: entry.slow,
        });
    }
}

fn same_grid(old: &Plan, new: &Plan) -> bool {
    old.settings.interval == new.settings.interval && old.phase == new.phase
}
