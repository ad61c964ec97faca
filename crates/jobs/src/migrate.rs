//! The queue's own tables, and the rights on them.

use apalis_postgres::PostgresStorage;
use sqlx::postgres::{PgAdvisoryLock, PgAdvisoryLockKey};
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

/// What is done goes at once. The library leaves it for a janitor, and its statements read more the more lies
/// there: it acknowledges jobs by a join whose cost the planner cannot know, with plans that a session keeps from
/// when the table was small. After 10,000 alerts that took 6 ms a job. What came of a job is in the row that it was
/// about.
const FORGET: &str = "
    CREATE OR REPLACE FUNCTION apalis.forget_done() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
    BEGIN
        DELETE FROM apalis.jobs WHERE id = NEW.id;
        RETURN NULL;
    END $$;
    CREATE OR REPLACE TRIGGER forget_done AFTER UPDATE ON apalis.jobs
        FOR EACH ROW WHEN (NEW.status = 'Done') EXECUTE FUNCTION apalis.forget_done();
";

/// Makes or upgrades the queue's tables in the schema `apalis`. Safe when run twice, or by several
/// processes at once. Needs the roles of `store`'s first migration, and the right to create the
/// extensions `hstore` and `pgcrypto` (trusted since Postgres 13).
pub async fn migrate(pool: &PgPool) -> Result<()> {
    // A session's lock and not a transaction's: the migrator opens its own transactions.
    let lock = PgAdvisoryLock::with_key(PgAdvisoryLockKey::BigInt(LOCK));
    let mut guard = lock.acquire(pool.acquire().await?).await?;
    let outcome = locked(&mut guard).await;
    match guard.release_now().await {
        Ok(connection) if outcome.is_ok() => drop(connection),
        // What was left half-done must not go back to the pool.
        Ok(mut connection) => connection.close_on_drop(),
        Err(error) => return outcome.and(Err(error.into())),
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
    sqlx::raw_sql(FORGET).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(())
}
