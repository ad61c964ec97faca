//! History written packed, in bulk: what would take a year to look at.

use domain::check::{Failure, FailureClass, Phase};
use jiff::{SignedDuration, Timestamp};
use store::hours;

use super::Load;
use crate::postgres::Database;
use crate::sample::{REGION, Sample};
use crate::storage;

/// Hours before now that are not packed yet.
const HOT: i64 = 2;

/// Packs of sixty looks to choose from, and the means that go with them.
const PACKS: &str = "
CREATE TEMP TABLE packs AS
SELECT n, CASE WHEN n % 50 = 0 THEN overlay(repeat('0', 60) PLACING '22' FROM n / 50 + 1 FOR 2) ELSE repeat('0', 60) END AS verdicts,
       (SELECT array_agg((30 + n % 200 + i % 7 + random() * 90)::smallint) FROM generate_series(1, 60) AS i) AS totals_ms,
       (SELECT array_agg((i + n + random() * 60000)::integer) FROM generate_series(1, 24) AS i) AS means
FROM generate_series(0, 996) AS n;
CREATE UNIQUE INDEX ON packs (n);
CREATE TEMP TABLE chosen (place integer, id uuid);
";

/// Writes all packed hours, in the order in which a packer writes them; returns the number of looks.
pub async fn packed(
    database: &Database,
    sample: &Sample,
    load: Load,
    now: Timestamp,
) -> anyhow::Result<i64> {
    let end = hour_of(now) - SignedDuration::from_hours(HOT);
    let begin = hour_of(now) - SignedDuration::from_hours(24 * load.days);
    let account = sample.account.uuid();
    database.execute("SET synchronous_commit = off").await?;
    database.execute(PACKS).await?;
    let ids: Vec<_> = sample
        .monitors
        .iter()
        .take(load.monitors)
        .map(|id| id.uuid())
        .collect();
    sqlx::query("INSERT INTO chosen SELECT place - 1, id FROM unnest($1::uuid[]) WITH ORDINALITY AS t (id, place)")
        .bind(ids)
        .execute(&database.pool)
        .await?;
    let mut day = begin;
    while day < end {
        let until = (day + SignedDuration::from_hours(24)).min(end);
        let mut connection = database.pool.acquire().await?;
        for at in [day, until - SignedDuration::from_secs(1)] {
            hours::ensure_partitions(&mut connection, at).await?;
        }
        drop(connection);
        database
            .execute(format!(
                "INSERT INTO check_hours (retention_months, account_id, monitor_id, region, hour, interval_us, phase_us,
                                          verdicts, totals_ms, phase_means_us)
                 SELECT 24, '{account}', c.id, '{REGION}', hour, 60000000, c.place * 59993, p.verdicts, p.totals_ms, p.means
                 FROM generate_series('{day}'::timestamptz, '{until}'::timestamptz - interval '1 hour', interval '1 hour') AS hour
                 CROSS JOIN chosen c
                 JOIN packs p ON p.n = (c.place * 31 + extract(epoch FROM hour)::bigint / 3600) % 997
                 ORDER BY hour, c.place"
            ))
            .await?;
        day = until;
    }
    database
        .execute(around(&account.to_string(), begin, end))
        .await?;
    database
        .count("SELECT sum(length(verdicts))::bigint FROM check_hours")
        .await
}

/// What hangs on packed hours: their states, the days, and what the statuses were.
fn around(account: &str, begin: Timestamp, end: Timestamp) -> String {
    let failure = Failure::new(FailureClass::ConnectRefused, Phase::Connect, "refused");
    let failure = serde_json::json!(failure);
    let vote = serde_json::json!({"down": 1, "of": 1, "looks": 3, "regions": []});
    format!(
        "DO $$ DECLARE hour_name text; BEGIN
             FOR hour_name IN SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'checks'::regclass LOOP
                 EXECUTE 'DROP TABLE ' || hour_name;
             END LOOP;
         END $$;
         DELETE FROM hours;
         INSERT INTO hours (hour, state, packed_at, looks)
         SELECT hour, 'dropped', hour + interval '105 minutes', 60 * (SELECT count(*) FROM chosen)
         FROM generate_series('{begin}'::timestamptz, '{end}'::timestamptz - interval '1 hour', interval '1 hour') AS hour;
         INSERT INTO days (day, rolled_at)
         SELECT DISTINCT (hour AT TIME ZONE 'UTC')::date, now() FROM hours
         WHERE hour < date_trunc('day', '{end}'::timestamptz, 'UTC');
         INSERT INTO check_days (account_id, monitor_id, region, day, counts, p50_ms, p95_ms, p99_ms, max_ms, phases_p50_us)
         SELECT '{account}'::uuid, c.id, '{REGION}', d.day, ARRAY[1437, 0, 3, 0, 0], 120, 190, 210, 260, ARRAY[9000, 11000, 18000, 30, 47000, 500]
         FROM days d CROSS JOIN chosen c;
         -- An outage a week of each monitor.
         INSERT INTO status_intervals (account_id, monitor_id, started_at, ended_at, status)
         SELECT '{account}'::uuid, c.id, at, at + interval '4 minutes', 'down'
         FROM chosen c CROSS JOIN generate_series('{begin}'::timestamptz + interval '1 hour', '{end}'::timestamptz, interval '7 days') AS at
         UNION ALL
         SELECT '{account}'::uuid, c.id, at + interval '4 minutes',
                CASE WHEN at + interval '7 days' <= '{end}' THEN at + interval '7 days' END, 'up'
         FROM chosen c CROSS JOIN generate_series('{begin}'::timestamptz + interval '1 hour', '{end}'::timestamptz, interval '7 days') AS at;
         INSERT INTO incidents (account_id, id, monitor_id, short, first_failure_at, confirmed_at, resolved_at, resolved_reason,
                                resolved_confirmed_at, failure, class, vote)
         SELECT account_id, gen_random_uuid(), monitor_id, left(md5(monitor_id::text || started_at), 12), started_at,
                started_at + interval '6 s', ended_at, 'recovered', ended_at,
                '{failure}', 'connect_refused', '{vote}'
         FROM status_intervals WHERE status = 'down';
         UPDATE monitor_states SET observed = 'up';"
    )
}

/// The last hours through the functions of the worker.
pub async fn hot(
    database: &Database,
    sample: &Sample,
    load: Load,
    now: Timestamp,
) -> anyhow::Result<()> {
    let mut minute = hour_of(now) - SignedDuration::from_hours(HOT);
    let mut connection = database.pool.acquire().await?;
    for hour in 0..=HOT + 3 {
        hours::ensure_partitions(&mut connection, minute + SignedDuration::from_hours(hour))
            .await?;
    }
    drop(connection);
    while minute < now {
        let looks = sample.minute(minute, load.monitors);
        minute += SignedDuration::from_mins(1);
        storage::record(database, &looks, minute).await?;
    }
    Ok(())
}

fn hour_of(at: Timestamp) -> Timestamp {
    let seconds = at.as_second();
    Timestamp::from_second(seconds - seconds.rem_euclid(3_600)).unwrap_or(at)
}
