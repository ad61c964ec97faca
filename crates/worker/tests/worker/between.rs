//! Something happens to a monitor while it is looked at: what that look saw is of another monitor.

use domain::ids::MonitorId;
use domain::monitor::{ConfirmSpec, Monitor, MonitorSpec};
use domain::status::Observed;
use sqlx::PgPool;
use testkit::{Behaviour, SwitchableSite};

use crate::world::{World, by, now, until};

/// Fails a second after it was asked, and one failing look decides.
async fn hanging(world: &World, site: &SwitchableSite) -> Monitor {
    let spec = MonitorSpec {
        confirm: Some(ConfirmSpec {
            rechecks: Some(0),
            over_seconds: Some(0),
        }),
        ..world.spec(&site.url("/"), 2)
    };
    let monitor = Monitor {
        spec,
        ..world.draft()
    };
    world.insert(&monitor).await;
    world.wait_for(monitor.id, Observed::Up).await;
    site.set(Behaviour::Hang);
    asked(site).await;
    monitor
}

/// A look is under way.
async fn asked(site: &SwitchableSite) {
    let before = site.requests();
    until("a look", async || (site.requests() > before).then_some(())).await;
}

async fn blamed(world: &World, monitor: MonitorId) -> (i64, i64) {
    let blamed = "SELECT (SELECT count(*) FROM incidents WHERE monitor_id = $1),
        (SELECT count(*) FROM status_intervals WHERE monitor_id = $1 AND status = 'down')";
    sqlx::query_as(blamed)
        .bind(monitor.uuid())
        .fetch_one(&world.pool)
        .await
        .unwrap()
}

/// The look that was under way has ended, whatever came of it: a later one of another monitor has been
/// told.
async fn that_look_is_over(world: &World) {
    let other = SwitchableSite::start().await;
    let marker = hanging(world, &other).await;
    world.wait_for(marker.id, Observed::Down).await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_look_from_before_an_edit_decides_nothing(pool: PgPool) {
    let world = World::new(pool).await;
    let (old, new) = (SwitchableSite::start().await, SwitchableSite::start().await);
    let worker = world.start("one");
    let before = hanging(&world, &old).await;
    let mut after = before.clone();
    after.spec.url = Some(new.url("/"));
    after.config_version += 1;
    let mut transaction = store::begin(&world.pool).await.unwrap();
    let key = (world.account, before.id);
    store::monitors::lock(&mut transaction, key.0, key.1)
        .await
        .unwrap();
    store::monitors::update(&mut transaction, &world.secrets, &after)
        .await
        .unwrap();
    incidents::edit_monitor(&mut transaction, (&before, &after), &by(), now())
        .await
        .unwrap();
    transaction.commit().await.unwrap();

    asked(&new).await;
    world.wait_for(before.id, Observed::Up).await;
    that_look_is_over(&world).await;
    world.wait_for(before.id, Observed::Up).await;
    assert_eq!(blamed(&world, before.id).await, (0, 0));
    worker.stop().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_look_from_before_a_pause_decides_nothing(pool: PgPool) {
    let (world, site) = (World::new(pool).await, SwitchableSite::start().await);
    let worker = world.start("one");
    let monitor = hanging(&world, &site).await;
    let mut transaction = store::begin(&world.pool).await.unwrap();
    incidents::pause_monitor(&mut transaction, world.account, monitor.id, &by(), now())
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    that_look_is_over(&world).await;
    assert_eq!(blamed(&world, monitor.id).await, (0, 0));

    // Nor does it when it is resumed meanwhile, and fine.
    site.set(Behaviour::Fine);
    let mut transaction = store::begin(&world.pool).await.unwrap();
    incidents::resume_monitor(&mut transaction, world.account, monitor.id, &by(), now())
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    world.wait_for(monitor.id, Observed::Up).await;
    assert_eq!(blamed(&world, monitor.id).await, (0, 0));
    worker.stop().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_look_from_before_a_pause_that_was_taken_back_decides_nothing(pool: PgPool) {
    let (world, site) = (World::new(pool).await, SwitchableSite::start().await);
    let worker = world.start("one");
    let monitor = hanging(&world, &site).await;
    let mut transaction = store::begin(&world.pool).await.unwrap();
    for pause in [true, false] {
        let (c, id) = (&mut transaction, monitor.id);
        let done = match pause {
            true => incidents::pause_monitor(c, world.account, id, &by(), now()).await,
            false => incidents::resume_monitor(c, world.account, id, &by(), now()).await,
        };
        assert!(done.unwrap());
    }
    transaction.commit().await.unwrap();
    site.set(Behaviour::Fine);
    that_look_is_over(&world).await;
    world.wait_for(monitor.id, Observed::Up).await;
    assert_eq!(blamed(&world, monitor.id).await, (0, 0));
    worker.stop().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_look_from_before_a_deletion_decides_nothing(pool: PgPool) {
    let (world, site) = (World::new(pool).await, SwitchableSite::start().await);
    let worker = world.start("one");
    let monitor = hanging(&world, &site).await;
    let mut transaction = store::begin(&world.pool).await.unwrap();
    incidents::delete_monitor(&mut transaction, world.account, monitor.id, &by(), now())
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    that_look_is_over(&world).await;
    assert_eq!(blamed(&world, monitor.id).await, (0, 0));
    worker.stop().await;
}
