//! What else waits: later steps, heartbeats, quiet notices; and the times that are written down.

use domain::check::VerdictKind::Degraded;
use domain::contact::Channel;
use domain::maintenance::{Occurrence, Rule, Schedule, Targets};
use incidents::end_window;
use jiff::SignedDuration;
use sqlx::PgPool;

use super::{make, messages, only_incident, sweep, window};
use crate::world::World;

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn later_steps_wait_for_its_end(pool: PgPool) {
    let world = World::new(pool).await;
    let id = domain::alert::Policy::default_id(world.account);
    crate::policies::stepped(&world, id).await;
    window(&world, (300, 600), 10).await;
    let incident = world.outage().await;
    // Ana at once, Ben after 40 s, Cleo after 340 s: that would be second 406.
    let waits = async || {
        world
            .texts(&format!(
                "SELECT concat_ws(' ', c.name, extract(epoch FROM d.not_before - '{0}')::int, d.state, d.reason)
                 FROM deliveries d JOIN contacts c ON c.id = d.contact_id
                 WHERE d.event = 'incident.opened'
                 UNION ALL SELECT concat_ws(' ', 'next', extract(epoch FROM next_at - '{0}')::int)
                 FROM escalations WHERE next_at IS NOT NULL ORDER BY 1",
                world.start
            ))
            .await
    };
    assert_eq!(waits().await, ["ana 66 pending", "next 106"]);
    world.sweep_through(299).await;
    let held = "next 600";
    assert_eq!(waits().await, ["ana 66 pending", "ben 106 pending", held]);
    // A second one that is made while it runs: the step waits for that too.
    let mut second = window(&world, (350, 900), 350).await;
    assert_eq!(waits().await[2], held.replace("600", "900"));
    world.sweep_through(400).await;
    let mut connection = world.pool.acquire().await.unwrap();
    end_window(
        &mut connection,
        world.account,
        &mut second,
        &world.ana(),
        world.at(400),
    )
    .await
    .unwrap();
    assert_eq!(waits().await[2], held);
    incidents::resolve(
        &mut connection,
        world.account,
        incident,
        &world.ana(),
        true,
        world.at(500),
    )
    .await
    .unwrap();
    world.sweep_through(700).await;
    assert_eq!(waits().await, ["ana 66 pending", "ben 106 pending"]);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_step_comes_when_it_is_due_once_the_window_is_gone(pool: PgPool) {
    let world = World::new(pool).await;
    let id = domain::alert::Policy::default_id(world.account);
    crate::policies::stepped(&world, id).await;
    let window = window(&world, (300, 600), 10).await;
    world.outage().await;
    world.sweep_through(199).await;
    let mut connection = world.pool.acquire().await.unwrap();
    let by = world.ana();
    assert!(
        incidents::delete_window(&mut connection, world.account, &window, &by, world.at(200))
            .await
            .unwrap()
    );
    world.sweep_through(500).await;
    let steps = world
        .texts(&format!(
            "SELECT concat_ws(' ', extract(epoch FROM not_before - '{0}')::int, planned_for, reason)
             FROM deliveries ORDER BY not_before",
            world.start
        ))
        .await;
    assert_eq!(steps, ["66", "106", "406"]);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_missed_heartbeat_is_held_and_told_after_it(pool: PgPool) {
    let world = World::heartbeat(pool).await;
    world.contact("ana", Channel::Email, true).await;
    world
        .sql(&format!(
            "INSERT INTO ingest_beats (at, worker) SELECT '{}'::timestamptz + n * interval '5 seconds', 'w'
             FROM generate_series(0, 4000) n",
            world.start
        ))
        .await;
    let mut connection = world.pool.acquire().await.unwrap();
    let ping = incidents::Pinged {
        action: domain::heartbeat::Action::SUCCESS,
        rid: None,
        method: "GET".into(),
        address: None,
        user_agent: String::new(),
        body_bytes: 0,
        body: None,
    };
    let subject = (world.account, world.monitor.id);
    incidents::record_ping(
        &mut connection,
        &world.secrets,
        subject,
        &ping,
        world.at(60),
    )
    .await
    .unwrap();
    // Expected at 3660, missed at 4260.
    window(&world, (4_000, 5_000), 10).await;
    let due = async |second| {
        incidents::decide_heartbeats(&world.pool, &world.secrets, world.at(second))
            .await
            .unwrap()
    };
    assert_eq!(due(4_300).await, 1);
    assert_eq!(
        sweep(&world, 4_990).await + world.count("incidents").await as usize,
        0
    );
    assert_eq!(sweep(&world, 5_001).await, 1);
    let incident = world.incident(only_incident(&world).await).await;
    assert_eq!(incident.first_failure_at, world.at(3_660));
    assert_eq!(messages(&world).await, ["incident.opened pending"]);
    assert_eq!(sweep(&world, 5_010).await, 0);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn quiet_notices_wait_for_its_end(pool: PgPool) {
    let world = World::new(pool).await;
    world.contact("ana", Channel::Email, true).await;
    window(&world, (30, 1_000), 10).await;
    for second in [60, 63, 66] {
        world.look("local", second, Degraded).await;
    }
    let notice = async |second| {
        incidents::notice_quiet(&world.pool, world.at(second))
            .await
            .unwrap()
    };
    assert_eq!((notice(900).await, notice(1_000).await), (0, 1));
    assert_eq!(messages(&world).await, ["monitor.degraded pending"]);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn coming_times_are_written_down_ahead_and_once(pool: PgPool) {
    let world = World::new(pool).await;
    let rule = Rule {
        rrule: "FREQ=DAILY".into(),
        local_start: "2026-11-22T14:00:00".parse().unwrap(),
        duration_seconds: 3_600,
        timezone: "UTC".into(),
    };
    make(&world, Schedule::Rule(rule), Targets::default(), 0).await;
    let count = async || world.count("maintenance_occurrences").await;
    assert_eq!(count().await, 14);
    let day = SignedDuration::from_hours(24);
    assert_eq!(
        incidents::plan_ahead(&world.pool, world.start + day / 2)
            .await
            .unwrap(),
        0
    );
    for _ in 0..2 {
        incidents::plan_ahead(&world.pool, world.start + day * 3)
            .await
            .unwrap();
        assert_eq!(count().await, 17);
    }
    // Nobody planned for a month.
    incidents::plan_ahead(&world.pool, world.start + day * 40)
        .await
        .unwrap();
    assert_eq!(
        world
            .count("(SELECT DISTINCT starts_at FROM maintenance_occurrences) t")
            .await,
        count().await
    );
    assert_eq!(
        world
            .count(&format!(
                "maintenance_occurrences WHERE starts_at > '{}'",
                world.start + day * 40
            ))
            .await,
        14
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn which_monitors_had_the_tag_is_kept_at_its_end(pool: PgPool) {
    let world = World::new(pool).await;
    world.sql("UPDATE monitors SET tags = '{prod}'").await;
    let schedule = Schedule::Once(Occurrence {
        starts_at: world.at(30),
        ends_at: world.at(90),
    });
    let tagged = Targets {
        monitor_ids: None,
        tags: Some(vec!["prod".into()]),
    };
    make(&world, schedule, tagged, 10).await;
    let told = async |second| {
        incidents::tell_pages(&world.pool, world.at(second))
            .await
            .unwrap()
    };
    assert_eq!([told(20).await, told(30).await, told(31).await], [0, 1, 0]);
    assert_eq!([told(90).await, told(91).await], [1, 0]);
    world.sql("UPDATE monitors SET tags = '{}'").await;
    let mut connection = world.pool.acquire().await.unwrap();
    let window = domain::report::Window {
        from: world.start,
        to: world.at(100),
    };
    let uptime = store::reports::uptime(&mut connection, world.account, world.monitor.id, window)
        .await
        .unwrap();
    assert_eq!((uptime.maintenance_seconds, uptime.up_seconds), (60, 40));
}
