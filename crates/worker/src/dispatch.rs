//! Starts looks when they are due, in a bounded pool. Targets that were slow last time share three
//! quarters of it, so that hundreds that hang never delay the others.
//!
//! When more is due than this process can do, what has begun goes first: only so many looks are
//! started before they have begun, and none while what was seen is stored more slowly than it comes.
//! The others wait in turns of their accounts, and a slot that is over is left out and counted.

mod lanes;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use metrics::counter;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::book::Why;
use crate::clock::until;
use crate::leases;
use crate::look;
use crate::metrics as names;
use crate::shared::Shared;
use lanes::Lanes;
pub(crate) use lanes::Room;

/// The clock may be set meanwhile, so that no wait is longer.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// Looks for each processor that are started and have not begun. What is ready to run waits for all
/// of them, the steps of looks under way too: more would only make every answer look slow.
const STARTING: usize = 128;

/// How the dispatcher hears of those that hold it up.
pub(crate) struct Pace {
    /// The timetable changed, or there is room again.
    pub due: Notify,
    /// Looks that are due and wait for room in the pool.
    waiting: AtomicUsize,
    /// Looks that are started and have not begun.
    starting: AtomicUsize,
    most_starting: usize,
    /// Some wait until those have begun.
    held_up: AtomicBool,
    /// More is seen than stored.
    behind: AtomicBool,
}

impl Pace {
    pub(crate) fn new() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            due: Notify::new(),
            waiting: AtomicUsize::new(0),
            starting: AtomicUsize::new(0),
            most_starting: STARTING * processors,
            held_up: AtomicBool::new(false),
            behind: AtomicBool::new(false),
        }
    }

    fn may_start(&self) -> bool {
        !self.behind.load(Ordering::SeqCst)
            && self.starting.load(Ordering::SeqCst) < self.most_starting
    }

    /// A look that was started begins.
    pub(crate) fn began(&self) {
        let left = self.starting.fetch_sub(1, Ordering::SeqCst) - 1;
        if left <= self.most_starting / 2 && self.held_up.swap(false, Ordering::SeqCst) {
            self.due.notify_one();
        }
    }

    /// A look has ended. Whoever waits for nothing is not woken for each.
    pub(crate) fn ended(&self) {
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.due.notify_one();
        }
    }

    /// Whether no look is to begin until more is stored.
    pub(crate) fn set_behind(&self, behind: bool) {
        if self.behind.swap(behind, Ordering::SeqCst) && !behind {
            self.due.notify_one();
        }
    }
}

pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let mut lanes = Lanes::new(shared.config.looks);
    let mut turned = Instant::now();
    while !stop.is_cancelled() {
        if turned.elapsed() > leases::STOOD_STILL {
            // Others may have taken what the books say is ours.
            leases::wait_for_renewal(&shared, &stop).await;
        }
        turned = Instant::now();
        let next = take_due(&shared, &mut lanes);
        start(&shared, &mut lanes);
        shared.meters.waiting.set(count(lanes.len()));
        shared.meters.inflight.set(count(lanes.running()));
        let wait = next.map_or(LONGEST_WAIT, |at| until(at, shared.now()).min(LONGEST_WAIT));
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(wait) => {}
            () = shared.pace.due.notified() => {}
        }
    }
    counter!(names::LOOKS_SKIPPED, "reason" => "handed_over").increment(lanes.len() as u64);
}

/// Puts what is due into the lanes; when the next is.
fn take_due(shared: &Shared, lanes: &mut Lanes) -> Option<jiff::Timestamp> {
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
    if popped.overtaken > 0 {
        shared.meters.overtaken.increment(popped.overtaken);
        shared.meters.due.increment(popped.overtaken);
    }
    for due in popped.due {
        if due.why != Why::Recheck {
            shared.meters.due.increment(1);
        }
        lanes.push(due);
    }
    next
}

/// Starts what there is room for.
fn start(shared: &Arc<Shared>, lanes: &mut Lanes) {
    let pace = &shared.pace;
    // Written down before room is looked for: who gives room back after that sees that it is wanted.
    pace.waiting.store(lanes.len(), Ordering::SeqCst);
    pace.held_up.store(lanes.len() > 0, Ordering::SeqCst);
    while pace.may_start() {
        let Some((due, room)) = lanes.next() else {
            pace.held_up.store(false, Ordering::SeqCst);
            pace.waiting.store(lanes.len(), Ordering::SeqCst);
            return;
        };
        pace.starting.fetch_add(1, Ordering::SeqCst);
        shared
            .tasks
            .spawn(look::on_timetable(shared.clone(), due, room));
    }
    // It is not the pool that is waited for.
    pace.waiting.store(0, Ordering::SeqCst);
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a gauge of things that fit in memory"
)]
fn count(things: usize) -> f64 {
    things as f64
}
