//! Response times in steps.

mod steps;

use domain::ids::{AccountId, MonitorId};
use domain::report::{Point, Window};
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use crate::Result;

/// The response times of a monitor in steps of `step_seconds`, over looks that got an answer (up and
/// slow ones). A step without one has no point. Each step within a quarter of a packed hour has that
/// quarter's means. Steps of whole UTC days are read from `check_days` where a day is rolled up and
/// within the window, which has whole milliseconds; everything else from the looks themselves.
pub async fn response_times(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
    window: Window,
    step_seconds: i64,
) -> Result<Vec<Point>> {
    if step_seconds < 86_400 {
        return steps::read(connection, account, monitor, window, step_seconds).await;
    }
    in_database(connection, account, monitor, window, step_seconds).await
}

/// The same, worked out by the database whatever the steps.
pub(crate) async fn in_database(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
    window: Window,
    step_seconds: i64,
) -> Result<Vec<Point>> {
    let rows = sqlx::query_as!(
        Row,
        r#"WITH rolled AS (
               -- Of several regions the row of all of them, whose region is empty.
               SELECT DISTINCT ON (c.day) c.day, c.counts[1] + c.counts[2] AS count, c.max_ms, c.p50_ms, c.p95_ms, c.phases_p50_us
               FROM check_days c JOIN days d ON d.day = c.day AND d.rolled_at IS NOT NULL
               WHERE $5::bigint = 86400 AND c.account_id = $1 AND c.monitor_id = $2
                 AND c.day >= ($3::timestamptz AT TIME ZONE 'UTC')::date AND c.day < ($4::timestamptz AT TIME ZONE 'UTC')::date
                 AND c.day::timestamp AT TIME ZONE 'UTC' >= $3
                 AND NOT EXISTS (
                     SELECT FROM checks_late l
                     WHERE l.account_id = $1 AND l.monitor_id = $2 AND l.slot >= c.day::timestamp AT TIME ZONE 'UTC'
                       AND l.slot < (c.day + 1)::timestamp AT TIME ZONE 'UTC')
               ORDER BY c.day, c.region
           ), spans AS (
               SELECT $3::timestamptz AS since, $4::timestamptz AS until WHERE $5::bigint <> 86400
               UNION ALL
               SELECT greatest(day, $3), least(day + interval '24 hours', $4)
               FROM generate_series(date_trunc('day', $3, 'UTC'), $4, interval '24 hours') AS day
               WHERE $5::bigint = 86400 AND day < $4 AND (day AT TIME ZONE 'UTC')::date NOT IN (SELECT r.day FROM rolled r)
           ), looked AS (
               SELECT date_bin(make_interval(secs => $5::bigint::float8), l.slot, 'epoch'::timestamptz) AS step, l.total_us, l.phases
               FROM spans s CROSS JOIN LATERAL looks($1, $2, s.since, s.until) l WHERE l.verdict IN (0, 1)
           ), totals AS (
               SELECT step, count(*) AS count, max(total_us) AS max,
                      percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY total_us) AS shares
               FROM looked GROUP BY step
           ), parts AS (
               SELECT step, phases[1] AS dns, phases[2] AS connect, phases[3] AS tls, phases[4] AS send,
                      phases[5] AS first_byte, phases[6] AS body
               FROM looked WHERE cardinality(phases) > 0
               UNION ALL
               SELECT date_bin(make_interval(secs => $5::bigint::float8),
                               p.hour + q * interval '15 minutes' + make_interval(secs => (part * $5)::float8), 'epoch'::timestamptz),
                      p.phase_means_us[q * 6 + 1], p.phase_means_us[q * 6 + 2], p.phase_means_us[q * 6 + 3],
                      p.phase_means_us[q * 6 + 4], p.phase_means_us[q * 6 + 5], p.phase_means_us[q * 6 + 6]
               FROM spans s
               CROSS JOIN LATERAL (
                   -- Not one with the rest of the statement, so that each span reads its own months only.
                   SELECT c.hour, c.phase_means_us FROM check_hours c
                   WHERE c.account_id = $1 AND c.monitor_id = $2 AND c.hour >= s.since AND c.hour < s.until OFFSET 0
               ) p
               JOIN hours h ON h.hour = p.hour AND h.state <> 'hot' CROSS JOIN generate_series(0, 3) AS q
               CROSS JOIN generate_series(0, greatest(900 / $5, 1) - 1) AS part
           ), medians AS (
               SELECT step,
                      percentile_cont(0.5) WITHIN GROUP (ORDER BY dns) AS dns,
                      percentile_cont(0.5) WITHIN GROUP (ORDER BY connect) AS connect,
                      percentile_cont(0.5) WITHIN GROUP (ORDER BY tls) AS tls,
                      percentile_cont(0.5) WITHIN GROUP (ORDER BY send) AS send,
                      percentile_cont(0.5) WITHIN GROUP (ORDER BY first_byte) AS first_byte,
                      percentile_cont(0.5) WITHIN GROUP (ORDER BY body) AS body
               FROM parts GROUP BY step
           )
           SELECT step AS "step!: jiff_sqlx::Timestamp", t.count AS "count!", t.max AS "max!",
                  t.shares AS "shares!: Vec<f64>", m.dns, m.connect, m.tls, m.send, m.first_byte, m.body
           FROM totals t LEFT JOIN medians m USING (step)
           UNION ALL
           SELECT day::timestamp AT TIME ZONE 'UTC', count, max_ms * 1000, ARRAY[p50_ms * 1000, p95_ms * 1000]::float8[],
                  phases_p50_us[1], phases_p50_us[2], phases_p50_us[3], phases_p50_us[4], phases_p50_us[5], phases_p50_us[6]
           FROM rolled WHERE count > 0
           ORDER BY 1"#,
        account.uuid(),
        monitor.uuid(),
        window.from.to_sqlx() as _,
        window.to.to_sqlx() as _,
        step_seconds,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Row::into_point).collect())
}

struct Row {
    step: jiff_sqlx::Timestamp,
    count: i64,
    max: i32,
    shares: Vec<f64>,
    dns: Option<f64>,
    connect: Option<f64>,
    tls: Option<f64>,
    send: Option<f64>,
    first_byte: Option<f64>,
    body: Option<f64>,
}

impl Row {
    fn into_point(self) -> Point {
        let share = |place: usize| self.shares.get(place).copied().unwrap_or_default() / 1000.0;
        let phases = [
            self.dns,
            self.connect,
            self.tls,
            self.send,
            self.first_byte,
            self.body,
        ];
        Point {
            at: self.step.to_jiff(),
            count: u32::try_from(self.count).unwrap_or(u32::MAX),
            p50_ms: share(0),
            p95_ms: share(1),
            max_ms: f64::from(self.max) / 1000.0,
            phases_p50_ms: phases.map(|median| median.map(|us| us / 1000.0)),
        }
    }
}
