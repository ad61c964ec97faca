use std::time::Duration;

use domain::clock::SystemClock;
use domain::monitor::schedule;
use jiff::Timestamp;
use probe::Prober;
use sqlx::PgPool;
use store::Secrets;
use store::leases::Lease;

use super::*;
use crate::book::tests::{KNOWN, plan};
use crate::config::WorkerConfig;

fn take(shared: &Shared, id: MonitorId, now: Timestamp) {
    let lease = Lease {
        shard: schedule::shard(id),
        epoch: 1,
        recorded_through: now,
    };
    let mut book = shared.book();
    book.shards.insert(&lease);
    book.upsert(plan(id, 60), KNOWN, Some(now), now);
    book.shards.loaded(lease.shard);
}

/// Nobody else asks the database in this test, so whoever waits for a lock is the comparison.
async fn waits_for_a_lock(pool: &PgPool) {
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    while sqlx::query_scalar::<_, i64>(waiting)
        .fetch_one(pool)
        .await
        .unwrap()
        == 0
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_is_taken_while_the_database_answers_is_not_gone(pool: PgPool) {
    let shared = Arc::new(Shared::new(
        WorkerConfig::new("local", "Here", "one"),
        pool.clone(),
        Prober::new(testkit::way_out::way_out(None, None)).unwrap(),
        Secrets::new(["a key that is long enough"]).unwrap(),
        Arc::new(SystemClock),
    ));
    let now = shared.now();
    let (gone, taken) = (MonitorId::generate(), MonitorId::generate());
    take(&shared, gone, now);
    let mut lock = store::begin(&pool).await.unwrap();
    sqlx::query("LOCK TABLE monitors IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *lock)
        .await
        .unwrap();
    let comparing = tokio::spawn({
        let shared = shared.clone();
        async move { reconcile(&shared).await.is_ok() }
    });
    waits_for_a_lock(&pool).await;
    take(&shared, taken, now);
    lock.commit().await.unwrap();
    assert!(comparing.await.unwrap());
    let book = shared.book();
    assert!(book.get(gone).is_none(), "the database does not know it");
    assert!(book.get(taken).is_some(), "it came after the question");
}
