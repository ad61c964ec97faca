use domain::ids::{AccountId, MonitorId};
use domain::monitor::spec::Headers;
use domain::monitor::{HttpSpec, Monitor, MonitorSpec};
use domain::status::Shown;
use jiff::{SignedDuration, Timestamp};
use sqlx::{PgConnection, PgPool};

use super::*;

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

fn monitor(account_id: AccountId, name: &str) -> Monitor {
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    Monitor {
        id: MonitorId::generate(),
        account_id,
        spec: MonitorSpec {
            name: Some(name.to_owned()),
            url: Some(format!("https://{}.example/", name.to_lowercase())),
            ..MonitorSpec::default()
        },
        config_version: 1,
        paused_at: None,
        deleted_at: None,
        created_at: now,
        updated_at: now,
    }
}

async fn put(connection: &mut PgConnection, monitor: &Monitor, observed: &str) {
    insert(connection, &keys(), monitor).await.unwrap();
    sqlx::query!(
        "INSERT INTO monitor_states (account_id, monitor_id, observed, since) VALUES ($1, $2, $3, now())",
        monitor.account_id.uuid(),
        monitor.id.uuid(),
        observed
    )
    .execute(connection)
    .await
    .unwrap();
}

fn names(listed: &[Listed]) -> Vec<&str> {
    listed
        .iter()
        .filter_map(|one| one.monitor.spec.name.as_deref())
        .collect()
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn secrets_are_sealed_and_come_back_in_order(pool: PgPool) {
    let mut connection = pool.acquire().await.unwrap();
    let mut wanted = monitor(account(&pool).await, "Shop");
    wanted.spec.http = Some(HttpSpec {
        headers: Some(Headers(vec![
            ("X-Longer-Name".into(), "second-secret".into()),
            ("Authorization".into(), "Bearer first-secret".into()),
            ("A".into(), "third-secret".into()),
        ])),
        body: Some("body-secret".into()),
        auth: Some(domain::monitor::HttpAuth {
            bearer: Some("token-secret".into()),
            ..Default::default()
        }),
        ..HttpSpec::default()
    });
    wanted.spec.url = Some("https://kim-secret:open-secret@shop.example/a".into());
    insert(&mut connection, &keys(), &wanted).await.unwrap();
    let raw = sqlx::query!(
        r#"SELECT concat_ws(' ', name, host, spec::text, secrets) AS "text!" FROM monitors WHERE id = $1"#,
        wanted.id.uuid()
    )
    .fetch_one(&mut *connection)
    .await
    .unwrap();
    assert!(
        !raw.text.contains("secret")
            && raw.text.contains("Authorization")
            && raw.text.contains("https://shop.example/a"),
        "{}",
        raw.text
    );
    let read = find(&mut connection, &keys(), wanted.account_id, wanted.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(read, wanted);
    assert!(
        find(&mut connection, &keys(), AccountId::generate(), wanted.id)
            .await
            .unwrap()
            .is_none()
    );
    let other = Secrets::new(["another key of good length"]).unwrap();
    assert!(
        find(&mut connection, &other, wanted.account_id, wanted.id)
            .await
            .is_err()
    );
}

/// What other kinds send is a secret like a request's body.
#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn what_is_sent_is_sealed(pool: PgPool) {
    let mut connection = pool.acquire().await.unwrap();
    let owner = account(&pool).await;
    for block in ["tcp", "udp", "websocket"] {
        let mut wanted = monitor(owner, "Port");
        wanted.spec = serde_json::from_value(serde_json::json!({
            "kind": block, block: { "send": "AUTH secret", "expect": "OK" }
        }))
        .unwrap();
        insert(&mut connection, &keys(), &wanted).await.unwrap();
        let raw = sqlx::query!(
            r#"SELECT concat_ws(' ', name, host, spec::text, secrets) AS "text!" FROM monitors WHERE id = $1"#,
            wanted.id.uuid()
        )
        .fetch_one(&mut *connection)
        .await
        .unwrap();
        assert!(
            !raw.text.contains("secret") && raw.text.contains("OK"),
            "{}",
            raw.text
        );
        let read = find(&mut connection, &keys(), owner, wanted.id)
            .await
            .unwrap();
        assert_eq!(read, Some(wanted));
    }
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_deleted_monitor_frees_its_key_and_comes_back_without_it(pool: PgPool) {
    let mut connection = pool.acquire().await.unwrap();
    let mut first = monitor(account(&pool).await, "Shop");
    first.spec.key = Some("shop".into());
    insert(&mut connection, &keys(), &first).await.unwrap();
    let mut second = monitor(first.account_id, "Shop 2");
    second.spec.key = Some("shop".into());
    let mut savepoint = sqlx::Acquire::begin(&mut *connection).await.unwrap();
    let refused = insert(&mut savepoint, &keys(), &second).await.unwrap_err();
    assert_eq!(refused.constraint(), Some("monitors_key_key"));
    savepoint.rollback().await.unwrap();

    assert!(
        mark_deleted(
            &mut connection,
            first.account_id,
            first.id,
            first.created_at
        )
        .await
        .unwrap()
    );
    assert!(
        !mark_deleted(
            &mut connection,
            first.account_id,
            first.id,
            first.created_at
        )
        .await
        .unwrap()
    );
    assert_eq!(count(&mut connection, first.account_id).await.unwrap(), 0);
    assert!(
        find(&mut connection, &keys(), first.account_id, first.id)
            .await
            .unwrap()
            .is_none()
    );
    insert(&mut connection, &keys(), &second).await.unwrap();
    assert_eq!(
        find_id_by_key(&mut connection, first.account_id, "shop")
            .await
            .unwrap(),
        Some(second.id)
    );
    assert!(
        mark_restored(
            &mut connection,
            first.account_id,
            first.id,
            first.created_at
        )
        .await
        .unwrap()
    );
    let back = find(&mut connection, &keys(), first.account_id, first.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (back.config_version, back.spec.key.as_deref()),
        (3, Some("shop"))
    );
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn pages_are_stable_while_monitors_are_added(pool: PgPool) {
    let mut connection = pool.acquire().await.unwrap();
    let account = account(&pool).await;
    let start = Timestamp::from_second(1_800_000_000).unwrap();
    for (age, name) in ["delta", "Alpha", "charlie", "Bravo", "alpha"]
        .into_iter()
        .enumerate()
    {
        let mut one = monitor(account, name);
        one.created_at = start + SignedDuration::from_secs(i64::try_from(age).unwrap());
        put(&mut connection, &one, "up").await;
    }
    for (sort, wanted) in [
        (Sort::Name, ["Alpha", "alpha", "Bravo", "charlie", "delta"]),
        (
            Sort::Status,
            ["Alpha", "alpha", "Bravo", "charlie", "delta"],
        ),
        (
            Sort::Newest,
            ["alpha", "Bravo", "charlie", "Alpha", "delta"],
        ),
    ] {
        let mut seen = Vec::new();
        let mut cursor = None;
        loop {
            let page = list(
                &mut connection,
                &keys(),
                account,
                &Filter::default(),
                (sort, cursor.as_ref(), 2),
                Timestamp::UNIX_EPOCH,
            )
            .await
            .unwrap();
            let Some(last) = page.last() else { break };
            cursor = Some(last.cursor.clone());
            seen.extend(names(&page).into_iter().map(str::to_owned));
            // One that sorts before everything read so far.
            let mut early = monitor(account, "AAA");
            early.created_at = start + SignedDuration::from_hours(1);
            put(&mut connection, &early, "down").await;
        }
        seen.retain(|name| name != "AAA");
        assert_eq!(seen, wanted, "{sort:?}");
        sqlx::query!("DELETE FROM monitors WHERE name = 'AAA'")
            .execute(&mut *connection)
            .await
            .unwrap();
    }
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn filters_take_what_they_name(pool: PgPool) {
    let mut connection = pool.acquire().await.unwrap();
    let account = account(&pool).await;
    let mut shop = monitor(account, "Shop");
    shop.spec.tags = Some(vec!["prod".into(), "eu".into()]);
    shop.spec.key = Some("shop".into());
    put(&mut connection, &shop, "down").await;
    let mut blog = monitor(account, "Blog");
    blog.spec.tags = Some(vec!["prod".into()]);
    blog.paused_at = Some(blog.created_at);
    put(&mut connection, &blog, "down").await;
    let mut gone = monitor(account, "Gone");
    gone.deleted_at = None;
    put(&mut connection, &gone, "up").await;
    mark_deleted(&mut connection, account, gone.id, gone.created_at)
        .await
        .unwrap();

    let cases = [
        (Filter::default(), vec!["Blog", "Shop"]),
        (
            Filter {
                statuses: Some(vec![Shown::Down]),
                ..Filter::default()
            },
            vec!["Shop"],
        ),
        (
            Filter {
                statuses: Some(vec![Shown::Paused, Shown::Up]),
                ..Filter::default()
            },
            vec!["Blog"],
        ),
        (
            Filter {
                tag: Some("prod".into()),
                ..Filter::default()
            },
            vec!["Blog", "Shop"],
        ),
        (
            Filter {
                tag: Some("eu".into()),
                ..Filter::default()
            },
            vec!["Shop"],
        ),
        (
            Filter {
                text: Some("SHOP.EX".into()),
                ..Filter::default()
            },
            vec!["Shop"],
        ),
        (
            Filter {
                text: Some("%".into()),
                ..Filter::default()
            },
            vec![],
        ),
        (
            Filter {
                key: Some("shop".into()),
                ..Filter::default()
            },
            vec!["Shop"],
        ),
        (
            Filter {
                kind: Some(domain::monitor::Kind::Tcp),
                ..Filter::default()
            },
            vec![],
        ),
        (
            Filter {
                ids: Some(vec![blog.id, gone.id]),
                ..Filter::default()
            },
            vec!["Blog"],
        ),
    ];
    for (filter, wanted) in cases {
        let page = list(
            &mut connection,
            &keys(),
            account,
            &filter,
            (Sort::Name, None, 50),
            Timestamp::UNIX_EPOCH,
        )
        .await
        .unwrap();
        assert_eq!(names(&page), wanted, "{filter:?}");
    }
    assert!(
        list(
            &mut connection,
            &keys(),
            AccountId::generate(),
            &Filter::default(),
            (Sort::Name, None, 50),
            Timestamp::UNIX_EPOCH,
        )
        .await
        .unwrap()
        .is_empty()
    );
    assert_eq!(
        list_tags(&mut connection, account).await.unwrap(),
        [("eu".to_owned(), 1), ("prod".to_owned(), 2)]
    );
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn while_its_region_is_blind_a_monitor_is_unknown(pool: PgPool) {
    let mut connection = pool.acquire().await.unwrap();
    let account = account(&pool).await;
    let shop = monitor(account, "Shop");
    put(&mut connection, &shop, "up").await;
    sqlx::query!("INSERT INTO regions (id, name, seen_at) VALUES ('local', 'Local', now())")
        .execute(&mut *connection)
        .await
        .unwrap();
    let status = async |connection: &mut PgConnection| {
        list(
            connection,
            &keys(),
            account,
            &Filter::default(),
            (Sort::Name, None, 1),
            Timestamp::UNIX_EPOCH,
        )
        .await
        .unwrap()[0]
            .shown
    };
    assert_eq!(status(&mut connection).await, Shown::Up);
    sqlx::query!(
        "INSERT INTO blind_intervals (region, shard, started_at, reason) VALUES ('local', $1, now(), 'canaries')",
        i16::from(shop.id.uuid().as_bytes()[15])
    )
    .execute(&mut *connection)
    .await
    .unwrap();
    assert_eq!(status(&mut connection).await, Shown::Unknown);
    let kind = async |connection: &mut PgConnection, kind: &str| {
        sqlx::query!("UPDATE monitors SET kind = $1", kind)
            .execute(connection)
            .await
            .unwrap();
    };
    kind(&mut connection, "heartbeat").await;
    assert_eq!(
        status(&mut connection).await,
        Shown::Up,
        "what waits for calls needs no eyes"
    );
    kind(&mut connection, "http").await;
    sqlx::query!("INSERT INTO regions (id, name, seen_at) VALUES ('other', 'Other', now())")
        .execute(&mut *connection)
        .await
        .unwrap();
    assert_eq!(
        status(&mut connection).await,
        Shown::Up,
        "another region still sees it"
    );
}
