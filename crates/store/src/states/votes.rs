//! What each region says of a monitor, and which regions may speak.

use domain::ids::{AccountId, MonitorId};
use domain::status::RegionVote;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::Result;

/// Every region's vote on the monitor.
pub async fn list(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
) -> Result<Vec<RegionVote>> {
    let rows = sqlx::query_scalar!(
        r#"SELECT vote AS "vote: Json<RegionVote>" FROM region_votes
         WHERE account_id = $1 AND monitor_id = $2 ORDER BY region"#,
        account.uuid(),
        monitor.uuid()
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|vote| vote.0).collect())
}

/// One region's vote on the monitor, for a worker that takes its shard.
pub async fn find(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
    region: &str,
) -> Result<Option<RegionVote>> {
    let vote = sqlx::query_scalar!(
        r#"SELECT vote AS "vote: Json<RegionVote>" FROM region_votes
         WHERE account_id = $1 AND monitor_id = $2 AND region = $3"#,
        account.uuid(),
        monitor.uuid(),
        region
    )
    .fetch_optional(connection)
    .await?;
    Ok(vote.map(|vote| vote.0))
}

/// Writes a region's vote, as cast with the given version of the settings and under the given lease.
pub async fn upsert(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
    vote: &RegionVote,
    cast: (i64, i64),
) -> Result<()> {
    let (config_version, epoch) = cast;
    sqlx::query!(
        "INSERT INTO region_votes (account_id, monitor_id, region, vote, verdict, looked_at, config_version, epoch)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT ON CONSTRAINT region_votes_pkey DO UPDATE SET vote = EXCLUDED.vote, verdict = EXCLUDED.verdict,
             looked_at = EXCLUDED.looked_at, config_version = EXCLUDED.config_version, epoch = EXCLUDED.epoch",
        account.uuid(),
        monitor.uuid(),
        vote.region,
        Json(vote) as _,
        vote.verdict.map(domain::check::VerdictKind::as_str),
        vote.looked_at.to_sqlx() as _,
        config_version,
        epoch
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets all votes: they were about another target, or from before a pause.
pub async fn delete(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
) -> Result<()> {
    sqlx::query!(
        "DELETE FROM region_votes WHERE account_id = $1 AND monitor_id = $2",
        account.uuid(),
        monitor.uuid()
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The regions with a healthy worker seen at `seen_after` or later, of `wanted` or of all.
pub async fn list_voters(
    connection: &mut PgConnection,
    wanted: Option<&[String]>,
    seen_after: Timestamp,
) -> Result<Vec<String>> {
    let regions = sqlx::query_scalar!(
        "SELECT DISTINCT region FROM workers
         WHERE healthy AND seen_at >= $2 AND ($1::text[] IS NULL OR region = ANY($1)) ORDER BY region",
        wanted,
        seen_after.to_sqlx() as _
    )
    .fetch_all(connection)
    .await?;
    Ok(regions)
}

/// The epoch of a shard's lease; a worker that holds an older one has lost it.
pub async fn find_epoch(
    connection: &mut PgConnection,
    region: &str,
    shard: i16,
) -> Result<Option<i64>> {
    let epoch = sqlx::query_scalar!(
        "SELECT epoch FROM shard_leases WHERE region = $1 AND shard = $2",
        region,
        shard
    )
    .fetch_optional(connection)
    .await?;
    Ok(epoch)
}
