use domain::monitor::{Monitor, MonitorSpec};
use sqlx::PgPool;

use super::*;
use crate::{Secrets, monitors};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

async fn monitor(pool: &PgPool) -> Monitor {
    let account_id = AccountId::generate();
    sqlx::query!(
        "INSERT INTO accounts (id, name, created_at, practice_token) VALUES ($1, 'x', now(), $2)",
        account_id.uuid(),
        account_id.to_string()
    )
    .execute(pool)
    .await
    .unwrap();
    let monitor = Monitor {
        id: MonitorId::generate(),
        account_id,
        spec: MonitorSpec {
            url: Some("https://shop.example/".to_owned()),
            ..MonitorSpec::default()
        },
        config_version: 3,
        paused_at: None,
        deleted_at: None,
        created_at: at(0),
        updated_at: at(0),
    };
    let keys = Secrets::new(["a key of sufficient length"]).unwrap();
    let mut c = pool.acquire().await.unwrap();
    monitors::insert(&mut c, &keys, &monitor).await.unwrap();
    monitor
}

fn texts(all: &[&str]) -> Vec<String> {
    all.iter().map(|&text| text.to_owned()).collect()
}

fn proposal() -> Proposal {
    Proposal {
        text: "Add to basket".to_owned(),
        missing: Missing::Answers,
        status: 200,
    }
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn offers_are_compared_once_and_the_text_is_dismissed_once(pool: PgPool) {
    let monitor = monitor(&pool).await;
    let (account, key) = (monitor.account_id, (monitor.account_id, monitor.id));
    let mut c = pool.acquire().await.unwrap();
    let offers = texts(&["Nice boots", "Add to basket"]);
    let subject = |version| (account, monitor.id, version);
    // Looked at with other settings than it has by now.
    for stale in [2, 4] {
        let is_new = want(&mut c, subject(stale), "fra", &offers, at(1)).await;
        assert!(!is_new.unwrap());
    }
    assert!(
        want(&mut c, subject(3), "fra", &offers, at(1))
            .await
            .unwrap()
    );
    let other = texts(&["Other text"]);
    assert!(
        !want(&mut c, subject(3), "fra", &other, at(1))
            .await
            .unwrap()
    );

    assert_eq!(list_due(&mut c, "iad", at(1), 9).await.unwrap(), []);
    assert_eq!(list_due(&mut c, "fra", at(1), 9).await.unwrap(), [key]);
    let taken = claim(&mut c, key, at(1)).await.unwrap().unwrap();
    assert_eq!((taken.offers, taken.tries), (offers.clone(), 1));
    assert_eq!(claim(&mut c, key, at(2)).await.unwrap(), None);
    assert_eq!(list_due(&mut c, "fra", at(2), 9).await.unwrap(), []);
    // Its taker fell silent; the next one has no room.
    assert_eq!(list_due(&mut c, "fra", at(40), 9).await.unwrap(), [key]);
    assert_eq!(claim(&mut c, key, at(40)).await.unwrap().unwrap().tries, 2);
    put_off(&mut c, key, at(100)).await.unwrap();
    assert_eq!(list_due(&mut c, "fra", at(99), 9).await.unwrap(), []);
    assert_eq!(list_due(&mut c, "fra", at(100), 9).await.unwrap(), [key]);

    assert_eq!(find(&mut c, account, monitor.id).await.unwrap(), None);
    assert!(
        !propose(&mut c, key, &other, &proposal(), at(101))
            .await
            .unwrap()
    );
    assert!(
        propose(&mut c, key, &offers, &proposal(), at(101))
            .await
            .unwrap()
    );
    assert!(
        !propose(&mut c, key, &offers, &proposal(), at(102))
            .await
            .unwrap()
    );
    assert_eq!(list_due(&mut c, "fra", at(999), 9).await.unwrap(), []);
    let found = find(&mut c, account, monitor.id).await.unwrap();
    assert_eq!(found, Some(proposal()));
    let stranger = AccountId::generate();
    assert_eq!(find(&mut c, stranger, monitor.id).await.unwrap(), None);
    assert!(
        !dismiss(&mut c, (stranger, monitor.id), at(103))
            .await
            .unwrap()
    );

    assert!(dismiss(&mut c, key, at(103)).await.unwrap());
    assert!(!dismiss(&mut c, key, at(104)).await.unwrap());
    assert_eq!(find(&mut c, account, monitor.id).await.unwrap(), None);
    // A later first look at the same page proposes nothing; at another page it does.
    assert!(
        !want(&mut c, subject(3), "fra", &offers, at(105))
            .await
            .unwrap()
    );
    forget(&mut c, key).await.unwrap();
    assert!(
        want(&mut c, subject(3), "fra", &offers, at(106))
            .await
            .unwrap()
    );
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn what_comes_to_nothing_is_gone(pool: PgPool) {
    let monitor = monitor(&pool).await;
    let key = (monitor.account_id, monitor.id);
    let subject = (monitor.account_id, monitor.id, 3);
    let mut c = pool.acquire().await.unwrap();
    let offers = texts(&["Nice boots"]);
    want(&mut c, subject, "fra", &offers, at(1)).await.unwrap();
    give_up(&mut c, key, &texts(&["Other text"])).await.unwrap();
    assert_eq!(list_due(&mut c, "fra", at(1), 9).await.unwrap(), [key]);
    give_up(&mut c, key, &offers).await.unwrap();
    assert_eq!(list_due(&mut c, "fra", at(1), 9).await.unwrap(), []);

    want(&mut c, subject, "fra", &offers, at(1)).await.unwrap();
    assert_eq!(prune(&mut c, at(1), 9).await.unwrap(), 0);
    assert_eq!(prune(&mut c, at(2), 9).await.unwrap(), 1);
    // A proposal stays as long as its monitor.
    want(&mut c, subject, "fra", &offers, at(1)).await.unwrap();
    propose(&mut c, key, &offers, &proposal(), at(2))
        .await
        .unwrap();
    assert_eq!(prune(&mut c, at(9_999_999), 9).await.unwrap(), 0);
    monitors::mark_deleted(&mut c, key.0, key.1, at(3))
        .await
        .unwrap();
    sqlx::query!("DELETE FROM monitors WHERE account_id = $1", key.0.uuid())
        .execute(&mut *c)
        .await
        .unwrap();
    assert_eq!(find(&mut c, key.0, key.1).await.unwrap(), None);
}
