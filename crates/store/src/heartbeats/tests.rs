use domain::monitor::{Kind, Monitor, MonitorSpec};
use sqlx::PgPool;

use super::pings::Ping;
use super::*;
use crate::Secrets;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

async fn account(pool: &PgPool) -> AccountId {
    let id = AccountId::generate();
    sqlx::query!(
        "INSERT INTO accounts (id, name, created_at, practice_token) VALUES ($1, 'x', now(), $2)",
        id.uuid(),
        id.to_string()
    )
    .execute(pool)
    .await
    .unwrap();
    id
}

async fn heartbeat(connection: &mut PgConnection, account_id: AccountId, slug: &str) -> MonitorId {
    let secrets = Secrets::new(["a key of sufficient length"]).unwrap();
    let monitor = Monitor {
        id: MonitorId::generate(),
        account_id,
        spec: MonitorSpec {
            kind: Some(Kind::Heartbeat),
            ..MonitorSpec::default()
        },
        config_version: 1,
        paused_at: None,
        deleted_at: None,
        created_at: at(0),
        updated_at: at(0),
    };
    crate::monitors::insert(connection, &secrets, &monitor)
        .await
        .unwrap();
    insert(connection, account_id, monitor.id, (Uuid::new_v4(), slug))
        .await
        .unwrap();
    monitor.id
}

fn ping(number: i64, signal: Signal, rid: Option<u128>) -> Ping {
    Ping {
        number,
        at: at(number),
        action: Action {
            signal,
            exit_status: None,
        },
        rid: rid.map(Uuid::from_u128),
        duration: Some(SignedDuration::from_millis(1_500)),
        method: "POST".into(),
        address: Some("2001:db8::1".parse().unwrap()),
        user_agent: "curl/8".into(),
        body_bytes: 3,
    }
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn what_is_saved_is_what_is_read(pool: PgPool) {
    let mut connection = pool.acquire().await.unwrap();
    let account = account(&pool).await;
    let id = heartbeat(&mut connection, account, "a").await;
    let new = find(&mut connection, account, id).await.unwrap().unwrap();
    assert_eq!((new.beat, new.pings), (Beat::default(), 0));
    let stored = Stored {
        beat: Beat {
            last_at: Some(at(1)),
            last: Some(Action::parse("7").unwrap()),
            last_good_at: Some(at(0)),
            last_duration: Some(SignedDuration::from_millis(12_345)),
            run: Some(Run {
                started_at: at(2),
                rid: Some(Uuid::from_u128(9)),
            }),
            counted_from: Some(at(3)),
            expected_at: Some(at(4)),
            due_at: Some(at(5)),
        },
        pings: 3,
        window_started_at: Some(at(6)),
        window_pings: 2,
        ..new
    };
    save(&mut connection, account, id, &stored).await.unwrap();
    assert_eq!(
        lock(&mut connection, account, id).await.unwrap(),
        Some(stored)
    );
    let stranger = AccountId::generate();
    assert_eq!(find(&mut connection, stranger, id).await.unwrap(), None);
    let due = |second| at(second);
    assert_eq!(
        list_due(&mut connection, due(5), 10).await.unwrap(),
        [(account, id)]
    );
    assert_eq!(list_due(&mut connection, due(4), 10).await.unwrap(), []);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_name_in_an_address_may_be_shared_and_a_deleted_one_has_none(pool: PgPool) {
    let mut connection = pool.acquire().await.unwrap();
    let account = account(&pool).await;
    let first = heartbeat(&mut connection, account, "backup").await;
    let second = heartbeat(&mut connection, account, "other").await;
    let by = async |connection: &mut PgConnection, slug| {
        list_by_slug(connection, account, slug).await.unwrap()
    };
    assert_eq!(by(&mut connection, "backup").await, [first]);
    set_slug(&mut connection, account, second, "backup")
        .await
        .unwrap();
    assert_eq!(by(&mut connection, "backup").await.len(), 2);
    assert_eq!(by(&mut connection, "other").await, []);
    crate::monitors::mark_deleted(&mut connection, account, second, at(1))
        .await
        .unwrap();
    assert_eq!(by(&mut connection, "backup").await, [first]);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn the_last_hundred_calls_are_kept(pool: PgPool) {
    let mut connection = pool.acquire().await.unwrap();
    let account = account(&pool).await;
    let id = heartbeat(&mut connection, account, "a").await;
    for number in 1..=103 {
        let ping = ping(number, Signal::Success, None);
        let body = (number == 103).then_some(b"gz".as_slice());
        pings::insert(&mut connection, account, id, &ping, body)
            .await
            .unwrap();
    }
    let newest = pings::list(&mut connection, account, id, (None, 60))
        .await
        .unwrap();
    assert_eq!(newest[0], ping(103, Signal::Success, None));
    let last = newest.last().map(|ping| ping.number);
    let older = pings::list(&mut connection, account, id, (last, 60))
        .await
        .unwrap();
    assert_eq!(
        (newest.len() + older.len(), older.last().unwrap().number),
        (100, 4)
    );
    let found = pings::find(&mut connection, account, id, 103)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.1.as_deref(), Some(b"gz".as_slice()));
    assert!(
        pings::find(&mut connection, account, id, 3)
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(
        pings::list(&mut connection, AccountId::generate(), id, (None, 60))
            .await
            .unwrap(),
        []
    );
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn the_start_of_a_run_is_found_until_it_has_ended(pool: PgPool) {
    let mut connection = pool.acquire().await.unwrap();
    let account = account(&pool).await;
    let id = heartbeat(&mut connection, account, "a").await;
    let says = [
        (1, Signal::Start, Some(7)),
        (2, Signal::Start, Some(8)),
        (3, Signal::Log, Some(7)),
        (4, Signal::Success, Some(8)),
    ];
    for (number, signal, rid) in says {
        let ping = ping(number, signal, rid);
        pings::insert(&mut connection, account, id, &ping, None)
            .await
            .unwrap();
    }
    let start = async |connection: &mut PgConnection, rid| {
        pings::find_start(connection, account, id, Uuid::from_u128(rid))
            .await
            .unwrap()
    };
    assert_eq!(start(&mut connection, 7).await, Some(at(1)));
    assert_eq!(start(&mut connection, 8).await, None);
    assert_eq!(start(&mut connection, 9).await, None);
}
