//! A target that hangs: confirming looks overlap, so that it is sure after two time-outs, not three.

use domain::check::Check;
use domain::monitor::ConfirmSpec;
use domain::report::Window;
use domain::status::Observed;
use jiff::SignedDuration;
use sqlx::PgPool;
use store::reports::{self, ChecksFilter};
use testkit::{Behaviour, SwitchableSite};

use crate::world::{World, now, until};

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_third_look_does_not_wait_for_the_end_of_the_second(pool: PgPool) {
    let (world, site) = (World::new(pool).await, SwitchableSite::start().await);
    let worker = world.start("one");
    let mut hanging = world.draft();
    hanging.spec = world.spec(&site.url("/"), 10);
    hanging.spec.timeout_ms = Some(5_000);
    hanging.spec.confirm = Some(ConfirmSpec {
        rechecks: Some(2),
        over_seconds: Some(0),
    });
    let monitor = world.insert(&hanging).await;
    world.wait_for(monitor, Observed::Up).await;
    let begun = now();
    site.set(Behaviour::Hang);
    world.wait_for(monitor, Observed::Down).await;

    let incident = world.open_incident(monitor).await.unwrap();
    let mut c = world.pool.acquire().await.unwrap();
    let window = Window {
        from: begun - SignedDuration::from_secs(1),
        to: now() + SignedDuration::from_secs(1),
    };
    let key = (world.account, monitor);
    let mut rechecks: Vec<Check> = until("both rechecks kept", async || {
        let filter = ChecksFilter::default();
        let page = reports::list_checks(&mut c, key, window, &filter, (None, 50))
            .await
            .unwrap();
        let rechecks = page.checks.into_iter().filter(|check| check.slot.is_none());
        let rechecks: Vec<Check> = rechecks.filter(|check| check.at > begun).collect();
        (rechecks.len() >= 2).then_some(rechecks)
    })
    .await;
    rechecks.sort_by_key(|check| check.at);
    let [second, third] = [&rechecks[0], &rechecks[1]];
    let ended = |check: &Check| check.at + std::time::Duration::from_micros(check.total_us);
    assert!(third.at < ended(second), "{second:?} {third:?}");
    assert!(third.at.duration_since(second.at) >= SignedDuration::from_secs(3));
    assert!(second.at.duration_since(incident.first_failure_at) >= SignedDuration::from_secs(5));
    worker.stop().await;
}
