//! Quiet hours: what is due waits for their end, and is then what it would have been.

use domain::contact::quiet::{QuietHours, QuietRange};
use domain::incident::Severity;
use jiff::Timestamp;

use super::*;

/// The clock of these tests stands at 14:02 in Berlin.
async fn quiet(world: &World, contact: ContactId, (from, to): (&str, &str)) {
    let mut connection = world.room.pool.acquire().await.unwrap();
    let found = store::contacts::find(&mut connection, world.account, contact);
    let mut contact = found.await.unwrap().unwrap();
    contact.quiet_hours = Some(QuietHours {
        timezone: "Europe/Berlin".into(),
        ranges: vec![QuietRange {
            days: Vec::new(),
            from: from.into(),
            to: to.into(),
        }],
        except_critical: true,
    });
    let now = world.clock.now();
    assert!(
        store::contacts::update(&mut connection, world.account, &contact, now)
            .await
            .unwrap()
    );
}

async fn severity(world: &World, severity: Severity) {
    sqlx::query("UPDATE incidents SET severity = $1")
        .bind(severity.as_str())
        .execute(&world.room.pool)
        .await
        .unwrap();
}

async fn waits_until(world: &World, id: DeliveryId) -> Timestamp {
    let at: i64 = sqlx::query_scalar(
        "SELECT extract(epoch FROM next_at)::bigint FROM deliveries WHERE id = $1 AND reason LIKE 'quiet until %'",
    )
    .bind(id.uuid())
    .fetch_one(&world.room.pool)
    .await
    .unwrap();
    Timestamp::from_second(at).unwrap()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_outage_waits_for_the_end_and_is_told_then(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    severity(&world, Severity::Normal).await;
    let ana = world.contact(Channel::Email, "ana").await;
    quiet(&world, ana, ("13:00", "15:00")).await;
    let down = world.plan(Event::IncidentOpened, Channel::Email, ana).await;
    world.deliver(down).await;
    assert_eq!(world.outbox().await, []);
    assert_eq!(
        world.state(Event::IncidentOpened).await,
        DeliveryState::Held
    );
    let until = waits_until(&world, down).await;
    assert_eq!(until, fixture::at("14:00:00"));
    // Claimed early, it waits on; at the end it goes out.
    world.deliver(down).await;
    assert_eq!(world.outbox().await, []);
    world.clock.advance(until.duration_since(world.clock.now()));
    world.deliver(down).await;
    assert_eq!(world.outbox().await.len(), 1);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_is_over_by_the_end_is_one_message(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    severity(&world, Severity::Normal).await;
    let ana = world.contact(Channel::Email, "ana").await;
    quiet(&world, ana, ("13:00", "15:00")).await;
    let down = world.plan(Event::IncidentOpened, Channel::Email, ana).await;
    world.deliver(down).await;
    world.recover().await;
    let up = world
        .plan(Event::IncidentResolved, Channel::Email, ana)
        .await;
    world.deliver(up).await;
    assert_eq!(world.outbox().await, []);
    let until = waits_until(&world, up).await;
    world.clock.advance(until.duration_since(world.clock.now()));
    world.deliver(down).await;
    world.deliver(up).await;
    let told = world.outbox().await;
    assert_eq!(told.len(), 1);
    assert!(told[0].1.starts_with("Was down: Shop checkout"), "{told:?}");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_critical_outage_and_a_test_are_sent_all_the_same(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    let ana = world.contact(Channel::Email, "ana").await;
    quiet(&world, ana, ("13:00", "15:00")).await;
    let down = world.plan(Event::IncidentOpened, Channel::Email, ana).await;
    world.deliver(down).await;
    let test = world.plan_test(ana, 1).await;
    world.deliver(test).await;
    assert_eq!(world.outbox().await.len(), 2);
}
