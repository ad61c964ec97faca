//! The queue's own tables, and the rights on them.

use apalis_postgres::PostgresStorage;
use sqlx::{Connection, PgConnection, PgPool};

use crate::Result;

/// Any number that nobody else locks.
const LOCK: i64 = 0x77_62_6a_6f_62_73;

/// Tenants may enqueue within their own transactions and see nothing of the queue; the system's
/// roles may do all. These tables are made by the queue's library at run time, so their statements
/// cannot be checked at compile time against our migrations.
const GRANTS: &str = "
    GRANT USAGE ON SCHEMA apalis TO watchbell_tenant, watchbell_system;
    GRANT INSERT ON apalis.jobs TO watchbell_tenant;
    GRANT SELECT, INSERT, UPDATE, DELETE ON apalis.jobs, apalis.workers TO watchbell_system;
";

/// Makes or upgrades the queue's tables in the schema `apalis`. Safe when run twice, or by several
/// processes at once. Needs the roles of `store`'s first migration, and the right to create the
/// extensions `hstore` and `pgcrypto` (trusted since Postgres 13).
pub async fn migrate(pool: &PgPool) -> Result<()> {
    let mut connection = pool.acquire().await?;
    // A session's lock and not a transaction's: the migrator opens its own transactions.
    sqlx::query("SELECT pg_advisory_lock($1)")
        .bind(LOCK)
        .execute(&mut *connection)
        .await?;
    let outcome = locked(&mut connection).await;
    let unlocked = sqlx::query("SELECT pg_advisory_unlock($1)")
        .bind(LOCK)
        .execute(&mut *connection)
        .await;
    if outcome.is_err() || unlocked.is_err() {
        // A broken connection must not go back to the pool with the lock still held.
        connection.close_on_drop();
    }
    outcome
}

async fn locked(connection: &mut PgConnection) -> Result<()> {
    sqlx::raw_sql("CREATE EXTENSION IF NOT EXISTS hstore; CREATE EXTENSION IF NOT EXISTS pgcrypto")
        .execute(&mut *connection)
        .await?;
    PostgresStorage::<()>::migrations()
        .run_direct(None, &mut *connection, false)
        .await?;
    let mut transaction = connection.begin().await?;
    sqlx::raw_sql(GRANTS).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(())
}
