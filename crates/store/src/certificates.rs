//! Certificates as they were last seen, and what their owners have been told.

use domain::ids::{AccountId, MonitorId};
use sqlx::PgConnection;

use crate::Result;

/// Forgets a monitor's certificate: it has another target now.
pub async fn delete(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
) -> Result<()> {
    sqlx::query!(
        "DELETE FROM certificates WHERE account_id = $1 AND monitor_id = $2",
        account.uuid(),
        monitor.uuid()
    )
    .execute(connection)
    .await?;
    Ok(())
}
