//! The shards a worker holds, and how far each is looked at and stored.

use std::collections::{BTreeMap, HashMap};

use domain::ids::MonitorId;
use jiff::{SignedDuration, Timestamp};
use store::leases::{Lease, Progress};

/// A shard and what is open in it.
#[derive(Debug)]
struct Held {
    epoch: i64,
    /// Slots that have come due and are not stored yet, each with what it still waits for.
    open: BTreeMap<(Timestamp, MonitorId), u32>,
    /// Everything due up to here has been started; unset until its monitors are loaded.
    swept: Option<Timestamp>,
    recorded: Timestamp,
    /// It is about to be given up: no slot of it begins any more.
    leaving: bool,
}

/// The shards that are held.
#[derive(Debug, Default)]
pub(crate) struct Shards {
    held: HashMap<i16, Held>,
}

impl Shards {
    /// A shard that was taken. Its progress stands still until [`Self::loaded`].
    pub(crate) fn insert(&mut self, lease: &Lease) {
        let recorded = lease.recorded_through;
        let held = Held {
            epoch: lease.epoch,
            open: BTreeMap::new(),
            swept: None,
            recorded,
            leaving: false,
        };
        self.held.insert(lease.shard, held);
    }

    /// The monitors of the shard are in the timetable.
    pub(crate) fn loaded(&mut self, shard: i16) {
        if let Some(held) = self.held.get_mut(&shard) {
            held.swept = held.swept.or(Some(held.recorded));
        }
    }

    pub(crate) fn unloaded(&self) -> Vec<i16> {
        self.held
            .iter()
            .filter(|(_, held)| held.swept.is_none())
            .map(|(shard, _)| *shard)
            .collect()
    }

    pub(crate) fn remove(&mut self, gone: &[i16]) {
        self.held.retain(|shard, _| !gone.contains(shard));
    }

    /// These are about to be given up: their progress stands where it is, and only what has begun ends.
    pub(crate) fn leave(&mut self, shards: &[i16]) {
        for shard in shards {
            if let Some(held) = self.held.get_mut(shard) {
                held.leaving = true;
            }
        }
    }

    pub(crate) fn leaving(&self) -> Vec<i16> {
        let leaving = self.held.iter().filter(|(_, held)| held.leaving);
        leaving.map(|(shard, _)| *shard).collect()
    }

    /// Whether slots of a shard still begin.
    pub(crate) fn stays(&self, shard: i16) -> bool {
        self.held.get(&shard).is_some_and(|held| !held.leaving)
    }

    /// Whether a slot of these shards has begun and is not stored yet.
    pub(crate) fn are_open(&self, shards: &[i16]) -> bool {
        let mut held = shards.iter().filter_map(|shard| self.held.get(shard));
        held.any(|held| !held.open.is_empty())
    }

    pub(crate) fn numbers(&self) -> Vec<i16> {
        self.held.keys().copied().collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.held.len()
    }

    /// The epoch under which looks at a shard count, while it is held.
    pub(crate) fn epoch(&self, shard: i16) -> Option<i64> {
        self.held.get(&shard).map(|held| held.epoch)
    }

    /// How far a shard was recorded when it was taken.
    pub(crate) fn recorded(&self, shard: i16) -> Option<Timestamp> {
        self.held.get(&shard).map(|held| held.recorded)
    }

    pub(crate) fn swept(&mut self, now: Timestamp) {
        for held in self.held.values_mut().filter(|held| !held.leaving) {
            held.swept = held.swept.map(|swept| swept.max(now));
        }
    }

    /// A slot has come due; it waits for one thing.
    pub(crate) fn began(&mut self, shard: i16, slot: Timestamp, monitor: MonitorId) {
        self.wait(shard, slot, monitor);
    }

    /// A slot waits for one thing more.
    pub(crate) fn wait(&mut self, shard: i16, slot: Timestamp, monitor: MonitorId) {
        if let Some(held) = self.held.get_mut(&shard) {
            *held.open.entry((slot, monitor)).or_insert(0) += 1;
        }
    }

    /// One of the things that a slot waited for is done.
    pub(crate) fn done(&mut self, shard: i16, slot: Timestamp, monitor: MonitorId) {
        let Some(held) = self.held.get_mut(&shard) else {
            return;
        };
        if let Some(waits) = held.open.get_mut(&(slot, monitor)) {
            *waits -= 1;
            if *waits == 0 {
                held.open.remove(&(slot, monitor));
            }
        }
    }

    /// How far each shard is looked at and stored: up to just before the first open slot.
    pub(crate) fn progress(&self) -> Vec<Progress> {
        let just = SignedDuration::from_micros(1);
        self.held
            .iter()
            .filter_map(|(shard, held)| {
                let swept = held.swept?;
                let open = held
                    .open
                    .keys()
                    .next()
                    .and_then(|(slot, _)| slot.checked_sub(just).ok());
                let through = open.map_or(swept, |open| open.min(swept));
                Some(Progress {
                    shard: *shard,
                    epoch: held.epoch,
                    through,
                })
            })
            .collect()
    }
}
