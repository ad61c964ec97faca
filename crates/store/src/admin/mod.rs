//! What the operator's commands do to the database as a whole.

mod rotate;

pub use rotate::{Rotated, rotate_secrets};

use sqlx::migrate::Migrate;
use sqlx::{Connection, PgConnection};

use crate::{MIGRATOR, Result};

/// Makes the database `watchbell` on the server of `connection` unless it is there.
pub async fn ensure_database(connection: &mut PgConnection) -> Result<()> {
    let there = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = 'watchbell') AS "there!""#
    )
    .fetch_one(&mut *connection)
    .await?;
    if there {
        return Ok(());
    }
    match sqlx::query!("CREATE DATABASE watchbell")
        .execute(connection)
        .await
    {
        Ok(_) => Ok(()),
        // 42P04: another start was faster.
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42P04") => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Runs all pending migrations; two callers at once are safe.
pub async fn migrate(
    connection: &mut PgConnection,
) -> std::result::Result<(), sqlx::migrate::MigrateError> {
    MIGRATOR.run(connection).await
}

/// A process that was stopped, or whose host was cut off, must not hold locks for others to wait for: the
/// server ends its session when a transaction stands still for as long as a lease lasts, or when nobody
/// answers for as long. Lasts as long as the connection.
pub async fn bound_session(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!(
        "SELECT set_config('idle_in_transaction_session_timeout', '8s', false) AS idle,
                set_config('tcp_user_timeout', '10s', false) AS unanswered,
                set_config('tcp_keepalives_idle', '5', false) AS asked_after,
                set_config('tcp_keepalives_interval', '3', false) AS asked_every,
                set_config('tcp_keepalives_count', '2', false) AS asked_times"
    )
    .fetch_one(connection)
    .await?;
    Ok(())
}

/// How many migrations the database lacks; an error when it holds one that we do not know.
pub async fn pending_migrations(connection: &mut PgConnection) -> Result<usize> {
    let table = "_sqlx_migrations";
    let exists = sqlx::query_scalar!(r#"SELECT to_regclass($1) IS NOT NULL AS "exists!""#, table)
        .fetch_one(&mut *connection)
        .await?;
    if !exists {
        return Ok(MIGRATOR.iter().count());
    }
    let applied = connection
        .list_applied_migrations(table)
        .await
        .map_err(|error| sqlx::Error::Migrate(Box::new(error)))?;
    Ok(MIGRATOR
        .iter()
        .filter(|wanted| !applied.iter().any(|have| have.version == wanted.version))
        .count())
}

/// The server's version number, such as 150018, and its clock's difference is measured by the caller.
pub async fn server_version(connection: &mut PgConnection) -> Result<i32> {
    let text = sqlx::query_scalar!(r#"SELECT current_setting('server_version_num') AS "version!""#)
        .fetch_one(connection)
        .await?;
    Ok(text.parse().unwrap_or(0))
}

/// The database's own clock.
pub async fn clock(connection: &mut PgConnection) -> Result<jiff::Timestamp> {
    let now = sqlx::query_scalar!(r#"SELECT clock_timestamp() AS "now!: jiff_sqlx::Timestamp""#)
        .fetch_one(connection)
        .await?;
    Ok(now.to_jiff())
}

/// The database answers.
pub async fn ping(connection: &mut PgConnection) -> Result<()> {
    connection.ping().await?;
    Ok(())
}
