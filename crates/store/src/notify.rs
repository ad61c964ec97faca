//! The channels on which the database wakes who listens. A notice only wakes: whoever waits also
//! polls, and reads the truth from the tables.

use domain::ids::{AccountId, LookRequestId, MonitorId};
use domain::tools::RunId;
use sqlx::PgConnection;

use crate::Result;

/// A monitor was made, changed, paused, resumed or deleted: `account_id:monitor_id`.
pub const MONITORS: &str = "watchbell_monitors";
/// Somebody asks for a look: the request's id.
pub const LOOKS: &str = "watchbell_looks";
/// A visitor asks for looks, or to have a target watched: [`WATCH`].
pub const TOOLS: &str = "watchbell_tools";
/// The payload of [`TOOLS`] when a target is to be watched.
pub const WATCH: &str = "watch";
/// A requested look is done: the request's id.
pub const DONE: &str = "watchbell_done";

/// Tells workers that a monitor changed; delivered when the transaction commits.
pub async fn monitor_changed(
    connection: &mut PgConnection,
    account: AccountId,
    id: MonitorId,
) -> Result<()> {
    send(connection, MONITORS, &format!("{account}:{id}")).await
}

/// The same of many at once.
pub async fn monitors_changed(
    connection: &mut PgConnection,
    account: AccountId,
    ids: &[MonitorId],
) -> Result<()> {
    let changed: Vec<String> = ids.iter().map(|id| format!("{account}:{id}")).collect();
    sqlx::query!(
        "SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS payload",
        MONITORS,
        &changed
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Tells workers that a look is wanted.
pub async fn look_wanted(connection: &mut PgConnection, id: LookRequestId) -> Result<()> {
    send(connection, LOOKS, &id.to_string()).await
}

/// Tells workers that a closer look is wanted.
pub async fn autopsy_wanted(connection: &mut PgConnection) -> Result<()> {
    send(connection, LOOKS, "autopsy").await
}

/// Tells workers that the proof of an origin is to be looked for.
pub async fn proof_wanted(connection: &mut PgConnection) -> Result<()> {
    send(connection, LOOKS, "origin").await
}

/// Tells whoever waits that a requested look is done.
pub async fn look_done(connection: &mut PgConnection, id: LookRequestId) -> Result<()> {
    send(connection, DONE, &id.to_string()).await
}

/// Tells workers that a visitor asks for looks.
pub async fn tool_wanted(connection: &mut PgConnection, id: RunId) -> Result<()> {
    send(connection, TOOLS, &id.to_string()).await
}

/// Tells workers that a target is to be watched.
pub async fn watch_wanted(connection: &mut PgConnection) -> Result<()> {
    send(connection, TOOLS, WATCH).await
}

/// Tells whoever waits that a look of a visitor's run is done.
pub async fn tool_done(connection: &mut PgConnection, id: RunId) -> Result<()> {
    send(connection, DONE, &id.uuid().to_string()).await
}

async fn send(connection: &mut PgConnection, channel: &str, payload: &str) -> Result<()> {
    sqlx::query!("SELECT pg_notify($1, $2)", channel, payload)
        .execute(connection)
        .await?;
    Ok(())
}

/// Reads the payload of [`MONITORS`].
pub fn parse_monitor(payload: &str) -> Option<(AccountId, MonitorId)> {
    let (account, monitor) = payload.split_once(':')?;
    Some((account.parse().ok()?, monitor.parse().ok()?))
}
