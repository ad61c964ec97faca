//! What people do with an incident, in a transaction fenced to their account.

use domain::check::VerdictKind;
use domain::contact::Channel;
use domain::ids::{AccountId, IncidentId};
use domain::incident::{Actor, ActorKind, ResolvedReason};
use incidents::{By, Resolution};
use sqlx::PgPool;

use crate::world::World;

async fn resolve(world: &World, id: IncidentId, force: bool, second: i64) -> Resolution {
    let mut transaction = store::tenant::begin(&world.pool, world.account)
        .await
        .unwrap();
    let resolution = incidents::resolve(
        &mut transaction,
        world.account,
        id,
        &world.ana(),
        force,
        world.at(second),
    )
    .await
    .unwrap();
    transaction.commit().await.unwrap();
    resolution
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_first_to_take_it_has_it_and_the_others_are_told(pool: PgPool) {
    let world = World::new(pool).await;
    let taker = world.contact("ben", Channel::Email, true).await;
    world.contact("ana", Channel::Email, true).await;
    world.contact("phone", Channel::Sms, true).await;
    let id = world.outage().await;
    let ben = By {
        actor: Actor {
            kind: ActorKind::Contact,
            name: "Ben".into(),
        },
        contact_id: Some(taker),
        email: None,
    };
    for (by, second) in [(&ben, 80), (&world.ana(), 90)] {
        let mut transaction = store::tenant::begin(&world.pool, world.account)
            .await
            .unwrap();
        let incident =
            incidents::acknowledge(&mut transaction, world.account, id, by, world.at(second))
                .await
                .unwrap();
        assert_eq!(incident.unwrap().acknowledged_by.unwrap().name, "Ben");
        transaction.commit().await.unwrap();
    }
    let told = "SELECT c.name FROM deliveries d JOIN contacts c ON c.id = d.contact_id
                WHERE event = 'incident.acknowledged' ORDER BY c.name";
    assert_eq!(world.texts(told).await, ["ana", "phone"]);
    assert_eq!(
        world.timeline(id).await.last().unwrap(),
        "acknowledged: Ben has it."
    );
    assert_eq!(
        world
            .count("audit_events WHERE action = 'incident.acknowledged'")
            .await,
        1
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_stranger_finds_nothing(pool: PgPool) {
    let world = World::new(pool).await;
    let id = world.outage().await;
    let stranger = AccountId::generate();
    let mut transaction = store::tenant::begin(&world.pool, stranger).await.unwrap();
    let now = world.at(80);
    let ana = world.ana();
    assert_eq!(
        incidents::acknowledge(&mut transaction, stranger, id, &ana, now)
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        incidents::resolve(&mut transaction, stranger, id, &ana, true, now)
            .await
            .unwrap(),
        Resolution::NotFound
    );
    assert!(
        !incidents::comment(&mut transaction, stranger, id, (&ana, "hello"), now)
            .await
            .unwrap()
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_still_fails_is_ended_by_force_only_and_then_stays_quiet(pool: PgPool) {
    let world = World::new(pool).await;
    world.contact("ana", Channel::Email, true).await;
    let id = world.outage().await;
    assert_eq!(
        resolve(&world, id, false, 80).await,
        Resolution::StillFailing
    );
    assert!(world.incident(id).await.is_open());
    let Resolution::Resolved(over) = resolve(&world, id, true, 81).await else {
        panic!("not resolved")
    };
    assert_eq!(
        (over.resolved_at, over.resolved_reason),
        (Some(world.at(81)), Some(ResolvedReason::Manual))
    );
    assert!(
        matches!(
            resolve(&world, id, false, 82).await,
            Resolution::Resolved(_)
        ),
        "ending it twice is ending it once"
    );
    for second in [90, 93, 96] {
        assert_eq!(
            world.look("local", second, VerdictKind::Down).await.opened,
            None
        );
    }
    assert_eq!(world.recovery().await.closed, None);
    for second in [180, 183] {
        world.look("local", second, VerdictKind::Down).await;
    }
    assert!(
        world
            .look("local", 186, VerdictKind::Down)
            .await
            .opened
            .is_some(),
        "it was up in between"
    );
    assert_eq!(
        world
            .count("deliveries WHERE event = 'incident.resolved'")
            .await,
        1
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_comment_stands_in_the_timeline(pool: PgPool) {
    let world = World::new(pool).await;
    let id = world.outage().await;
    let mut transaction = store::tenant::begin(&world.pool, world.account)
        .await
        .unwrap();
    let comment = (&world.ana(), "Restarting php.");
    assert!(
        incidents::comment(&mut transaction, world.account, id, comment, world.at(90))
            .await
            .unwrap()
    );
    transaction.commit().await.unwrap();
    assert_eq!(
        world.timeline(id).await.last().unwrap(),
        "comment: Restarting php."
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_link_in_a_message_stands_for_its_contact_and_incident(pool: PgPool) {
    let world = World::new(pool).await;
    let contact = world.contact("ana", Channel::Email, true).await;
    let id = world.outage().await;
    let mut connection = world.pool.acquire().await.unwrap();
    let sent = store::deliveries::list_by_incident(&mut connection, world.account, id)
        .await
        .unwrap();
    let token = incidents::links::acknowledge_token(&world.secrets, sent[0].id);
    let found = incidents::links::find_acknowledge(&mut connection, &token)
        .await
        .unwrap();
    assert_eq!(found, Some((world.account, id, contact)));
    let stop = incidents::links::stop_token(&world.secrets, contact);
    assert_eq!(
        incidents::links::find_stop(&mut connection, &stop)
            .await
            .unwrap(),
        Some((world.account, contact))
    );
    assert_eq!(
        incidents::links::find_acknowledge(&mut connection, &stop)
            .await
            .unwrap(),
        None
    );
}
