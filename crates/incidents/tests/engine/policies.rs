//! An outage goes from step to step of its policy until somebody takes it or it is over.

use domain::alert::{Policy, Step};
use domain::contact::Channel;
use domain::ids::{ContactId, PolicyId};
use domain::incident::Severity;
use serde_json::json;
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

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_contact_of_critical_monitors_hears_of_no_other(pool: PgPool) {
    let world = World::new(pool).await;
    world.contact("ana", Channel::Email, true).await;
    world.contact("ben", Channel::Email, true).await;
    world
        .sql("UPDATE contacts SET only_critical = true WHERE name = 'ben'")
        .await;
    let normal = world.incident(world.outage().await).await;
    assert_eq!(normal.severity, Severity::Normal);
    assert_eq!(planned(&world).await, ["incident.opened ana 0 pending"]);
    // Recoveries go to those who were told.
    world.recovery().await;
    let told = world
        .texts("SELECT c.name FROM deliveries d JOIN contacts c ON c.id = d.contact_id")
        .await;
    assert_eq!(told, ["ana", "ana"]);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_step_of_contacts_that_want_critical_ones_alone_is_passed_over(pool: PgPool) {
    let world = World::new(pool).await;
    stepped(&world, Policy::default_id(world.account)).await;
    world
        .sql("UPDATE contacts SET only_critical = true WHERE name IN ('ana', 'ben')")
        .await;
    world.outage().await;
    world.sweep_through(500).await;
    assert_eq!(planned(&world).await, ["incident.opened cleo 0 pending"]);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_critical_outage_is_told_to_all(pool: PgPool) {
    let world = World::new(pool).await;
    stepped(&world, Policy::default_id(world.account)).await;
    quiet(&world, "ana", 60).await;
    world
        .sql(
            "UPDATE contacts SET only_critical = true WHERE name = 'ben';
             UPDATE monitors SET spec = (spec::jsonb || '{\"severity\":\"critical\"}')::json",
        )
        .await;
    let incident = world.incident(world.outage().await).await;
    assert_eq!(incident.severity, Severity::Critical);
    world.sweep_through(500).await;
    assert_eq!(
        planned(&world).await,
        [
            "incident.opened ana 0 pending",
            "incident.opened ben 40 pending",
            "incident.opened cleo 340 pending"
        ]
    );
}

/// From before the outage until so many minutes after the start.
async fn quiet(world: &World, name: &str, minutes: i64) {
    let clock = |minutes: i64| {
        let at = world.at(minutes * 60).to_zoned(jiff::tz::TimeZone::UTC);
        at.strftime("%H:%M").to_string()
    };
    let hours = json!({"timezone": "UTC", "except_critical": true,
        "ranges": [{"days": [], "from": clock(-60), "to": clock(minutes)}]});
    let statement = format!("UPDATE contacts SET quiet_hours = '{hours}' WHERE name = '{name}'");
    world.sql(&statement).await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_step_in_quiet_hours_is_passed_over_while_another_reaches_somebody(pool: PgPool) {
    let world = World::new(pool).await;
    stepped(&world, Policy::default_id(world.account)).await;
    quiet(&world, "ana", 60).await;
    quiet(&world, "cleo", 60).await;
    world.outage().await;
    world.sweep_through(1_000).await;
    // Ben in place of Ana, who hears of it in the morning if nobody has it; after him nobody else is left, and
    // Cleo's message waits for her.
    assert_eq!(
        planned(&world).await,
        [
            "incident.opened ana 0 pending",
            "incident.opened ben 0 pending",
            "incident.opened cleo 300 pending"
        ]
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn where_everybody_is_quiet_the_steps_are_told_and_nothing_is_lost(pool: PgPool) {
    let world = World::new(pool).await;
    stepped(&world, Policy::default_id(world.account)).await;
    for name in ["ana", "ben", "cleo"] {
        quiet(&world, name, 60).await;
    }
    world.outage().await;
    world.sweep_through(1_000).await;
    assert_eq!(
        planned(&world).await,
        [
            "incident.opened ana 0 pending",
            "incident.opened ben 40 pending",
            "incident.opened cleo 340 pending"
        ]
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn of_what_is_repeated_in_quiet_hours_one_message_waits(pool: PgPool) {
    let world = World::new(pool).await;
    let ana = world.contact("ana", Channel::Email, true).await;
    let policy = Policy {
        steps: Some(vec![Step {
            contact_ids: vec![ana],
            ..Step::default()
        }]),
        repeat: 3,
        reminder_seconds: Some(900),
        ..Policy::default_of(world.account)
    };
    let mut connection = world.pool.acquire().await.unwrap();
    store::policies::save(&mut connection, world.account, &policy, world.start)
        .await
        .unwrap();
    quiet(&world, "ana", 60).await;
    world.outage().await;
    for second in (66..5_000).step_by(30) {
        incidents::escalate_due(&world.pool, world.at(second))
            .await
            .unwrap();
    }
    let told = world
        .texts(
            "SELECT concat_ws(' ', event, count(*)) FROM deliveries GROUP BY event ORDER BY event",
        )
        .await;
    // Reminders at 15, 30 and 45 minutes wait as one; those after the hour are sent each.
    assert_eq!(
        told,
        [
            "incident.escalated 1",
            "incident.opened 1",
            "incident.reminded 3"
        ]
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn quiet_notices_go_by_their_own_policy(pool: PgPool) {
    let world = World::new(pool).await;
    let id = PolicyId::generate();
    world.contact("dora", Channel::Email, true).await;
    stepped(&world, id).await;
    world
        .sql(&format!(
            "UPDATE accounts SET notice_policy_id = '{}'",
            id.uuid()
        ))
        .await;
    world
        .sql(&format!(
            "UPDATE monitor_states SET observed = 'degraded', since = '{}'",
            world.at(10)
        ))
        .await;
    let told = incidents::notice_quiet(&world.pool, world.at(400)).await;
    assert_eq!(told.unwrap(), 1);
    let names = world
        .texts("SELECT c.name FROM deliveries d JOIN contacts c ON c.id = d.contact_id")
        .await;
    assert_eq!(names, ["ana"]);
    // An outage goes by the monitor's own.
    world.outage().await;
    let names = world
        .texts("SELECT c.name FROM deliveries d JOIN contacts c ON c.id = d.contact_id WHERE event = 'incident.opened' ORDER BY 1")
        .await;
    assert_eq!(names, ["ana", "ben", "cleo", "dora"]);
}
