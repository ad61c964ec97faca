//! What time alone brings about: confirmations that nobody went on with, and quiet notices.

use jiff::Timestamp;
use sqlx::PgPool;
use store::Secrets;

use super::Result;

pub(super) async fn all(pool: &PgPool, secrets: &Secrets, now: Timestamp) -> Result<()> {
    incidents::decide_overdue(pool, secrets, now).await?;
    incidents::notice_quiet(pool, now).await?;
    Ok(())
}
