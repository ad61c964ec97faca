//! Looks that somebody waits for.

use domain::check::VerdictKind;
use domain::ids::MonitorId;
use domain::monitor::MonitorSpec;
use domain::status::Observed;
use sqlx::PgPool;
use store::look_requests::{Answer, Reason, Subject};
use testkit::{Behaviour, SwitchableSite};

use crate::world::World;

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_first_look_is_answered_and_makes_the_status(pool: PgPool) {
    let (world, site) = (World::new(pool).await, SwitchableSite::start().await);
    let worker = world.start("one");
    let monitor = world.monitor(&site.url("/"), 3600).await;
    let request = world.ask(Subject::Monitor(monitor), Reason::First).await;
    let Answer::Done(result) = world.answer(request).await else {
        panic!("no look")
    };
    assert_eq!(
        (
            result.check.verdict,
            result.check.slot,
            result.check.http_status
        ),
        (VerdictKind::Up, None, Some(200))
    );
    assert_eq!(result.diagnosis, None);
    world.wait_for(monitor, Observed::Up).await;
    let mut c = world.pool.acquire().await.unwrap();
    let last = store::reports::last_checks(&mut c, world.account, &[monitor])
        .await
        .unwrap();
    assert_eq!(last[&monitor].id, result.check.id);
    worker.stop().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_look_without_a_monitor_explains_what_it_found(pool: PgPool) {
    let (world, site) = (World::new(pool).await, SwitchableSite::start().await);
    site.set(Behaviour::Status(503));
    let worker = world.start("one");
    let spec = MonitorSpec {
        url: Some(site.url("/")),
        ..MonitorSpec::default()
    };
    let request = world.ask(Subject::Spec(Box::new(spec)), Reason::Test).await;
    let Answer::Done(result) = world.answer(request).await else {
        panic!("no look")
    };
    assert_eq!(result.check.verdict, VerdictKind::Down);
    assert!(result.diagnosis.is_some());
    worker.stop().await;
}

/// Up, and a person who looks at it should hear that it says otherwise.
#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_good_answer_that_says_against_itself_is_pointed_out(pool: PgPool) {
    let (world, site) = (World::new(pool).await, SwitchableSite::start().await);
    site.set(Behaviour::Page {
        status: 200,
        headers: Vec::new(),
        body: "<h1>Error establishing a database connection</h1>".to_owned(),
    });
    let worker = world.start("one");
    let monitor = world.monitor(&site.url("/"), 3600).await;
    let request = world.ask(Subject::Monitor(monitor), Reason::First).await;
    let Answer::Done(result) = world.answer(request).await else {
        panic!("no look")
    };
    assert_eq!(result.check.verdict, VerdictKind::Up);
    let said = result.diagnosis.expect("a hint");
    assert_eq!(said.cause, "database_down");
    world.wait_for(monitor, Observed::Up).await;
    worker.stop().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_monitor_that_is_gone_has_nothing_to_look_at(pool: PgPool) {
    let world = World::new(pool).await;
    let worker = world.start("one");
    let request = world
        .ask(Subject::Monitor(MonitorId::generate()), Reason::Manual)
        .await;
    assert_eq!(world.answer(request).await, Answer::Nothing);
    worker.stop().await;
}
