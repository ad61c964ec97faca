//! Table `blind_intervals`: when a region could not see. One row per shard, and no row of a monitor:
//! a cut of our own touches nothing of a tenant.

use domain::incident::BlindSpan;
use domain::report::BlindInterval;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use crate::Result;

const CUT: &str = "cut";
const LOSS: &str = "loss";

/// Begins a blind time for each of `shards` that is not in one already: the one that another worker
/// began goes on.
pub async fn begin(
    connection: &mut PgConnection,
    region: &str,
    shards: &[i16],
    since: Timestamp,
    reason: &str,
) -> Result<u64> {
    let done = sqlx::query!(
        "INSERT INTO blind_intervals (region, shard, started_at, reason)
         SELECT $1, shard, $3, $4 FROM unnest($2::smallint[]) AS shard
         ON CONFLICT DO NOTHING",
        region,
        shards,
        since.to_sqlx() as _,
        reason
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// A cut of `shards` that goes on has turned out as loss.
pub async fn call_it_loss(
    connection: &mut PgConnection,
    region: &str,
    shards: &[i16],
) -> Result<()> {
    sqlx::query!(
        "UPDATE blind_intervals SET reason = $3
         WHERE region = $1 AND shard = ANY ($2) AND ended_at IS NULL AND reason = $4",
        region,
        shards,
        LOSS,
        CUT
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends whatever blind time of `shards` is open, whoever began it.
pub async fn end(
    connection: &mut PgConnection,
    region: &str,
    shards: &[i16],
    at: Timestamp,
) -> Result<u64> {
    let done = sqlx::query!(
        "UPDATE blind_intervals SET ended_at = greatest(started_at, $3)
         WHERE region = $1 AND shard = ANY ($2) AND ended_at IS NULL",
        region,
        shards,
        at.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// A blind time, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blind {
    /// From when to when.
    pub interval: BlindInterval,
    /// `cut`, `loss`; `no_worker`, `buffer_full`.
    pub reason: String,
}

impl Blind {
    /// Looks were made, and what they saw is not believed; otherwise there were none.
    pub fn was_looked_at(&self) -> bool {
        matches!(self.reason.as_str(), CUT | LOSS)
    }
}

/// The blind times of a shard in `region` that were not over at `since`, oldest first.
pub async fn list(
    connection: &mut PgConnection,
    region: &str,
    shard: i16,
    since: Timestamp,
) -> Result<Vec<Blind>> {
    let rows = sqlx::query!(
        r#"SELECT started_at AS "started_at: jiff_sqlx::Timestamp", ended_at AS "ended_at: jiff_sqlx::Timestamp", reason
           FROM blind_intervals
           WHERE region = $1 AND shard = $2 AND (ended_at IS NULL OR ended_at > $3) ORDER BY started_at"#,
        region,
        shard,
        since.to_sqlx() as _
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Blind {
            interval: BlindInterval {
                started_at: row.started_at.to_jiff(),
                ended_at: row.ended_at.map(jiff_sqlx::Timestamp::to_jiff),
            },
            reason: row.reason,
        })
        .collect())
}

/// The time between `from` and `to` in which some of `regions` could not see a shard: first begin and
/// last end within them.
pub async fn find_between(
    connection: &mut PgConnection,
    regions: &[String],
    shard: i16,
    (from, to): (Timestamp, Timestamp),
) -> Result<Option<BlindSpan>> {
    let row = sqlx::query!(
        r#"SELECT min(greatest(started_at, $3)) AS "from: jiff_sqlx::Timestamp",
             max(least(coalesce(ended_at, $4), $4)) AS "to: jiff_sqlx::Timestamp"
           FROM blind_intervals
           WHERE region = ANY ($1) AND shard = $2 AND started_at < $4 AND (ended_at IS NULL OR ended_at > $3)"#,
        regions,
        shard,
        from.to_sqlx() as _,
        to.to_sqlx() as _
    )
    .fetch_one(connection)
    .await?;
    Ok(row.from.zip(row.to).map(|(from, to)| BlindSpan {
        from: from.to_jiff(),
        to: to.to_jiff(),
    }))
}

/// How well a region sees, as its living workers say.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the region's columns")]
pub struct Sight {
    pub region: String,
    pub name: String,
    /// None of its workers has a canary that counts.
    pub unchecked: bool,
    /// All of its workers are blind.
    pub blind: bool,
    /// Since when: the earliest blind time that is open.
    pub blind_since: Option<Timestamp>,
}

/// Every region with a living worker, by id.
pub async fn list_sights(connection: &mut PgConnection) -> Result<Vec<Sight>> {
    let rows = sqlx::query!(
        r#"SELECT r.id, r.name, bool_and(NOT w.self_check) AS "unchecked!", bool_and(NOT w.healthy) AS "blind!",
             (SELECT min(b.started_at) FROM blind_intervals b WHERE b.region = r.id AND b.ended_at IS NULL)
                 AS "since: jiff_sqlx::Timestamp"
           FROM regions r JOIN workers w ON w.region = r.id AND w.seen_at > clock_timestamp() - interval '15 seconds'
           GROUP BY r.id, r.name ORDER BY r.id COLLATE "C""#
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Sight {
            region: row.id,
            name: row.name,
            unchecked: row.unchecked,
            blind: row.blind,
            blind_since: row.since.map(jiff_sqlx::Timestamp::to_jiff),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use sqlx::PgPool;

    use super::*;
    use crate::leases::{self, Beat};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn a_blind_time_is_begun_once_and_ended_by_whoever_sees(pool: PgPool) {
        let mut c = pool.acquire().await.unwrap();
        assert_eq!(
            begin(&mut c, "fra", &[1, 2], at(0), "cut").await.unwrap(),
            2
        );
        // Another worker has taken shard 2 and is blind too.
        assert_eq!(
            begin(&mut c, "fra", &[2, 3], at(9), "loss").await.unwrap(),
            1
        );
        let span = |from, to: Option<i64>, reason: &str| Blind {
            interval: BlindInterval {
                started_at: at(from),
                ended_at: to.map(at),
            },
            reason: reason.to_owned(),
        };
        assert_eq!(
            list(&mut c, "fra", 2, at(100)).await.unwrap(),
            [span(0, None, "cut")]
        );
        assert_eq!(end(&mut c, "fra", &[1, 2], at(60)).await.unwrap(), 2);
        let over = span(0, Some(60), "cut");
        assert_eq!(list(&mut c, "fra", 2, at(59)).await.unwrap(), [over]);
        let regions = ["fra".to_owned(), "iad".to_owned()];
        let mut between = async |from, to| {
            find_between(&mut c, &regions, 2, (at(from), at(to)))
                .await
                .unwrap()
        };
        let whole = BlindSpan {
            from: at(0),
            to: at(60),
        };
        assert_eq!(between(-10, 61).await, Some(whole));
        assert_eq!(
            between(5, 30).await,
            Some(BlindSpan {
                from: at(5),
                to: at(30)
            })
        );
        assert_eq!((between(60, 90).await, between(-9, 0).await), (None, None));
        assert!(list(&mut c, "fra", 2, at(60)).await.unwrap().is_empty());
        assert_eq!(
            list(&mut c, "fra", 3, at(60)).await.unwrap(),
            [span(9, None, "loss")]
        );
        assert!(list(&mut c, "iad", 3, at(0)).await.unwrap().is_empty());
        assert_eq!(
            begin(&mut c, "fra", &[1], at(90), "cut").await.unwrap(),
            1,
            "a second time"
        );
    }

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn a_cut_that_turns_out_as_loss_takes_that_word(pool: PgPool) {
        let mut c = pool.acquire().await.unwrap();
        begin(&mut c, "fra", &[7, 8], at(0), CUT).await.unwrap();
        end(&mut c, "fra", &[8], at(20)).await.unwrap();
        begin(&mut c, "fra", &[9], at(0), "no_worker")
            .await
            .unwrap();
        call_it_loss(&mut c, "fra", &[7, 8, 9]).await.unwrap();
        let mut told = Vec::new();
        for shard in [7, 8, 9] {
            let listed = list(&mut c, "fra", shard, at(-1)).await.unwrap();
            told.extend(listed.into_iter().map(|blind| (shard, blind.reason)));
        }
        let line = |shard, reason: &str| (shard, reason.to_owned());
        assert_eq!(told, [line(7, LOSS), line(8, CUT), line(9, "no_worker")]);
    }

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn a_region_sees_while_one_of_its_workers_does(pool: PgPool) {
        let mut c = pool.acquire().await.unwrap();
        crate::regions::upsert(&mut c, "fra", "Frankfurt")
            .await
            .unwrap();
        assert!(
            list_sights(&mut c).await.unwrap().is_empty(),
            "nobody works there"
        );
        let beat = |healthy, self_check| Beat {
            healthy,
            self_check,
        };
        leases::beat(&mut c, "a", "fra", beat(false, true))
            .await
            .unwrap();
        let sight = list_sights(&mut c).await.unwrap().remove(0);
        assert_eq!(
            (sight.name.as_str(), sight.blind, sight.unchecked),
            ("Frankfurt", true, false)
        );
        leases::beat(&mut c, "b", "fra", beat(true, false))
            .await
            .unwrap();
        assert!(!list_sights(&mut c).await.unwrap()[0].blind);
        leases::beat(&mut c, "a", "fra", beat(true, false))
            .await
            .unwrap();
        assert!(list_sights(&mut c).await.unwrap()[0].unchecked);
    }
}
