//! Heartbeats: what was heard last, when the next call is due, and the last calls.

pub mod pings;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use domain::heartbeat::{Action, Beat, Run, Signal};
use domain::ids::{AccountId, MonitorId};
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Error, Result};

/// A row of `heartbeats`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// Stands in the ping address.
    pub token: Uuid,
    /// What the rules step.
    pub beat: Beat,
    /// Calls kept so far.
    pub pings: i64,
    /// When the present minute of counting began.
    pub window_started_at: Option<Timestamp>,
    /// Calls taken in it.
    pub window_pings: i32,
}

/// Writes the row of a new monitor.
pub async fn insert(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
    (token, slug): (Uuid, &str),
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO heartbeats (account_id, monitor_id, token, slug) VALUES ($1, $2, $3, $4)",
        account.uuid(),
        monitor.uuid(),
        token,
        slug
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Locks the row until the transaction ends; lock the monitor's state ([`crate::states::lock`]) first.
pub async fn lock(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
) -> Result<Option<Stored>> {
    sqlx::query_as!(
        Row,
        r#"SELECT monitor_id, token, last_at AS "last_at: jiff_sqlx::Timestamp", last_signal, last_exit_status,
             last_good_at AS "last_good_at: jiff_sqlx::Timestamp", last_duration_ms,
             run_started_at AS "run_started_at: jiff_sqlx::Timestamp", run_rid,
             counted_from AS "counted_from: jiff_sqlx::Timestamp", expected_at AS "expected_at: jiff_sqlx::Timestamp",
             due_at AS "due_at: jiff_sqlx::Timestamp", pings,
             window_started_at AS "window_started_at: jiff_sqlx::Timestamp", window_pings
         FROM heartbeats WHERE account_id = $1 AND monitor_id = $2 FOR UPDATE"#,
        account.uuid(),
        monitor.uuid()
    )
    .fetch_optional(connection)
    .await?
    .map(Row::into_stored)
    .transpose()
}

/// What is known of the heartbeats of these monitors.
pub async fn list(
    connection: &mut PgConnection,
    account: AccountId,
    monitors: &[MonitorId],
) -> Result<HashMap<MonitorId, Stored>> {
    let ids: Vec<Uuid> = monitors.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT monitor_id, token, last_at AS "last_at: jiff_sqlx::Timestamp", last_signal, last_exit_status,
             last_good_at AS "last_good_at: jiff_sqlx::Timestamp", last_duration_ms,
             run_started_at AS "run_started_at: jiff_sqlx::Timestamp", run_rid,
             counted_from AS "counted_from: jiff_sqlx::Timestamp", expected_at AS "expected_at: jiff_sqlx::Timestamp",
             due_at AS "due_at: jiff_sqlx::Timestamp", pings,
             window_started_at AS "window_started_at: jiff_sqlx::Timestamp", window_pings
         FROM heartbeats WHERE account_id = $1 AND monitor_id = ANY ($2)"#,
        account.uuid(),
        &ids
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| Ok((MonitorId::from_uuid(row.monitor_id), row.into_stored()?)))
        .collect()
}

/// What is known of one monitor's heartbeats.
pub async fn find(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
) -> Result<Option<Stored>> {
    let mut found = list(connection, account, &[monitor]).await?;
    Ok(found.remove(&monitor))
}

/// Saves a row that [`lock`] gave.
pub async fn save(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
    stored: &Stored,
) -> Result<()> {
    let beat = &stored.beat;
    let last = beat.last;
    sqlx::query!(
        "UPDATE heartbeats SET last_at = $3, last_signal = $4, last_exit_status = $5, last_good_at = $6,
             last_duration_ms = $7, run_started_at = $8, run_rid = $9, counted_from = $10, expected_at = $11, due_at = $12,
             pings = $13, window_started_at = $14, window_pings = $15
         WHERE account_id = $1 AND monitor_id = $2",
        account.uuid(),
        monitor.uuid(),
        beat.last_at.map(|at| at.to_sqlx()) as _,
        last.map(|last| last.signal.as_str()),
        last.and_then(|last| last.exit_status).map(i16::from),
        beat.last_good_at.map(|at| at.to_sqlx()) as _,
        beat.last_duration.map(milliseconds),
        beat.run.map(|run| run.started_at.to_sqlx()) as _,
        beat.run.and_then(|run| run.rid),
        beat.counted_from.map(|at| at.to_sqlx()) as _,
        beat.expected_at.map(|at| at.to_sqlx()) as _,
        beat.due_at.map(|at| at.to_sqlx()) as _,
        stored.pings,
        stored.window_started_at.map(|at| at.to_sqlx()) as _,
        stored.window_pings
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes how the monitor is called in an address.
pub async fn set_slug(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
    slug: &str,
) -> Result<()> {
    sqlx::query!(
        "UPDATE heartbeats SET slug = $3 WHERE account_id = $1 AND monitor_id = $2 AND slug <> $3",
        account.uuid(),
        monitor.uuid(),
        slug
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The monitors that are called so in an address, at most two: more do not make it more ambiguous.
pub async fn list_by_slug(
    connection: &mut PgConnection,
    account: AccountId,
    slug: &str,
) -> Result<Vec<MonitorId>> {
    let ids = sqlx::query_scalar!(
        "SELECT h.monitor_id FROM heartbeats h
         JOIN monitors m ON m.account_id = h.account_id AND m.id = h.monitor_id AND m.deleted_at IS NULL
         WHERE h.account_id = $1 AND h.slug = $2 ORDER BY h.monitor_id LIMIT 2",
        account.uuid(),
        slug
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(MonitorId::from_uuid).collect())
}

/// Monitors whose call is due, the longest overdue first. Nothing is locked: each is looked at again
/// under its own lock.
pub async fn list_due(
    connection: &mut PgConnection,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<(AccountId, MonitorId)>> {
    let rows = sqlx::query!(
        "SELECT account_id, monitor_id FROM heartbeats WHERE due_at <= $1 ORDER BY due_at LIMIT $2",
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
                MonitorId::from_uuid(row.monitor_id),
            )
        })
        .collect())
}

fn milliseconds(duration: SignedDuration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

struct Row {
    monitor_id: Uuid,
    token: Uuid,
    last_at: Option<jiff_sqlx::Timestamp>,
    last_signal: Option<String>,
    last_exit_status: Option<i16>,
    last_good_at: Option<jiff_sqlx::Timestamp>,
    last_duration_ms: Option<i64>,
    run_started_at: Option<jiff_sqlx::Timestamp>,
    run_rid: Option<Uuid>,
    counted_from: Option<jiff_sqlx::Timestamp>,
    expected_at: Option<jiff_sqlx::Timestamp>,
    due_at: Option<jiff_sqlx::Timestamp>,
    pings: i64,
    window_started_at: Option<jiff_sqlx::Timestamp>,
    window_pings: i32,
}

impl Row {
    fn into_stored(self) -> Result<Stored> {
        let impossible = |column| Error::impossible("heartbeats", column, self.monitor_id);
        let last = match &self.last_signal {
            None => None,
            Some(word) => Some(action(word, self.last_exit_status).map_err(impossible)?),
        };
        let at = |at: Option<jiff_sqlx::Timestamp>| at.map(|at| at.to_jiff());
        Ok(Stored {
            token: self.token,
            beat: Beat {
                last_at: at(self.last_at),
                last,
                last_good_at: at(self.last_good_at),
                last_duration: self.last_duration_ms.map(SignedDuration::from_millis),
                run: at(self.run_started_at).map(|started_at| Run {
                    started_at,
                    rid: self.run_rid,
                }),
                counted_from: at(self.counted_from),
                expected_at: at(self.expected_at),
                due_at: at(self.due_at),
            },
            pings: self.pings,
            window_started_at: at(self.window_started_at),
            window_pings: self.window_pings,
        })
    }
}

/// The error is the column that cannot be.
fn action(word: &str, exit_status: Option<i16>) -> std::result::Result<Action, &'static str> {
    Ok(Action {
        signal: Signal::parse(word).ok_or("signal")?,
        exit_status: exit_status
            .map(u8::try_from)
            .transpose()
            .map_err(|_| "exit_status")?,
    })
}
