//! Lists agree with each other however they are asked for.

use domain::monitor::MonitorSpec;
use jiff::SignedDuration;
use jiff_sqlx::ToSqlx;
use sqlx::PgPool;

use super::*;
use crate::monitors::insert;

const NOW: &str = "2026-11-22T12:00:00Z";
const COUNT: usize = 240;

fn keys() -> Secrets {
    Secrets::new(["a key of sufficient length"]).unwrap()
}

async fn account(connection: &mut PgConnection) -> AccountId {
    let id = AccountId::generate();
    let (uuid, token) = (id.uuid(), id.to_string());
    sqlx::query(
        "INSERT INTO accounts (id, name, created_at, practice_token) VALUES ($1, 'x', now(), $2)",
    )
    .bind(uuid)
    .bind(token)
    .execute(connection)
    .await
    .unwrap();
    id
}

/// Monitors of every sort: names that differ in case or not at all, every status, paused and deleted ones,
/// some behind others, some that name whom they tell.
async fn fill(connection: &mut PgConnection, account: AccountId) {
    let now: Timestamp = NOW.parse().unwrap();
    let mut parent = None;
    for number in 0..COUNT {
        let name = ["Shop", "shop", "Blog", "Zoo", "ärger", "_x"][number % 6];
        let created_at = now - SignedDuration::from_secs(i64::try_from(number / 3).unwrap());
        let monitor = Monitor {
            id: MonitorId::generate(),
            account_id: account,
            spec: MonitorSpec {
                name: Some(format!("{name} {}", number % 40 / 2)),
                url: Some(format!("https://{number}.example/")),
                tags: Some(vec![format!("t{}", number % 7), "all".to_owned()]),
                contact_ids: (number % 11 == 0).then(|| vec![ContactId::generate()]),
                policy_id: (number % 13 == 0).then(PolicyId::generate),
                severity: (number % 5 == 0).then_some(Severity::Normal),
                ..MonitorSpec::default()
            },
            config_version: 1,
            paused_at: (number % 17 == 0).then_some(now),
            deleted_at: None,
            created_at,
            updated_at: created_at,
        };
        insert(&mut *connection, &keys(), &monitor).await.unwrap();
        let observed = Observed::ALL[number % Observed::ALL.len()];
        sqlx::query(
            "INSERT INTO monitor_states (account_id, monitor_id, observed, since, behind_id) VALUES ($1, $2, $3, $4::timestamptz, $5)",
        )
        .bind(account.uuid())
        .bind(monitor.id.uuid())
        .bind(observed.as_str())
        .bind((now - SignedDuration::from_secs(i64::try_from(number).unwrap())).to_sqlx())
        .bind(parent.filter(|_| number % 3 == 0).map(MonitorId::uuid))
        .execute(&mut *connection)
        .await
        .unwrap();
        parent = Some(monitor.id);
    }
    for statement in [
        "UPDATE monitors SET deleted_at = now() WHERE name = 'Zoo 3'",
        "INSERT INTO regions (id, name, seen_at) VALUES ('a', 'A', now()), ('b', 'B', now())",
        "UPDATE monitors SET regions = '{a}' WHERE name LIKE 'Blog%'",
        "INSERT INTO blind_intervals (region, shard, started_at, reason)
         SELECT 'a', shard, '2026-11-22T11:00Z'::timestamptz, 'canaries' FROM generate_series(0, 255) AS shard
         UNION ALL SELECT 'b', shard, '2026-11-22T11:30Z'::timestamptz, 'canaries' FROM generate_series(0, 63) AS shard",
        "INSERT INTO maintenance_occurrences (account_id, id, window_id, name, starts_at, ends_at, all_monitors, monitor_ids, tags)
         SELECT m.account_id, gen_random_uuid(), gen_random_uuid(), 'x', starts_at, starts_at + interval '2 hours', false, ids, tags
         FROM (SELECT DISTINCT account_id FROM monitors) m, (VALUES
             ('2026-11-22T11:00Z'::timestamptz, '{}'::uuid[], '{t2,t9}'::text[]),
             ('2026-11-22T11:10Z', (SELECT array_agg(id) FROM monitors WHERE name LIKE '_x 1%' OR 't2' = ANY (tags)), '{}'),
             ('2026-11-22T09:00Z', '{}', '{all}'), ('2026-11-22T12:01Z', '{}', '{all}')) AS o (starts_at, ids, tags)",
    ] {
        sqlx::raw_sql(statement)
            .execute(&mut *connection)
            .await
            .unwrap();
    }
}

/// What a list says of each, and in which order.
fn said(rows: &[Listed]) -> Vec<String> {
    let one = |row: &Listed| {
        let (shown, observed) = (row.shown.as_str(), row.observed.as_str());
        let behind = row.behind.as_ref().map(|(_, name)| name);
        format!(
            "{} {shown} {observed} {} {:?} {behind:?} {}",
            row.monitor.id, row.since, row.maintenance_until, row.cursor.key
        )
    };
    rows.iter().map(one).collect()
}

async fn all(
    connection: &mut PgConnection,
    account: AccountId,
    sort: Sort,
    page: u32,
) -> Vec<Listed> {
    let (mut found, mut cursor, keys) = (Vec::new(), None, keys());
    loop {
        let order = (sort, cursor.as_ref(), page);
        let filter = Filter::default();
        let rows = list(
            &mut *connection,
            &keys,
            account,
            &filter,
            order,
            NOW.parse().unwrap(),
        );
        let rows = rows.await.unwrap();
        let Some(last) = rows.last() else {
            return found;
        };
        cursor = Some(last.cursor.clone());
        found.extend(rows);
    }
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn lists_agree_however_they_are_asked_for(pool: PgPool) {
    let mut transaction = crate::begin(&pool).await.unwrap();
    let (account, other) = (
        account(&mut transaction).await,
        account(&mut transaction).await,
    );
    fill(&mut transaction, account).await;
    crate::tenant::fence(&mut transaction, account)
        .await
        .unwrap();
    for sort in [Sort::Name, Sort::Status, Sort::Newest] {
        // By looking at each: more are asked for than are found by index.
        let whole = all(&mut transaction, account, sort, 1_000).await;
        assert!(whole.len() > 200 && whole.len() < COUNT, "{}", whole.len());
        for page in [1, 7, 50, 200] {
            let pages = all(&mut transaction, account, sort, page).await;
            assert_eq!(said(&pages), said(&whole), "{sort:?} by {page}");
        }
        let briefs = list_briefly(&mut transaction, account, sort, NOW.parse().unwrap());
        let short = |row: &Listed| Brief {
            id: row.monitor.id,
            name: row.monitor.settings().name,
            tags: row.monitor.settings().tags,
            severity: row.monitor.spec.severity(),
            shown: row.shown,
            since: row.since,
            is_behind: row.behind.is_some(),
            contact_ids: row.monitor.spec.contact_ids.clone(),
            policy_id: row.monitor.spec.policy_id,
        };
        let wanted: Vec<Brief> = whole.iter().map(short).collect();
        assert_eq!(briefs.await.unwrap(), wanted, "{sort:?}");
    }
    let whole = all(&mut transaction, account, Sort::Name, 1_000).await;
    let chosen = || whole.iter().step_by(9).cloned().collect::<Vec<_>>();
    let by_ids = Filter {
        ids: Some(chosen().iter().rev().map(|row| row.monitor.id).collect()),
        ..Filter::default()
    };
    let order = (Sort::Name, None, 500);
    let now: Timestamp = NOW.parse().unwrap();
    let found = list(&mut transaction, &keys(), account, &by_ids, order, now).await;
    assert_eq!(said(&found.unwrap()), said(&chosen()));
    let strangers = list(&mut transaction, &keys(), other, &by_ids, order, now).await;
    assert!(strangers.unwrap().is_empty());
    let strangers = list_briefly(&mut transaction, other, Sort::Name, now).await;
    assert!(strangers.unwrap().is_empty());
}
