//! One outage, from the first failing look to its end.

use domain::check::VerdictKind;
use domain::incident::ResolvedReason;
use domain::report::Window;
use domain::status::Observed;
use jiff::SignedDuration;
use sqlx::PgPool;
use store::reports::{self, ChecksFilter};
use testkit::{Behaviour, SwitchableSite};

use crate::world::{World, now, until};

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_outage_is_seen_confirmed_kept_and_ended(pool: PgPool) {
    let (world, site) = (World::new(pool).await, SwitchableSite::start().await);
    let worker = world.start("one");
    let monitor = world.monitor(&site.url("/"), 5).await;
    world.wait_for(monitor, Observed::Up).await;
    // Its first looks may be kept before its round of leases has ended.
    until("a worker without a problem", async || {
        worker.worker.health().problem().is_none().then_some(())
    })
    .await;

    let broken_at = now();
    site.set(Behaviour::Status(502));
    world.wait_for(monitor, Observed::Down).await;
    let incident = world.open_incident(monitor).await.unwrap();
    assert!(incident.first_failure_at >= broken_at - SignedDuration::from_secs(1));
    assert_eq!(incident.failure.class.as_str(), "http_status");
    assert!(incident.diagnosis.is_some());
    let mut c = world.pool.acquire().await.unwrap();
    let since = broken_at - SignedDuration::from_secs(1);
    let key = (world.account, monitor);
    until(
        "evidence of the failure and of its confirmation",
        async || {
            let evidence = store::evidence::list(&mut c, key.0, key.1, (since, now()))
                .await
                .unwrap();
            let lasted = now().duration_since(incident.first_failure_at);
            (evidence.len() >= 2 && lasted >= SignedDuration::from_secs(2)).then_some(())
        },
    )
    .await;

    site.set(Behaviour::Fine);
    world.wait_for(monitor, Observed::Up).await;
    let ended = store::incidents::find(&mut c, world.account, incident.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(ended.resolved_reason, Some(ResolvedReason::Recovered));

    let evidence = store::evidence::list(&mut c, world.account, monitor, (since, now()))
        .await
        .unwrap();
    assert!(
        (2..=20).contains(&evidence.len()),
        "the first failure and its confirmation: {}",
        evidence.len()
    );
    assert!(
        evidence.iter().all(
            |kept| kept.observation.http.as_ref().unwrap().status == 502 && kept.body.is_some()
        )
    );

    let window = Window {
        from: broken_at - SignedDuration::from_secs(60),
        to: now(),
    };
    let all = ChecksFilter::default();
    let looks = until("a stored look of the recovery", async || {
        let page = reports::list_checks(&mut c, key, window, &all, (None, 200))
            .await
            .unwrap();
        page.checks
            .first()
            .is_some_and(|check| check.verdict == VerdictKind::Up)
            .then_some(page.checks)
    })
    .await;
    assert!(
        looks.iter().any(|check| check.slot.is_none()),
        "rechecks are kept apart from the timetable"
    );
    let mut slots: Vec<_> = looks.iter().filter_map(|check| check.slot).collect();
    let count = slots.len();
    slots.dedup();
    assert_eq!(slots.len(), count, "a slot is looked at once");
    let uptime = reports::uptime(&mut c, world.account, monitor, window)
        .await
        .unwrap();
    assert!(
        uptime.down_seconds > 0 && uptime.incidents == 1,
        "{uptime:?}"
    );
    worker.stop().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn targets_that_hang_delay_nobody(pool: PgPool) {
    let (world, site, hanging) = (
        World::new(pool).await,
        SwitchableSite::start().await,
        SwitchableSite::start().await,
    );
    hanging.set(Behaviour::Hang);
    for _ in 0..50 {
        world.monitor(&hanging.url("/"), 2).await;
    }
    let healthy = world.monitor(&site.url("/"), 2).await;
    let worker = world.start("one");
    world.wait_for(healthy, Observed::Up).await;
    let begun = now();
    let mut c = world.pool.acquire().await.unwrap();
    let window = Window {
        from: begun,
        to: begun + SignedDuration::from_secs(60),
    };
    let looks = until("three looks", async || {
        let key = (world.account, healthy);
        let page = reports::list_checks(&mut c, key, window, &ChecksFilter::default(), (None, 50))
            .await
            .unwrap();
        (page.checks.len() >= 3).then_some(page.checks)
    })
    .await;
    for look in looks {
        let late = look.at.duration_since(look.slot.unwrap());
        assert!(late < SignedDuration::from_secs(1), "late by {late:?}");
        assert_eq!(look.verdict, VerdictKind::Up);
    }
    worker.stop().await;
}
