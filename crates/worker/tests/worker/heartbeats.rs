//! Our own ingest is silent: no job is blamed for a call that could not reach us.

use domain::heartbeat::Action;
use domain::ids::MonitorId;
use domain::monitor::{Kind, Monitor, MonitorSpec};
use domain::status::Observed;
use incidents::Pinged;
use jiff::SignedDuration;
use sqlx::{Executor, PgPool};
use testkit::{Behaviour, SwitchableSite};

use crate::world::{Running, World, now, until};

/// Period and grace of the jobs here, seconds.
const EACH: i64 = 60;

/// A web that answers, a worker that calls it, and both so for two minutes already.
async fn reachable(pool: PgPool) -> (World, SwitchableSite, Running) {
    let (world, web) = (World::new(pool).await, SwitchableSite::start().await);
    let worker = world.start_calling("one", &web);
    beats(&world, 1).await;
    let before =
        "INSERT INTO ingest_beats (at, worker) VALUES (now() - interval '2 minutes', 'before')";
    world.pool.execute(before).await.unwrap();
    (world, web, worker)
}

async fn count(world: &World, table: &'static str) -> i64 {
    let statement = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
    let count = sqlx::query_scalar(statement).fetch_one(&world.pool);
    count.await.unwrap()
}

async fn beats(world: &World, more: i64) {
    let before = count(world, "ingest_beats").await;
    until("calls that arrive", async || {
        (count(world, "ingest_beats").await >= before + more).then_some(())
    })
    .await;
}

async fn asked(web: &SwitchableSite, more: usize) {
    let before = web.requests();
    until("calls of our own", async || {
        (web.requests() >= before + more).then_some(())
    })
    .await;
}

/// A job that called, and whose grace is over in so many seconds.
async fn job(world: &World, over_in: i64) -> MonitorId {
    let seconds = u32::try_from(EACH).ok();
    let spec = MonitorSpec {
        kind: Some(Kind::Heartbeat),
        period_seconds: seconds,
        grace_seconds: seconds,
        ..MonitorSpec::default()
    };
    let monitor = Monitor {
        spec,
        ..world.draft()
    };
    let id = world.insert(&monitor).await;
    call(world, id, SignedDuration::from_secs(over_in - 2 * EACH)).await;
    id
}

async fn call(world: &World, id: MonitorId, ago: SignedDuration) {
    let pinged = Pinged {
        action: Action::SUCCESS,
        rid: None,
        method: "POST".into(),
        address: None,
        user_agent: "curl/8".into(),
        body_bytes: 0,
        body: None,
    };
    let mut transaction = store::tenant::begin(&world.pool, world.account)
        .await
        .unwrap();
    let subject = (world.account, id);
    incidents::record_ping(
        &mut transaction,
        &world.secrets,
        subject,
        &pinged,
        now() + ago,
    )
    .await
    .unwrap();
    transaction.commit().await.unwrap();
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_silent_web_of_our_own_blames_no_job(pool: PgPool) {
    let (world, web, worker) = reachable(pool).await;
    let missed = job(&world, 2).await;
    world.wait_for(missed, Observed::Down).await;
    assert_eq!(count(&world, "incidents").await, 1, "while calls arrive");

    // The grace of these ends just after our web fell silent, before it is known for long.
    asked(&web, 1).await;
    web.set(Behaviour::Hang);
    for over_in in [6, 8, 11] {
        job(&world, over_in).await;
    }
    asked(&web, 4).await;
    assert_eq!(count(&world, "incidents").await, 1, "not by our silence");
    web.set(Behaviour::Fine);
    beats(&world, 2).await;
    assert_eq!(count(&world, "ingest_gaps").await, 1);
    assert_eq!(count(&world, "incidents").await, 1, "nor right after it");
    worker.stop().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn one_call_of_our_own_that_fails_is_time_lost(pool: PgPool) {
    let (world, web, worker) = reachable(pool).await;
    asked(&web, 1).await;
    web.set(Behaviour::Hang);
    let unlucky = job(&world, 7).await;
    asked(&web, 1).await;
    web.set(Behaviour::Fine);
    beats(&world, 2).await;
    assert_eq!(count(&world, "ingest_gaps").await, 1, "ten seconds");
    let mut c = world.pool.acquire().await.unwrap();
    let state = store::states::find(&mut c, world.account, unlucky).await;
    assert_eq!(state.unwrap().unwrap().state.observed, Observed::Up);
    assert_eq!(count(&world, "incidents").await, 0);
    worker.stop().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_restart_of_all_of_us_is_time_lost(pool: PgPool) {
    let (world, web, worker) = reachable(pool).await;
    asked(&web, 1).await;
    beats(&world, 1).await;
    drop(worker);
    let ago = "UPDATE ingest_beats SET at = at - interval '7 s'";
    world.pool.execute(ago).await.unwrap();
    job(&world, 0).await;
    let worker = world.start_calling("two", &web);
    beats(&world, 2).await;
    assert_eq!(count(&world, "ingest_gaps").await, 1, "seven seconds");
    assert_eq!(count(&world, "incidents").await, 0);
    worker.stop().await;
}
