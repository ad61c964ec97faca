//! Shards change hands.

use std::time::Duration;

use domain::monitor::schedule;
use domain::status::Observed;
use sqlx::PgPool;
use store::leases;
use store::look_requests::{Reason, Subject};
use testkit::{Behaviour, SwitchableSite};

use crate::world::{World, now, until};

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_dead_workers_shards_are_taken_and_its_confirmation_goes_on(pool: PgPool) {
    let (world, site) = (World::new(pool).await, SwitchableSite::start().await);
    let first = world.start("first");
    let monitor = world.monitor(&site.url("/"), 2).await;
    world.wait_for(monitor, Observed::Up).await;
    site.set(Behaviour::Refuse);
    let mut c = world.pool.acquire().await.unwrap();
    until("a candidate", async || {
        let found = store::states::find(&mut c, world.account, monitor)
            .await
            .unwrap()?;
        found.state.confirming.then_some(())
    })
    .await;
    // Killed: nothing is handed back, and its leases run out.
    drop(first);
    let second = world.start("second");
    world.wait_for(monitor, Observed::Down).await;
    assert!(world.open_incident(monitor).await.is_some());
    let held = leases::renew(&mut c, "local", "second").await.unwrap();
    assert!(!held.is_empty() && held.iter().all(|lease| lease.epoch == 2));
    second.stop().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn two_workers_share_and_one_that_stops_hands_back_at_once(pool: PgPool) {
    let world = World::new(pool).await;
    let first = world.start("first");
    let mut c = world.pool.acquire().await.unwrap();
    let mut held = async |name: &str| leases::renew(&mut c, "local", name).await.unwrap().len();
    until("all shards", async || {
        (held("first").await == 256).then_some(())
    })
    .await;
    let second = world.start("second");
    until("an even share", async || {
        (held("first").await == 128 && held("second").await == 128).then_some(())
    })
    .await;
    first.stop().await;
    until("the whole again", async || {
        (held("second").await == 256).then_some(())
    })
    .await;
    second.stop().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_slot_that_nobody_stored_is_looked_at_though_somebody_asked_for_a_look_since(
    pool: PgPool,
) {
    let (world, site) = (World::new(pool).await, SwitchableSite::start().await);
    let monitor = world.monitor(&site.url("/"), 600).await;
    let first = world.start("first");
    world.ask(Subject::Monitor(monitor), Reason::First).await;
    world.wait_for(monitor, Observed::Up).await;
    first.stop().await;
    let interval = Duration::from_secs(600);
    let slot = schedule::slot_at(interval, schedule::phase(monitor, interval, 0, 1), now());
    // As if it had died in that slot: the look that made the monitor up came later.
    for statement in [
        "UPDATE monitors SET created_at = $1::timestamptz - interval '1 hour'",
        "UPDATE shard_leases SET recorded_through = $1::timestamptz - interval '1 second'",
        "DELETE FROM checks WHERE slot <= $1::timestamptz",
    ] {
        let done = sqlx::query(statement).bind(slot.to_string());
        done.execute(&world.pool).await.unwrap();
    }
    let second = world.start("second");
    until("the slot", async || {
        let stored = "SELECT count(*) FROM checks WHERE slot = $1::timestamptz";
        let stored = sqlx::query_scalar(stored).bind(slot.to_string());
        let stored: i64 = stored.fetch_one(&world.pool).await.unwrap();
        (stored == 1).then_some(())
    })
    .await;
    second.stop().await;
}
