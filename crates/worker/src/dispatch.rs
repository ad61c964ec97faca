//! Starts looks when they are due, in a bounded pool. Targets that were slow last time share three
//! quarters of it, so that hundreds that hang never delay the others.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use metrics::counter;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::book::{Due, Why};
use crate::clock::until;
use crate::leases;
use crate::look;
use crate::metrics as names;
use crate::shared::Shared;

/// The clock may be set meanwhile, so that no wait is longer.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let mut lanes = Lanes::new(shared.config.looks);
    let mut turned = Instant::now();
    while !stop.is_cancelled() {
        if turned.elapsed() > leases::STOOD_STILL {
            // Others may have taken what the books say is ours.
            leases::wait_for_renewal(&shared, &stop).await;
        }
        turned = Instant::now();
        let now = shared.now();
        let (popped, next, monitors) = {
            let mut book = shared.book();
            let popped = book.pop_due(now);
            (popped, book.next_due(), book.len())
        };
        shared.meters.monitors.set(count(monitors));
        if popped.running > 0 {
            shared.meters.running.increment(popped.running);
        }
        for due in popped.due {
            if due.why != Why::Recheck {
                shared.meters.due.increment(1);
            }
            lanes.push(due);
        }
        // Written down before room is looked for: who gives room back after that sees that it is wanted.
        shared.waiting.store(lanes.len(), Ordering::SeqCst);
        while let Some((due, room)) = lanes.next() {
            shared
                .tasks
                .spawn(look::on_timetable(shared.clone(), due, room));
        }
        shared.waiting.store(lanes.len(), Ordering::SeqCst);
        shared.meters.waiting.set(count(lanes.len()));
        shared.meters.inflight.set(count(lanes.running()));
        let wait = next.map_or(LONGEST_WAIT, |at| until(at, shared.now()).min(LONGEST_WAIT));
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(wait) => {}
            () = shared.due.notified() => {}
        }
    }
    counter!(names::LOOKS_SKIPPED, "reason" => "handed_over").increment(lanes.len() as u64);
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a gauge of things that fit in memory"
)]
fn count(things: usize) -> f64 {
    things as f64
}

/// Room for one look; kept while it runs.
pub(crate) struct Room {
    _any: OwnedSemaphorePermit,
    _slow: Option<OwnedSemaphorePermit>,
}

/// Looks that are due, and the room there is.
struct Lanes {
    size: usize,
    any: Arc<Semaphore>,
    slow: Arc<Semaphore>,
    quick_queue: VecDeque<Due>,
    slow_queue: VecDeque<Due>,
}

impl Lanes {
    fn new(size: usize) -> Self {
        let size = size.max(1);
        Self {
            size,
            any: Arc::new(Semaphore::new(size)),
            slow: Arc::new(Semaphore::new((size * 3 / 4).max(1))),
            quick_queue: VecDeque::new(),
            slow_queue: VecDeque::new(),
        }
    }

    /// Bounded by the monitors held: each has one slot and a few rechecks at a time.
    fn push(&mut self, due: Due) {
        if due.slow {
            &mut self.slow_queue
        } else {
            &mut self.quick_queue
        }
        .push_back(due);
    }

    /// The next look there is room for.
    fn next(&mut self) -> Option<(Due, Room)> {
        let any = self.any.clone().try_acquire_owned().ok()?;
        if let Some(due) = self.quick_queue.pop_front() {
            return Some((
                due,
                Room {
                    _any: any,
                    _slow: None,
                },
            ));
        }
        let slow = self.slow.clone().try_acquire_owned().ok()?;
        let due = self.slow_queue.pop_front()?;
        Some((
            due,
            Room {
                _any: any,
                _slow: Some(slow),
            },
        ))
    }

    fn len(&self) -> usize {
        self.quick_queue.len() + self.slow_queue.len()
    }

    fn running(&self) -> usize {
        self.size - self.any.available_permits()
    }
}

#[cfg(test)]
mod tests {
    use domain::ids::{AccountId, MonitorId};
    use domain::monitor::{MonitorSpec, Settings};
    use jiff::Timestamp;

    use super::*;
    use crate::book::Ticket;
    use crate::plan::Plan;

    fn due(slow: bool) -> Due {
        let plan = Plan {
            account_id: AccountId::generate(),
            monitor_id: MonitorId::generate(),
            shard: 0,
            config_version: 1,
            settings: Settings::of(&MonitorSpec::default()),
            phase: Duration::ZERO,
            history_months: 3,
            created_at: Timestamp::UNIX_EPOCH,
        };
        let why = Why::Slot { caught_up: false };
        Due {
            ticket: Ticket::default(),
            plan: Arc::new(plan),
            at: Timestamp::UNIX_EPOCH,
            why,
            slow,
        }
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
}
