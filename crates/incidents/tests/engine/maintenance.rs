//! Maintenance: nobody is told inside, what is still down after it is told once, and the edges.

use domain::check::VerdictKind::{Down, Up};
use domain::contact::Channel;
use domain::ids::{IncidentId, MaintenanceWindowId};
use domain::maintenance::{MaintenanceWindow, Occurrence, Schedule, Targets};
use incidents::{create_window, decide_held, end_window};
use sqlx::PgPool;

use crate::world::World;

mod aside;

/// A window over seconds `from` to `to`, made at second `made`.
async fn window(world: &World, (from, to): (i64, i64), made: i64) -> MaintenanceWindow {
    let schedule = Schedule::Once(Occurrence {
        starts_at: world.at(from),
        ends_at: world.at(to),
    });
    make(world, schedule, Targets::default(), made).await
}

async fn make(world: &World, schedule: Schedule, targets: Targets, made: i64) -> MaintenanceWindow {
    let now = world.at(made);
    let window = MaintenanceWindow {
        id: MaintenanceWindowId::generate(),
        name: "Deploy".into(),
        targets,
        schedule,
        ended_at: None,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    let mut transaction = store::tenant::begin(&world.pool, world.account)
        .await
        .unwrap();
    create_window(&mut transaction, world.account, &window, &world.ana(), now)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    window
}

async fn sweep(world: &World, second: i64) -> usize {
    decide_held(&world.pool, &world.secrets, world.at(second))
        .await
        .unwrap()
}

async fn messages(world: &World) -> Vec<String> {
    world
        .texts("SELECT event || ' ' || state FROM deliveries ORDER BY created_at, event")
        .await
}

async fn only_incident(world: &World) -> IncidentId {
    let ids = world.texts("SELECT id::text FROM incidents").await;
    assert_eq!(ids.len(), 1);
    IncidentId::from_uuid(ids[0].parse().unwrap())
}

/// Looks at 60, 63 and 66 that fail; the last makes sure.
async fn breaks(world: &World) {
    for second in [60, 63, 66] {
        let recorded = world.look("local", second, Down).await;
        assert_eq!((recorded.opened, recorded.stale), (None, false));
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_is_still_down_after_it_opens_with_the_first_look(pool: PgPool) {
    let world = World::new(pool).await;
    world.contact("ana", Channel::Email, true).await;
    window(&world, (30, 100), 10).await;
    breaks(&world).await;
    assert_eq!(sweep(&world, 99).await, 0);
    assert_eq!(world.count("look_requests").await, 0);
    assert_eq!(messages(&world).await, [""; 0]);
    // It is over: a look is asked for, and told of when it fails.
    assert_eq!(sweep(&world, 101).await, 0);
    assert_eq!(world.count("look_requests").await, 1);
    assert_eq!(sweep(&world, 102).await, 0);
    assert_eq!(world.count("look_requests").await, 1);
    let recorded = world.look("local", 103, Down).await;
    let incident = world.incident(recorded.opened.unwrap()).await;
    assert_eq!(incident.first_failure_at, world.at(60));
    assert_eq!(incident.confirmed_at, world.at(103));
    assert_eq!(messages(&world).await, ["incident.opened pending"]);
    let timeline = world.timeline(incident.id).await;
    assert!(
        timeline
            .iter()
            .any(|line| line.contains("broke in maintenance")),
        "{timeline:?}"
    );
    // Once.
    assert_eq!(world.look("local", 163, Down).await.opened, None);
    assert_eq!(sweep(&world, 200).await, 0);
    assert_eq!(world.count("incidents").await, 1);
    assert_eq!(world.count("look_requests").await, 1);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_recovered_inside_is_never_mentioned(pool: PgPool) {
    let world = World::new(pool).await;
    world.contact("ana", Channel::Email, true).await;
    window(&world, (30, 200), 10).await;
    breaks(&world).await;
    world.recovery().await;
    assert_eq!(sweep(&world, 201).await, 0);
    world.look("local", 240, Up).await;
    assert_eq!(
        world.count("incidents").await + world.count("deliveries").await,
        0
    );
    assert_eq!(
        world
            .count("monitor_states WHERE held_since IS NOT NULL")
            .await,
        0
    );
    assert_eq!(
        world.intervals().await,
        ["up 0 60", "down 60 120", "up 120 "]
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_is_up_again_at_the_look_after_it_is_never_mentioned(pool: PgPool) {
    let world = World::new(pool).await;
    world.contact("ana", Channel::Email, true).await;
    window(&world, (30, 100), 10).await;
    breaks(&world).await;
    sweep(&world, 101).await;
    // A good look makes it confirm; the sweep waits for that, however long ago it asked.
    for second in [102, 105] {
        assert_eq!(world.look("local", second, Up).await.opened, None);
        assert_eq!(sweep(&world, 130).await, 0);
    }
    world.look("local", 131, Up).await;
    assert_eq!(sweep(&world, 200).await, 0);
    assert_eq!(world.count("incidents").await, 0);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_look_that_never_comes_does_not_keep_it_from_being_told(pool: PgPool) {
    let world = World::new(pool).await;
    world.contact("ana", Channel::Email, true).await;
    window(&world, (30, 100), 10).await;
    breaks(&world).await;
    // Nobody was there for an hour.
    assert_eq!(sweep(&world, 3_700).await, 0);
    assert_eq!(sweep(&world, 3_710).await, 0);
    assert_eq!(sweep(&world, 3_726).await, 1);
    let incident = world.incident(only_incident(&world).await).await;
    assert_eq!(incident.first_failure_at, world.at(60));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn while_nobody_sees_it_waits(pool: PgPool) {
    let world = World::new(pool).await;
    window(&world, (30, 100), 10).await;
    breaks(&world).await;
    world
        .sql(&format!(
            "INSERT INTO blind_intervals (region, shard, started_at, reason)
             SELECT 'local', n, '{}', 'cut' FROM generate_series(0, 255) n",
            world.at(90)
        ))
        .await;
    for second in [101, 140, 200, 300] {
        assert_eq!(sweep(&world, second).await, 0);
    }
    world
        .sql(&format!(
            "UPDATE blind_intervals SET ended_at = '{}'",
            world.at(310)
        ))
        .await;
    sweep(&world, 330).await;
    assert!(world.look("local", 331, Down).await.opened.is_some());
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_confirmation_over_its_begin_opens_nothing(pool: PgPool) {
    let world = World::new(pool).await;
    window(&world, (64, 100), 10).await;
    // Two failing looks before it, the third in it: by the time it is sure, somebody works at it.
    breaks(&world).await;
    assert_eq!(world.count("incidents").await, 0);
    sweep(&world, 101).await;
    let opened = world.look("local", 102, Down).await.opened.unwrap();
    assert_eq!(world.incident(opened).await.first_failure_at, world.at(60));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_look_over_its_end_opens_nothing_and_the_next_does(pool: PgPool) {
    let world = World::new(pool).await;
    window(&world, (30, 70), 10).await;
    for second in [60, 63] {
        world.look("local", second, Down).await;
    }
    // Begun inside, its answer is recorded after the end.
    let mut late = world.looked("local", 66, Down);
    late.look.finished_at = world.at(71);
    let recorded = world.record(&late).await;
    assert!(recorded.held && recorded.opened.is_none());
    sweep(&world, 72).await;
    assert!(world.look("local", 73, Down).await.opened.is_some());
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_is_sure_only_after_it_opens_as_ever(pool: PgPool) {
    let world = World::new(pool).await;
    window(&world, (30, 65), 10).await;
    for second in [60, 63] {
        world.look("local", second, Down).await;
    }
    let opened = world.look("local", 66, Down).await.opened.unwrap();
    assert_eq!(world.incident(opened).await.first_failure_at, world.at(60));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_is_held_waits_for_trust_too(pool: PgPool) {
    let world = World::new(pool).await;
    window(&world, (30, 100), 10).await;
    breaks(&world).await;
    sweep(&world, 101).await;
    let mut looked = world.looked("local", 103, Down);
    looked.trusted = false;
    let recorded = world.record(&looked).await;
    assert!(recorded.needs_canary && recorded.opened.is_none());
    looked.trusted = true;
    assert!(world.record(&looked).await.opened.is_some());
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_outage_from_before_stays_open_and_its_end_is_told(pool: PgPool) {
    let world = World::new(pool).await;
    world.contact("ana", Channel::Email, true).await;
    let incident = world.outage().await;
    window(&world, (70, 1_000), 70).await;
    assert_eq!(
        world.look("local", 100, Down).await.open_incident,
        Some(incident)
    );
    assert_eq!(world.recovery().await.closed, Some(incident));
    assert_eq!(
        messages(&world).await,
        ["incident.opened pending", "incident.resolved pending"]
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_window_that_is_ended_early_is_over(pool: PgPool) {
    let world = World::new(pool).await;
    let mut window = window(&world, (30, 10_000), 10).await;
    breaks(&world).await;
    let mut connection = world.pool.acquire().await.unwrap();
    let now = world.at(80);
    end_window(
        &mut connection,
        world.account,
        &mut window,
        &world.ana(),
        now,
    )
    .await
    .unwrap();
    assert_eq!(window.version, 2);
    assert_eq!(sweep(&world, 81).await, 0);
    assert!(world.look("local", 82, Down).await.opened.is_some());
    // Ending what does not run changes nothing.
    let before = window.clone();
    end_window(
        &mut connection,
        world.account,
        &mut window,
        &world.ana(),
        world.at(90),
    )
    .await
    .unwrap();
    assert_eq!(window, before);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn windows_that_touch_are_one(pool: PgPool) {
    let world = World::new(pool).await;
    window(&world, (30, 100), 10).await;
    window(&world, (100, 200), 10).await;
    breaks(&world).await;
    for second in [100, 150, 199] {
        sweep(&world, second).await;
    }
    assert_eq!(world.count("look_requests").await, 0);
    sweep(&world, 200).await;
    assert_eq!(world.count("look_requests").await, 1);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_window_for_others_holds_nothing(pool: PgPool) {
    let world = World::new(pool).await;
    let schedule = Schedule::Once(Occurrence {
        starts_at: world.at(30),
        ends_at: world.at(1_000),
    });
    let other = Targets {
        monitor_ids: None,
        tags: Some(vec!["staging".into()]),
    };
    make(&world, schedule.clone(), other, 10).await;
    world.outage().await;
    world.recovery().await;
    world.sql("UPDATE monitors SET tags = '{staging}'").await;
    for second in [200, 203, 206] {
        assert_eq!(world.look("local", second, Down).await.opened, None);
    }
}
