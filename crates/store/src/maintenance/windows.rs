//! Table `maintenance_windows`: what people make.

use domain::ids::{AccountId, MaintenanceWindowId, MonitorId};
use domain::maintenance::{MaintenanceWindow, Occurrence, Rule, Schedule, Targets};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Error, Result};

/// Every window of the account, the newest first.
pub async fn list(
    connection: &mut PgConnection,
    account: AccountId,
) -> Result<Vec<MaintenanceWindow>> {
    sqlx::query_as!(
        Row,
        r#"SELECT id, name, monitor_ids, tags, starts_at AS "starts_at: jiff_sqlx::Timestamp",
             ends_at AS "ends_at: jiff_sqlx::Timestamp", rrule, local_start AS "local_start: jiff_sqlx::DateTime",
             duration_seconds, timezone, ended_at AS "ended_at: jiff_sqlx::Timestamp",
             created_at AS "created_at: jiff_sqlx::Timestamp", updated_at AS "updated_at: jiff_sqlx::Timestamp", version
           FROM maintenance_windows WHERE account_id = $1 ORDER BY id DESC"#,
        account.uuid()
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(Row::into_window)
    .collect()
}

/// The window, if it is the account's.
pub async fn find(
    connection: &mut PgConnection,
    account: AccountId,
    id: MaintenanceWindowId,
) -> Result<Option<MaintenanceWindow>> {
    sqlx::query_as!(
        Row,
        r#"SELECT id, name, monitor_ids, tags, starts_at AS "starts_at: jiff_sqlx::Timestamp",
             ends_at AS "ends_at: jiff_sqlx::Timestamp", rrule, local_start AS "local_start: jiff_sqlx::DateTime",
             duration_seconds, timezone, ended_at AS "ended_at: jiff_sqlx::Timestamp",
             created_at AS "created_at: jiff_sqlx::Timestamp", updated_at AS "updated_at: jiff_sqlx::Timestamp", version
           FROM maintenance_windows WHERE account_id = $1 AND id = $2"#,
        account.uuid(),
        id.uuid()
    )
    .fetch_optional(connection)
    .await?
    .map(Row::into_window)
    .transpose()
}

/// How many windows there are: those that may come again, and all. Take the account's lock first.
pub async fn count(
    connection: &mut PgConnection,
    account: AccountId,
    now: Timestamp,
) -> Result<(u32, u32)> {
    let row = sqlx::query!(
        r#"SELECT count(*) FILTER (WHERE rrule IS NOT NULL OR ends_at > $2) AS "coming!", count(*) AS "all!"
           FROM maintenance_windows WHERE account_id = $1"#,
        account.uuid(),
        now.to_sqlx() as _
    )
    .fetch_one(connection)
    .await?;
    let number = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
    Ok((number(row.coming), number(row.all)))
}

/// Writes a new window, its occurrences planned up to `planned_through`.
pub async fn insert(
    connection: &mut PgConnection,
    account: AccountId,
    window: &MaintenanceWindow,
    planned_through: Timestamp,
) -> Result<()> {
    let columns = Columns::of(window);
    sqlx::query!(
        "INSERT INTO maintenance_windows (account_id, id, name, monitor_ids, tags, starts_at, ends_at, rrule,
             local_start, duration_seconds, timezone, ended_at, planned_through, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        account.uuid(),
        window.id.uuid(),
        window.name,
        columns.monitor_ids.as_deref(),
        columns.tags,
        columns.starts_at.map(|at| at.to_sqlx()) as _,
        columns.ends_at.map(|at| at.to_sqlx()) as _,
        columns.rrule,
        columns.local_start.map(|at| at.to_sqlx()) as _,
        columns.duration_seconds,
        columns.timezone,
        window.ended_at.map(|at| at.to_sqlx()) as _,
        planned_through.to_sqlx() as _,
        window.created_at.to_sqlx() as _,
        window.updated_at.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Saves a changed window, and gives its version. The account is locked.
pub async fn update(
    connection: &mut PgConnection,
    account: AccountId,
    window: &MaintenanceWindow,
    planned_through: Timestamp,
) -> Result<i64> {
    let columns = Columns::of(window);
    let version = sqlx::query_scalar!(
        "UPDATE maintenance_windows SET name = $3, monitor_ids = $4, tags = $5, starts_at = $6, ends_at = $7,
             rrule = $8, local_start = $9, duration_seconds = $10, timezone = $11, ended_at = $12,
             planned_through = $13, updated_at = $14, version = version + 1
         WHERE account_id = $1 AND id = $2 RETURNING version",
        account.uuid(),
        window.id.uuid(),
        window.name,
        columns.monitor_ids.as_deref(),
        columns.tags,
        columns.starts_at.map(|at| at.to_sqlx()) as _,
        columns.ends_at.map(|at| at.to_sqlx()) as _,
        columns.rrule,
        columns.local_start.map(|at| at.to_sqlx()) as _,
        columns.duration_seconds,
        columns.timezone,
        window.ended_at.map(|at| at.to_sqlx()) as _,
        planned_through.to_sqlx() as _,
        window.updated_at.to_sqlx() as _
    )
    .fetch_one(connection)
    .await?;
    Ok(version)
}

/// Removes a window; false when there is none. What it was stays in `maintenance_occurrences`.
pub async fn delete(
    connection: &mut PgConnection,
    account: AccountId,
    id: MaintenanceWindowId,
) -> Result<bool> {
    let done = sqlx::query!(
        "DELETE FROM maintenance_windows WHERE account_id = $1 AND id = $2",
        account.uuid(),
        id.uuid()
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Windows of which occurrences that begin before `horizon` may not be written down yet. Nothing is
/// locked: each is looked at again under the lock of its account.
pub async fn list_unplanned(
    connection: &mut PgConnection,
    (now, horizon): (Timestamp, Timestamp),
    limit: u32,
) -> Result<Vec<(AccountId, MaintenanceWindowId)>> {
    let rows = sqlx::query!(
        "SELECT account_id, id FROM maintenance_windows
         WHERE planned_through < $1 AND (rrule IS NOT NULL OR ends_at > $2) ORDER BY planned_through LIMIT $3",
        horizon.to_sqlx() as _,
        now.to_sqlx() as _,
        i64::from(limit)
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            (
                AccountId::from_uuid(row.account_id),
                MaintenanceWindowId::from_uuid(row.id),
            )
        })
        .collect())
}

/// Takes the window's lock, marks its occurrences as written down up to `through`, and says up to when
/// they were; `None` when the window is gone.
pub async fn set_planned(
    connection: &mut PgConnection,
    account: AccountId,
    id: MaintenanceWindowId,
    through: Timestamp,
) -> Result<Option<Timestamp>> {
    let before = sqlx::query_scalar!(
        r#"SELECT planned_through AS "at: jiff_sqlx::Timestamp" FROM maintenance_windows
           WHERE account_id = $1 AND id = $2 FOR UPDATE"#,
        account.uuid(),
        id.uuid()
    )
    .fetch_optional(&mut *connection)
    .await?;
    sqlx::query!(
        "UPDATE maintenance_windows SET planned_through = greatest(planned_through, $3)
         WHERE account_id = $1 AND id = $2",
        account.uuid(),
        id.uuid(),
        through.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(before.map(|at| at.to_jiff()))
}

/// Removes windows that were once and ended before `before`. Says how many.
pub async fn delete_ended(connection: &mut PgConnection, before: Timestamp) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM maintenance_windows WHERE ends_at < $1",
        before.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

struct Columns<'w> {
    monitor_ids: Option<Vec<Uuid>>,
    tags: Option<&'w [String]>,
    starts_at: Option<Timestamp>,
    ends_at: Option<Timestamp>,
    rrule: Option<&'w str>,
    local_start: Option<jiff::civil::DateTime>,
    duration_seconds: Option<i32>,
    timezone: Option<&'w str>,
}

impl<'w> Columns<'w> {
    fn of(window: &'w MaintenanceWindow) -> Self {
        let (once, rule) = match &window.schedule {
            Schedule::Once(once) => (Some(once), None),
            Schedule::Rule(rule) => (None, Some(rule)),
        };
        let ids = window.targets.monitor_ids.as_ref();
        Self {
            monitor_ids: ids.map(|ids| ids.iter().map(|id| id.uuid()).collect()),
            tags: window.targets.tags.as_deref(),
            starts_at: once.map(|once| once.starts_at),
            ends_at: once.map(|once| once.ends_at),
            rrule: rule.map(|rule| rule.rrule.as_str()),
            local_start: rule.map(|rule| rule.local_start),
            duration_seconds: rule
                .map(|rule| i32::try_from(rule.duration_seconds).unwrap_or(i32::MAX)),
            timezone: rule.map(|rule| rule.timezone.as_str()),
        }
    }
}

struct Row {
    id: Uuid,
    name: String,
    monitor_ids: Option<Vec<Uuid>>,
    tags: Option<Vec<String>>,
    starts_at: Option<jiff_sqlx::Timestamp>,
    ends_at: Option<jiff_sqlx::Timestamp>,
    rrule: Option<String>,
    local_start: Option<jiff_sqlx::DateTime>,
    duration_seconds: Option<i32>,
    timezone: Option<String>,
    ended_at: Option<jiff_sqlx::Timestamp>,
    created_at: jiff_sqlx::Timestamp,
    updated_at: jiff_sqlx::Timestamp,
    version: i64,
}

impl Row {
    fn into_window(self) -> Result<MaintenanceWindow> {
        let id = MaintenanceWindowId::from_uuid(self.id);
        let impossible = |column| Error::impossible("maintenance_windows", column, id);
        let schedule = match (self.starts_at, self.ends_at, self.rrule) {
            (Some(starts_at), Some(ends_at), None) => Schedule::Once(Occurrence {
                starts_at: starts_at.to_jiff(),
                ends_at: ends_at.to_jiff(),
            }),
            (None, None, Some(rrule)) => Schedule::Rule(Rule {
                rrule,
                local_start: self
                    .local_start
                    .ok_or_else(|| impossible("local_start"))?
                    .to_jiff(),
                duration_seconds: self
                    .duration_seconds
                    .and_then(|seconds| u32::try_from(seconds).ok())
                    .ok_or_else(|| impossible("duration_seconds"))?,
                timezone: self.timezone.ok_or_else(|| impossible("timezone"))?,
            }),
            _ => return Err(impossible("rrule")),
        };
        let ids = |ids: Vec<Uuid>| ids.into_iter().map(MonitorId::from_uuid).collect();
        Ok(MaintenanceWindow {
            id,
            name: self.name,
            targets: Targets {
                monitor_ids: self.monitor_ids.map(ids),
                tags: self.tags,
            },
            schedule,
            ended_at: self.ended_at.map(|at| at.to_jiff()),
            created_at: self.created_at.to_jiff(),
            updated_at: self.updated_at.to_jiff(),
            version: self.version,
        })
    }
}
