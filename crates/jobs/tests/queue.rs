//! The queue against a real Postgres: what is promised in the crate's documentation.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests, which nobody cuts short"
)]

use std::time::Duration;

use domain::clock::{Clock, SystemClock};
use jobs::{Job, Runner, enqueue};
use serde::{Deserialize, Serialize};
use sqlx::{Connection, PgPool};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    id: u32,
}

impl Job for Note {
    const QUEUE: &'static str = "note";
}

const PATIENCE: Duration = Duration::from_secs(20);

/// A migrated queue. Roles belong to the cluster, and tests run beside each other.
async fn queue(pool: &PgPool) {
    let roles = "DO $$ BEGIN
        IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'watchbell_tenant') THEN
            CREATE ROLE watchbell_tenant NOLOGIN;
        END IF;
        IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'watchbell_system') THEN
            CREATE ROLE watchbell_system NOLOGIN;
        END IF;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$";
    sqlx::raw_sql(roles).execute(pool).await.unwrap();
    jobs::migrate(pool).await.unwrap();
}

struct Running {
    heard: mpsc::UnboundedReceiver<u32>,
    health: jobs::Health,
    stop: CancellationToken,
    ended: tokio::task::JoinHandle<()>,
}

impl Running {
    /// A runner that tells of each note; the note 13 panics.
    fn start(pool: &PgPool) -> Self {
        let (tell, heard) = mpsc::unbounded_channel();
        let runner = Runner::new(pool.clone(), "test").register::<Note, _, _>(4, move |note| {
            let tell = tell.clone();
            async move {
                assert_ne!(note.id, 13, "unlucky");
                tell.send(note.id).unwrap();
            }
        });
        let stop = CancellationToken::new();
        let (health, ended) = runner.run(stop.clone());
        Self {
            heard,
            health,
            stop,
            ended: tokio::spawn(ended),
        }
    }

    async fn next(&mut self) -> u32 {
        tokio::time::timeout(PATIENCE, self.heard.recv())
            .await
            .unwrap()
            .unwrap()
    }

    async fn finish(self) {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.ended)
            .await
            .unwrap()
            .unwrap();
    }
}

async fn push(pool: &PgPool, id: u32) {
    let mut connection = pool.acquire().await.unwrap();
    enqueue(&mut connection, &Note { id }, None).await.unwrap();
}

async fn count(pool: &PgPool, condition: &str) -> i64 {
    let statement = format!("SELECT count(*) FROM apalis.jobs WHERE {condition}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(statement))
        .fetch_one(pool)
        .await
        .unwrap()
}

#[sqlx::test(migrations = false)]
async fn migrating_is_safe_at_once_and_again(pool: PgPool) {
    sqlx::query("DROP SCHEMA IF EXISTS apalis CASCADE")
        .execute(&pool)
        .await
        .unwrap();
    tokio::join!(queue(&pool), queue(&pool), queue(&pool));
    queue(&pool).await;
    assert_eq!(count(&pool, "true").await, 0);
}

#[sqlx::test(migrations = false)]
async fn a_job_runs_and_is_gone(pool: PgPool) {
    queue(&pool).await;
    let mut running = Running::start(&pool);
    push(&pool, 1).await;
    assert_eq!(running.next().await, 1);
    assert!(running.health.last_fetched().is_some() && running.health.is_live());
    running.finish().await;
    assert_eq!(count(&pool, "true").await, 0);
}

#[sqlx::test(migrations = false)]
async fn a_delayed_job_waits_for_its_time(pool: PgPool) {
    queue(&pool).await;
    let mut running = Running::start(&pool);
    let due = SystemClock.now() + Duration::from_secs(2);
    let mut connection = pool.acquire().await.unwrap();
    enqueue(&mut connection, &Note { id: 2 }, Some(due))
        .await
        .unwrap();
    push(&pool, 1).await;
    assert_eq!(
        running.next().await,
        1,
        "the one without delay overtakes it"
    );
    assert_eq!(running.next().await, 2);
    assert!(SystemClock.now() >= due);
    running.finish().await;
}

#[sqlx::test(migrations = false)]
async fn a_job_of_a_rolled_back_transaction_never_runs(pool: PgPool) {
    queue(&pool).await;
    let mut running = Running::start(&pool);
    let mut transaction = pool.begin().await.unwrap();
    enqueue(&mut transaction, &Note { id: 1 }, None)
        .await
        .unwrap();
    transaction.rollback().await.unwrap();
    push(&pool, 2).await;
    assert_eq!(running.next().await, 2);
    running.finish().await;
    assert_eq!(count(&pool, "true").await, 0);
}

#[sqlx::test(migrations = false)]
async fn a_tenant_may_enqueue_and_see_nothing(pool: PgPool) {
    queue(&pool).await;
    let mut transaction = pool.begin().await.unwrap();
    sqlx::raw_sql("SET LOCAL ROLE watchbell_tenant")
        .execute(&mut *transaction)
        .await
        .unwrap();
    enqueue(&mut transaction, &Note { id: 1 }, None)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    let mut transaction = pool.begin().await.unwrap();
    sqlx::raw_sql("SET LOCAL ROLE watchbell_tenant")
        .execute(&mut *transaction)
        .await
        .unwrap();
    let seen = sqlx::query("SELECT 1 FROM apalis.jobs")
        .execute(&mut *transaction)
        .await;
    assert!(seen.is_err());
    transaction.rollback().await.unwrap();
    assert_eq!(count(&pool, "true").await, 1);
}

#[sqlx::test(migrations = false)]
async fn neither_a_panic_nor_a_broken_payload_stalls_the_queue(pool: PgPool) {
    queue(&pool).await;
    let mut running = Running::start(&pool);
    push(&pool, 13).await;
    #[derive(Serialize, Deserialize)]
    struct Strange {
        name: String,
    }
    impl Job for Strange {
        const QUEUE: &'static str = Note::QUEUE;
    }
    let mut connection = pool.acquire().await.unwrap();
    enqueue(&mut connection, &Strange { name: "?".into() }, None)
        .await
        .unwrap();
    push(&pool, 1).await;
    assert_eq!(running.next().await, 1);
    running.finish().await;
    assert_eq!(count(&pool, "true").await, 0, "none is tried again");
}

#[sqlx::test(migrations = false)]
async fn work_goes_on_after_the_database_was_gone(pool: PgPool) {
    queue(&pool).await;
    let mut running = Running::start(&pool);
    push(&pool, 1).await;
    assert_eq!(running.next().await, 1);
    for round in 2..5 {
        let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid()";
        sqlx::query(kill).execute(&pool).await.unwrap();
        // A pool may hand out a connection that it does not yet know to be dead.
        while pool.acquire().await.unwrap().ping().await.is_err() {}
        push(&pool, round).await;
        assert_eq!(running.next().await, round);
    }
    running.finish().await;
}

#[sqlx::test(migrations = false)]
async fn the_janitor_removes_what_is_over(pool: PgPool) {
    queue(&pool).await;
    push(&pool, 1).await;
    let failed = "UPDATE apalis.jobs SET status = 'Failed', done_at = now()";
    sqlx::query(failed).execute(&pool).await.unwrap();
    push(&pool, 2).await;
    let now = SystemClock.now();
    assert_eq!(jobs::prune(&pool, now).await.unwrap(), 0);
    let tomorrow = now + Duration::from_secs(25 * 3600);
    assert_eq!(jobs::prune(&pool, tomorrow).await.unwrap(), 1);
    assert_eq!(
        count(&pool, "status = 'Pending'").await,
        1,
        "what waits is kept"
    );
}

#[sqlx::test(migrations = false)]
async fn the_jobs_of_a_dead_worker_are_taken_over(pool: PgPool) {
    queue(&pool).await;
    push(&pool, 7).await;
    let died = "
        INSERT INTO apalis.workers (id, worker_type, storage_name, layers, last_seen)
        VALUES ('dead', 'note', 'PgStorage', '', now() - interval '16 seconds');
        UPDATE apalis.jobs SET status = 'Running', lock_by = 'dead', lock_at = now()";
    sqlx::raw_sql(died).execute(&pool).await.unwrap();
    let mut running = Running::start(&pool);
    assert_eq!(running.next().await, 7);
    running.finish().await;
}
