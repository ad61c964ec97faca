//! The server behind a monitor: proven, looked at, and told of once.

use domain::check::{Failure, FailureClass, Phase, VerdictKind};
use domain::contact::Channel;
use domain::monitor::HttpSpec;
use domain::origin::{Answer, How, Looked, State};
use incidents::{record_origin, record_proof};
use sqlx::PgPool;

use crate::world::World;

const ORIGIN: &str = "origin.shop.example:8443";

async fn with_origin(pool: PgPool) -> World {
    let world = World::new(pool).await;
    let mut monitor = world.monitor.clone();
    monitor.spec.http = Some(HttpSpec {
        origin: Some(ORIGIN.to_owned()),
        ..HttpSpec::default()
    });
    let mut c = world.pool.acquire().await.unwrap();
    store::monitors::update(&mut c, &world.secrets, &monitor)
        .await
        .unwrap();
    drop(c);
    world
}

async fn prove(world: &World, answer: Answer, second: i64) -> Option<State> {
    let key = (world.account, world.monitor.id);
    record_proof(&world.pool, key, ORIGIN, &answer, world.at(second))
        .await
        .unwrap()
        .map(|standing| standing.state)
}

async fn look(world: &World, looked: &Looked, second: i64) -> bool {
    let key = (world.account, world.monitor.id);
    record_origin(&world.pool, key, ORIGIN, looked, world.at(second))
        .await
        .unwrap()
}

fn bad() -> Looked {
    let failure = Failure::new(FailureClass::HttpStatus, Phase::FirstByte, "HTTP 502");
    Looked::Bad(failure.with_detail("502"))
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_cache_that_serves_a_dead_origin_is_told_of_once_and_quietly(pool: PgPool) {
    let world = with_origin(pool).await;
    for channel in [Channel::Email, Channel::Sms, Channel::Voice] {
        world.contact(channel.as_str(), channel, true).await;
    }
    let found = Answer::Found(How::Dns);
    assert_eq!(prove(&world, found, 1).await, Some(State::Proven));
    let mut told = vec![look(&world, &Looked::Good, 2).await];
    for minute in 1..6 {
        told.push(look(&world, &bad(), minute * 300).await);
    }
    assert_eq!(told, [false, false, false, true, false, false]);
    let said = "SELECT event || ' ' || channel || ' ' || (payload ->> 'origin') || ' ' || (payload -> 'failure' ->> 'class') FROM deliveries";
    let wanted = "monitor.partial email origin.shop.example:8443 http_status";
    assert_eq!(world.texts(said).await, [wanted]);
    assert_eq!(world.count("incidents").await, 0);

    // Well again, and dead again: another time.
    look(&world, &Looked::Good, 2_000).await;
    for minute in 10..13 {
        look(&world, &bad(), minute * 300).await;
    }
    assert_eq!(world.count("deliveries").await, 2);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_outage_is_told_as_one_and_maintenance_not_at_all(pool: PgPool) {
    let world = with_origin(pool).await;
    world.contact("ana", Channel::Email, true).await;
    prove(&world, Answer::Found(How::File), 1).await;
    look(&world, &Looked::Good, 2).await;
    for second in [60, 63, 66] {
        world.look("local", second, VerdictKind::Down).await;
    }
    let before = world.count("deliveries").await;
    for minute in 1..6 {
        assert!(!look(&world, &bad(), minute * 300).await);
    }
    assert_eq!(world.count("deliveries").await, before);
    let counted = "SELECT failing::text FROM origins";
    assert_eq!(world.texts(counted).await, ["0"], "it is down in front too");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_was_seen_of_another_origin_counts_for_nothing(pool: PgPool) {
    let world = with_origin(pool).await;
    world.sql("UPDATE origins SET origin = 'b.example'").await;
    assert_eq!(prove(&world, Answer::Found(How::Dns), 1).await, None);
    assert!(!look(&world, &bad(), 2).await);
    let state = "SELECT state FROM origins";
    assert_eq!(world.texts(state).await, ["unproven"]);
}
