//! A database of its own for each story, on the server that `DATABASE_URL` names.

use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Executor, PgPool};

/// A fresh, empty database; dropped by the throw-away server's end.
pub struct StoryDatabase {
    /// Its URL.
    pub url: String,
    /// For looking at what the program wrote.
    pub pool: PgPool,
}

impl StoryDatabase {
    /// Makes one.
    pub async fn fresh() -> Self {
        let server = std::env::var("DATABASE_URL")
            .expect("DATABASE_URL names a Postgres server: run `make test`");
        let name = format!("story_{}", uuid::Uuid::now_v7().simple());
        let admin = PgPoolOptions::new()
            .max_connections(1)
            .connect(&server)
            .await
            .expect("the test server answers");
        admin
            .execute(AssertSqlSafe(format!(
                "CREATE DATABASE {name} TEMPLATE template0"
            )))
            .await
            .expect("a fresh database");
        admin.close().await;
        let (root, _) = server.rsplit_once('/').expect("a database in DATABASE_URL");
        let url = format!("{root}/{name}");
        let pool = PgPoolOptions::new()
            .max_connections(3)
            .connect_lazy(&url)
            .expect("a URL");
        Self { url, pool }
    }

    /// The same database by the server's socket, which no network namespace cuts off.
    pub async fn socket_url(&self) -> String {
        let shown = async |what: &str| {
            let statement = AssertSqlSafe(format!("SHOW {what}"));
            sqlx::query_scalar::<_, String>(statement)
                .fetch_one(&self.pool)
                .await
                .expect("a setting")
        };
        let directories = shown("unix_socket_directories").await;
        let directory = directories
            .split(',')
            .next()
            .expect("a directory")
            .trim()
            .to_owned();
        let (_, name) = self.url.rsplit_once('/').expect("a database in the URL");
        let port = shown("port").await;
        format!("postgres://postgres@localhost:{port}/{name}?host={directory}")
    }
}
