//! Looks that may change a status, recorded at once and in order: one queue per monitor, a bounded
//! number at a time. While the database is gone they wait; none is lost, none overtakes another.

mod apply;

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::answer::Answer;
use domain::canary::Health;
use domain::check::Check;
use domain::ids::{CheckId, MonitorId};
use domain::incident::Diagnosis;
use domain::status::Look;
use jiff::Timestamp;
use metrics::{counter, gauge};
use store::evidence::Evidence;
use tokio::sync::{Semaphore, oneshot};

use crate::canary;
use crate::metrics as names;
use crate::plan::Plan;
use crate::shared::Shared;
use apply::Applied;

/// Waits between two attempts while the database is gone.
const AGAIN: Duration = Duration::from_secs(1);
/// One attempt, however slow the database.
const DEADLINE: Duration = Duration::from_secs(20);
/// Attempts at a transition that the database refuses for a reason of its own.
const ATTEMPTS: u32 = 5;
/// Transitions of one monitor that wait: ten minutes of the shortest interval. Beyond it those in
/// the middle go, since the first failure and the present say most.
const WAITING: usize = 60;

/// A look on its way into the status.
#[derive(Debug)]
pub(crate) struct Transition {
    pub plan: Arc<Plan>,
    /// The lease under which it was made; `None` when the shard was not held.
    pub epoch: Option<i64>,
    /// `None`: it changes no status, only the certificate is to be recorded.
    pub look: Option<Look>,
    pub certificate: Option<incidents::Seen>,
    pub registration: Option<incidents::Registered>,
    pub public_address: bool,
    /// What was connected to, or tried last.
    pub address: Option<IpAddr>,
    pub diagnosis: Option<Diagnosis>,
    /// What was seen of an answer that is not good.
    pub answer: Option<Answer>,
    pub evidence: Option<Box<Evidence>>,
    /// Kept apart from the timetable, with its reason.
    pub requested: Option<(&'static str, Check)>,
    pub check_id: CheckId,
    pub slot: Option<Timestamp>,
}

/// Resolves when a transition is recorded or given up.
pub(crate) type Done = oneshot::Receiver<()>;

struct Waiting {
    transition: Transition,
    told: oneshot::Sender<()>,
}

/// The queues.
pub(crate) struct Recorder {
    room: Semaphore,
    queues: Mutex<HashMap<MonitorId, VecDeque<Waiting>>>,
}

impl Recorder {
    pub(crate) fn new(room: Semaphore) -> Self {
        Self {
            room,
            queues: Mutex::new(HashMap::new()),
        }
    }

    fn queues(&self) -> MutexGuard<'_, HashMap<MonitorId, VecDeque<Waiting>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts a transition at the end of its monitor's queue.
pub(crate) fn enqueue(shared: &Arc<Shared>, transition: Transition) -> Done {
    let id = transition.plan.monitor_id;
    let (told, done) = oneshot::channel();
    let mut queues = shared.recorder.queues();
    let idle = !queues.contains_key(&id);
    let queue = queues.entry(id).or_default();
    queue.push_back(Waiting { transition, told });
    let crowded = (queue.len() > WAITING)
        .then(|| queue.remove(WAITING / 2))
        .flatten();
    gauge!(names::UNRECORDED).increment(1.0);
    drop(queues);
    if let Some(given_up) = crowded {
        let_go(shared, &given_up.transition);
    }
    if idle {
        shared.tasks.spawn(drain(shared.clone(), id));
    }
    done
}

/// Records a monitor's queue to its end.
async fn drain(shared: Arc<Shared>, id: MonitorId) {
    loop {
        let next = {
            let mut queues = shared.recorder.queues();
            let next = queues.get_mut(&id).and_then(VecDeque::pop_front);
            if next.is_none() {
                queues.remove(&id);
            }
            next
        };
        let Some(Waiting { transition, told }) = next else {
            return;
        };
        persist(&shared, &transition).await;
        let_go(&shared, &transition);
        // Nobody has to wait for it.
        let _unheard = told.send(());
    }
}

/// Tries until it is recorded, or refused for good.
async fn persist(shared: &Arc<Shared>, transition: &Transition) {
    let (mut refused, mut held) = (0, false);
    loop {
        let Ok(room) = shared.recorder.room.acquire().await else {
            return;
        };
        let outcome = tokio::time::timeout(DEADLINE, apply::apply(shared, transition, held)).await;
        drop(room);
        match outcome {
            Ok(Ok(Applied::Done)) => return,
            Ok(Ok(Applied::NeedsCanary(ended))) => {
                // Nobody holds room meanwhile: one sitting serves all who wait.
                match canary::since(shared, ended).await {
                    Some(health) => held = matches!(health, Health::Blind(_)),
                    None => tokio::time::sleep(AGAIN).await,
                }
                continue;
            }
            Ok(Err(error)) if error.is_unavailable() => {
                tracing::debug!(%error, monitor.id = %transition.plan.monitor_id, "a look waits to be recorded");
            }
            Ok(Err(error)) => {
                refused += 1;
                tracing::error!(%error, monitor.id = %transition.plan.monitor_id, "a look cannot be recorded");
                if refused >= ATTEMPTS {
                    counter!(names::RECORDED, "outcome" => "refused").increment(1);
                    return;
                }
            }
            Err(_) => {
                tracing::warn!(monitor.id = %transition.plan.monitor_id, "recording a look takes too long")
            }
        }
        tokio::time::sleep(AGAIN).await;
    }
}

fn let_go(shared: &Shared, transition: &Transition) {
    gauge!(names::UNRECORDED).decrement(1.0);
    if transition.look.is_none() {
        return;
    }
    let id = transition.plan.monitor_id;
    let mut book = shared.book();
    if let Some(entry) = book.get_mut(id) {
        entry.waiting = entry.waiting.saturating_sub(1);
    }
    if let Some(slot) = transition.slot {
        book.shards.done(transition.plan.shard, slot, id);
    }
}
