//! Runs the jobs of some queues until told to stop.
//!
//! What a worker of the queue's library cannot do is done here: a worker that met a database error
//! ends, so it is started anew after a pause, under a new name (one that comes back under its old
//! name loses what it had begun); panics and payloads that do not decode end one job and not the
//! worker; one listener wakes all queues, and a poll every half second finds what was delayed.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use apalis::prelude::{
    BackendExt, Event, EventListenerExt, WorkerBuilder, WorkerBuilderExt, WorkerError,
};
use apalis_postgres::{Config, InsertEvent, PostgresStorage};
use futures::future::BoxFuture;
use futures::{FutureExt, Stream, StreamExt};
use serde_json::Value;
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::Job;

/// Delayed jobs are looked for this often.
const POLL: Duration = Duration::from_millis(500);
/// A worker that misses three of these is dead, and another one takes its jobs.
const HEARTBEAT: Duration = Duration::from_secs(5);
const MISSED_HEARTBEATS: usize = 3;
/// A worker that has not beaten for this long hangs, whatever in, and is started anew. Its jobs go on by
/// themselves, and are given out again.
const HANGS_AFTER: Duration = Duration::from_secs(45);
/// Between the end of a worker by an error and its next start.
const RESTART_PAUSE: Duration = Duration::from_secs(1);
/// How long running jobs may take to end after a stop.
const DRAIN: Duration = Duration::from_secs(22);
const INSERTED: &str = "apalis::job::insert";

type Handler = Arc<dyn Fn(Value) -> BoxFuture<'static, ()> + Send + Sync>;

struct Registered {
    queue: &'static str,
    concurrency: usize,
    handler: Handler,
    wake: Arc<Notify>,
}

/// Whether the queues are being worked on; cheap to clone and to ask.
#[derive(Debug, Clone)]
pub struct Health {
    started: Instant,
    beat: Arc<HashMap<&'static str, AtomicU64>>,
    fetched: Arc<AtomicU64>,
}

impl Health {
    fn new(queues: impl Iterator<Item = &'static str>) -> Self {
        Self {
            started: Instant::now(),
            beat: Arc::new(queues.map(|queue| (queue, AtomicU64::new(0))).collect()),
            fetched: Arc::new(AtomicU64::new(0)),
        }
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Ends when a queue has not beaten for `limit`, counted from now.
    async fn falls_silent(&self, queue: &str, limit: Duration) {
        let begun = self.elapsed();
        loop {
            let beat = self.beat.get(queue).map(|at| at.load(Ordering::Relaxed));
            let last = beat.unwrap_or(0).max(begun);
            match patience(last, self.elapsed(), limit) {
                Some(left) => tokio::time::sleep(left).await,
                None => return,
            }
        }
    }

    fn mark_beat(&self, queue: &str) {
        if let Some(beat) = self.beat.get(queue) {
            beat.store(self.elapsed(), Ordering::Relaxed);
        }
    }

    /// How long the quietest queue has not reached the database; since the start if it never did.
    pub fn since_last_beat(&self) -> Duration {
        let oldest = self
            .beat
            .values()
            .map(|beat| beat.load(Ordering::Relaxed))
            .min();
        let now = self.elapsed();
        Duration::from_millis(now.saturating_sub(oldest.unwrap_or(now)))
    }

    /// Every queue has reached the database within the time after which its jobs would be taken over.
    pub fn is_live(&self) -> bool {
        self.since_last_beat() < HEARTBEAT * 3
    }

    /// How long ago a job was last fetched; `None` before the first.
    pub fn last_fetched(&self) -> Option<Duration> {
        let at = self.fetched.load(Ordering::Relaxed);
        (at > 0).then(|| Duration::from_millis(self.elapsed().saturating_sub(at)))
    }
}

/// Queues with their handlers.
pub struct Runner {
    pool: PgPool,
    name: String,
    registered: Vec<Registered>,
}

impl Runner {
    /// A runner without queues. `role` names the process in the queue's table of workers.
    pub fn new(pool: PgPool, role: &str) -> Self {
        Self {
            pool,
            name: format!("{role}-{}", Uuid::new_v4().simple()),
            registered: Vec::new(),
        }
    }

    /// Handles the jobs `J`, at most `concurrency` at once.
    #[must_use]
    pub fn register<J, F, Fut>(mut self, concurrency: usize, handler: F) -> Self
    where
        J: Job,
        F: Fn(J) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let handler = Arc::new(handler);
        let erased: Handler = Arc::new(move |payload| {
            let handler = Arc::clone(&handler);
            async move {
                match serde_json::from_value::<J>(payload) {
                    Ok(job) => handler(job).await,
                    Err(error) => {
                        metrics::counter!("watchbell_jobs_undecodable_total", "queue" => J::QUEUE)
                            .increment(1);
                        tracing::error!(queue = J::QUEUE, %error, "dropped a job that does not decode");
                    }
                }
            }
            .boxed()
        });
        self.registered.push(Registered {
            queue: J::QUEUE,
            concurrency: concurrency.max(1),
            handler: erased,
            wake: Arc::new(Notify::new()),
        });
        self
    }

    /// Starts all queues. The health is for the process's readiness; the future ends when `shutdown`
    /// is cancelled and the running jobs are done, and not before.
    pub fn run(
        self,
        shutdown: CancellationToken,
    ) -> (Health, impl Future<Output = ()> + Send + 'static) {
        let health = Health::new(self.registered.iter().map(|registered| registered.queue));
        let wakes: HashMap<_, _> = self
            .registered
            .iter()
            .map(|one| (one.queue, Arc::clone(&one.wake)))
            .collect();
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(listen(self.pool.clone(), wakes, shutdown.clone()));
        for registered in self.registered {
            let (pool, name) = (
                self.pool.clone(),
                format!("{}-{}", self.name, registered.queue),
            );
            tasks.spawn(supervise(
                pool,
                name,
                registered,
                health.clone(),
                shutdown.clone(),
            ));
        }
        let finished = async move {
            shutdown.cancelled().await;
            let drained = async { while tasks.join_next().await.is_some() {} };
            if tokio::time::timeout(DRAIN, drained).await.is_err() {
                tracing::warn!("jobs still running at the end; another process takes them over");
            }
        };
        (health, finished)
    }
}

/// Keeps one queue's worker running.
async fn supervise(
    pool: PgPool,
    name: String,
    registered: Registered,
    health: Health,
    shutdown: CancellationToken,
) {
    let mut restart: u64 = 0;
    while !shutdown.is_cancelled() {
        let name = format!("{name}-{restart}");
        // A task of its own, so that a panic in the library ends one start and not the supervision.
        let mut worker = tokio::spawn(work(
            pool.clone(),
            name,
            registered.view(),
            health.clone(),
            shutdown.clone(),
        ));
        let ended = tokio::select! {
            ended = &mut worker => match ended {
                Ok(Ok(())) => "ended".to_owned(),
                Ok(Err(error)) => error.to_string(),
                Err(panic) => panic.to_string(),
            },
            () = health.falls_silent(registered.queue, HANGS_AFTER), if !shutdown.is_cancelled() => {
                worker.abort();
                "its heart does not beat".to_owned()
            }
        };
        if shutdown.is_cancelled() {
            return;
        }
        restart += 1;
        metrics::counter!("watchbell_jobs_restarts_total", "queue" => registered.queue)
            .increment(1);
        tracing::warn!(queue = registered.queue, restart, reason = %ended, "job worker is started anew");
        let _ = tokio::time::timeout(RESTART_PAUSE, shutdown.cancelled()).await;
    }
}

impl Registered {
    fn view(&self) -> Self {
        Self {
            queue: self.queue,
            concurrency: self.concurrency,
            handler: Arc::clone(&self.handler),
            wake: Arc::clone(&self.wake),
        }
    }
}

fn work(
    pool: PgPool,
    name: String,
    registered: Registered,
    health: Health,
    shutdown: CancellationToken,
) -> BoxFuture<'static, Result<(), WorkerError>> {
    let Registered {
        queue,
        concurrency,
        handler,
        wake,
    } = registered;
    let config = Config::default()
        .queue(queue)
        .batch_size(concurrency)
        .heartbeat_interval(HEARTBEAT)
        .missed_heartbeats(MISSED_HEARTBEATS);
    let storage = PostgresStorage::<Value>::new(&pool)
        .with_config(config)
        .poll_with_stream(Box::pin(ticks(wake)));
    let beats = health.clone();
    let worker = WorkerBuilder::new(name)
        .backend(storage)
        .concurrency(concurrency)
        .on_event(move |_, event| match event {
            Event::HeartBeat | Event::Start => beats.mark_beat(queue),
            Event::Error(error) => tracing::error!(queue, %error, "job did not end well"),
            _ => {}
        })
        .build(move |payload: Value| {
            let handler = Arc::clone(&handler);
            let health = health.clone();
            async move {
                health
                    .fetched
                    .store(health.elapsed().max(1), Ordering::Relaxed);
                // A task of its own: jobs run beside each other, and a panic ends only this one.
                if let Err(panic) = tokio::spawn(handler(payload)).await {
                    metrics::counter!("watchbell_jobs_panics_total", "queue" => queue).increment(1);
                    tracing::error!(queue, %panic, "a job panicked; its row is swept up later");
                }
            }
        });
    let stop = async move {
        shutdown.cancelled().await;
        Ok::<(), WorkerError>(())
    };
    worker.run_until(stop).boxed()
}

/// Something to wake up for: a new job, or half a second gone by.
///
/// With each item its reader is woken once more. The library takes an item and does not ask for the next: one that
/// came while it was looking for jobs, and found none, was the last that it heard of until its heart beat, up to
/// five seconds later, and the job waited.
fn ticks(wake: Arc<Notify>) -> impl Stream<Item = ()> + Send {
    let ticks = futures::stream::unfold(wake, |wake| async move {
        let _ = tokio::time::timeout(POLL, wake.notified()).await;
        Some(((), wake))
    });
    let mut ticks = Box::pin(ticks);
    futures::stream::poll_fn(move |cx| {
        let tick = ticks.poll_next_unpin(cx);
        if tick.is_ready() {
            cx.waker().wake_by_ref();
        }
        tick
    })
}

/// Hears of new jobs for all queues on one connection. Losing it costs half a second of delay.
async fn listen(
    pool: PgPool,
    wakes: HashMap<&'static str, Arc<Notify>>,
    shutdown: CancellationToken,
) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            outcome = hear(&pool, &wakes) => {
                if let Err(error) = outcome {
                    tracing::debug!(%error, "not hearing of new jobs, polling for them");
                }
            }
        }
        let _ = tokio::time::timeout(RESTART_PAUSE, shutdown.cancelled()).await;
    }
}

async fn hear(
    pool: &PgPool,
    wakes: &HashMap<&'static str, Arc<Notify>>,
) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(INSERTED).await?;
    loop {
        let heard = listener.recv().await?;
        let Ok(event) = serde_json::from_str::<InsertEvent>(heard.payload()) else {
            continue;
        };
        if let Some(wake) = wakes.get(event.job_type.as_str()) {
            wake.notify_one();
        }
    }
}

/// How much longer a beat may be waited for that came last at `last`, milliseconds as `now`; `None`: no longer.
fn patience(last: u64, now: u64, limit: Duration) -> Option<Duration> {
    let silent = Duration::from_millis(now.saturating_sub(last));
    limit.checked_sub(silent).filter(|left| !left.is_zero())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::task::{Context, Poll, Wake, Waker};

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[tokio::test]
    async fn whoever_takes_a_tick_and_asks_no_further_is_woken_again() {
        let (wake, woken) = (Arc::new(Notify::new()), Arc::new(Woken::default()));
        let mut ticks = Box::pin(ticks(Arc::clone(&wake)));
        let waker = Waker::from(Arc::clone(&woken));
        let mut cx = Context::from_waker(&waker);
        for ticked in 1..=3 {
            wake.notify_one();
            assert_eq!(ticks.poll_next_unpin(&mut cx), Poll::Ready(Some(())));
            assert_eq!(woken.0.load(Ordering::Relaxed), ticked);
        }
        assert_eq!(ticks.poll_next_unpin(&mut cx), Poll::Pending);
        assert_eq!(woken.0.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn a_queue_hangs_when_its_last_beat_is_too_long_ago() {
        let limit = Duration::from_secs(45);
        assert_eq!(patience(10_000, 10_000, limit), Some(limit));
        assert_eq!(
            patience(10_000, 54_999, limit),
            Some(Duration::from_millis(1))
        );
        assert_eq!(patience(10_000, 55_000, limit), None);
        assert_eq!(
            patience(10_000, 900_000, limit),
            None,
            "the process was stopped meanwhile"
        );
    }
}
