//! What time alone brings about: confirmations that nobody went on with, and quiet notices.

use jiff::Timestamp;
use sqlx::PgPool;
use store::Secrets;

use super::Result;
use crate::requests::ask;

pub(super) async fn all(pool: &PgPool, secrets: &Secrets, now: Timestamp) -> Result<()> {
    // Without canaries the self-check is off, and every decision counts.
    for overdue in incidents::decide_overdue(pool, secrets, true, now).await? {
        let mut connection = pool.acquire().await?;
        let key = (overdue.account_id, overdue.monitor_id);
        let reason = store::look_requests::Reason::Recheck;
        ask(
            &mut connection,
            secrets,
            key,
            (&overdue.look_again, reason),
            now,
        )
        .await?;
    }
    incidents::notice_quiet(pool, now).await?;
    Ok(())
}
