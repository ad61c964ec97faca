//! The plans of what is read on every page, over months of history: by index, in the partitions of the
//! time that is asked for, and never through all of it.

use domain::account::Plan;
use domain::ids::MonitorId;
use domain::report::Window;
use sqlx::{AssertSqlSafe, PgPool, Row};

use super::tests::World;
use super::*;
use crate::reports::{ChecksFilter, last_checks, list_checks, response_times, uptimes};
use crate::{checks, live};

/// Five months of thirty monitors, packed, and an hour that is hot.
async fn filled(pool: PgPool) -> (World, MonitorId) {
    let world = World::new(pool, Plan::Team).await;
    let mut monitors = Vec::new();
    for _ in 0..30 {
        monitors.push(world.monitor(60).await);
    }
    let mut c = world.pool.acquire().await.unwrap();
    for days in [30, 60, 90, 120] {
        let at = world.start - SignedDuration::from_hours(24 * days);
        ensure_partitions(&mut c, at).await.unwrap();
    }
    for statement in [
        "INSERT INTO check_hours SELECT 24, m.account_id, m.id, 'local', hour, 60000000, 0, repeat('0', 60),
             array_fill(100::smallint, ARRAY[60]), array_fill(5, ARRAY[24])
         FROM generate_series('2026-08-01T00:00Z'::timestamptz, '2026-11-22T09:00Z', '1 hour') AS hour CROSS JOIN monitors m",
        "INSERT INTO hours (hour, state) SELECT DISTINCT hour, 'dropped' FROM check_hours ON CONFLICT (hour) DO UPDATE SET state = 'dropped'",
        "INSERT INTO days SELECT DISTINCT (hour AT TIME ZONE 'UTC')::date, now() FROM check_hours WHERE hour < '2026-11-22T00:00Z'",
        "INSERT INTO check_days (account_id, monitor_id, region, day, counts, p50_ms, p95_ms, p99_ms, max_ms)
         SELECT m.account_id, m.id, 'local', d.day, '{1440,0,0,0,0}', 1, 2, 3, 4 FROM days d CROSS JOIN monitors m",
        "INSERT INTO status_intervals SELECT m.account_id, m.id, hour, hour + interval '1 hour', 'up'
         FROM monitors m CROSS JOIN (SELECT hour FROM hours WHERE state = 'dropped') h",
    ] {
        sqlx::raw_sql(statement).execute(&mut *c).await.unwrap();
    }
    for monitor in &monitors {
        let looks: Vec<checks::Owned> = (0..120)
            .map(|n| {
                world.look(
                    *monitor,
                    n * 60_000_000,
                    domain::check::VerdictKind::Up,
                    9_000,
                )
            })
            .collect();
        world.store(&looks[..60]).await;
        world.store(&looks[60..]).await;
    }
    sqlx::raw_sql("ANALYZE").execute(&mut *c).await.unwrap();
    (world, monitors[7])
}

/// The plan that the statement with `part` in it, which was run on this connection, has with `values`.
/// Reading a table from end to end is made dear, since most of these are small or empty: a plan that
/// does it all the same has no index to go by.
async fn plan_of(c: &mut PgConnection, part: &str, values: &str) -> String {
    sqlx::raw_sql("SET enable_seqscan = off")
        .execute(&mut *c)
        .await
        .unwrap();
    let name: String = sqlx::query_scalar(
        "SELECT name FROM pg_prepared_statements WHERE position($1 IN statement) > 0 AND name LIKE 'sqlx%'
           AND position('pg_prepared_statements' IN statement) = 0
         ORDER BY prepare_time DESC LIMIT 1",
    )
    .bind(part)
    .fetch_one(&mut *c)
    .await
    .unwrap();
    let explain =
        format!("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) EXECUTE {name}({values})");
    let rows = sqlx::raw_sql(AssertSqlSafe(explain))
        .fetch_all(&mut *c)
        .await
        .unwrap();
    let lines: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    lines.join("\n")
}

/// Months of packed looks that were read, and no table from end to end. A walk in order of time looks at
/// the first row of each month before it begins: that is not reading.
fn months(plan: &str) -> Vec<String> {
    for table in [
        "check_hours",
        "check_days",
        "status_intervals",
        "last_checks",
    ] {
        assert!(!plan.contains(&format!("Seq Scan on {table}")), "{plan}");
    }
    let mut months: Vec<String> = plan
        .lines()
        .filter(|line| line.contains("on check_hours_24_") && !line.contains("never executed"))
        .filter(|line| !line.contains("actual rows=1 loops=1") && !line.contains("actual rows=0"))
        .filter_map(|line| line.split("on check_hours_24_").nth(1))
        .map(|rest| rest.chars().take(6).collect())
        .collect();
    months.sort();
    months.dedup();
    months
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_chart_of_a_day_opens_the_month_that_it_is_in(pool: PgPool) {
    let (world, monitor) = filled(pool).await;
    let mut c = world.pool.acquire().await.unwrap();
    let to = world.start + SignedDuration::from_hours(2);
    let window = Window::last_hours(to, 24);
    let points = response_times(&mut c, world.account, monitor, window, 300)
        .await
        .unwrap();
    assert!(points.len() > 200);
    let (account, id) = (world.account.uuid(), monitor.uuid());
    let values = |since: &str| format!("'{account}', '{id}', '{since}', '2026-11-22T12:00Z'");
    let plan = plan_of(&mut c, "checks_late l", &values("2026-11-21T12:00Z")).await;
    assert_eq!(months(&plan), ["202611"], "{plan}");
    assert!(!plan.contains("Seq Scan on checks_20"), "{plan}");

    let window = Window::last_days(to, 90);
    let points = response_times(&mut c, world.account, monitor, window, 86_400)
        .await
        .unwrap();
    assert_eq!(points.len(), 91);
    let plan = plan_of(
        &mut c,
        "WITH rolled AS",
        &format!("{}, 86400", values("2026-08-24T12:00Z")),
    )
    .await;
    let opened = months(&plan);
    assert_eq!(
        opened,
        ["202608", "202611"],
        "its first day and today: {plan}"
    );
    assert!(plan.contains("check_days_pkey"), "{plan}");
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn lists_read_a_few_rows_of_each_monitor(pool: PgPool) {
    let (world, monitor) = filled(pool).await;
    let mut c = world.pool.acquire().await.unwrap();
    let (account, id) = (world.account.uuid(), monitor.uuid());
    let to = world.start + SignedDuration::from_hours(2);
    last_checks(&mut c, world.account, &[monitor])
        .await
        .unwrap();
    let plan = plan_of(
        &mut c,
        "CROSS JOIN LATERAL",
        &format!("'{account}', '{{{id}}}'"),
    )
    .await;
    assert_eq!(months(&plan), Vec::<String>::new());
    assert!(!plan.contains("Seq Scan on checks_20"), "{plan}");
    assert!(
        !plan.contains("Sort Key: checks.slot"),
        "the newest is the end of the index: {plan}"
    );

    let day = Window::last_hours(to, 24);
    live::sparklines(&mut c, world.account, &[monitor], day)
        .await
        .unwrap();
    let span = "'2026-11-21T12:00Z', '2026-11-22T12:00Z'";
    let plan = plan_of(
        &mut c,
        "AS steps ORDER BY",
        &format!("'{account}', '{{{id}}}', {span}"),
    )
    .await;
    assert_eq!(months(&plan), ["202611"], "{plan}");

    uptimes(&mut c, world.account, &[monitor], day)
        .await
        .unwrap();
    let plan = plan_of(
        &mut c,
        "FROM status_intervals",
        &format!("'{account}', '{{{id}}}', {span}, '{{7}}'"),
    )
    .await;
    months(&plan);

    let ninety = Window::last_days(to, 90);
    let key = (world.account, monitor);
    let filter = ChecksFilter::default();
    let page = list_checks(&mut c, key, ninety, &filter, (None, 20))
        .await
        .unwrap();
    assert_eq!(page.checks.len(), 20);
    let span = "'2026-08-24T12:00Z', '2026-11-22T12:00Z'";
    let none = "NULL, NULL, NULL, NULL, NULL, 20";
    let plan = plan_of(
        &mut c,
        "WITH reach AS",
        &format!("'{account}', '{id}', {span}, {none}"),
    )
    .await;
    assert_eq!(
        months(&plan),
        ["202611"],
        "no further back than the page: {plan}"
    );
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn an_erasure_finds_its_rows_by_index(pool: PgPool) {
    let (world, monitor) = filled(pool).await;
    let mut c = world.pool.acquire().await.unwrap();
    let erasure = crate::erasures::Erasure {
        account_id: world.account,
        monitor_id: Some(monitor),
    };
    crate::erasures::erase_some(&mut c, erasure, 50)
        .await
        .unwrap();
    let values = format!("'{}', '{}', 50", world.account.uuid(), monitor.uuid());
    let plan = plan_of(&mut c, "DELETE FROM check_hours", &values).await;
    months(&plan);
}

/// The plan that serves every call, read as a tenant.
async fn plan_for_all(c: &mut PgConnection, part: &str, values: &str) -> String {
    sqlx::raw_sql("SET plan_cache_mode = force_generic_plan")
        .execute(&mut *c)
        .await
        .unwrap();
    plan_of(c, part, values).await
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_list_of_all_reads_each_table_once_and_a_page_its_own_rows(pool: PgPool) {
    let (world, monitor) = filled(pool).await;
    let mut c = crate::begin(&world.pool).await.unwrap();
    sqlx::raw_sql(
        "INSERT INTO monitors (account_id, id, kind, name, host, spec, interval_seconds, created_at, updated_at)
         SELECT account_id, gen_random_uuid(), kind, name || n, host, spec, interval_seconds, created_at, updated_at
         FROM monitors CROSS JOIN generate_series(1, 100) n;
         INSERT INTO monitor_states (account_id, monitor_id, observed, since)
         SELECT account_id, id, 'up', now() FROM monitors; ANALYZE monitors; ANALYZE monitor_states",
    )
    .execute(&mut *c)
    .await
    .unwrap();
    crate::tenant::fence(&mut c, world.account).await.unwrap();
    let (secrets, now) = (
        crate::Secrets::new(["a key that is long enough"]).unwrap(),
        world.start,
    );
    let sort = crate::monitors::Sort::Status;
    let all = crate::monitors::list_briefly(&mut c, world.account, sort, now);
    assert_eq!(all.await.unwrap().len(), 30 * 101);
    let account = world.account.uuid();
    let plan = plan_for_all(
        &mut c,
        "m.regions, m.tags, m.severity",
        &format!("'{account}', '{now}', 'status'"),
    )
    .await;
    for table in [
        "monitors m",
        "monitor_states s",
        "maintenance_occurrences",
        "blind_intervals",
    ] {
        let read: Vec<&str> = plan
            .lines()
            .filter(|line| line.contains(&format!(" on {table}")))
            .collect();
        assert_eq!(read.len(), 1, "{table}: {plan}");
        assert!(read[0].contains("loops=1"), "{plan}");
    }

    let by_ids = crate::monitors::Filter {
        ids: Some(vec![monitor]),
        ..Default::default()
    };
    let nil = uuid::Uuid::nil();
    let one = format!("'{{{}}}'", monitor.uuid());
    for (filter, part, values, reads) in [
        (
            crate::monitors::Filter::default(),
            "ORDER BY lower(n.name)",
            format!("'{account}', '{now}', '', '{nil}', 5"),
            [
                ("monitors_name_idx on monitors n", "loops=1"),
                ("monitor_states_pkey on monitor_states s", "loops=5"),
            ],
        ),
        (
            by_ids,
            "unnest($3::uuid[]) AS wanted",
            format!("'{account}', '{now}', {one}"),
            [
                ("monitors_pkey on monitors m", "loops=1"),
                ("monitor_states_pkey on monitor_states s", "loops=1"),
            ],
        ),
    ] {
        let page = (crate::monitors::Sort::Name, None, 5);
        crate::monitors::list(&mut c, &secrets, world.account, &filter, page, now)
            .await
            .unwrap();
        let plan = plan_for_all(&mut c, part, &values).await;
        for (index, loops) in reads {
            let read = plan.lines().find(|line| line.contains(index));
            assert!(
                read.is_some_and(|line| line.contains(loops)),
                "{index}: {plan}"
            );
        }
    }
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_page_of_monitors_by_name_reads_its_own_rows(pool: PgPool) {
    let (world, _) = filled(pool).await;
    let mut c = world.pool.acquire().await.unwrap();
    sqlx::raw_sql(
        "INSERT INTO monitor_states (account_id, monitor_id, observed, since)
         SELECT account_id, id, 'up', now() FROM monitors; ANALYZE monitor_states",
    )
    .execute(&mut *c)
    .await
    .unwrap();
    let secrets = crate::Secrets::new(["a key that is long enough"]).unwrap();
    let (by_name, all) = (crate::monitors::Sort::Name, Default::default());
    let page = (by_name, None, 5);
    let now = world.start;
    crate::monitors::list(&mut c, &secrets, world.account, &all, page, now)
        .await
        .unwrap();
    let nil = uuid::Uuid::nil();
    let values = format!("'{}', '{now}', '', '{nil}', 5", world.account.uuid());
    let plan = plan_of(&mut c, "ORDER BY lower(n.name)", &values).await;
    assert!(
        plan.contains("monitors_name_idx")
            && plan.contains("rows=5 loops=1")
            && !plan.contains("Sort"),
        "{plan}"
    );
}
