//! Escalation: each step is told once, whoever tells it and whoever dies.

use std::sync::Arc;

use domain::alert::{Policy, Step};
use domain::contact::Channel;
use domain::ids::{ContactId, IncidentId};
use sqlx::PgPool;
use tokio::task::JoinSet;

use crate::world::World;

/// Steps of the default policy, as contact and delay.
async fn policy(
    world: &World,
    steps: &[(ContactId, u32)],
    (repeat, reminder_seconds): (u32, Option<u32>),
) {
    let steps = steps.iter().map(|(contact, delay_seconds)| Step {
        delay_seconds: *delay_seconds,
        contact_ids: vec![*contact],
        ..Step::default()
    });
    let policy = Policy {
        steps: Some(steps.collect()),
        repeat,
        reminder_seconds,
        ..Policy::default_of(world.account)
    };
    let mut connection = world.pool.acquire().await.unwrap();
    store::policies::save(&mut connection, world.account, &policy, world.start)
        .await
        .unwrap();
}

/// What was told: the event, whom, and how many seconds after the confirmation.
async fn told(world: &World) -> Vec<String> {
    world
        .texts(&format!(
            "SELECT concat_ws(' ', d.event, c.name, extract(epoch FROM d.not_before - '{}')::int)
             FROM deliveries d JOIN contacts c ON c.id = d.contact_id ORDER BY d.not_before, d.event, c.name",
            world.at(66)
        ))
        .await
}

/// Wakes it at each of these seconds after the confirmation.
async fn wake(world: &World, seconds: impl IntoIterator<Item = i64>) {
    for second in seconds {
        incidents::escalate_due(&world.pool, world.at(66 + second))
            .await
            .unwrap();
    }
}

async fn acknowledge(world: &World, incident: IncidentId, second: i64) {
    let mut connection = world.pool.acquire().await.unwrap();
    let (by, at) = (world.ana(), world.at(66 + second));
    incidents::acknowledge(&mut connection, world.account, incident, &by, at)
        .await
        .unwrap();
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn rounds_and_reminders_tell_again(pool: PgPool) {
    let world = World::new(pool).await;
    let ana = world.contact("ana", Channel::Email, true).await;
    let phone = world.contact("phone", Channel::Voice, true).await;
    policy(&world, &[(ana, 0), (phone, 60)], (1, Some(900))).await;
    let incident = world.outage().await;
    wake(&world, 0..1_000).await;
    assert_eq!(
        told(&world).await,
        [
            "incident.opened ana 0",
            "incident.opened phone 60",
            "incident.escalated ana 360",
            "incident.escalated phone 420",
            "incident.reminded ana 900",
        ]
    );
    assert_eq!(
        world.count("escalations WHERE next_at IS NOT NULL").await,
        1
    );
    acknowledge(&world, incident, 1_001).await;
    wake(&world, (1_002..4_000).step_by(97)).await;
    assert_eq!(
        world
            .count("deliveries WHERE event = 'incident.reminded'")
            .await,
        1
    );
    assert_eq!(
        world.count("escalations WHERE next_at IS NOT NULL").await,
        0
    );
    let timeline = world.timeline(incident).await;
    for entry in [
        "escalated: Nobody has it. Told next: phone.",
        "escalated: Nobody has it. Told next: ana.",
        "reminded: Nobody has it. One contact is reminded.",
    ] {
        assert!(timeline.contains(&entry.to_owned()), "{timeline:?}");
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn who_is_proven_meanwhile_is_told_and_who_is_lost_is_not(pool: PgPool) {
    let world = World::new(pool).await;
    let ana = world.contact("ana", Channel::Email, true).await;
    let ben = world.contact("ben", Channel::Email, false).await;
    let cleo = world.contact("cleo", Channel::Email, true).await;
    policy(&world, &[(ana, 0), (ben, 60), (cleo, 100)], (0, None)).await;
    world.outage().await;
    // Ben counts from when he is proven; nobody waits for Cleo, who is lost.
    let start = world.at(70);
    world
        .sql(&format!(
            "UPDATE contacts SET verified_at = '{start}' WHERE name = 'ben';
             UPDATE contacts SET disabled_reason = 'mailbox does not exist' WHERE name = 'cleo'"
        ))
        .await;
    wake(&world, 1..400).await;
    assert_eq!(
        told(&world).await,
        ["incident.opened ana 0", "incident.opened ben 100"]
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_step_that_died_is_told_once_by_the_next(pool: PgPool) {
    let world = World::new(pool).await;
    let ana = world.contact("ana", Channel::Email, true).await;
    let ben = world.contact("ben", Channel::Email, true).await;
    policy(&world, &[(ana, 0), (ben, 60)], (0, None)).await;
    let incident = world.outage().await;
    let at = world.at(66 + 60);
    // It is killed before its commit.
    let mut transaction = world.pool.begin().await.unwrap();
    assert!(
        incidents::escalate(&mut transaction, (world.account, incident), at)
            .await
            .unwrap()
    );
    transaction.rollback().await.unwrap();
    assert_eq!(told(&world).await, ["incident.opened ana 0"]);
    wake(&world, [60, 60, 61]).await;
    assert_eq!(
        told(&world).await,
        ["incident.opened ana 0", "incident.opened ben 60"]
    );
    assert_eq!(
        world.count("apalis.jobs WHERE job_type = 'escalate'").await,
        1,
        "one job woke the one step that was to come"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn many_who_wake_it_at_once_tell_it_once(pool: PgPool) {
    let world = Arc::new(World::new(pool).await);
    let ana = world.contact("ana", Channel::Email, true).await;
    let ben = world.contact("ben", Channel::Email, true).await;
    policy(&world, &[(ana, 0), (ben, 60)], (2, None)).await;
    world.outage().await;
    let mut racing = JoinSet::new();
    for _ in 0..8 {
        let world = Arc::clone(&world);
        racing.spawn(async move { wake(&world, [60, 360, 420]).await });
    }
    racing.join_all().await;
    assert_eq!(
        told(&world).await,
        [
            "incident.opened ana 0",
            "incident.opened ben 60",
            "incident.escalated ana 360",
            "incident.escalated ben 420",
        ]
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn whoever_takes_it_as_a_step_is_due_either_wins_or_comes_after(pool: PgPool) {
    for round in 0..4 {
        let world = Arc::new(World::new(pool.clone()).await);
        let ana = world.contact("ana", Channel::Email, true).await;
        let ben = world.contact("ben", Channel::Email, true).await;
        policy(&world, &[(ana, 0), (ben, 60)], (3, Some(300))).await;
        let incident = world.outage().await;
        let mut racing = JoinSet::new();
        let (taking, telling) = (Arc::clone(&world), Arc::clone(&world));
        racing.spawn(async move { acknowledge(&taking, incident, 60).await });
        racing.spawn(async move { wake(&telling, [60, 61]).await });
        racing.join_all().await;
        wake(&world, (62..2_000).step_by(61)).await;
        let ben_is_told = told(&world)
            .await
            .contains(&"incident.opened ben 60".to_owned());
        let timeline = world.timeline(incident).await;
        let escalated = timeline.iter().position(|one| one.starts_with("escalated"));
        assert_eq!(
            ben_is_told,
            escalated.is_some(),
            "round {round}: {timeline:?}"
        );
        assert_eq!(
            world
                .count("deliveries WHERE event IN ('incident.escalated', 'incident.reminded')")
                .await,
            0,
            "nobody is told once it is taken"
        );
        world.sql("DELETE FROM accounts; DELETE FROM workers; DELETE FROM shard_leases; DELETE FROM token_lookups").await;
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_outage_that_is_over_as_a_step_is_due_is_told_no_further(pool: PgPool) {
    let world = Arc::new(World::new(pool).await);
    let ana = world.contact("ana", Channel::Email, true).await;
    let ben = world.contact("ben", Channel::Email, true).await;
    policy(&world, &[(ana, 0), (ben, 60)], (3, Some(300))).await;
    world.outage().await;
    let mut racing = JoinSet::new();
    let (mending, telling) = (Arc::clone(&world), Arc::clone(&world));
    racing.spawn(async move {
        mending.recovery().await;
    });
    racing.spawn(async move { wake(&telling, [60, 61]).await });
    racing.join_all().await;
    wake(&world, (62..2_000).step_by(61)).await;
    let told = told(&world).await;
    // Who heard of it hears of its end, and nobody else.
    let of = |event: &str| -> Vec<String> {
        let names = told.iter().filter_map(|one| one.strip_prefix(event));
        names
            .map(|one| one.split(' ').nth(1).unwrap().to_owned())
            .collect()
    };
    assert_eq!(of("incident.opened"), of("incident.resolved"), "{told:?}");
    assert_eq!(of("incident.escalated"), Vec::<String>::new());
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn one_that_fails_stops_no_other(pool: PgPool) {
    let world = World::new(pool).await;
    let ana = world.contact("ana", Channel::Email, true).await;
    let ben = world.contact("ben", Channel::Email, true).await;
    policy(&world, &[(ana, 0), (ben, 60)], (0, None)).await;
    let good = world.outage().await;
    // A row of another time that nobody can read, due before it.
    world
        .sql(&format!(
            "INSERT INTO incidents SELECT (jsonb_populate_record(i, jsonb_build_object(
                 'id', gen_random_uuid(), 'short', 'BAD', 'test', true))).* FROM incidents i WHERE id = '{}';
             INSERT INTO escalations (account_id, incident_id, recipients, repeat, step, round, since, next_at)
             SELECT account_id, id, '{{\"nonsense\": 1}}', 0, 0, 0, '{}', '{}' FROM incidents WHERE short = 'BAD'",
            good.uuid(),
            world.start,
            world.start
        ))
        .await;
    wake(&world, [60]).await;
    assert_eq!(
        told(&world).await,
        ["incident.opened ana 0", "incident.opened ben 60"]
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn messages_planned_before_there_were_escalations_stay(pool: PgPool) {
    let world = World::new(pool).await;
    let ana = world.contact("ana", Channel::Email, true).await;
    let ben = world.contact("ben", Channel::Email, true).await;
    policy(&world, &[(ana, 0), (ben, 300)], (0, None)).await;
    let incident = world.outage().await;
    let (was_due, now) = (world.at(66 + 300), world.at(66 + 100));
    world
        .sql(&format!(
            "DELETE FROM escalations;
             INSERT INTO deliveries (account_id, id, event, incident_id, monitor_id, contact_id, channel, dedup_key,
                 created_at, not_before, next_at)
             SELECT account_id, gen_random_uuid(), event, incident_id, monitor_id, '{}', channel, 'later',
                 created_at, '{was_due}', '{was_due}' FROM deliveries",
            ben.uuid()
        ))
        .await;
    wake(&world, 0..50).await;
    assert_eq!(
        told(&world).await,
        ["incident.opened ana 0", "incident.opened ben 300"]
    );
    let mut connection = world.pool.acquire().await.unwrap();
    let of = (world.account, incident);
    let names = incidents::go_on(&mut connection, of, "Ana passed it on.", now)
        .await
        .unwrap();
    assert_eq!(names, ["ben"]);
    assert_eq!(
        told(&world).await,
        ["incident.opened ana 0", "incident.opened ben 100"]
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn going_on_early_tells_the_next_at_once(pool: PgPool) {
    let world = World::new(pool).await;
    let ana = world.contact("ana", Channel::Email, true).await;
    let ben = world.contact("ben", Channel::Email, true).await;
    let cleo = world.contact("cleo", Channel::Email, true).await;
    policy(&world, &[(ana, 0), (ben, 300), (cleo, 600)], (0, None)).await;
    let incident = world.outage().await;
    let mut connection = world.pool.acquire().await.unwrap();
    let mut pass = async |second: i64| {
        let (of, now) = ((world.account, incident), world.at(66 + second));
        incidents::go_on(&mut connection, of, "Ana passed it on.", now)
            .await
            .unwrap()
    };
    assert_eq!(pass(20).await, ["ben"]);
    wake(&world, 20..640).await;
    assert_eq!(
        told(&world).await,
        [
            "incident.opened ana 0",
            "incident.opened ben 20",
            "incident.opened cleo 620"
        ]
    );
    assert!(pass(700).await.is_empty());
    let timeline = world.timeline(incident).await;
    assert!(
        timeline.contains(&"note: Ana passed it on. Nobody is left to tell.".to_owned()),
        "{timeline:?}"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn nobody_is_told_while_it_is_snoozed(pool: PgPool) {
    let world = World::new(pool).await;
    let ana = world.contact("ana", Channel::Email, true).await;
    let ben = world.contact("ben", Channel::Email, true).await;
    policy(&world, &[(ana, 0), (ben, 60)], (0, Some(300))).await;
    let incident = world.outage().await;
    let mut connection = world.pool.acquire().await.unwrap();
    let (of, by) = ((world.account, incident), world.ana());
    let until = world.at(66 + 1_000);
    for second in [50, 51] {
        incidents::snooze(&mut connection, of, Some(until), &by, world.at(66 + second))
            .await
            .unwrap();
    }
    wake(&world, (50..1_000).step_by(7)).await;
    assert_eq!(told(&world).await, ["incident.opened ana 0"]);
    let found = world.incident(incident).await;
    let outlook = async |connection: &mut sqlx::PgConnection, second: i64| {
        incidents::outlook(connection, &found, world.at(66 + second))
            .await
            .unwrap()
            .unwrap()
    };
    let then = outlook(&mut connection, 500).await;
    let next = then.next.unwrap();
    assert_eq!((next.at, next.step, next.round), (until, (2, 2), (1, 1)));
    assert_eq!(next.contacts[0].id, ben);
    assert_eq!(then.snoozed, Some((until, by.actor.clone())));
    wake(&world, [1_000, 1_001]).await;
    assert_eq!(
        told(&world).await,
        [
            "incident.opened ana 0",
            "incident.opened ben 1000",
            "incident.reminded ana 1000"
        ]
    );
    assert_eq!(outlook(&mut connection, 1_001).await.next, None);
    let timeline = world.timeline(incident).await;
    let snoozed = timeline.iter().filter(|one| one.starts_with("snoozed"));
    assert_eq!(
        snoozed.count(),
        1,
        "asked twice, snoozed once: {timeline:?}"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_end_of_a_snooze_tells_what_was_due(pool: PgPool) {
    let world = World::new(pool).await;
    let ana = world.contact("ana", Channel::Email, true).await;
    let ben = world.contact("ben", Channel::Email, true).await;
    policy(&world, &[(ana, 0), (ben, 60)], (0, None)).await;
    let incident = world.outage().await;
    let mut connection = world.pool.acquire().await.unwrap();
    let (of, by) = ((world.account, incident), world.ana());
    let until = Some(world.at(66 + 9_000));
    let mut snooze = async |until, second: i64| {
        incidents::snooze(&mut connection, of, until, &by, world.at(66 + second))
            .await
            .unwrap()
    };
    assert!(snooze(until, 10).await.is_some());
    assert!(snooze(None, 100).await.is_some());
    assert_eq!(
        told(&world).await,
        ["incident.opened ana 0", "incident.opened ben 100"]
    );
    acknowledge(&world, incident, 200).await;
    // It changes nothing any more.
    assert!(snooze(until, 300).await.is_some());
    assert_eq!(
        world
            .count("escalations WHERE next_at IS NOT NULL OR snoozed_until IS NOT NULL")
            .await,
        0
    );
}
