//! Schedules and members as targets: whoever is on call when a step is due is told.

use domain::account::{EmailAddress, Role};
use domain::alert::{Policy, Step};
use domain::contact::Channel;
use domain::ids::{ContactId, OverrideId, ScheduleId, UserId};
use domain::oncall::{Layer, Override, Participant, Schedule, ShiftUnit};
use sqlx::PgPool;

use crate::world::World;

/// Days of these people in turns, handed over at a local time of Berlin.
async fn schedule(world: &World, participants: Vec<Participant>, local_start: &str) -> ScheduleId {
    let schedule = Schedule {
        members: None,
        id: ScheduleId::generate(),
        name: "Night".into(),
        timezone: "Europe/Berlin".into(),
        layers: vec![Layer {
            participants,
            shift_unit: ShiftUnit::Day,
            shift_count: 1,
            local_start: local_start.parse().unwrap(),
            times: None,
        }],
        created_at: world.start,
        updated_at: world.start,
        version: 1,
    };
    let mut connection = world.pool.acquire().await.unwrap();
    store::oncall::insert(&mut connection, world.account, &schedule)
        .await
        .unwrap();
    schedule.id
}

/// The default policy tells whoever is on call, again after each of these seconds.
async fn policy(world: &World, schedule: ScheduleId, delays: &[u32]) {
    let steps = delays.iter().map(|delay| Step {
        delay_seconds: *delay,
        schedule_ids: vec![schedule],
        ..Step::default()
    });
    save(world, steps.collect()).await;
}

async fn save(world: &World, steps: Vec<Step>) {
    let policy = Policy {
        steps: Some(steps),
        ..Policy::default_of(world.account)
    };
    let mut connection = world.pool.acquire().await.unwrap();
    store::policies::save(&mut connection, world.account, &policy, world.start)
        .await
        .unwrap();
}

/// A contact of a member.
async fn theirs(world: &World, name: &str, member: UserId) -> ContactId {
    let contact = world.contact(name, Channel::Email, true).await;
    world
        .sql(&format!(
            "UPDATE contacts SET user_id = '{}' WHERE id = '{}'",
            member.uuid(),
            contact.uuid()
        ))
        .await;
    contact
}

/// Somebody of the account.
async fn member(world: &World, name: &str) -> UserId {
    let mut connection = world.pool.acquire().await.unwrap();
    let (user, now) = (UserId::generate(), world.start);
    let email = EmailAddress::parse(&format!("{name}@people.example")).unwrap();
    store::users::insert(&mut connection, user, &email, "hash", true, now)
        .await
        .unwrap();
    store::memberships::insert(&mut connection, world.account, user, Role::Editor, now)
        .await
        .unwrap();
    user
}

/// Who was told, and how many seconds after the confirmation.
async fn told(world: &World) -> Vec<String> {
    world
        .texts(&format!(
            "SELECT concat_ws(' ', c.name, extract(epoch FROM d.not_before - '{}')::int)
             FROM deliveries d JOIN contacts c ON c.id = d.contact_id
             WHERE d.event = 'incident.opened' ORDER BY d.not_before, c.name",
            world.at(66)
        ))
        .await
}

/// Wakes it every minute, up to so many seconds after the confirmation.
async fn wake(world: &World, seconds: i64) {
    for second in (0..=seconds).step_by(60) {
        incidents::escalate_due(&world.pool, world.at(66 + second))
            .await
            .unwrap();
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn whoever_is_on_call_when_a_step_is_due_is_told(pool: PgPool) {
    let world = World::new(pool).await;
    let (ana, ben) = (member(&world, "ana").await, member(&world, "ben").await);
    theirs(&world, "ana-mail", ana).await;
    theirs(&world, "ana-phone", ana).await;
    let ben_mail = theirs(&world, "ben", ben).await;
    world.contact("office", Channel::Email, true).await;
    // The world begins at 14:00 in Berlin; Ana is on call until 14:06.
    let people = vec![Participant::Member(ana), Participant::Contact(ben_mail)];
    let night = schedule(&world, people, "2026-11-21T14:06").await;
    policy(&world, night, &[0, 180, 180]).await;
    world.outage().await;
    wake(&world, 600).await;
    assert_eq!(
        told(&world).await,
        ["ana-mail 0", "ana-phone 0", "ben 360"],
        "Ana was told at 0 and is not told again by the second step"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_hour_that_comes_twice_hands_over_once(pool: PgPool) {
    // 02:20 in Berlin, 40 minutes before clocks go back to 02:00.
    let start = "2026-10-25T00:20:00Z".parse().unwrap();
    let world = World::starting(pool, start).await;
    let ana = Participant::Contact(world.contact("ana", Channel::Email, true).await);
    let ben = Participant::Contact(world.contact("ben", Channel::Email, true).await);
    let cleo = Participant::Contact(world.contact("cleo", Channel::Email, true).await);
    let night = schedule(&world, vec![ana, ben, cleo], "2026-10-24T02:30").await;
    policy(&world, night, &[0, 600, 3_600]).await;
    world.outage().await;
    wake(&world, 4_800).await;
    // At 02:31 for the first time it is Ben's turn; an hour later, at 02:31 again, it still is.
    assert_eq!(told(&world).await, ["ana 0", "ben 600"]);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn who_stands_in_is_told_and_a_gap_is_passed_over(pool: PgPool) {
    let world = World::new(pool).await;
    let ana = world.contact("ana", Channel::Email, true).await;
    let ben = member(&world, "ben").await;
    theirs(&world, "ben", ben).await;
    // Nobody is on call before tomorrow.
    let later = schedule(&world, vec![Participant::Contact(ana)], "2026-11-23T09:00").await;
    let steps = [
        Step {
            schedule_ids: vec![later],
            ..Step::default()
        },
        Step {
            delay_seconds: 300,
            member_ids: vec![ben],
            ..Step::default()
        },
    ];
    save(&world, steps.to_vec()).await;
    world.outage().await;
    wake(&world, 600).await;
    assert_eq!(told(&world).await, ["ben 0"], "nobody waits for a gap");

    let stand_in = Override {
        id: OverrideId::generate(),
        participant: Participant::Contact(ana),
        starts_at: world.start,
        ends_at: world.at(10_000),
        created_at: world.start,
    };
    let mut connection = world.pool.acquire().await.unwrap();
    store::oncall::insert_override(&mut connection, world.account, later, &stand_in)
        .await
        .unwrap();
    let duties = store::oncall::list_duties(&mut connection, world.account, world.at(66)).await;
    let who = duties.unwrap()[0].who(world.at(66));
    assert_eq!(who, Some(Participant::Contact(ana)));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn whoever_has_left_is_told_nothing_and_their_turn_is_a_gap(pool: PgPool) {
    let world = World::new(pool).await;
    let (ana, ben) = (member(&world, "ana").await, member(&world, "ben").await);
    theirs(&world, "ana-mail", ana).await;
    theirs(&world, "ben-mail", ben).await;
    let office = world.contact("office", Channel::Email, true).await;
    let people = vec![Participant::Member(ana), Participant::Member(ben)];
    let night = schedule(&world, people, "2026-11-21T14:06").await;
    let on_call = |delay_seconds| Step {
        delay_seconds,
        schedule_ids: vec![night],
        ..Step::default()
    };
    let first = Step {
        contact_ids: vec![office],
        ..Step::default()
    };
    save(&world, vec![first, on_call(60), on_call(420)]).await;
    world
        .sql(&format!(
            "DELETE FROM memberships WHERE user_id = '{}'",
            ana.uuid()
        ))
        .await;
    world.outage().await;
    wake(&world, 600).await;
    // It would be Ana's turn until 14:06; Ben keeps his.
    assert_eq!(told(&world).await, ["office 0", "ben-mail 420"]);
}
