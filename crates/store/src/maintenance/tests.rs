use domain::ids::{AccountId, MaintenanceWindowId, MonitorId};
use domain::maintenance::{MaintenanceWindow, Occurrence, Rule, Schedule, Targets};
use jiff::{SignedDuration, Timestamp};
use sqlx::PgPool;

use super::*;

fn start() -> Timestamp {
    "2026-11-22T13:00:00Z".parse().unwrap()
}

fn at(second: i64) -> Timestamp {
    start() + SignedDuration::from_secs(second)
}

async fn account(pool: &PgPool) -> (AccountId, MonitorId) {
    let (account, monitor) = (AccountId::generate(), MonitorId::generate());
    let statement = format!(
        "INSERT INTO accounts (id, name, created_at, practice_token) VALUES ('{0}', 'x', now(), '{0}');
         INSERT INTO monitors (account_id, id, kind, name, host, interval_seconds, spec, tags, created_at, updated_at)
         VALUES ('{0}', '{1}', 'http', 'Shop', '', 60, '{{}}', '{{prod}}', now(), now())",
        account.uuid(),
        monitor.uuid()
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
        .execute(pool)
        .await
        .unwrap();
    (account, monitor)
}

fn window(targets: Targets, schedule: Schedule) -> MaintenanceWindow {
    MaintenanceWindow {
        id: MaintenanceWindowId::generate(),
        name: "Deploy".into(),
        targets,
        schedule,
        ended_at: None,
        created_at: start(),
        updated_at: start(),
        version: 1,
    }
}

fn once(from: i64, to: i64) -> Occurrence {
    Occurrence {
        starts_at: at(from),
        ends_at: at(to),
    }
}

fn tagged(tag: &str) -> Targets {
    Targets {
        monitor_ids: None,
        tags: Some(vec![tag.into()]),
    }
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_window_reads_back_as_it_was_written(pool: PgPool) {
    let (account, monitor) = account(&pool).await;
    let mut connection = pool.acquire().await.unwrap();
    let rule = Rule {
        rrule: "FREQ=WEEKLY;BYDAY=TU".into(),
        local_start: "2026-11-24T02:00".parse().unwrap(),
        duration_seconds: 3_600,
        timezone: "Europe/Berlin".into(),
    };
    let named = Targets {
        monitor_ids: Some(vec![monitor]),
        tags: Some(vec!["prod".into()]),
    };
    let mut by_rule = window(named, Schedule::Rule(rule));
    let by_hand = window(Targets::default(), Schedule::Once(once(0, 60)));
    for window in [&by_rule, &by_hand] {
        insert(&mut connection, account, window, at(0))
            .await
            .unwrap();
        let found = find(&mut connection, account, window.id).await.unwrap();
        assert_eq!(found.as_ref(), Some(window));
        let stranger = find(&mut connection, AccountId::generate(), window.id)
            .await
            .unwrap();
        assert_eq!(stranger, None);
    }
    assert_eq!(
        list(&mut connection, account).await.unwrap(),
        [by_hand, by_rule.clone()]
    );
    assert_eq!(
        count(&mut connection, account, at(30)).await.unwrap(),
        (2, 2)
    );
    assert_eq!(
        count(&mut connection, account, at(60)).await.unwrap(),
        (1, 2)
    );
    by_rule.schedule = Schedule::Once(once(10, 20));
    by_rule.ended_at = Some(at(15));
    assert_eq!(
        update(&mut connection, account, &by_rule, at(0))
            .await
            .unwrap(),
        2
    );
    by_rule.version = 2;
    let found = find(&mut connection, account, by_rule.id).await.unwrap();
    assert_eq!(found, Some(by_rule));
    assert_eq!(delete_ended(&mut connection, at(30)).await.unwrap(), 1);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_monitor_is_covered_from_the_begin_to_before_the_end(pool: PgPool) {
    let (account, monitor) = account(&pool).await;
    let mut connection = pool.acquire().await.unwrap();
    let one = window(tagged("prod"), Schedule::Once(once(0, 60)));
    add(&mut connection, account, &one, &[once(0, 60)])
        .await
        .unwrap();
    let other = window(tagged("test"), Schedule::Once(once(0, 600)));
    add(&mut connection, account, &other, &[once(0, 600)])
        .await
        .unwrap();
    for (second, end) in [
        (-1, None),
        (0, Some(at(60))),
        (59, Some(at(60))),
        (60, None),
    ] {
        let found = covering(&mut connection, account, monitor, at(second))
            .await
            .unwrap();
        assert_eq!(found, end, "{second}");
    }
    let mut tenant = crate::tenant::begin(&pool, account).await.unwrap();
    assert_eq!(
        covering(&mut tenant, account, monitor, at(0))
            .await
            .unwrap(),
        Some(at(60))
    );
    let mut stranger = crate::tenant::begin(&pool, AccountId::generate())
        .await
        .unwrap();
    assert_eq!(
        covering(&mut stranger, account, monitor, at(0))
            .await
            .unwrap(),
        None
    );
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn what_was_stays_and_what_comes_is_replaced(pool: PgPool) {
    let (account, monitor) = account(&pool).await;
    let mut connection = pool.acquire().await.unwrap();
    let one = window(Targets::default(), Schedule::Once(once(0, 60)));
    add(
        &mut connection,
        account,
        &one,
        &[once(0, 60), once(100, 160), once(200, 260)],
    )
    .await
    .unwrap();
    replace(
        &mut connection,
        account,
        &one,
        &[once(100, 130), once(300, 360)],
        at(120),
    )
    .await
    .unwrap();
    let whole = (at(-1_000), at(1_000));
    let found = list_monitors(&mut connection, account, monitor, whole)
        .await
        .unwrap();
    let mut parts: Vec<(i64, i64)> = found
        .iter()
        .map(|part| {
            let second = |at: Timestamp| at.duration_since(start()).as_secs();
            (second(part.starts_at), second(part.ends_at))
        })
        .collect();
    parts.sort_unstable();
    assert_eq!(parts, [(0, 60), (100, 120), (120, 130), (300, 360)]);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn nothing_of_it_outlives_its_account(pool: PgPool) {
    let (account, _) = account(&pool).await;
    let mut connection = pool.acquire().await.unwrap();
    let one = window(Targets::default(), Schedule::Once(once(0, 60)));
    insert(&mut connection, account, &one, at(0)).await.unwrap();
    add(&mut connection, account, &one, &[once(0, 60)])
        .await
        .unwrap();
    crate::account_end::end(&mut connection, account, at(10))
        .await
        .unwrap();
    let left: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM maintenance_windows) + (SELECT count(*) FROM maintenance_occurrences)",
    )
    .fetch_one(&mut *connection)
    .await
    .unwrap();
    assert_eq!(left, 0);
}
