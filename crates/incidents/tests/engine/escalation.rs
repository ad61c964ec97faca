//! Escalation: each step is told once, whoever tells it and whoever dies.

use std::sync::Arc;

use domain::account::{EmailAddress, Role};
use domain::alert::voice::Script;
use domain::alert::voice::call::Heard;
use domain::alert::{Policy, Step};
use domain::contact::Channel;
use domain::contact::quiet::{QuietHours, QuietRange};
use domain::ids::{ContactId, DeliveryId, IncidentId, UserId};
use domain::telephony::MessageStatus;
use incidents::Callback;
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
    let mut transaction = store::begin(&world.pool).await.unwrap();
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

/// Quiet from noon to three, every day.
async fn quiet(world: &World, contact: ContactId) {
    let mut connection = world.pool.acquire().await.unwrap();
    let found = store::contacts::find(&mut connection, world.account, contact);
    let mut contact = found.await.unwrap().unwrap();
    contact.quiet_hours = Some(QuietHours {
        timezone: "UTC".into(),
        ranges: vec![QuietRange {
            days: Vec::new(),
            from: "12:00".into(),
            to: "15:00".into(),
        }],
        except_critical: true,
    });
    store::contacts::update(&mut connection, world.account, &contact, world.start)
        .await
        .unwrap();
}

/// A contact's call about the outage was answered, and this key pressed.
async fn press(world: &World, contact: ContactId, key: char, second: i64) -> Vec<String> {
    let id = world
        .texts(&format!(
            "SELECT id::text FROM deliveries WHERE contact_id = '{}' AND event = 'incident.opened'",
            contact.uuid()
        ))
        .await
        .remove(0);
    let id = DeliveryId::from_uuid(id.parse().unwrap());
    let (now, whose) = (world.at(66 + second), (world.account, id));
    let script = Script {
        name: "Shop".into(),
        alert: "Shop is down.".into(),
        cause: String::new(),
        machine: String::new(),
        asks: true,
        all: false,
        drill: false,
    };
    let mut connection = world.pool.acquire().await.unwrap();
    store::calls::put(&mut connection, world.account, id, &script, now)
        .await
        .unwrap();
    let said = incidents::press_key(&mut connection, whose, Heard::Key(key), now);
    said.await.unwrap().unwrap().say
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn key_three_ends_a_snooze_and_tells_the_next(pool: PgPool) {
    let world = World::new(pool).await;
    let ana = world.contact("ana", Channel::Voice, true).await;
    let ben = world.contact("ben", Channel::Email, true).await;
    let cleo = world.contact("cleo", Channel::Email, true).await;
    policy(&world, &[(ana, 0), (ben, 300), (cleo, 300)], (0, None)).await;
    let incident = world.outage().await;
    let mut connection = world.pool.acquire().await.unwrap();
    let (of, by) = ((world.account, incident), world.ana());
    let until = Some(world.at(66 + 9_000));
    incidents::snooze(&mut connection, of, until, &by, world.at(66 + 10))
        .await
        .unwrap();
    assert_eq!(
        press(&world, ana, '3', 20).await,
        ["Passed on to ben. Goodbye."]
    );
    wake(&world, (20..400).step_by(20)).await;
    assert_eq!(
        told(&world).await,
        [
            "incident.opened ana 0",
            "incident.opened ben 20",
            "incident.opened cleo 320"
        ]
    );
    assert_eq!(
        world
            .count("escalations WHERE snoozed_until IS NOT NULL OR snoozed_by IS NOT NULL")
            .await,
        0
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn key_three_tells_the_next_in_their_quiet_hours_too(pool: PgPool) {
    let world = World::new(pool).await;
    let ana = world.contact("ana", Channel::Voice, true).await;
    let ben = world.contact("ben", Channel::Email, true).await;
    quiet(&world, ben).await;
    policy(&world, &[(ana, 0), (ben, 300)], (1, None)).await;
    world.outage().await;
    assert_eq!(
        press(&world, ana, '3', 20).await,
        ["Passed on to ben. Goodbye."]
    );
    assert_eq!(
        told(&world).await,
        ["incident.opened ana 0", "incident.opened ben 20"]
    );
    assert_eq!(world.count("deliveries WHERE payload ? 'asked'").await, 1);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn who_was_passed_over_asleep_is_told_in_the_morning(pool: PgPool) {
    let world = World::new(pool).await;
    let ana = world.contact("ana", Channel::Email, true).await;
    let ben = world.contact("ben", Channel::Email, true).await;
    let cleo = world.contact("cleo", Channel::Email, true).await;
    quiet(&world, ben).await;
    policy(&world, &[(ana, 0), (ben, 60), (cleo, 120)], (0, None)).await;
    let incident = world.outage().await;
    wake(&world, (0..600).step_by(20)).await;
    assert_eq!(
        told(&world).await,
        [
            "incident.opened ana 0",
            "incident.opened ben 120",
            "incident.opened cleo 120"
        ]
    );
    // What it waits for, and what ends it, is decided when it is sent.
    assert_eq!(
        world
            .count("deliveries WHERE payload ? 'passed_over'")
            .await,
        1
    );
    let said = "note: ben is in quiet hours, and will be told at the end of them if it is still open and nobody has it.";
    let timeline = world.timeline(incident).await;
    assert!(timeline.contains(&said.to_owned()), "{timeline:?}");
}

/// Somebody who owns the account.
async fn owner(world: &World) {
    let mut connection = world.pool.acquire().await.unwrap();
    let (user, now) = (UserId::generate(), world.start);
    let email = EmailAddress::parse("owner@shop.example").unwrap();
    store::users::insert(&mut connection, user, &email, "hash", true, now)
        .await
        .unwrap();
    store::memberships::insert(&mut connection, world.account, user, Role::Owner, now)
        .await
        .unwrap();
}

/// The network does not deliver the text about the outage to a contact.
async fn undelivered(world: &World, contact: ContactId, second: i64) {
    let of = format!(
        "contact_id = '{}' AND event = 'incident.opened'",
        contact.uuid()
    );
    world
        .sql(&format!(
            "UPDATE deliveries SET state = 'sent', provider_id = 'SM1', accepted_at = now() WHERE {of}"
        ))
        .await;
    let sql = format!("SELECT id::text FROM deliveries WHERE {of}");
    let id = DeliveryId::from_uuid(world.texts(&sql).await[0].parse().unwrap());
    let callback = Callback {
        provider_id: "SM1",
        status: MessageStatus::Failed,
        error_code: Some(30_003),
        base: "https://watchbell.example",
    };
    let mut connection = world.pool.acquire().await.unwrap();
    let (whose, now) = ((world.account, id), world.at(66 + second));
    let changed = incidents::receipt(&mut connection, &world.secrets, whose, &callback, now);
    assert!(changed.await.unwrap());
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_step_that_reached_nobody_brings_the_next_forward(pool: PgPool) {
    let world = World::new(pool).await;
    let ana = world.contact("ana", Channel::Email, true).await;
    let ben = world.contact("ben", Channel::Email, true).await;
    let cleo = world.contact("cleo", Channel::Email, true).await;
    world.sql("UPDATE contacts SET channel = 'sms'").await;
    owner(&world).await;
    let steps = [
        Step {
            contact_ids: vec![ana, ben],
            ..Step::default()
        },
        Step {
            delay_seconds: 600,
            contact_ids: vec![cleo],
            ..Step::default()
        },
    ];
    let policy = Policy {
        steps: Some(steps.to_vec()),
        ..Policy::default_of(world.account)
    };
    let mut connection = world.pool.acquire().await.unwrap();
    store::policies::save(&mut connection, world.account, &policy, world.start)
        .await
        .unwrap();
    let incident = world.outage().await;
    // Ben still may hear of it.
    undelivered(&world, ana, 20).await;
    assert_eq!(
        told(&world).await,
        ["incident.opened ana 0", "incident.opened ben 0"]
    );
    undelivered(&world, ben, 30).await;
    assert_eq!(
        told(&world).await,
        [
            "incident.opened ana 0",
            "incident.opened ben 0",
            "incident.opened cleo 30"
        ]
    );
    assert_eq!(world.count("account_messages").await, 0, "Cleo is told");
    let timeline = world.timeline(incident).await;
    let said = "escalated: Ben could not be reached. Told next: cleo.";
    assert!(timeline.contains(&said.to_owned()), "{timeline:?}");
    // Nobody is left.
    undelivered(&world, cleo, 40).await;
    assert_eq!(world.count("account_messages").await, 1);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn that_nobody_wants_to_hear_of_a_normal_monitor_is_said(pool: PgPool) {
    let world = World::new(pool).await;
    let ana = world.contact("ana", Channel::Email, true).await;
    policy(&world, &[(ana, 0)], (0, None)).await;
    world
        .sql("UPDATE contacts SET only_critical = true WHERE name = 'ana'")
        .await;
    let incident = world.outage().await;
    assert_eq!(told(&world).await, Vec::<String>::new());
    let timeline = world.timeline(incident).await;
    let said = "note: Nobody is told: every contact that could be wants critical monitors only, and this is a normal one.";
    assert!(timeline.contains(&said.to_owned()), "{timeline:?}");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_policy_that_begins_later_is_not_said_to_tell_nobody(pool: PgPool) {
    let world = World::new(pool).await;
    let ana = world.contact("ana", Channel::Email, true).await;
    policy(&world, &[(ana, 60)], (0, None)).await;
    let incident = world.outage().await;
    let timeline = world.timeline(incident).await;
    let said = "note: Nobody is told yet: the first step of the policy comes later.";
    assert!(timeline.contains(&said.to_owned()), "{timeline:?}");
}
