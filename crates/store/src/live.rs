//! What open pages ask once a second: which of the monitors on screen were looked at, and whether our
//! looks run late. Reads across accounts; the caller knows which page belongs to whom.

use std::collections::{BTreeMap, HashMap};

use domain::ids::{AccountId, MonitorId};
use domain::report::Window;
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::Result;

/// How far back a look may begin and still be new: a slow one is stored long after its slot.
const BACK: SignedDuration = SignedDuration::from_mins(2);

const QUARTER: SignedDuration = SignedDuration::from_mins(15);

/// The start of the latest look of each of these monitors, as far as it is recent.
pub async fn latest_looks(
    connection: &mut PgConnection,
    monitors: &[(AccountId, MonitorId)],
    now: Timestamp,
) -> Result<Vec<(MonitorId, Timestamp)>> {
    let accounts: Vec<Uuid> = monitors.iter().map(|(account, _)| account.uuid()).collect();
    let ids: Vec<Uuid> = monitors.iter().map(|(_, id)| id.uuid()).collect();
    let rows = sqlx::query!(
        r#"SELECT monitor_id AS "monitor_id!", max(at) AS "at!: jiff_sqlx::Timestamp" FROM (
             SELECT c.monitor_id, c.at FROM unnest($1::uuid[], $2::uuid[]) AS w (account_id, monitor_id)
             JOIN checks c ON c.account_id = w.account_id AND c.monitor_id = w.monitor_id AND c.slot > $3
             UNION ALL
             SELECT r.monitor_id, r.at FROM unnest($1::uuid[], $2::uuid[]) AS w (account_id, monitor_id)
             JOIN requested_checks r ON r.account_id = w.account_id AND r.monitor_id = w.monitor_id AND r.at > $3
         ) AS looks GROUP BY monitor_id"#,
        &accounts,
        &ids,
        (now - BACK).to_sqlx() as _
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (MonitorId::from_uuid(row.monitor_id), row.at.to_jiff()))
        .collect())
}

/// How far the timetable is behind: the age of the oldest stretch that is not yet looked at and
/// stored. Nothing when no worker has ever held a lease.
pub async fn lateness(connection: &mut PgConnection, now: Timestamp) -> Result<SignedDuration> {
    let oldest = sqlx::query_scalar!(
        r#"SELECT min(recorded_through) AS "at: jiff_sqlx::Timestamp" FROM shard_leases WHERE epoch > 0"#
    )
    .fetch_one(connection)
    .await?;
    Ok(oldest.map_or(SignedDuration::ZERO, |at| {
        now.duration_since(at.to_jiff()).max(SignedDuration::ZERO)
    }))
}

/// The mean response time of each quarter of an hour in `window`, in order of time, over looks that
/// got an answer: cheap enough for a whole page of monitors.
pub async fn sparklines(
    connection: &mut PgConnection,
    account: AccountId,
    monitors: &[MonitorId],
    window: Window,
) -> Result<HashMap<MonitorId, Vec<(Timestamp, f64)>>> {
    let ids: Vec<Uuid> = monitors.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query!(
        r#"SELECT monitor_id AS "monitor_id!", step AS "step!: jiff_sqlx::Timestamp", us, means AS "means: Vec<Option<i32>>" FROM (
             SELECT c.monitor_id, date_bin('15 minutes', c.slot, 'epoch'::timestamptz) AS step, avg(c.total_us)::float8 AS us,
                    NULL::integer[] AS means
             FROM checks c JOIN hours h ON h.hour = date_trunc('hour', c.slot, 'UTC') AND h.state = 'hot'
             WHERE c.account_id = $1 AND c.monitor_id = ANY ($2) AND c.slot >= $3 AND c.slot < $4 AND c.verdict IN (0, 1)
             GROUP BY 1, 2
             UNION ALL
             SELECT p.monitor_id, p.hour, NULL, p.phase_means_us
             FROM check_hours p JOIN hours h ON h.hour = p.hour AND h.state <> 'hot'
             WHERE p.account_id = $1 AND p.monitor_id = ANY ($2) AND p.hour >= $3 AND p.hour < $4
         ) AS steps ORDER BY monitor_id, step"#,
        account.uuid(),
        &ids,
        window.from.to_sqlx() as _,
        window.to.to_sqlx() as _
    )
    .fetch_all(connection)
    .await?;
    // Of several regions and timetables: how many there were, and their sum.
    let mut steps: BTreeMap<(MonitorId, Timestamp), (f64, f64)> = BTreeMap::new();
    let mut add = |monitor, step, us: f64| {
        let (count, sum) = steps.entry((monitor, step)).or_default();
        *count += 1.0;
        *sum += us;
    };
    for row in rows {
        let (monitor, step) = (MonitorId::from_uuid(row.monitor_id), row.step.to_jiff());
        if let Some(us) = row.us {
            add(monitor, step, us);
        }
        for (quarter, means) in (0..).zip(row.means.unwrap_or_default().chunks(6)) {
            // One of which nothing answered has no means.
            if means.iter().any(Option::is_some) {
                let us = means.iter().flatten().copied().map(f64::from).sum();
                add(monitor, step + QUARTER * quarter, us);
            }
        }
    }
    let mut lines: HashMap<MonitorId, Vec<(Timestamp, f64)>> = HashMap::new();
    for ((monitor, step), (count, sum)) in steps {
        let line = lines.entry(monitor).or_default();
        line.push((step, sum / count / 1000.0));
    }
    Ok(lines)
}
