use domain::ids::{AccountId, ContactId, OverrideId, ScheduleId, UserId};
use domain::oncall::{Day, Layer, Override, Participant, Schedule, ShiftUnit, Times};
use jiff::{SignedDuration, Timestamp};
use sqlx::PgPool;

use super::*;

fn at(second: i64) -> Timestamp {
    let start: Timestamp = "2026-11-22T13:00:00Z".parse().unwrap();
    start + SignedDuration::from_secs(second)
}

async fn account(pool: &PgPool) -> AccountId {
    let account = AccountId::generate();
    sqlx::query(
        "INSERT INTO accounts (id, name, created_at, practice_token) VALUES ($1, 'x', now(), $2)",
    )
    .bind(account.uuid())
    .bind(account.to_string())
    .execute(pool)
    .await
    .unwrap();
    account
}

fn schedule(participants: Vec<Participant>) -> Schedule {
    Schedule {
        members: Some(Vec::new()),
        id: ScheduleId::generate(),
        name: "Night".into(),
        timezone: "Europe/Berlin".into(),
        layers: vec![Layer {
            participants,
            shift_unit: ShiftUnit::Week,
            shift_count: 2,
            local_start: "2026-11-02T09:00".parse().unwrap(),
            times: Some(vec![Times {
                days: vec![Day::Mo, Day::Fr],
                from: "09:00".parse().unwrap(),
                to: "17:00".parse().unwrap(),
            }]),
        }],
        created_at: at(0),
        updated_at: at(0),
        version: 1,
    }
}

fn stand_in(who: Participant, from: i64, to: i64) -> Override {
    Override {
        id: OverrideId::generate(),
        participant: who,
        starts_at: at(from),
        ends_at: at(to),
        created_at: at(0),
    }
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_schedule_reads_back_as_it_was_written(pool: PgPool) {
    let account = account(&pool).await;
    let mut connection = pool.acquire().await.unwrap();
    let (kim, ops) = (
        Participant::Member(UserId::generate()),
        Participant::Contact(ContactId::generate()),
    );
    let mut night = schedule(vec![kim, ops]);
    let day = schedule(vec![ops]);
    for one in [&night, &day] {
        insert(&mut connection, account, one).await.unwrap();
        let found = find(&mut connection, account, one.id).await.unwrap();
        assert_eq!(found.as_ref(), Some(one));
        let stranger = AccountId::generate();
        assert_eq!(find(&mut connection, stranger, one.id).await.unwrap(), None);
    }
    assert_eq!(count(&mut connection, account).await.unwrap(), 2);
    let listed = list(&mut connection, account).await.unwrap();
    assert_eq!(listed, [night.clone(), day.clone()]);
    let known = list_known(&mut connection, account, &[day.id, ScheduleId::generate()]).await;
    assert_eq!(known.unwrap(), [day.id]);
    night.layers.clear();
    night.timezone = "UTC".into();
    assert_eq!(update(&mut connection, account, &night).await.unwrap(), 2);
    night.version = 2;
    let found = find(&mut connection, account, night.id).await.unwrap();
    assert_eq!(found.as_ref(), Some(&night));
    assert!(delete(&mut connection, account, night.id).await.unwrap());
    assert!(!delete(&mut connection, account, night.id).await.unwrap());
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn overrides_are_of_one_schedule_and_go_with_it(pool: PgPool) {
    let account = account(&pool).await;
    let mut connection = pool.acquire().await.unwrap();
    let (kim, ops) = (
        Participant::Member(UserId::generate()),
        Participant::Contact(ContactId::generate()),
    );
    let (night, day) = (schedule(vec![kim]), schedule(vec![ops]));
    for one in [&night, &day] {
        insert(&mut connection, account, one).await.unwrap();
    }
    let (early, late, other) = (
        stand_in(kim, 0, 60),
        stand_in(ops, 30, 90),
        stand_in(kim, 0, 600),
    );
    for (schedule, one) in [(&night, &late), (&night, &early), (&day, &other)] {
        insert_override(&mut connection, account, schedule.id, one)
            .await
            .unwrap();
    }
    let listed = async |connection: &mut _, from| {
        list_overrides(connection, account, night.id, at(from))
            .await
            .unwrap()
    };
    assert_eq!(
        listed(&mut connection, 0).await,
        [early.clone(), late.clone()]
    );
    assert_eq!(
        listed(&mut connection, 60).await,
        std::slice::from_ref(&late)
    );
    assert_eq!(
        list_overrides_of_all(&mut connection, account, at(90))
            .await
            .unwrap(),
        [(day.id, other.clone())]
    );
    let count = count_overrides(&mut connection, account, night.id, at(60)).await;
    assert_eq!(count.unwrap(), 1);
    // Not through another schedule.
    let wrong = (day.id, early.id);
    assert_eq!(
        find_override(&mut connection, account, wrong)
            .await
            .unwrap(),
        None
    );
    assert!(
        !delete_override(&mut connection, account, wrong)
            .await
            .unwrap()
    );
    let found = find_override(&mut connection, account, (night.id, early.id)).await;
    assert_eq!(found.unwrap(), Some(early));
    assert_eq!(
        forget_in_overrides(&mut connection, account, kim)
            .await
            .unwrap(),
        2
    );
    assert_eq!(listed(&mut connection, 0).await, [late]);
    // The next one makes us forget what was over long ago.
    let mut later = stand_in(kim, 400 * 86_400 + 200, 400 * 86_400 + 300);
    later.created_at = at(400 * 86_400 + 100);
    insert_override(&mut connection, account, night.id, &later)
        .await
        .unwrap();
    assert_eq!(listed(&mut connection, 0).await, [later]);
    assert!(delete(&mut connection, account, night.id).await.unwrap());
    assert_eq!(listed(&mut connection, 0).await, []);
}
