//! Calls of a job, and calls that do not come.

use std::sync::Arc;

use domain::contact::Channel;
use domain::heartbeat::{Action, GAP};
use domain::monitor::Monitor;
use domain::status::Observed;
use incidents::{PingOutcome, Pinged, Resolution};
use sqlx::PgPool;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::world::World;

fn pinged(tail: &str, rid: Option<u128>) -> Pinged {
    Pinged {
        action: if tail.is_empty() {
            Action::SUCCESS
        } else {
            Action::parse(tail).unwrap()
        },
        rid: rid.map(Uuid::from_u128),
        method: "POST".into(),
        address: None,
        user_agent: "curl/8".into(),
        body_bytes: 0,
        body: None,
    }
}

/// A call as the web takes it: in a transaction fenced to the account.
async fn call(world: &World, pinged: &Pinged, second: i64) -> PingOutcome {
    let mut transaction = store::tenant::begin(&world.pool, world.account)
        .await
        .unwrap();
    let subject = (world.account, world.monitor.id);
    let now = world.at(second);
    let outcome =
        incidents::record_ping(&mut transaction, &world.secrets, subject, pinged, now).await;
    transaction.commit().await.unwrap();
    outcome.unwrap()
}

async fn ping(world: &World, tail: &str, second: i64) -> PingOutcome {
    call(world, &pinged(tail, None), second).await
}

/// Calls reach us from second `from` until `until`.
async fn well(world: &World, from: i64, until: i64) {
    let mut connection = world.pool.acquire().await.unwrap();
    for second in (from..=until).step_by(5) {
        store::ingest::beat(&mut connection, "w", GAP, world.at(second))
            .await
            .unwrap();
    }
}

async fn sweep(world: &World, second: i64) -> usize {
    incidents::decide_heartbeats(&world.pool, &world.secrets, world.at(second))
        .await
        .unwrap()
}

async fn observed(world: &World) -> Observed {
    let mut connection = world.pool.acquire().await.unwrap();
    let state = store::states::find(&mut connection, world.account, world.monitor.id).await;
    state.unwrap().unwrap().state.observed
}

async fn beat(world: &World) -> domain::heartbeat::Beat {
    let mut connection = world.pool.acquire().await.unwrap();
    let found = store::heartbeats::find(&mut connection, world.account, world.monitor.id).await;
    found.unwrap().unwrap().beat
}

const DELIVERIES: &str =
    "SELECT event || ' ' || channel FROM deliveries ORDER BY created_at, event";

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_missed_one_is_told_and_the_next_one_ends_it(pool: PgPool) {
    let world = World::heartbeat(pool).await;
    world.contact("ana", Channel::Email, true).await;
    well(&world, 0, 4_300).await;
    assert_eq!(sweep(&world, 4_300).await, 0, "nothing was heard yet");
    ping(&world, "", 60).await;
    assert_eq!(observed(&world).await, Observed::Up);
    well(&world, 4_300, 4_400).await;
    assert_eq!(sweep(&world, 60 + 4_199).await, 0);
    assert_eq!(sweep(&world, 60 + 4_200).await, 1);
    assert_eq!(sweep(&world, 60 + 4_205).await, 0, "it is told once");
    assert_eq!(world.texts(DELIVERIES).await, ["incident.opened email"]);
    assert_eq!(world.count("apalis.jobs").await, 1);
    let outcome = ping(&world, "", 5_000).await;
    let PingOutcome::Taken {
        opened: None,
        closed: Some(incident),
    } = outcome
    else {
        panic!("{outcome:?}");
    };
    assert_eq!(
        world.texts(DELIVERIES).await,
        ["incident.opened email", "incident.resolved email"]
    );
    assert_eq!(
        world.timeline(incident).await,
        [
            "first_failure: No heartbeat since 13:01.",
            "confirmed: Sure: the grace is over.",
            "note: One contact is told.",
            "resolved: Works again after 22 min 20 s.",
        ]
    );
    let closed = world.incident(incident).await;
    assert_eq!(
        (closed.first_failure_at, closed.last_good_at),
        (world.at(3_660), Some(world.at(60)))
    );
    assert_eq!(
        world.intervals().await,
        ["pending 0 60", "up 60 3660", "down 3660 5000", "up 5000 "]
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_failure_is_told_at_once(pool: PgPool) {
    let world = World::heartbeat(pool).await;
    world.contact("ana", Channel::Email, true).await;
    let outcome = ping(&world, "3", 10).await;
    let PingOutcome::Taken {
        opened: Some(incident),
        ..
    } = outcome
    else {
        panic!("{outcome:?}");
    };
    assert_eq!(world.texts(DELIVERIES).await, ["incident.opened email"]);
    assert_eq!(
        world.timeline(incident).await[..2],
        [
            "first_failure: Job reports failure (exit 3).",
            "confirmed: Sure: the job itself said so.",
        ]
    );
    let mut connection = world.pool.acquire().await.unwrap();
    let by = world.ana();
    let resolve = async |connection: &mut sqlx::PgConnection, force| {
        incidents::resolve(
            connection,
            world.account,
            incident,
            &by,
            force,
            world.at(20),
        )
        .await
        .unwrap()
    };
    assert_eq!(
        resolve(&mut connection, false).await,
        Resolution::StillFailing
    );
    assert!(matches!(
        resolve(&mut connection, true).await,
        Resolution::Resolved(_)
    ));
    ping(&world, "fail", 100).await;
    assert_eq!(
        world.count("incidents").await,
        1,
        "quiet until it was up once"
    );
    ping(&world, "", 110).await;
    ping(&world, "fail", 120).await;
    assert_eq!(world.count("incidents").await, 2);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn runs_are_measured(pool: PgPool) {
    let world = World::heartbeat(pool).await;
    call(&world, &pinged("start", Some(1)), 0).await;
    call(&world, &pinged("start", Some(2)), 60).await;
    call(&world, &pinged("", Some(1)), 90).await;
    call(&world, &pinged("", Some(2)), 100).await;
    let took = "SELECT signal || ' ' || coalesce(duration_ms::text, '-') FROM heartbeat_pings ORDER BY number";
    assert_eq!(
        world.texts(took).await,
        ["start -", "start -", "success 90000", "success 40000"]
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_job_that_calls_too_often_loses_nothing_of_importance(pool: PgPool) {
    let world = World::heartbeat(pool).await;
    for second in 0..5 {
        assert!(matches!(
            ping(&world, "", second).await,
            PingOutcome::Taken { .. }
        ));
    }
    assert_eq!(ping(&world, "", 5).await, PingOutcome::Limited(56));
    assert_eq!(ping(&world, "log", 6).await, PingOutcome::Limited(55));
    assert_eq!(world.count("heartbeat_pings").await, 5);
    let failed = ping(&world, "fail", 7).await;
    assert!(matches!(
        failed,
        PingOutcome::Taken {
            opened: Some(_),
            ..
        }
    ));
    assert_eq!(ping(&world, "1", 8).await, PingOutcome::Limited(53));
    let good = ping(&world, "", 9).await;
    assert!(matches!(
        good,
        PingOutcome::Taken {
            closed: Some(_),
            ..
        }
    ));
    assert!(matches!(
        ping(&world, "", 60).await,
        PingOutcome::Taken { .. }
    ));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn our_own_outage_blames_nobody(pool: PgPool) {
    let world = World::heartbeat(pool).await;
    world.contact("ana", Channel::Email, true).await;
    well(&world, 0, 3_500).await;
    ping(&world, "", 0).await;
    assert_eq!(
        sweep(&world, 4_300).await,
        0,
        "we were gone when it was due"
    );
    well(&world, 5_000, 5_055).await;
    assert_eq!(sweep(&world, 5_055).await, 0, "we are back for too short");
    well(&world, 5_055, 8_000).await;
    assert_eq!(sweep(&world, 5_400).await, 0, "what was lost is added");
    // Expected at 3600; 600 of grace and 1400 lost.
    assert_eq!(sweep(&world, 5_600).await, 1);
    assert_eq!(observed(&world).await, Observed::Unknown);
    assert_eq!(world.count("incidents").await, 0);
    let beat = beat(&world).await;
    assert_eq!(beat.expected_at, Some(world.at(7_200)));
    assert_eq!(sweep(&world, 7_795).await, 0);
    assert_eq!(sweep(&world, 7_800).await, 1, "the one after it is missed");
    assert_eq!(world.texts(DELIVERIES).await, ["incident.opened email"]);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn without_a_proof_that_calls_arrive_nothing_opens(pool: PgPool) {
    let world = World::heartbeat(pool).await;
    ping(&world, "", 0).await;
    assert_eq!(sweep(&world, 100_000).await, 0);
    well(&world, 100_000, 100_060).await;
    assert_eq!(sweep(&world, 100_059).await, 0);
    assert_eq!(sweep(&world, 100_060).await, 1);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_paused_one_is_noted_and_not_waited_for(pool: PgPool) {
    let world = World::heartbeat(pool).await;
    let (account, id, by) = (world.account, world.monitor.id, world.ana());
    ping(&world, "fail", 0).await;
    let mut connection = world.pool.acquire().await.unwrap();
    incidents::pause_monitor(&mut connection, account, id, &by, world.at(10))
        .await
        .unwrap();
    assert_eq!(world.count("incidents WHERE resolved_at IS NULL").await, 0);
    ping(&world, "fail", 20).await;
    ping(&world, "", 30).await;
    assert_eq!(beat(&world).await.due_at, None);
    assert_eq!(
        (
            world.count("incidents").await,
            world.count("heartbeat_pings").await
        ),
        (1, 3)
    );
    assert_eq!(
        world.count("monitors WHERE paused_at IS NOT NULL").await,
        1,
        "a call does not resume it"
    );
    incidents::resume_monitor(&mut connection, account, id, &by, world.at(1_000))
        .await
        .unwrap();
    assert_eq!(observed(&world).await, Observed::Pending);
    assert_eq!(
        beat(&world).await.due_at,
        Some(world.at(1_000 + 4_200)),
        "it was heard before, so it is waited for"
    );
    incidents::delete_monitor(&mut connection, account, id, &by, world.at(2_000))
        .await
        .unwrap();
    assert_eq!(ping(&world, "", 2_010).await, PingOutcome::Gone);
}

async fn edit(world: &World, second: i64, change: impl FnOnce(&mut Monitor)) {
    let mut transaction = store::begin(&world.pool).await.unwrap();
    let (account, id) = (world.account, world.monitor.id);
    store::monitors::lock(&mut transaction, account, id)
        .await
        .unwrap();
    let before = store::monitors::find(&mut transaction, &world.secrets, account, id).await;
    let before = before.unwrap().unwrap();
    let mut after = before.clone();
    change(&mut after);
    store::monitors::update(&mut transaction, &world.secrets, &after)
        .await
        .unwrap();
    let by = world.ana();
    incidents::edit_monitor(&mut transaction, (&before, &after), &by, world.at(second))
        .await
        .unwrap();
    transaction.commit().await.unwrap();
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_edit_moves_the_wait(pool: PgPool) {
    let world = World::heartbeat(pool).await;
    ping(&world, "", 0).await;
    edit(&world, 100, |monitor| {
        monitor.spec.grace_seconds = Some(60);
        monitor.spec.name = Some("Other name".into());
    })
    .await;
    assert_eq!(beat(&world).await.due_at, Some(world.at(3_660)));
    assert_eq!(
        world.texts("SELECT slug FROM heartbeats").await,
        ["other-name"]
    );
    well(&world, 0, 3_700).await;
    assert_eq!(sweep(&world, 3_700).await, 1);
    // A longer period: it was not missed after all.
    edit(&world, 3_800, |monitor| {
        monitor.spec.period_seconds = Some(7_200)
    })
    .await;
    assert_eq!(
        world.texts("SELECT resolved_reason FROM incidents").await,
        ["edited"]
    );
    assert_eq!(
        (observed(&world).await, beat(&world).await.due_at),
        (Observed::Pending, Some(world.at(7_260)))
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn racing_calls_open_one_incident(pool: PgPool) {
    let world = Arc::new(World::heartbeat(pool).await);
    world.contact("ana", Channel::Email, true).await;
    let mut racing = JoinSet::new();
    for second in 0..4 {
        let world = world.clone();
        racing.spawn(async move { call(&world, &pinged("fail", None), second).await });
    }
    let outcomes = racing.join_all().await;
    let opened = outcomes.iter().filter(|outcome| {
        matches!(
            outcome,
            PingOutcome::Taken {
                opened: Some(_),
                ..
            }
        )
    });
    assert_eq!((opened.count(), world.count("deliveries").await), (1, 1));
}
