//! Looks that are due, and the room there is. Accounts take turns, so that none waits behind the
//! thousands of another; within an account confirmations come first.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use domain::ids::AccountId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::book::{Due, Why};

/// Room for one look; kept while it runs.
pub(crate) struct Room {
    _any: OwnedSemaphorePermit,
    _slow: Option<OwnedSemaphorePermit>,
}

/// Two lanes into one pool: what was slow last time shares three quarters of it.
pub(super) struct Lanes {
    size: usize,
    any: Arc<Semaphore>,
    slow: Arc<Semaphore>,
    quick_queue: Turns,
    slow_queue: Turns,
}

impl Lanes {
    pub(super) fn new(size: usize) -> Self {
        let size = size.max(1);
        Self {
            size,
            any: Arc::new(Semaphore::new(size)),
            slow: Arc::new(Semaphore::new((size * 3 / 4).max(1))),
            quick_queue: Turns::default(),
            slow_queue: Turns::default(),
        }
    }

    /// Bounded by the monitors held: each has one slot and a few rechecks at a time.
    pub(super) fn push(&mut self, due: Due) {
        if due.slow {
            self.slow_queue.push(due);
        } else {
            self.quick_queue.push(due);
        }
    }

    /// The next look there is room for.
    pub(super) fn next(&mut self) -> Option<(Due, Room)> {
        if self.len() == 0 {
            return None;
        }
        let any = self.any.clone().try_acquire_owned().ok()?;
        let (due, slow) = match self.quick_queue.pop() {
            Some(due) => (due, None),
            None => {
                let slow = self.slow.clone().try_acquire_owned().ok()?;
                (self.slow_queue.pop()?, Some(slow))
            }
        };
        let room = Room {
            _any: any,
            _slow: slow,
        };
        Some((due, room))
    }

    pub(super) fn len(&self) -> usize {
        self.quick_queue.len + self.slow_queue.len
    }

    pub(super) fn running(&self) -> usize {
        self.size - self.any.available_permits()
    }
}

/// One queue for each account that waits, and whose turn it is.
#[derive(Default)]
struct Turns {
    order: VecDeque<AccountId>,
    waiting: HashMap<AccountId, Waiting>,
    len: usize,
}

#[derive(Default)]
struct Waiting {
    rechecks: VecDeque<Due>,
    slots: VecDeque<Due>,
}

impl Turns {
    fn push(&mut self, due: Due) {
        let account = due.plan.account_id;
        let order = &mut self.order;
        let waiting = self.waiting.entry(account).or_insert_with(|| {
            order.push_back(account);
            Waiting::default()
        });
        match due.why {
            Why::Recheck => &mut waiting.rechecks,
            Why::Slot { .. } => &mut waiting.slots,
        }
        .push_back(due);
        self.len += 1;
    }

    fn pop(&mut self) -> Option<Due> {
        let account = self.order.pop_front()?;
        let waiting = self.waiting.get_mut(&account)?;
        let due = waiting.rechecks.pop_front();
        let due = due.or_else(|| waiting.slots.pop_front())?;
        if waiting.rechecks.is_empty() && waiting.slots.is_empty() {
            self.waiting.remove(&account);
        } else {
            self.order.push_back(account);
        }
        self.len -= 1;
        Some(due)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::ids::MonitorId;
    use domain::monitor::{MonitorSpec, Settings};
    use jiff::Timestamp;

    use super::*;
    use crate::book::Ticket;
    use crate::plan::Plan;

    const SLOT: Why = Why::Slot { caught_up: false };

    fn due_of(account_id: AccountId, why: Why, slow: bool) -> Due {
        let plan = Plan {
            account_id,
            monitor_id: MonitorId::generate(),
            shard: 0,
            config_version: 1,
            settings: Settings::of(&MonitorSpec::default()),
            phase: Duration::ZERO,
            history_months: 3,
            created_at: Timestamp::UNIX_EPOCH,
        };
        Due {
            ticket: Ticket::default(),
            plan: Arc::new(plan),
            at: Timestamp::UNIX_EPOCH,
            why,
            slow,
        }
    }

    fn due(slow: bool) -> Due {
        due_of(AccountId::generate(), SLOT, slow)
    }

    #[test]
    fn five_hundred_slow_targets_leave_room_for_the_others() {
        let mut lanes = Lanes::new(400);
        for _ in 0..500 {
            lanes.push(due(true));
        }
        let mut running = Vec::new();
        while let Some(started) = lanes.next() {
            running.push(started);
        }
        assert_eq!((running.len(), lanes.len()), (300, 200));
        for _ in 0..100 {
            lanes.push(due(false));
        }
        let quick: Vec<_> = std::iter::from_fn(|| lanes.next()).collect();
        assert!(quick.len() == 100 && quick.iter().all(|(due, _)| !due.slow));
        running.truncate(299);
        assert!(lanes.next().unwrap().0.slow, "room was given back");
    }

    #[test]
    fn a_small_account_does_not_wait_behind_the_thousands_of_another() {
        let (large, small) = (AccountId::generate(), AccountId::generate());
        let mut lanes = Lanes::new(100);
        for _ in 0..5_000 {
            lanes.push(due_of(large, SLOT, false));
        }
        for _ in 0..10 {
            lanes.push(due_of(small, SLOT, false));
        }
        let started: Vec<_> = std::iter::from_fn(|| lanes.next()).take(21).collect();
        let of_small = |(due, _): &&(Due, Room)| due.plan.account_id == small;
        assert_eq!(started.iter().filter(of_small).count(), 10);
        assert_eq!(lanes.len(), 5_010 - 21);
    }

    #[test]
    fn confirmations_come_before_the_slots_of_their_account() {
        let account = AccountId::generate();
        let mut lanes = Lanes::new(10);
        lanes.push(due_of(account, SLOT, false));
        lanes.push(due_of(account, Why::Recheck, false));
        let started: Vec<_> = std::iter::from_fn(|| lanes.next()).collect();
        let whys: Vec<Why> = started.iter().map(|(due, _)| due.why).collect();
        assert_eq!(whys, [Why::Recheck, SLOT]);
    }
}
