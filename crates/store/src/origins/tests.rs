use domain::monitor::{HttpSpec, MonitorSpec};
use domain::origin::{Answer, Looked, looked, proven};
use jiff::SignedDuration;
use sqlx::PgPool;

use super::*;
use crate::Secrets;
use crate::monitors;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn keys() -> Secrets {
    Secrets::new(["a key of sufficient length"]).unwrap()
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

fn monitor(account_id: AccountId, origin: Option<&str>) -> Monitor {
    Monitor {
        id: MonitorId::generate(),
        account_id,
        spec: MonitorSpec {
            url: Some("https://shop.example/".to_owned()),
            http: Some(HttpSpec {
                origin: origin.map(str::to_owned),
                ..HttpSpec::default()
            }),
            ..MonitorSpec::default()
        },
        config_version: 1,
        paused_at: None,
        deleted_at: None,
        created_at: at(0),
        updated_at: at(0),
    }
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn another_origin_has_nothing_proven(pool: PgPool) {
    let mut c = pool.acquire().await.unwrap();
    let account = account(&pool).await;
    let mut monitor = monitor(account, Some("Origin.shop.example:8443"));
    monitors::insert(&mut c, &keys(), &monitor).await.unwrap();
    let key = (account, monitor.id);
    let stored = find(&mut c, account, monitor.id).await.unwrap().unwrap();
    assert_eq!(stored.origin, "origin.shop.example:8443");
    assert_eq!(stored.standing, Standing::new(at(0)));

    let found = proven(&stored.standing, &Answer::Found(How::Dns), at(5));
    let failure = Failure::new(
        domain::check::FailureClass::HttpStatus,
        domain::check::Phase::FirstByte,
        "HTTP 502",
    );
    let minute = std::time::Duration::from_secs(60);
    let (found, _) = looked(&found, &Looked::Bad(failure), minute, at(6));
    save(&mut c, key, &found).await.unwrap();
    let read = lock(&mut c, account, monitor.id).await.unwrap().unwrap();
    assert_eq!(read.standing, found);

    // The same origin written otherwise stays what it is, and so does it when something else changes.
    monitor.spec.http.as_mut().unwrap().origin = Some("origin.SHOP.example:8443".to_owned());
    assert!(monitors::update(&mut c, &keys(), &monitor).await.unwrap());
    let read = find(&mut c, account, monitor.id).await.unwrap().unwrap();
    assert_eq!(read.standing, found);

    monitor.spec.http.as_mut().unwrap().origin = Some("origin.shop.example".to_owned());
    monitor.updated_at = at(9);
    assert!(monitors::update(&mut c, &keys(), &monitor).await.unwrap());
    let read = find(&mut c, account, monitor.id).await.unwrap().unwrap();
    assert_eq!(read.standing, Standing::new(at(9)));

    monitor.spec.http = None;
    assert!(monitors::update(&mut c, &keys(), &monitor).await.unwrap());
    assert_eq!(find(&mut c, account, monitor.id).await.unwrap(), None);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_token_is_the_accounts_and_the_origins(pool: PgPool) {
    let mut c = pool.acquire().await.unwrap();
    let (one, other) = (account(&pool).await, account(&pool).await);
    assert_eq!(find_token(&mut c, one, "a.example").await.unwrap(), None);
    let first = token(&mut c, one, "a.example").await.unwrap();
    assert_eq!(token(&mut c, one, "a.example").await.unwrap(), first);
    let read = find_token(&mut c, one, "a.example").await.unwrap();
    assert_eq!(read.as_ref(), Some(&first));
    assert_ne!(token(&mut c, one, "b.example").await.unwrap(), first);
    assert_ne!(token(&mut c, other, "a.example").await.unwrap(), first);
    assert_eq!(first.len(), PREFIX.len() + 2 * RANDOM);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn what_is_due_is_taken_once(pool: PgPool) {
    let mut c = pool.acquire().await.unwrap();
    let account = account(&pool).await;
    let mut here = monitor(account, Some("a.example"));
    here.spec.regions = Some(vec!["fra".to_owned()]);
    let paused = Monitor {
        paused_at: Some(at(0)),
        ..monitor(account, Some("b.example"))
    };
    for one in [&here, &paused] {
        monitors::insert(&mut c, &keys(), one).await.unwrap();
    }
    let key = (account, here.id);
    assert_eq!(list_due(&mut c, "iad", at(1), 10).await.unwrap(), []);
    assert_eq!(list_due(&mut c, "fra", at(1), 10).await.unwrap(), [key]);
    let taken = claim(&mut c, key, at(1)).await.unwrap().unwrap();
    assert_eq!(claim(&mut c, key, at(2)).await.unwrap(), None);
    assert_eq!(list_due(&mut c, "fra", at(2), 10).await.unwrap(), []);
    // Its taker fell silent.
    assert_eq!(list_due(&mut c, "fra", at(40), 10).await.unwrap(), [key]);
    let next = proven(&taken.standing, &Answer::Silent(String::new()), at(40));
    save(&mut c, key, &next).await.unwrap();
    assert_eq!(list_due(&mut c, "fra", at(41), 10).await.unwrap(), []);
    assert!(want_proof(&mut c, key, at(50)).await.unwrap());
    assert_eq!(list_due(&mut c, "fra", at(50), 10).await.unwrap(), [key]);
    let late = at(50) + SignedDuration::from_hours(1);
    monitors::mark_deleted(&mut c, account, here.id, late)
        .await
        .unwrap();
    assert_eq!(list_due(&mut c, "fra", late, 10).await.unwrap(), []);
    let stranger = (AccountId::generate(), here.id);
    assert!(!want_proof(&mut c, stranger, at(50)).await.unwrap());
}
