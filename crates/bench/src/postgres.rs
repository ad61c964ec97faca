//! A fresh database, one connection to it, and what its server spends on it.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, PgPool};

use crate::cpu;

/// A database of its own behind one connection.
#[derive(Debug)]
pub struct Database {
    /// The connection.
    pub pool: PgPool,
    name: String,
    backend: i32,
}

impl Database {
    /// One with all migrations, on the server at `server_url`.
    pub async fn create(server_url: &str) -> anyhow::Result<Self> {
        let name = format!("bench_{}", uuid::Uuid::now_v7().simple());
        execute_alone(server_url, format!("CREATE DATABASE {name}")).await?;
        let options: PgConnectOptions = server_url.parse()?;
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options.database(&name))
            .await?;
        store::MIGRATOR.run(&pool).await?;
        let backend = sqlx::query_scalar("SELECT pg_backend_pid()")
            .fetch_one(&pool)
            .await?;
        Ok(Self {
            pool,
            name,
            backend,
        })
    }

    /// Drops it.
    pub async fn drop(self, server_url: &str) -> anyhow::Result<()> {
        self.pool.close().await;
        let name = self.name;
        execute_alone(server_url, format!("DROP DATABASE {name} WITH (FORCE)")).await
    }

    /// Runs a statement of the bench itself.
    pub async fn execute(&self, statement: impl Into<String>) -> anyhow::Result<()> {
        let statement = statement.into();
        sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// The whole number that a statement answers.
    pub async fn count(&self, statement: impl Into<String>) -> anyhow::Result<i64> {
        let statement = AssertSqlSafe(statement.into());
        Ok(sqlx::query_scalar(statement).fetch_one(&self.pool).await?)
    }

    /// The processor time that this connection's server process has used; it must be on this machine.
    pub fn used(&self) -> anyhow::Result<Duration> {
        cpu::of_process(self.backend)
    }

    /// The processor time of the whole server, background writers and ended processes too.
    pub fn used_by_server(&self) -> anyhow::Result<Duration> {
        cpu::of_server(cpu::parent(self.backend)?)
    }
}

/// Statements that run in no transaction and in no database of their own.
async fn execute_alone(server_url: &str, statement: String) -> anyhow::Result<()> {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .connect(server_url)
        .await?;
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(&pool)
        .await?;
    pool.close().await;
    Ok(())
}
