//! What the parts of a worker share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::clock::Clock;
use jiff::Timestamp;
use probe::Prober;
use sqlx::PgPool;
use store::Secrets;
use store::checks::Owned;
use tokio::sync::{Notify, Semaphore};
use tokio_util::task::TaskTracker;

use crate::answers::Answers;
use crate::book::Book;
use crate::buffer::Buffer;
use crate::canary::Canaries;
use crate::clock::Anchored;
use crate::config::WorkerConfig;
use crate::dispatch::Pace;
use crate::health::Health;
use crate::metrics::Meters;
use crate::record::Recorder;

pub(crate) struct Shared {
    pub config: WorkerConfig,
    pub pool: PgPool,
    pub prober: Prober,
    pub secrets: Secrets,
    pub clock: Anchored,
    pub health: Health,
    pub recorder: Recorder,
    pub meters: Meters,
    pub canaries: Canaries,
    /// Good answers that may be others than before.
    pub answers: Answers,
    /// Looks and recordings that run.
    pub tasks: TaskTracker,
    /// Monitors that are read anew at once: a flood of changes leaves connections for the leases.
    pub reloads: Semaphore,
    /// Whom the dispatcher waits for.
    pub pace: Pace,
    /// A look has ended for which another at the same monitor may wait.
    pub turns: Notify,
    /// The buffer is worth a batch.
    pub full: Notify,
    /// Somebody asks for a look.
    pub asked: Notify,
    /// A visitor asks for looks.
    pub visitors: Notify,
    /// A round of a watched target is asked for.
    pub watched: Notify,
    /// A target is to be watched, or a look of its round is answered.
    pub watches: Notify,
    /// A failure is to be looked at closer.
    pub examined: Notify,
    /// The proof of an origin is to be looked for.
    pub origins: Notify,
    /// Texts of a page are to be compared.
    pub proposals: Notify,
    /// The leases were renewed: the books say what is ours.
    pub renewed: Notify,
    /// Another server answers for the database: what is known of states may be newer than what it has.
    pub moved: Notify,
    book: Mutex<Book>,
    buffer: Mutex<Buffer>,
}

impl Shared {
    pub(crate) fn new(
        config: WorkerConfig,
        pool: PgPool,
        prober: Prober,
        secrets: Secrets,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            clock: Anchored::new(clock),
            health: Health::default(),
            recorder: Recorder::new(Semaphore::new(config.recorders.max(1))),
            meters: Meters::new(),
            canaries: Canaries::new(config.canaries.as_ref()),
            answers: Answers::default(),
            tasks: TaskTracker::new(),
            reloads: Semaphore::new(2),
            pace: Pace::new(),
            turns: Notify::new(),
            full: Notify::new(),
            asked: Notify::new(),
            visitors: Notify::new(),
            watched: Notify::new(),
            watches: Notify::new(),
            examined: Notify::new(),
            origins: Notify::new(),
            proposals: Notify::new(),
            renewed: Notify::new(),
            moved: Notify::new(),
            book: Mutex::new(Book::default()),
            buffer: Mutex::new(Buffer::new(config.buffer_rows, config.buffer_for)),
            config,
            pool,
            prober,
            secrets,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The books; never held across a wait.
    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn buffer(&self) -> MutexGuard<'_, Buffer> {
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks that are stored, or will never be: their slots wait for them no longer.
    pub(crate) fn let_go(&self, looks: &[Owned]) {
        let mut book = self.book();
        for look in looks {
            if let Some(slot) = look.check.slot {
                let shard = domain::monitor::schedule::shard(look.monitor_id);
                book.shards.done(shard, slot, look.monitor_id);
            }
        }
    }
}
