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
    /// How many sweeps there were when its monitors were loaded; unset until then.
    loaded: Option<u64>,
    recorded: Timestamp,
    /// It is about to be given up: no slot of it begins any more. How far it had been swept then.
    leaving: Option<Timestamp>,
}

/// The shards that are held.
#[derive(Debug, Default)]
pub(crate) struct Shards {
    held: HashMap<i16, Held>,
    /// Everything due up to here has been started, in shards that were loaded before the last sweep.
    swept: Timestamp,
    sweeps: u64,
}

impl Shards {
    /// A shard that was taken. Its progress stands still until [`Self::loaded`].
    pub(crate) fn insert(&mut self, lease: &Lease) {
        let recorded = lease.recorded_through;
        let held = Held {
            epoch: lease.epoch,
            open: BTreeMap::new(),
            loaded: None,
            recorded,
            leaving: None,
        };
        self.held.insert(lease.shard, held);
    }

    /// The monitors of the shard are in the timetable.
    pub(crate) fn loaded(&mut self, shard: i16) {
        if let Some(held) = self.held.get_mut(&shard) {
            held.loaded.get_or_insert(self.sweeps);
        }
    }

    pub(crate) fn unloaded(&self) -> Vec<i16> {
        self.held
            .iter()
            .filter(|(_, held)| held.loaded.is_none())
            .map(|(shard, _)| *shard)
            .collect()
    }

    pub(crate) fn remove(&mut self, gone: &[i16]) {
        self.held.retain(|shard, _| !gone.contains(shard));
    }

    /// These are about to be given up: their progress stands where it is, and only what has begun ends.
    pub(crate) fn leave(&mut self, shards: &[i16]) {
        for shard in shards {
            let swept = self.held.get(shard).map(|held| self.swept_of(held));
            if let (Some(held), Some(swept)) = (self.held.get_mut(shard), swept) {
                held.leaving = held.leaving.or(Some(swept));
            }
        }
    }

    pub(crate) fn leaving(&self) -> Vec<i16> {
        let leaving = self.held.iter().filter(|(_, held)| held.leaving.is_some());
        leaving.map(|(shard, _)| *shard).collect()
    }

    /// Whether slots of a shard still begin.
    pub(crate) fn stays(&self, shard: i16) -> bool {
        self.held
            .get(&shard)
            .is_some_and(|held| held.leaving.is_none())
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

    fn swept_of(&self, held: &Held) -> Timestamp {
        match (held.leaving, held.loaded) {
            (Some(left), _) => left,
            (None, Some(loaded)) if loaded < self.sweeps => self.swept.max(held.recorded),
            (None, _) => held.recorded,
        }
    }

    /// Everything due up to `now` has been started.
    pub(crate) fn swept(&mut self, now: Timestamp) {
        self.swept = self.swept.max(now);
        self.sweeps += 1;
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
                held.loaded?;
                let swept = self.swept_of(held);
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
