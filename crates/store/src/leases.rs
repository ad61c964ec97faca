//! Tables `workers` and `shard_leases`: which worker looks at which monitors.
//!
//! Leases use the database's clock alone. All statements over several leases lock them in the order
//! of the shards, so that a renewal and a batch never wait for each other in a circle.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use crate::Result;

/// Shards of a region.
pub const SHARDS: i16 = 256;

/// A lease of one shard, as its holder knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// Which monitors: the last byte of their id.
    pub shard: i16,
    /// Counts the holders; a look recorded under an old one changes no state.
    pub epoch: i64,
    /// Every slot up to here is looked at and stored.
    pub recorded_through: Timestamp,
}

/// What a worker says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    /// It sees: its region may vote.
    pub healthy: bool,
    /// It has canaries that count.
    pub self_check: bool,
}

/// Says that the worker lives, and how; answers with the database's clock.
pub async fn beat(
    connection: &mut PgConnection,
    worker: &str,
    region: &str,
    beat: Beat,
) -> Result<Timestamp> {
    let now = sqlx::query_scalar!(
        r#"INSERT INTO workers (id, region, started_at, seen_at, healthy, self_check)
           VALUES ($1, $2, clock_timestamp(), clock_timestamp(), $3, $4)
           ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, healthy = excluded.healthy,
               self_check = excluded.self_check
           RETURNING clock_timestamp() AS "now!: jiff_sqlx::Timestamp""#,
        worker,
        region,
        beat.healthy,
        beat.self_check
    )
    .fetch_one(connection)
    .await?;
    Ok(now.to_jiff())
}

/// When the server that answers was started: another time is another server, or this one anew.
pub async fn find_server_start(connection: &mut PgConnection) -> Result<Timestamp> {
    let at =
        sqlx::query_scalar!(r#"SELECT pg_postmaster_start_time() AS "at!: jiff_sqlx::Timestamp""#)
            .fetch_one(connection)
            .await?;
    Ok(at.to_jiff())
}

/// The workers of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Workers {
    /// Those that live, as seen by their beats within a lease's length.
    pub living: u32,
    /// Those of them that are not blind.
    pub seeing: u32,
}

/// How many workers a region has.
pub async fn count_workers(connection: &mut PgConnection, region: &str) -> Result<Workers> {
    let count = sqlx::query!(
        r#"SELECT count(*) AS "living!", count(*) FILTER (WHERE healthy) AS "seeing!" FROM workers
           WHERE region = $1 AND seen_at > clock_timestamp() - interval '8 seconds'"#,
        region
    )
    .fetch_one(connection)
    .await?;
    Ok(Workers {
        living: u32::try_from(count.living).unwrap_or(u32::MAX),
        seeing: u32::try_from(count.seeing).unwrap_or(u32::MAX),
    })
}

/// Renews everything that is still the worker's, expired or not: what nobody took is continued
/// under the same epoch.
pub async fn renew(
    connection: &mut PgConnection,
    region: &str,
    worker: &str,
) -> Result<Vec<Lease>> {
    let rows = sqlx::query!(
        r#"WITH mine AS (
               SELECT shard FROM shard_leases WHERE region = $1 AND holder = $2 ORDER BY shard FOR UPDATE
           )
           UPDATE shard_leases l SET expires_at = clock_timestamp() + interval '8 seconds'
           FROM mine WHERE l.region = $1 AND l.shard = mine.shard
           RETURNING l.shard, l.epoch, l.recorded_through AS "recorded_through: jiff_sqlx::Timestamp""#,
        region,
        worker
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Lease {
            shard: row.shard,
            epoch: row.epoch,
            recorded_through: row.recorded_through.to_jiff(),
        })
        .collect())
}

/// Takes up to `most` leases that nobody holds or whose holder is gone, each under a new epoch.
pub async fn take(
    connection: &mut PgConnection,
    region: &str,
    worker: &str,
    most: u32,
) -> Result<Vec<Lease>> {
    let rows = sqlx::query!(
        r#"WITH free AS (
               SELECT shard FROM shard_leases
               WHERE region = $1 AND (holder IS NULL OR (holder <> $2 AND expires_at < clock_timestamp()))
               ORDER BY shard LIMIT $3 FOR UPDATE SKIP LOCKED
           )
           UPDATE shard_leases l
           SET holder = $2, epoch = l.epoch + 1, expires_at = clock_timestamp() + interval '8 seconds'
           FROM free WHERE l.region = $1 AND l.shard = free.shard
           RETURNING l.shard, l.epoch, l.recorded_through AS "recorded_through: jiff_sqlx::Timestamp""#,
        region,
        worker,
        i64::from(most)
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Lease {
            shard: row.shard,
            epoch: row.epoch,
            recorded_through: row.recorded_through.to_jiff(),
        })
        .collect())
}

/// Gives leases back; whoever takes them looks at every slot after `recorded_through`.
pub async fn give_up(
    connection: &mut PgConnection,
    region: &str,
    worker: &str,
    shards: &[i16],
) -> Result<()> {
    sqlx::query!(
        "WITH mine AS (
             SELECT shard FROM shard_leases
             WHERE region = $1 AND holder = $2 AND shard = ANY ($3) ORDER BY shard FOR UPDATE
         )
         UPDATE shard_leases l SET holder = NULL, expires_at = clock_timestamp()
         FROM mine WHERE l.region = $1 AND l.shard = mine.shard",
        region,
        worker,
        shards
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes the worker off the list: it stopped.
pub async fn remove_worker(connection: &mut PgConnection, worker: &str) -> Result<()> {
    sqlx::query!("DELETE FROM workers WHERE id = $1", worker)
        .execute(connection)
        .await?;
    Ok(())
}

/// Forgets workers that have not been seen for a day.
pub async fn prune_workers(connection: &mut PgConnection) -> Result<u64> {
    let done =
        sqlx::query!("DELETE FROM workers WHERE seen_at < clock_timestamp() - interval '1 day'")
            .execute(connection)
            .await?;
    Ok(done.rows_affected())
}

/// How far a shard is looked at and stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in Lease")]
pub struct Progress {
    pub shard: i16,
    pub epoch: i64,
    pub through: Timestamp,
}

/// Moves `recorded_through` of shards that are still the worker's under the same epoch.
pub async fn mark_recorded(
    connection: &mut PgConnection,
    region: &str,
    worker: &str,
    progress: &[Progress],
) -> Result<()> {
    let shards: Vec<i16> = progress.iter().map(|p| p.shard).collect();
    let epochs: Vec<i64> = progress.iter().map(|p| p.epoch).collect();
    let through: Vec<jiff_sqlx::Timestamp> = progress.iter().map(|p| p.through.to_sqlx()).collect();
    sqlx::query!(
        "WITH told AS (
             SELECT * FROM unnest($3::smallint[], $4::bigint[], $5::timestamptz[]) AS t (shard, epoch, through)
         ), mine AS (
             SELECT l.shard, told.through FROM shard_leases l JOIN told USING (shard, epoch)
             WHERE l.region = $1 AND l.holder = $2 AND l.recorded_through < told.through
             ORDER BY l.shard FOR UPDATE OF l
         )
         UPDATE shard_leases l SET recorded_through = mine.through
         FROM mine WHERE l.region = $1 AND l.shard = mine.shard",
        region,
        worker,
        &shards,
        &epochs,
        &through as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes that a region could not look at a shard for a while.
pub async fn insert_blind(
    connection: &mut PgConnection,
    region: &str,
    (shard, started_at, ended_at): (i16, Timestamp, Timestamp),
    reason: &str,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO blind_intervals (region, shard, started_at, ended_at, reason) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (region, shard, started_at) DO UPDATE SET ended_at = greatest(blind_intervals.ended_at, excluded.ended_at)",
        region,
        shard,
        started_at.to_sqlx() as _,
        ended_at.to_sqlx() as _,
        reason
    )
    .execute(connection)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use sqlx::PgPool;

    use super::*;
    use crate::regions::upsert;

    async fn expire_all(connection: &mut PgConnection) {
        sqlx::query!(
            "UPDATE shard_leases SET expires_at = clock_timestamp() - interval '1 second'"
        )
        .execute(connection)
        .await
        .unwrap();
    }

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn an_expired_lease_is_taken_once_and_under_a_new_epoch(pool: PgPool) {
        let mut c = pool.acquire().await.unwrap();
        upsert(&mut c, "local", "Here").await.unwrap();
        assert_eq!(take(&mut c, "local", "a", 1000).await.unwrap().len(), 256);
        assert!(
            take(&mut c, "local", "b", 1000).await.unwrap().is_empty(),
            "a holds them"
        );
        expire_all(&mut c).await;
        let renewed = renew(&mut c, "local", "a").await.unwrap();
        assert!(
            renewed.iter().all(|lease| lease.epoch == 1),
            "nobody took them meanwhile"
        );
        expire_all(&mut c).await;
        let taken = take(&mut c, "local", "b", 100).await.unwrap();
        assert!(taken.len() == 100 && taken.iter().all(|lease| lease.epoch == 2));
        assert_eq!(renew(&mut c, "local", "a").await.unwrap().len(), 156);
    }

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn progress_moves_forward_and_only_under_the_present_epoch(pool: PgPool) {
        let mut c = pool.acquire().await.unwrap();
        upsert(&mut c, "local", "Here").await.unwrap();
        let lease = take(&mut c, "local", "a", 1).await.unwrap()[0];
        let later = lease.recorded_through + SignedDuration::from_secs(60);
        let told = Progress {
            shard: lease.shard,
            epoch: lease.epoch,
            through: later,
        };
        mark_recorded(&mut c, "local", "a", &[told]).await.unwrap();
        let stale = Progress {
            epoch: 0,
            through: later + SignedDuration::from_secs(60),
            ..told
        };
        let back = Progress {
            through: lease.recorded_through,
            ..told
        };
        mark_recorded(&mut c, "local", "a", &[stale]).await.unwrap();
        mark_recorded(&mut c, "local", "a", &[back]).await.unwrap();
        assert_eq!(
            renew(&mut c, "local", "a").await.unwrap()[0].recorded_through,
            later
        );
        give_up(&mut c, "local", "a", &[lease.shard]).await.unwrap();
        assert!(renew(&mut c, "local", "a").await.unwrap().is_empty());
        let next = take(&mut c, "local", "b", 1).await.unwrap()[0];
        assert_eq!((next.epoch, next.recorded_through), (2, later));
    }
}
