//! Texts that monitors might ask for: a first look, and one request for an address that cannot exist.

use domain::ids::MonitorId;
use domain::monitor::proposal::{Missing, Proposal};
use domain::monitor::{HttpSpec, Monitor};
use domain::status::Observed;
use sqlx::PgPool;
use store::keyword_proposals as proposals;
use store::look_requests::{Reason, Subject};
use testkit::{Behaviour, SwitchableSite};

use crate::world::{World, now, until};

const GOOD: &str =
    "<title>Acme</title><h1>Handmade boots from Bavaria</h1><a href=\"/basket\">Your basket</a>";
const MISSING: &str = "<title>Acme</title><h1>Nothing here</h1><a href=\"/basket\">Your basket</a>";

/// A shop that answers this for addresses that do not exist.
async fn shop(status: u16, other: &str) -> SwitchableSite {
    let site = SwitchableSite::start().await;
    site.set(Behaviour::Pages {
        at: "/".to_owned(),
        good: GOOD.to_owned(),
        status,
        other: other.to_owned(),
    });
    site
}

async fn first_look(world: &World, monitor: MonitorId) {
    let request = world.ask(Subject::Monitor(monitor), Reason::First).await;
    world.answer(request).await;
}

async fn proposed(world: &World, monitor: MonitorId) -> Proposal {
    until("a proposal", async || {
        let mut c = world.pool.acquire().await.unwrap();
        let found = proposals::find(&mut c, world.account, monitor).await;
        found.unwrap()
    })
    .await
}

async fn count(world: &World, select: &'static str) -> i64 {
    sqlx::query_scalar(select)
        .fetch_one(&world.pool)
        .await
        .unwrap()
}

const ROWS: &str = "SELECT count(*) FROM keyword_proposals";

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_site_that_answers_200_for_all_has_a_text_proposed(pool: PgPool) {
    let world = World::new(pool).await;
    let site = shop(200, MISSING).await;
    let mut monitor = Monitor {
        spec: world.spec(&site.url("/"), 3600),
        ..world.draft()
    };
    monitor.spec.http = Some(HttpSpec {
        auth: Some(serde_json::from_value(serde_json::json!({"bearer": "s3cret"})).unwrap()),
        ..HttpSpec::default()
    });
    let id = world.insert(&monitor).await;
    let worker = world.start("one");
    first_look(&world, id).await;
    let found = proposed(&world, id).await;
    let wanted = Proposal {
        text: "Handmade boots from Bavaria".to_owned(),
        missing: Missing::Answers,
        status: 200,
    };
    assert_eq!(found, wanted);
    world.wait_for(id, Observed::Up).await;
    worker.stop().await;
    let strays = site.strays();
    let [stray] = strays.as_slice() else {
        panic!("one request of its own: {strays:?}")
    };
    assert!(
        stray
            .path
            .ends_with("-watchbell-check-of-a-page-that-does-not-exist")
    );
    assert_eq!(stray.header("authorization"), "Bearer s3cret");
    // It is no look.
    let looks = "SELECT (SELECT count(*) FROM requested_checks) + (SELECT count(*) FROM checks)";
    assert_eq!(
        count(&world, looks).await,
        i64::try_from(site.requests() - 1).unwrap()
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_site_that_answers_404_too_and_one_that_is_the_same_everywhere_not(pool: PgPool) {
    let world = World::new(pool).await;
    let (honest, same) = (shop(404, MISSING).await, shop(200, GOOD).await);
    let here = world.monitor(&honest.url("/"), 3600).await;
    let nothing = world.monitor(&same.url("/"), 3600).await;
    let worker = world.start("one");
    first_look(&world, nothing).await;
    first_look(&world, here).await;
    let found = proposed(&world, here).await;
    assert_eq!((found.missing, found.status), (Missing::Refuses, 404));
    until("nothing is left of the other", async || {
        (count(&world, ROWS).await == 1).then_some(())
    })
    .await;
    // Another look, and another first one, ask for nothing more.
    let manual = world.ask(Subject::Monitor(here), Reason::Manual).await;
    world.answer(manual).await;
    first_look(&world, here).await;
    assert_eq!(count(&world, ROWS).await, 1);
    worker.stop().await;
    assert_eq!((honest.strays().len(), same.strays().len()), (1, 1));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_a_dead_worker_had_taken_is_compared_by_another(pool: PgPool) {
    let world = World::new(pool).await;
    let site = shop(200, MISSING).await;
    let id = world.monitor(&site.url("/"), 3600).await;
    let mut c = world.pool.acquire().await.unwrap();
    let offers = ["Handmade boots from Bavaria".to_owned()];
    let long_ago = now() - jiff::SignedDuration::from_secs(40);
    let wanted = (world.account, id, 1);
    proposals::want(&mut c, wanted, "local", &offers, long_ago)
        .await
        .unwrap();
    let key = (world.account, id);
    proposals::claim(&mut c, key, long_ago)
        .await
        .unwrap()
        .expect("taken");
    drop(c);
    let worker = world.start("another");
    assert_eq!(proposed(&world, id).await.text, offers[0]);
    worker.stop().await;
}
