//! Uptime and its bars, for many monitors in two statements.

use std::collections::HashMap;

use domain::ids::{AccountId, MonitorId};
use domain::monitor::schedule;
use domain::report::uptime::{blind_everywhere, cells, over};
use domain::report::{BlindInterval, Cell, StatusInterval, Uptime, Window};
use domain::status::Shown;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Error, Result, maintenance};

/// The uptime of one monitor.
pub async fn uptime(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
    window: Window,
) -> Result<Uptime> {
    let histories = histories(connection, account, &[monitor], window).await?;
    let history = histories.get(&monitor);
    Ok(history.map_or_else(
        || over(window, &[], &[], &[]),
        |h| over(window, &h.statuses, &h.blind, &h.maintenance),
    ))
}

/// The uptime of each of `monitors`.
pub async fn uptimes(
    connection: &mut PgConnection,
    account: AccountId,
    monitors: &[MonitorId],
    window: Window,
) -> Result<HashMap<MonitorId, Uptime>> {
    let histories = histories(connection, account, monitors, window).await?;
    Ok(histories
        .into_iter()
        .map(|(id, h)| (id, over(window, &h.statuses, &h.blind, &h.maintenance)))
        .collect())
}

/// The cells of a bar for each of several monitors.
pub type Bars = HashMap<MonitorId, Vec<Cell>>;

/// Bars of `count` cells over `window`: 30 or 90 days, or the 24 hours of a dashboard's line.
pub async fn bars(
    connection: &mut PgConnection,
    account: AccountId,
    monitors: &[MonitorId],
    window: Window,
    count: u32,
) -> Result<Bars> {
    let histories = histories(connection, account, monitors, window).await?;
    Ok(histories
        .into_iter()
        .map(|(id, h)| (id, h.cells(window, count)))
        .collect())
}

#[derive(Default)]
struct History {
    statuses: Vec<StatusInterval>,
    blind: Vec<BlindInterval>,
    maintenance: Vec<Window>,
}

impl History {
    fn cells(&self, window: Window, count: u32) -> Vec<Cell> {
        cells(
            (window, count),
            &self.statuses,
            &self.blind,
            &self.maintenance,
        )
    }
}

async fn histories(
    connection: &mut PgConnection,
    account: AccountId,
    monitors: &[MonitorId],
    window: Window,
) -> Result<HashMap<MonitorId, History>> {
    let ids: Vec<Uuid> = monitors.iter().map(|id| id.uuid()).collect();
    let shards: Vec<i16> = monitors.iter().map(|id| schedule::shard(*id)).collect();
    let mut found: HashMap<MonitorId, History> = monitors
        .iter()
        .map(|id| (*id, History::default()))
        .collect();
    let mut dark = Dark::new();
    // One status follows another, so that of those that began before the window the last alone reaches
    // into it. Blind times stand in the same answer with their shard and region.
    let rows = sqlx::query!(
        r#"SELECT i.monitor_id AS "monitor_id?", i.started_at AS "started_at!: jiff_sqlx::Timestamp",
             i.ended_at AS "ended_at?: jiff_sqlx::Timestamp", i.status AS "word!", NULL::smallint AS "shard?"
           FROM unnest($2::uuid[]) AS wanted (id) CROSS JOIN LATERAL (
               (SELECT monitor_id, started_at, ended_at, status FROM status_intervals
                WHERE account_id = $1 AND monitor_id = wanted.id AND started_at <= $3 ORDER BY started_at DESC LIMIT 1)
               UNION ALL
               (SELECT monitor_id, started_at, ended_at, status FROM status_intervals
                WHERE account_id = $1 AND monitor_id = wanted.id AND started_at > $3 AND started_at < $4)
           ) i
           WHERE i.ended_at IS NULL OR i.ended_at > $3
           UNION ALL
           SELECT NULL, started_at, ended_at, region, shard FROM blind_intervals
           WHERE shard = ANY ($5) AND started_at < $4 AND (ended_at IS NULL OR ended_at > $3)
           ORDER BY 1, 2"#,
        account.uuid(),
        &ids,
        window.from.to_sqlx() as _,
        window.to.to_sqlx() as _,
        &shards
    )
    .fetch_all(&mut *connection)
    .await?;
    for row in rows {
        let started_at = row.started_at.to_jiff();
        let ended_at = row.ended_at.map(jiff_sqlx::Timestamp::to_jiff);
        if let Some(shard) = row.shard {
            let blind = dark.entry((row.word, shard)).or_default();
            blind.push(BlindInterval {
                started_at,
                ended_at,
            });
        } else if let Some(id) = row.monitor_id.map(MonitorId::from_uuid) {
            let status = Shown::parse(&row.word)
                .ok_or_else(|| Error::impossible("status_intervals", "status", id))?;
            found.entry(id).or_default().statuses.push(StatusInterval {
                started_at,
                ended_at,
                status,
            });
        }
    }
    for (id, part) in maintenance::list_in_window(connection, account, monitors, window).await? {
        found.entry(id).or_default().maintenance.push(part);
    }
    add_blind(connection, account, (&ids, &dark), &mut found).await?;
    Ok(found)
}

/// The blind times of regions' shards.
type Dark = HashMap<(String, i16), Vec<BlindInterval>>;

async fn add_blind(
    connection: &mut PgConnection,
    account: AccountId,
    (ids, dark): (&[Uuid], &Dark),
    found: &mut HashMap<MonitorId, History>,
) -> Result<()> {
    if dark.is_empty() {
        return Ok(());
    }
    let regions = sqlx::query!(
        r#"SELECT m.id, coalesce(m.regions, (SELECT array_agg(id) FROM regions)) AS "regions!: Vec<String>"
           FROM monitors m WHERE m.account_id = $1 AND m.id = ANY ($2) AND m.kind <> 'heartbeat'"#,
        account.uuid(),
        ids
    )
    .fetch_all(connection)
    .await?;
    for row in regions {
        let id = MonitorId::from_uuid(row.id);
        let shard = schedule::shard(id);
        let per_region: Vec<Vec<BlindInterval>> = row
            .regions
            .into_iter()
            .map(|region| dark.get(&(region, shard)).cloned().unwrap_or_default())
            .collect();
        if let Some(history) = found.get_mut(&id) {
            history.blind = blind_everywhere(&per_region);
        }
    }
    Ok(())
}
