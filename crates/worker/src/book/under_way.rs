//! Looks under way: which monitor has which, and in what order they began. Confirming looks overlap;
//! each is handed over when all that began before it at the same monitor have been.

use std::cmp::Reverse;

use domain::ids::MonitorId;
use domain::status::region::RECHECK_SPACING;
use jiff::Timestamp;

use super::{Book, Entry, Why};
use crate::clock::later;
use crate::plan::Known;

/// Tells one look under way from the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Ticket(pub(super) u64);

/// A look under way.
#[derive(Debug)]
pub(super) struct Running {
    ticket: Ticket,
    why: Why,
    pub due: Timestamp,
    /// It waits for nothing but its end.
    taken_up: bool,
    /// Its place among all that began; `None` while it waits for room.
    began: Option<u64>,
}

impl Running {
    fn waits_as_slot(&self) -> bool {
        !self.taken_up && self.why != Why::Recheck
    }
}

impl Entry {
    pub(super) fn run(&mut self, ticket: Ticket, why: Why, due: Timestamp) {
        self.running.reserve_exact(1);
        self.running.push(Running {
            ticket,
            why,
            due,
            taken_up: false,
            began: None,
        });
    }

    pub(super) fn rechecks_running(&self) -> impl Iterator<Item = &Running> {
        self.running.iter().filter(|run| run.why == Why::Recheck)
    }

    pub(super) fn slot_runs(&self) -> bool {
        self.running.iter().any(|run| run.why != Why::Recheck)
    }

    /// Slots whose look waits for room.
    pub(super) fn slots_waiting(&self) -> impl Iterator<Item = Timestamp> {
        let waiting = self.running.iter().filter(|run| run.waits_as_slot());
        waiting.map(|run| run.due)
    }

    /// A look that waits for room while its next slot comes stands for that one, in its old place.
    /// Which one it stood for.
    pub(super) fn move_waiting(&mut self, slot: Timestamp) -> Option<Timestamp> {
        let run = self.running.iter_mut().find(|run| run.waits_as_slot())?;
        Some(std::mem::replace(&mut run.due, slot))
    }
}

impl Book {
    /// There is room for a look that was due. The slot it stands for by now, and what is known of its
    /// monitor; `None` when that is no longer looked at.
    pub(crate) fn take_up(&mut self, id: MonitorId, ticket: Ticket) -> Option<(Timestamp, Known)> {
        let entry = self.entries.get_mut(&id)?;
        let known = entry.known;
        let run = entry.running.iter_mut().find(|run| run.ticket == ticket)?;
        run.taken_up = true;
        Some((run.due, known))
    }

    /// A look that was due begins. The rechecks after it keep their distance from its start.
    pub(crate) fn began(&mut self, id: MonitorId, ticket: Ticket, now: Timestamp) {
        self.counted += 1;
        self.set_began(id, ticket, Some(self.counted));
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        if !entry.rechecks_running().any(|run| run.ticket == ticket) {
            return;
        }
        let mut earliest = later(now, RECHECK_SPACING);
        for planned in &mut entry.rechecks {
            if *planned >= earliest {
                break;
            }
            *planned = earliest;
            self.queue.push(Reverse((earliest, id, Why::Recheck)));
            earliest = later(earliest, RECHECK_SPACING);
        }
    }

    /// It was put off: it begins later.
    pub(crate) fn put_off(&mut self, id: MonitorId, ticket: Ticket) {
        self.set_began(id, ticket, None);
    }

    fn set_began(&mut self, id: MonitorId, ticket: Ticket, began: Option<u64>) {
        let runs = self.entries.get_mut(&id).map(|entry| &mut entry.running);
        let run = runs.and_then(|runs| runs.iter_mut().find(|run| run.ticket == ticket));
        if let Some(run) = run {
            run.began = began;
        }
    }

    /// Whether no look at the monitor that began before this one is still under way.
    pub(crate) fn is_its_turn(&self, id: MonitorId, ticket: Ticket) -> bool {
        let Some(entry) = self.entries.get(&id) else {
            return true;
        };
        let own = entry.running.iter().find(|run| run.ticket == ticket);
        let Some(own) = own.and_then(|run| run.began) else {
            return true;
        };
        let mut began = entry.running.iter().filter_map(|run| run.began);
        began.all(|other| other >= own)
    }

    /// A look has been handed over, or will not be made. Whether another may have waited for it.
    pub(crate) fn ended(&mut self, id: MonitorId, ticket: Ticket) -> bool {
        let Some(entry) = self.entries.get_mut(&id) else {
            return true;
        };
        let alone = matches!(entry.running.as_slice(), [own] if own.ticket == ticket);
        entry.running.retain(|run| run.ticket != ticket);
        if alone {
            // Nothing is kept for a monitor that nobody looks at.
            entry.running = Vec::new();
        }
        !alone
    }
}
