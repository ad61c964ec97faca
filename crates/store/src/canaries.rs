//! Table `canaries`: which anchors have ever answered from a region. A canary that never did says
//! nothing by its silence.

use std::collections::HashMap;

use domain::canary::Standing;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use crate::Result;

/// What is known of each canary that was asked from the region, by URL.
pub async fn list(
    connection: &mut PgConnection,
    region: &str,
) -> Result<HashMap<String, Standing>> {
    let rows = sqlx::query!(
        r#"SELECT url, first_answer_at AS "first_answer_at: jiff_sqlx::Timestamp",
             last_answer_at AS "last_answer_at: jiff_sqlx::Timestamp",
             last_failure_at AS "last_failure_at: jiff_sqlx::Timestamp"
           FROM canaries WHERE region = $1"#,
        region
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let standing = Standing {
                first_answer_at: row.first_answer_at.map(jiff_sqlx::Timestamp::to_jiff),
                last_answer_at: row.last_answer_at.map(jiff_sqlx::Timestamp::to_jiff),
                last_failure_at: row.last_failure_at.map(jiff_sqlx::Timestamp::to_jiff),
                silent: 0,
            };
            (row.url, standing)
        })
        .collect())
}

/// Writes what has become of them. Several workers of a region write the same rows: the first
/// answer stays, the last ones only move forward.
pub async fn upsert(
    connection: &mut PgConnection,
    region: &str,
    canaries: &[(String, Standing)],
) -> Result<()> {
    let urls: Vec<String> = canaries.iter().map(|(url, _)| url.clone()).collect();
    let times = |pick: fn(&Standing) -> Option<Timestamp>| -> Vec<Option<jiff_sqlx::Timestamp>> {
        canaries
            .iter()
            .map(|(_, standing)| pick(standing).map(ToSqlx::to_sqlx))
            .collect()
    };
    sqlx::query!(
        "INSERT INTO canaries (region, url, first_answer_at, last_answer_at, last_failure_at)
         SELECT $1, t.* FROM unnest($2::text[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[]) AS t
         ON CONFLICT (region, url) DO UPDATE SET
             first_answer_at = least(canaries.first_answer_at, excluded.first_answer_at),
             last_answer_at = greatest(canaries.last_answer_at, excluded.last_answer_at),
             last_failure_at = greatest(canaries.last_failure_at, excluded.last_failure_at)",
        region,
        &urls,
        times(|standing| standing.first_answer_at) as _,
        times(|standing| standing.last_answer_at) as _,
        times(|standing| standing.last_failure_at) as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use sqlx::PgPool;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn the_first_answer_stays_and_the_last_moves_forward(pool: PgPool) {
        let mut c = pool.acquire().await.unwrap();
        let put = async |c: &mut PgConnection, region, answered, second| {
            let mut standing = Standing::default();
            standing.take_in(answered, at(second));
            upsert(c, region, &[("https://a.example/".to_owned(), standing)])
                .await
                .unwrap();
        };
        put(&mut c, "fra", false, 0).await;
        put(&mut c, "fra", true, 10).await;
        put(&mut c, "fra", true, 30).await;
        put(&mut c, "fra", true, 20).await;
        put(&mut c, "iad", false, 40).await;
        let known = list(&mut c, "fra").await.unwrap()["https://a.example/"];
        assert_eq!(known.first_answer_at, Some(at(10)));
        assert_eq!(known.last_answer_at, Some(at(30)));
        assert_eq!(known.last_failure_at, Some(at(0)));
        assert_eq!(list(&mut c, "iad").await.unwrap().len(), 1);
        assert!(list(&mut c, "syd").await.unwrap().is_empty());
    }
}
