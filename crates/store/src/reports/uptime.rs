//! Uptime and its bars, for many monitors in one statement.

use std::collections::HashMap;

use domain::ids::{AccountId, MonitorId};
use domain::monitor::schedule;
use domain::report::uptime::{blind_everywhere, cells, over};
use domain::report::{BlindInterval, Cell, StatusInterval, Uptime, Window};
use domain::status::Shown;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Error, Result};

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
    // into it. Blind times stand in the same answer with their shard and region, and maintenance with
    // shard -1.
    let rows = sqlx::query!(
        r#"SELECT monitor_id AS "monitor_id?", started_at AS "started_at!: jiff_sqlx::Timestamp",
             ended_at AS "ended_at?: jiff_sqlx::Timestamp", status AS "word!", NULL::smallint AS "shard?"
           FROM status_intervals
           WHERE account_id = $1 AND monitor_id = ANY ($2) AND started_at > $3 AND started_at < $4
             AND (ended_at IS NULL OR ended_at > $3)
           UNION ALL
           SELECT wanted.id, i.started_at, i.ended_at, i.status, NULL
           FROM unnest($2::uuid[]) AS wanted (id) CROSS JOIN LATERAL (
               SELECT started_at, ended_at, status FROM status_intervals
               WHERE account_id = $1 AND monitor_id = wanted.id AND started_at <= $3 ORDER BY started_at DESC LIMIT 1
           ) i
           WHERE i.ended_at IS NULL OR i.ended_at > $3
           UNION ALL
           SELECT m.id, o.starts_at, o.ends_at, '', -1::smallint
           FROM maintenance_occurrences o JOIN monitors m ON m.account_id = $1 AND m.id = ANY ($2)
           WHERE o.account_id = $1 AND o.ends_at > $3 AND o.starts_at < $4
             AND (o.all_monitors OR m.id = ANY (o.monitor_ids) OR o.tags && m.tags)
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
        match (row.shard, row.monitor_id.map(MonitorId::from_uuid)) {
            (Some(shard), None) => {
                let blind = dark.entry((row.word, shard)).or_default();
                blind.push(BlindInterval {
                    started_at,
                    ended_at,
                });
            }
            (Some(_), Some(id)) => {
                let to = ended_at
                    .ok_or_else(|| Error::impossible("maintenance_occurrences", "ends_at", id))?;
                let maintenance = &mut found.entry(id).or_default().maintenance;
                maintenance.push(Window {
                    from: started_at,
                    to,
                });
            }
            (None, Some(id)) => {
                let status = Shown::parse(&row.word)
                    .ok_or_else(|| Error::impossible("status_intervals", "status", id))?;
                found.entry(id).or_default().statuses.push(StatusInterval {
                    started_at,
                    ended_at,
                    status,
                });
            }
            (None, None) => {}
        }
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
