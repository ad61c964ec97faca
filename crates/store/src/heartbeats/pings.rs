//! The calls themselves: the last hundred of each monitor.

use std::net::IpAddr;

use domain::heartbeat::{Action, Signal};
use domain::ids::{AccountId, MonitorId};
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use sqlx::types::ipnetwork::IpNetwork;
use uuid::Uuid;

use super::{action, milliseconds};
use crate::{Error, Result};

/// Calls kept of each monitor.
pub const KEPT: i64 = 100;

/// A call, without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ping {
    /// Counts the monitor's calls from 1.
    pub number: i64,
    /// When it came.
    pub at: Timestamp,
    /// What it said.
    pub action: Action,
    /// The run it named.
    pub rid: Option<Uuid>,
    /// How long the run took that it ended.
    pub duration: Option<SignedDuration>,
    /// The request's method.
    pub method: String,
    /// Where it came from.
    pub address: Option<IpAddr>,
    /// What called.
    pub user_agent: String,
    /// How long the body was that was sent.
    pub body_bytes: u32,
}

/// Keeps a call; `body` is gzip. What is older than the last [`KEPT`] goes.
pub async fn insert(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
    ping: &Ping,
    body: Option<&[u8]>,
) -> Result<()> {
    sqlx::query!(
        "WITH old AS (DELETE FROM heartbeat_pings WHERE account_id = $1 AND monitor_id = $2 AND number <= $3::bigint - $4::bigint)
         INSERT INTO heartbeat_pings (account_id, monitor_id, number, at, signal, exit_status, rid, duration_ms, method,
             address, user_agent, body_bytes, body)
         VALUES ($1, $2, $3, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        account.uuid(),
        monitor.uuid(),
        ping.number,
        KEPT,
        ping.at.to_sqlx() as _,
        ping.action.signal.as_str(),
        ping.action.exit_status.map(i16::from),
        ping.rid,
        ping.duration.map(milliseconds),
        ping.method,
        ping.address.map(IpNetwork::from) as _,
        ping.user_agent,
        i32::try_from(ping.body_bytes).unwrap_or(i32::MAX),
        body
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// When the run of that id said it began, among the calls that are kept, after its last end.
pub async fn find_start(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
    rid: Uuid,
) -> Result<Option<Timestamp>> {
    let row = sqlx::query!(
        r#"SELECT signal, at AS "at: jiff_sqlx::Timestamp" FROM heartbeat_pings
         WHERE account_id = $1 AND monitor_id = $2 AND rid = $3 AND signal <> 'log' ORDER BY number DESC LIMIT 1"#,
        account.uuid(),
        monitor.uuid(),
        rid
    )
    .fetch_optional(connection)
    .await?;
    let start = row.filter(|row| row.signal == Signal::Start.as_str());
    Ok(start.map(|row| row.at.to_jiff()))
}

/// At most `limit` calls before number `before`, the newest first.
pub async fn list(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
    (before, limit): (Option<i64>, u32),
) -> Result<Vec<Ping>> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT number, at AS "at: jiff_sqlx::Timestamp", signal, exit_status, rid, duration_ms, method,
             address AS "address: IpNetwork", user_agent, body_bytes
         FROM heartbeat_pings
         WHERE account_id = $1 AND monitor_id = $2 AND number < coalesce($3::bigint, 9223372036854775807)
         ORDER BY number DESC LIMIT $4"#,
        account.uuid(),
        monitor.uuid(),
        before,
        i64::from(limit)
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(|row| row.into_ping(monitor)).collect()
}

/// One call and what of its body is kept (gzip).
pub async fn find(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
    number: i64,
) -> Result<Option<(Ping, Option<Vec<u8>>)>> {
    let before = Some(number.saturating_add(1));
    let ping = list(&mut *connection, account, monitor, (before, 1)).await?;
    let Some(ping) = ping.into_iter().next().filter(|ping| ping.number == number) else {
        return Ok(None);
    };
    let body = sqlx::query_scalar!(
        "SELECT body FROM heartbeat_pings WHERE account_id = $1 AND monitor_id = $2 AND number = $3",
        account.uuid(),
        monitor.uuid(),
        number
    )
    .fetch_optional(connection)
    .await?;
    Ok(Some((ping, body.flatten())))
}

struct Row {
    number: i64,
    at: jiff_sqlx::Timestamp,
    signal: String,
    exit_status: Option<i16>,
    rid: Option<Uuid>,
    duration_ms: Option<i64>,
    method: String,
    address: Option<IpNetwork>,
    user_agent: String,
    body_bytes: i32,
}

impl Row {
    fn into_ping(self, monitor: MonitorId) -> Result<Ping> {
        let impossible = |column| Error::impossible("heartbeat_pings", column, monitor);
        Ok(Ping {
            number: self.number,
            at: self.at.to_jiff(),
            action: action(&self.signal, self.exit_status).map_err(impossible)?,
            rid: self.rid,
            duration: self.duration_ms.map(SignedDuration::from_millis),
            method: self.method,
            address: self.address.map(|network| network.ip()),
            user_agent: self.user_agent,
            body_bytes: u32::try_from(self.body_bytes).map_err(|_| impossible("body_bytes"))?,
        })
    }
}
