//! Whether calls reach us: a worker calls the public address every few seconds and writes here that it
//! did. Where those marks are missing, nothing could have been heard.

use domain::heartbeat::{Lost, Sight};
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use crate::Result;

/// Marks that calls arrive now. When the last mark is older than `silence`, the time since then is
/// kept as lost; two workers that come back together keep it once.
pub async fn beat(
    connection: &mut PgConnection,
    worker: &str,
    silence: SignedDuration,
    now: Timestamp,
) -> Result<()> {
    let stale = now.checked_sub(silence).unwrap_or(Timestamp::MIN);
    sqlx::query!(
        "WITH gap AS (
             INSERT INTO ingest_gaps (started_at, ended_at)
             SELECT max(at), $1 FROM ingest_beats HAVING max(at) < $2 ON CONFLICT ON CONSTRAINT ingest_gaps_pkey DO NOTHING)
         INSERT INTO ingest_beats (at, worker) VALUES ($1, $3) ON CONFLICT ON CONSTRAINT ingest_beats_pkey DO NOTHING",
        now.to_sqlx() as _,
        stale.to_sqlx() as _,
        worker
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether calls have reached us of late.
pub async fn sight(connection: &mut PgConnection) -> Result<Sight> {
    let row = sqlx::query!(
        r#"SELECT max(at) AS "last: jiff_sqlx::Timestamp",
             greatest(min(at), (SELECT max(ended_at) FROM ingest_gaps)) AS "since: jiff_sqlx::Timestamp"
         FROM ingest_beats"#
    )
    .fetch_one(connection)
    .await?;
    Ok(Sight {
        last_beat_at: row.last.map(|at| at.to_jiff()),
        well_since: row.since.map(|at| at.to_jiff()),
    })
}

/// The times since `since` in which no call could have reached us, in order.
pub async fn list_lost(connection: &mut PgConnection, since: Timestamp) -> Result<Vec<Lost>> {
    let rows = sqlx::query!(
        r#"SELECT started_at AS "from: jiff_sqlx::Timestamp", ended_at AS "until: jiff_sqlx::Timestamp"
         FROM ingest_gaps WHERE ended_at > $1 ORDER BY started_at"#,
        since.to_sqlx() as _
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Lost {
            from: row.from.to_jiff(),
            until: row.until.to_jiff(),
        })
        .collect())
}

/// Whether we have ever reached ourselves at this public address.
pub async fn has_answered(connection: &mut PgConnection, address: &str) -> Result<bool> {
    let known = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM ingest_addresses WHERE address = $1) AS "known!""#,
        address
    )
    .fetch_one(connection)
    .await?;
    Ok(known)
}

/// We have reached ourselves at this public address.
pub async fn mark_answered(
    connection: &mut PgConnection,
    address: &str,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO ingest_addresses (address, first_answer_at, last_answer_at) VALUES ($1, $2, $2)
         ON CONFLICT ON CONSTRAINT ingest_addresses_pkey DO UPDATE SET last_answer_at = EXCLUDED.last_answer_at",
        address,
        now.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Drops marks older than `beats_before`, but never the last one, and lost times that ended before
/// `gaps_before`.
pub async fn prune(
    connection: &mut PgConnection,
    beats_before: Timestamp,
    gaps_before: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "DELETE FROM ingest_beats WHERE at < $1 AND at < (SELECT max(at) FROM ingest_beats)",
        beats_before.to_sqlx() as _
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "DELETE FROM ingest_gaps WHERE ended_at < $1",
        gaps_before.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use domain::heartbeat::GAP;
    use sqlx::PgPool;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn what_was_lost_is_kept_once_and_outlives_pruning(pool: PgPool) {
        let mut connection = pool.acquire().await.unwrap();
        let nothing = sight(&mut connection).await.unwrap();
        assert_eq!((nothing.last_beat_at, nothing.well_since), (None, None));
        for second in [0, 5, 10, 25] {
            beat(&mut connection, "a", GAP, at(second)).await.unwrap();
        }
        assert_eq!(
            list_lost(&mut connection, at(0)).await.unwrap(),
            [],
            "fifteen seconds are not yet a gap"
        );
        prune(&mut connection, at(7_200), at(0)).await.unwrap();
        beat(&mut connection, "a", GAP, at(7_200)).await.unwrap();
        beat(&mut connection, "b", GAP, at(7_200)).await.unwrap();
        beat(&mut connection, "b", GAP, at(7_201)).await.unwrap();
        let lost = Lost {
            from: at(25),
            until: at(7_200),
        };
        assert_eq!(list_lost(&mut connection, at(0)).await.unwrap(), [lost]);
        assert_eq!(list_lost(&mut connection, at(7_200)).await.unwrap(), []);
        let now = sight(&mut connection).await.unwrap();
        assert_eq!(
            (now.last_beat_at, now.well_since),
            (Some(at(7_201)), Some(at(7_200)))
        );
    }

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn an_address_counts_once_it_has_answered(pool: PgPool) {
        let mut connection = pool.acquire().await.unwrap();
        assert!(!has_answered(&mut connection, "https://a").await.unwrap());
        mark_answered(&mut connection, "https://a", at(0))
            .await
            .unwrap();
        mark_answered(&mut connection, "https://a", at(5))
            .await
            .unwrap();
        assert!(has_answered(&mut connection, "https://a").await.unwrap());
        assert!(!has_answered(&mut connection, "https://b").await.unwrap());
    }
}
