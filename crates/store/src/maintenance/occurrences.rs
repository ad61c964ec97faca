//! Table `maintenance_occurrences`: when monitors are, will be and were in maintenance.

use domain::ids::{AccountId, MaintenanceWindowId, MonitorId};
use domain::maintenance::{MaintenanceWindow, Occurrence, Targets};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::Result;

/// A monitor in maintenance: by which window, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct Maintained {
    pub window_id: MaintenanceWindowId,
    pub name: String,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
}

/// The end of the maintenance in which a monitor is at an instant, if it is in one. Of several the
/// last; another may begin where it ends.
pub async fn covering(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
    at: Timestamp,
) -> Result<Option<Timestamp>> {
    let end = sqlx::query_scalar!(
        r#"SELECT maintenance_end($1, $2, $3) AS "end: jiff_sqlx::Timestamp""#,
        account.uuid(),
        monitor.uuid(),
        at.to_sqlx() as _
    )
    .fetch_one(connection)
    .await?;
    Ok(end.map(|at| at.to_jiff()))
}

/// The maintenance in which a monitor is or will be before `until`, in order.
pub async fn list_monitors(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
    (now, until): (Timestamp, Timestamp),
) -> Result<Vec<Maintained>> {
    let rows = sqlx::query!(
        r#"SELECT o.window_id, o.name, o.starts_at AS "starts_at: jiff_sqlx::Timestamp",
             o.ends_at AS "ends_at: jiff_sqlx::Timestamp"
           FROM maintenance_occurrences o JOIN monitors m ON m.account_id = o.account_id AND m.id = $2
           WHERE o.account_id = $1 AND o.ends_at > $3 AND o.starts_at < $4
             AND (o.all_monitors OR m.id = ANY (o.monitor_ids) OR o.tags && m.tags)
           ORDER BY o.starts_at, o.ends_at DESC LIMIT 20"#,
        account.uuid(),
        monitor.uuid(),
        now.to_sqlx() as _,
        until.to_sqlx() as _
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Maintained {
            window_id: MaintenanceWindowId::from_uuid(row.window_id),
            name: row.name,
            starts_at: row.starts_at.to_jiff(),
            ends_at: row.ends_at.to_jiff(),
        })
        .collect())
}

/// Ends at `now` what is written down of a window, and writes down `occurrences` instead, from `now` on.
pub async fn replace(
    connection: &mut PgConnection,
    account: AccountId,
    window: &MaintenanceWindow,
    occurrences: &[Occurrence],
    now: Timestamp,
) -> Result<()> {
    cancel(connection, account, window.id, now).await?;
    let from_now = |one: &Occurrence| Occurrence {
        starts_at: one.starts_at.max(now),
        ends_at: one.ends_at,
    };
    let occurrences: Vec<Occurrence> = occurrences.iter().map(from_now).collect();
    add(connection, account, window, &occurrences).await
}

/// Ends at `now` what is written down of a window.
async fn cancel(
    connection: &mut PgConnection,
    account: AccountId,
    window: MaintenanceWindowId,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "DELETE FROM maintenance_occurrences WHERE account_id = $1 AND window_id = $2 AND starts_at >= $3",
        account.uuid(),
        window.uuid(),
        now.to_sqlx() as _
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "UPDATE maintenance_occurrences SET ends_at = $3
         WHERE account_id = $1 AND window_id = $2 AND starts_at < $3 AND ends_at > $3",
        account.uuid(),
        window.uuid(),
        now.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes down occurrences of a window.
pub async fn add(
    connection: &mut PgConnection,
    account: AccountId,
    window: &MaintenanceWindow,
    occurrences: &[Occurrence],
) -> Result<()> {
    let Targets { monitor_ids, tags } = &window.targets;
    let ids: Vec<Uuid> = monitor_ids.iter().flatten().map(|id| id.uuid()).collect();
    for one in occurrences.iter().filter(|one| one.starts_at < one.ends_at) {
        sqlx::query!(
            "INSERT INTO maintenance_occurrences (account_id, id, window_id, name, starts_at, ends_at, all_monitors,
                 monitor_ids, tags)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            account.uuid(),
            Uuid::now_v7(),
            window.id.uuid(),
            window.name,
            one.starts_at.to_sqlx() as _,
            one.ends_at.to_sqlx() as _,
            window.targets.is_all(),
            &ids,
            tags.as_deref().unwrap_or_default()
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Forgets all maintenance of an account.
pub async fn delete_all(connection: &mut PgConnection, account: AccountId) -> Result<()> {
    sqlx::query!(
        "DELETE FROM maintenance_windows WHERE account_id = $1",
        account.uuid()
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "DELETE FROM maintenance_occurrences WHERE account_id = $1",
        account.uuid()
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Marks occurrences that have begun. Whose monitors are in maintenance now, once for each.
pub async fn mark_begun(
    connection: &mut PgConnection,
    now: Timestamp,
) -> Result<Vec<(AccountId, MonitorId)>> {
    let rows = sqlx::query!(
        "WITH begun AS (
             UPDATE maintenance_occurrences SET begun = true WHERE NOT begun AND starts_at <= $1 RETURNING *)
         SELECT m.account_id, m.id FROM begun o JOIN monitors m ON m.account_id = o.account_id
           AND (o.all_monitors OR m.id = ANY (o.monitor_ids) OR o.tags && m.tags)
         WHERE m.deleted_at IS NULL",
        now.to_sqlx() as _
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            (
                AccountId::from_uuid(row.account_id),
                MonitorId::from_uuid(row.id),
            )
        })
        .collect())
}

/// Marks occurrences that are over, and keeps for good which monitors carried their tags. Whose monitors
/// were in maintenance, once for each.
pub async fn mark_over(
    connection: &mut PgConnection,
    now: Timestamp,
) -> Result<Vec<(AccountId, MonitorId)>> {
    let rows = sqlx::query!(
        "WITH ended AS (
             SELECT o.account_id, o.id, o.all_monitors, m.id AS monitor_id FROM maintenance_occurrences o
             JOIN monitors m ON m.account_id = o.account_id
               AND (o.all_monitors OR m.id = ANY (o.monitor_ids) OR o.tags && m.tags)
             WHERE NOT o.over AND o.ends_at <= $1),
         kept AS (
             UPDATE maintenance_occurrences o SET over = true, begun = true, tags = '{}',
                 monitor_ids = CASE WHEN o.all_monitors THEN '{}'
                     ELSE ARRAY (SELECT e.monitor_id FROM ended e WHERE e.account_id = o.account_id AND e.id = o.id) END
             WHERE NOT o.over AND o.ends_at <= $1)
         SELECT account_id, monitor_id FROM ended",
        now.to_sqlx() as _
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            (
                AccountId::from_uuid(row.account_id),
                MonitorId::from_uuid(row.monitor_id),
            )
        })
        .collect())
}
