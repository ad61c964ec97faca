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

impl World {
    async fn delivery_contact(&self, id: DeliveryId) -> ContactId {
        let contact: uuid::Uuid =
            sqlx::query_scalar("SELECT contact_id FROM deliveries WHERE id = $1")
                .bind(id.uuid())
                .fetch_one(&self.room.pool)
                .await
                .unwrap();
        ContactId::from_uuid(contact)
    }

    async fn sent_of_the_account(&self) -> i64 {
        sqlx::query_scalar(
            "SELECT count(*) FROM deliveries WHERE account_id = $1 AND accepted_at IS NOT NULL",
        )
        .bind(self.account.uuid())
        .fetch_one(&self.room.pool)
        .await
        .unwrap()
    }
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

/// Thirty normal monitors break in the quiet hours, one a minute; all but the last `open` are up again half a
/// minute later. Nothing is sent until 15:00, and then all that is due.
async fn night(world: &World, ana: ContactId, open: usize) -> Vec<storm::Outage> {
    severity(world, Severity::Normal).await;
    quiet(world, ana, ("13:00", "15:00")).await;
    let to = (ana, Channel::Email);
    let mut still = Vec::new();
    for number in 0..30 {
        let broken = world.storm(number..number + 1, to).await;
        severity(world, Severity::Normal).await;
        world.deliver_due().await;
        world.clock.advance(SignedDuration::from_secs(30));
        if number + open < 30 {
            world.end(&broken, to).await;
            world.deliver_due().await;
        } else {
            still.extend(broken);
        }
        world.clock.advance(SignedDuration::from_secs(30));
    }
    assert_eq!(world.outbox().await, [], "nothing in the quiet hours");
    let morning = fixture::at("14:00:00");
    world
        .clock
        .advance(morning.duration_since(world.clock.now()));
    for _ in 0..4 {
        world.deliver_due().await;
        world.clock.advance(SignedDuration::from_secs(5));
    }
    still
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn after_a_quiet_night_one_message_tells_what_is_still_open(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    let ana = world.contact(Channel::Email, "ana").await;
    let still = night(&world, ana, 3).await;
    assert_eq!(
        world.subjects().await,
        ["Down: 3 monitors (all share 203.0.113.7)"]
    );
    let texts = world.outbox_texts().await;
    let said = texts[0].1.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("27 more broke in your quiet hours and are up again."),
        "{said}"
    );
    for number in [27, 28, 29] {
        assert!(said.contains(&format!("Shop {number}")), "{said}");
    }
    assert!(!said.contains("Shop 03"), "{said}");
    // Nothing follows by itself, and their end is told as that of any storm.
    for _ in 0..5 {
        world.at_the_next_minute().await;
    }
    assert_eq!(world.subjects().await.len(), 1);
    world.end(&still, (ana, Channel::Email)).await;
    world.at_the_next_minute().await;
    let told = world.subjects().await;
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[1].starts_with("Up: all 3 monitors"), "{told:?}");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn one_that_is_still_open_is_named(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    let ana = world.contact(Channel::Email, "ana").await;
    night(&world, ana, 1).await;
    assert_eq!(
        world.subjects().await,
        ["Down: Shop 29 (server refuses connections)"]
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_night_in_which_all_came_back_is_one_message(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    let ana = world.contact(Channel::Email, "ana").await;
    night(&world, ana, 0).await;
    assert_eq!(
        world.subjects().await,
        ["Was down: 30 monitors (up to 29 min 31 s)"]
    );
    let states = world.count(Event::IncidentOpened).await;
    assert_eq!(states, [("superseded".to_owned(), 30)]);
}

/// One who was passed over while asleep.
async fn passed_over(world: &World) -> DeliveryId {
    severity(world, Severity::Normal).await;
    let ana = world.contact(Channel::Email, "ana").await;
    quiet(world, ana, ("13:00", "15:00")).await;
    let id = world.plan(Event::IncidentOpened, Channel::Email, ana).await;
    sqlx::query("UPDATE deliveries SET payload = '{\"passed_over\": true}'")
        .execute(&world.room.pool)
        .await
        .unwrap();
    world.deliver(id).await;
    assert_eq!(
        world.state(Event::IncidentOpened).await,
        DeliveryState::Held
    );
    id
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn who_was_passed_over_hears_of_it_in_the_morning_while_nobody_has_it(pool: PgPool) {
    for (becomes, told) in [("nothing", 1), ("taken", 0), ("over", 0)] {
        let world = World::new(pool.clone(), &[]).await;
        let id = passed_over(&world).await;
        let ana = Channel::Email;
        match becomes {
            "taken" => {
                let mut connection = world.room.pool.acquire().await.unwrap();
                let by = incidents::By::actor(domain::incident::Actor::system());
                let (account, incident) = (world.account, world.incident.id);
                incidents::acknowledge(&mut connection, account, incident, &by, world.clock.now())
                    .await
                    .unwrap();
            }
            "over" => {
                world.recover().await;
                let contact = world.delivery_contact(id).await;
                let up = world.plan(Event::IncidentResolved, ana, contact).await;
                world.deliver(up).await;
            }
            _ => {}
        }
        let morning = fixture::at("14:00:00");
        world
            .clock
            .advance(morning.duration_since(world.clock.now()));
        world.deliver_due().await;
        assert_eq!(world.sent_of_the_account().await, told, "{becomes}");
    }
}
