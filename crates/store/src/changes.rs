//! Word of a change to whoever listens: ids only, heard when the transaction commits.

use std::fmt::Display;

use domain::ids::AccountId;
use sqlx::PgConnection;

use crate::Result;

/// Changes of state, for open pages.
pub const CHANGES: &str = "watchbell_changes";
/// Monitors whose settings changed, for the workers' timetables.
pub const MONITORS: &str = "watchbell_monitors";
/// Revoked sessions, for open streams.
pub const SESSIONS: &str = "watchbell_sessions";

/// Tells listeners that something of the account changed: `account_id:kind:id`.
pub async fn notify(
    connection: &mut PgConnection,
    account: AccountId,
    kind: &str,
    id: impl Display,
) -> Result<()> {
    send(connection, CHANGES, &format!("{account}:{kind}:{id}")).await
}

/// Tells the workers that a monitor is to be read anew: `account_id:monitor_id`.
pub async fn notify_monitor(
    connection: &mut PgConnection,
    account: AccountId,
    id: impl Display,
) -> Result<()> {
    send(connection, MONITORS, &format!("{account}:{id}")).await
}

/// Tells open streams that a session has ended.
pub async fn notify_session(connection: &mut PgConnection, id: impl Display) -> Result<()> {
    send(connection, SESSIONS, &id.to_string()).await
}

async fn send(connection: &mut PgConnection, channel: &str, payload: &str) -> Result<()> {
    sqlx::query!("SELECT pg_notify($1, $2)", channel, payload)
        .execute(connection)
        .await?;
    Ok(())
}
