//! An outage goes from step to step of its policy until somebody takes it or it is over.

use domain::alert::{Policy, Step};
use domain::contact::Channel;
use domain::ids::{ContactId, PolicyId};
use sqlx::PgPool;

use crate::world::World;

/// What was planned: whom, seconds after the confirmation at second 66, and what became of it.
async fn planned(world: &World) -> Vec<String> {
    world
        .texts(&format!(
            "SELECT concat_ws(' ', d.event, c.name, extract(epoch FROM d.not_before - '{}')::int, d.state, d.reason)
             FROM deliveries d JOIN contacts c ON c.id = d.contact_id ORDER BY d.created_at, d.not_before, c.name",
            world.at(66)
        ))
        .await
}

/// Three contacts, told one after the other.
pub async fn stepped(world: &World, id: PolicyId) {
    let mut steps = Vec::new();
    for (name, delay_seconds) in [("ana", 0), ("ben", 40), ("cleo", 300)] {
        let contact: ContactId = world.contact(name, Channel::Email, true).await;
        steps.push(Step {
            delay_seconds,
            contact_ids: vec![contact],
            ..Step::default()
        });
    }
    let policy = Policy {
        id,
        name: "Night".into(),
        steps: Some(steps),
        repeat: 0,
        reminder_seconds: None,
        version: 1,
    };
    let mut connection = world.pool.acquire().await.unwrap();
    store::policies::save(&mut connection, world.account, &policy, world.start)
        .await
        .unwrap();
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn steps_come_one_after_the_other(pool: PgPool) {
    let world = World::new(pool).await;
    let id = PolicyId::generate();
    stepped(&world, id).await;
    world
        .sql(&format!(
            "UPDATE monitors SET spec = (spec::jsonb || '{{\"policy_id\":\"{id}\"}}')::json"
        ))
        .await;
    let incident = world.outage().await;
    assert_eq!(planned(&world).await, ["incident.opened ana 0 pending"]);
    world.sweep_through(500).await;
    assert_eq!(
        planned(&world).await,
        [
            "incident.opened ana 0 pending",
            "incident.opened ben 40 pending",
            "incident.opened cleo 340 pending"
        ]
    );
    let timeline = world.timeline(incident).await;
    assert!(
        timeline.contains(&"note: One contact is told.".to_owned()),
        "{timeline:?}"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn nobody_more_is_told_once_somebody_has_it(pool: PgPool) {
    let world = World::new(pool).await;
    stepped(&world, Policy::default_id(world.account)).await;
    let incident = world.outage().await;
    let mut connection = world.pool.acquire().await.unwrap();
    let by = world.ana();
    incidents::acknowledge(&mut connection, world.account, incident, &by, world.at(100))
        .await
        .unwrap();
    world.sweep_through(500).await;
    assert_eq!(planned(&world).await, ["incident.opened ana 0 pending"]);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn nobody_more_is_told_once_it_is_over(pool: PgPool) {
    let world = World::new(pool).await;
    stepped(&world, Policy::default_id(world.account)).await;
    world.outage().await;
    world.sweep_through(110).await;
    world.recovery().await;
    world.sweep_through(500).await;
    assert_eq!(
        planned(&world).await,
        [
            "incident.opened ana 0 pending",
            "incident.opened ben 40 pending",
            "incident.resolved ana 60 pending",
            "incident.resolved ben 60 pending"
        ]
    );
}
