//! Texts that people send back.

use domain::contact::Channel;
use domain::ids::IncidentId;
use domain::incident::ActorKind;
use sqlx::PgPool;

use crate::world::World;

const NUMBER: &str = "+491701234567";

async fn text(world: &World, sid: &str, body: &str, second: i64) -> String {
    let inbound = incidents::Inbound {
        provider_sid: sid,
        number: NUMBER,
        body,
        base: "https://watchbell.example",
    };
    let mut transaction = store::begin(&world.pool).await.unwrap();
    let now = world.at(second);
    let reply = incidents::receive_text(&mut transaction, &world.secrets, &inbound, now)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    reply
}

/// Another open incident that the same number was told of.
async fn another(world: &World, first: IncidentId) -> IncidentId {
    let other = world.another_monitor("API").await;
    let mut connection = world.pool.acquire().await.unwrap();
    let mut incident = world.incident(first).await;
    incident.id = IncidentId::generate();
    incident.monitor_id = other;
    incident.short = "7KQ2M9XB".into();
    incident.confirmed_at = world.at(70);
    store::incidents::insert(&mut connection, &incident)
        .await
        .unwrap();
    sqlx::query(
        "INSERT INTO deliveries (account_id, id, event, incident_id, monitor_id, contact_id, channel, dedup_key,
             created_at, not_before, next_at)
         SELECT account_id, gen_random_uuid(), event, $1, $2, contact_id, channel, dedup_key || '2', created_at,
             not_before, next_at FROM deliveries WHERE event = 'incident.opened'",
    )
    .bind(incident.id.uuid())
    .bind(other.uuid())
    .execute(&mut *connection)
    .await
    .unwrap();
    incident.id
}

async fn sent(world: &World) {
    sqlx::query("UPDATE deliveries SET state = 'sent', accepted_at = created_at")
        .execute(&world.pool)
        .await
        .unwrap();
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_reply_takes_the_incident_and_the_others_are_told(pool: PgPool) {
    let world = World::new(pool).await;
    world.contact("phone", Channel::Sms, true).await;
    world.contact("bo", Channel::Email, true).await;
    let id = world.outage().await;
    assert!(
        text(&world, "SM1", "ACK", 70).await.starts_with("Nothing"),
        "the text is not out yet"
    );
    sent(&world).await;
    let reply = text(&world, "SM2", "Ack.", 71).await;
    assert!(
        reply.starts_with("OK, you have ") && reply.contains("/i/"),
        "{reply}"
    );
    let incident = world.incident(id).await;
    let by = incident.acknowledged_by.unwrap();
    assert_eq!((by.kind, by.name.as_str()), (ActorKind::Contact, "phone"));
    assert_eq!(
        world
            .count("deliveries WHERE event = 'incident.acknowledged' AND channel = 'email'")
            .await,
        1
    );
    assert_eq!(text(&world, "SM2", "Ack.", 72).await, reply, "a repetition");
    let again = text(&world, "SM3", "ACK", 73).await;
    assert!(
        again.starts_with("TAKEN ") && again.contains("by phone"),
        "{again}"
    );
    assert_eq!(
        world
            .count("deliveries WHERE event = 'incident.acknowledged'")
            .await,
        1
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn of_several_a_number_means_the_list_that_was_sent(pool: PgPool) {
    let world = World::new(pool).await;
    world.contact("phone", Channel::Sms, true).await;
    let first = world.outage().await;
    let second = another(&world, first).await;
    sent(&world).await;
    let list = text(&world, "SM1", "ACK", 80).await;
    assert!(
        list.starts_with("2 open: ACK 1 ") && list.contains("Or ACK ALL."),
        "{list}"
    );
    assert!(
        text(&world, "SM2", "ACK 1", 81)
            .await
            .starts_with("OK, you have")
    );
    let taken = async |id| world.incident(id).await.acknowledged_at.is_some();
    assert_eq!((taken(first).await, taken(second).await), (true, false));
    // One is left, and two is still the second of the list.
    assert!(
        text(&world, "SM3", "ACK 3", 82)
            .await
            .starts_with("Nothing")
    );
    assert!(
        text(&world, "SM4", "ACK 2", 83)
            .await
            .starts_with("OK, you have")
    );
    assert!(taken(second).await);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn all_means_all(pool: PgPool) {
    let world = World::new(pool).await;
    world.contact("phone", Channel::Sms, true).await;
    let first = world.outage().await;
    let second = another(&world, first).await;
    sent(&world).await;
    let reply = text(&world, "SM1", "ack all", 80).await;
    assert!(reply.starts_with("OK, you have all 2."), "{reply}");
    for id in [first, second] {
        assert!(world.incident(id).await.acknowledged_at.is_some());
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_bare_ack_takes_what_is_down_before_it_answers_a_drill(pool: PgPool) {
    let world = World::new(pool).await;
    world.contact("phone", Channel::Sms, true).await;
    let outage = world.outage().await;
    let drill = world.begun(80).await;
    sent(&world).await;
    let reply = text(&world, "SM1", "ACK", 90).await;
    assert!(reply.starts_with("OK, you have "), "{reply}");
    assert!(world.incident(outage).await.acknowledged_at.is_some());
    let answered = async || {
        let timeline = world.timeline(drill).await;
        timeline
            .iter()
            .filter(|one| one.starts_with("answered"))
            .count()
    };
    assert_eq!(answered().await, 0);
    // Nothing that is down is left: now it answers the drill, and says that it is one.
    let reply = text(&world, "SM2", "ACK", 91).await;
    assert!(
        reply.starts_with("Fire drill of ") && reply.contains("Nothing is down."),
        "{reply}"
    );
    assert_eq!(answered().await, 1);
}
