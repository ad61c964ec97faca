//! Tables `regions` and `region_addresses`: from where looks are made.

use sqlx::PgConnection;

use crate::Result;

/// Makes the region known, with its shards, held by nobody.
pub async fn upsert(connection: &mut PgConnection, region: &str, name: &str) -> Result<()> {
    sqlx::query!(
        "INSERT INTO regions (id, name, seen_at) VALUES ($1, $2, clock_timestamp())
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, seen_at = excluded.seen_at",
        region,
        name
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "INSERT INTO shard_leases (region, shard, expires_at, recorded_through)
         SELECT $1, shard, clock_timestamp(), clock_timestamp() FROM generate_series(0, $2 - 1) AS shard
         ON CONFLICT (region, shard) DO NOTHING",
        region,
        i32::from(crate::leases::SHARDS)
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Says under which addresses looks from the region are seen. One that no worker has named for thirty
/// days leaves the region's list.
pub async fn set_addresses(
    connection: &mut PgConnection,
    region: &str,
    addresses: &[String],
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO region_addresses (region, address, seen_at)
         SELECT $1, address, clock_timestamp() FROM unnest($2::text[]) AS address ORDER BY address
         ON CONFLICT (region, address) DO UPDATE SET seen_at = excluded.seen_at",
        region,
        addresses
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "DELETE FROM region_addresses WHERE region = $1 AND seen_at < clock_timestamp() - interval '30 days'",
        region
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        r#"UPDATE regions SET addresses =
             ARRAY(SELECT address FROM region_addresses WHERE region = $1 ORDER BY address COLLATE "C")
           WHERE id = $1"#,
        region
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A region that we look from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct Region {
    pub id: String,
    pub name: String,
    pub addresses: Vec<String>,
}

/// Every region, by id.
pub async fn list(connection: &mut PgConnection) -> Result<Vec<Region>> {
    let rows = sqlx::query_as!(
        Region,
        r#"SELECT id, name, addresses FROM regions ORDER BY id COLLATE "C""#
    )
    .fetch_all(connection)
    .await?;
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use sqlx::PgPool;

    use super::*;

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn addresses_of_all_workers_are_kept_for_thirty_days(pool: PgPool) {
        let mut c = pool.acquire().await.unwrap();
        upsert(&mut c, "local", "Here").await.unwrap();
        let told = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        let (first, second) = (
            told(&["198.51.100.7"]),
            told(&["2001:db8::7", "198.51.100.8"]),
        );
        set_addresses(&mut c, "local", &first).await.unwrap();
        set_addresses(&mut c, "local", &second).await.unwrap();
        let all = told(&["198.51.100.7", "198.51.100.8", "2001:db8::7"]);
        assert_eq!(list(&mut c).await.unwrap()[0].addresses, all);
        sqlx::query!(
            "UPDATE region_addresses SET seen_at = seen_at - interval '31 days' WHERE address = '198.51.100.7'"
        )
        .execute(&mut *c)
        .await
        .unwrap();
        set_addresses(&mut c, "local", &second).await.unwrap();
        assert_eq!(list(&mut c).await.unwrap()[0].addresses, all[1..]);
    }
}
