//! The database of this process: the configured one, else the embedded one.

use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, bail};
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgPool};
use tokio_util::sync::CancellationToken;

use crate::config::Settings;
use crate::embedded::Embedded;

/// For so long after it was used a connection is taken for good.
const PROVEN: Duration = Duration::from_secs(1);

/// A pool, and the embedded server behind it if there is one.
pub struct Database {
    /// Connections.
    pub pool: PgPool,
    /// Connections for pages and reports: the replica, else the same.
    pub read_pool: PgPool,
    /// Keys that seal secrets, newest first.
    pub secrets: store::Secrets,
    url: SecretString,
    connections: u32,
    embedded: Option<Embedded>,
}

/// Who opens the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opener {
    /// `serve`, which may run the embedded server.
    Serve,
    /// Another role, which needs a database URL.
    Role,
    /// A command, which borrows the embedded server.
    Command,
}

/// Wrong settings: exit 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct WrongUsage(pub String);

impl Database {
    /// Opens the configured or the embedded database.
    pub async fn open(settings: &Settings, opener: Opener) -> anyhow::Result<Self> {
        let embedded = match (&settings.database_url, opener) {
            (Some(_), _) => None,
            (None, Opener::Role) => {
                bail!(WrongUsage("WATCHBELL_DATABASE_URL is not set: only `watchbell serve` brings its own database".to_owned()))
            }
            (None, Opener::Serve) if !settings.base_is_loopback() => {
                bail!(WrongUsage(format!(
                    "WATCHBELL_DATABASE_URL is not set: the embedded database serves a loopback WATCHBELL_BASE_URL only, and it is {}",
                    settings.base()
                )))
            }
            (None, Opener::Serve) => Some(Embedded::serve(&settings.data_dir).await?),
            (None, Opener::Command) => Some(Embedded::borrow(&settings.data_dir).await?),
        };
        let secrets = match secrets(settings, embedded.as_ref()) {
            Ok(secrets) => secrets,
            Err(error) => {
                if let Some(embedded) = embedded {
                    embedded.stop().await;
                }
                return Err(error);
            }
        };
        let url = match (&settings.database_url, &embedded) {
            (Some(url), _) => url.clone(),
            (None, Some(embedded)) => SecretString::from(embedded.url()),
            (None, None) => bail!("no database"),
        };
        let pool = connect(&url, settings.database_pool, "WATCHBELL_DATABASE_URL").await?;
        let read_pool = match &settings.database_read_url {
            Some(url) => {
                connect(url, settings.database_pool, "WATCHBELL_DATABASE_READ_URL").await?
            }
            None => pool.clone(),
        };
        Ok(Self {
            pool,
            read_pool,
            secrets,
            url,
            connections: settings.database_pool,
            embedded,
        })
    }

    /// Runs pending migrations, ours and the job queue's.
    pub async fn migrate(&self) -> anyhow::Result<()> {
        let mut connection = self
            .pool
            .acquire()
            .await
            .context("connecting to the database")?;
        store::admin::migrate(&mut connection)
            .await
            .context("migrating the database")?;
        drop(connection);
        jobs::migrate(&self.pool)
            .await
            .context("migrating the job queue")?;
        Ok(())
    }

    /// The database is the one in the data directory, which `serve` migrates by itself.
    pub fn is_embedded(&self) -> bool {
        self.embedded.is_some()
    }

    /// How many migrations are pending.
    pub async fn pending(&self) -> anyhow::Result<usize> {
        let mut connection = self
            .pool
            .acquire()
            .await
            .context("connecting to the database")?;
        Ok(store::admin::pending_migrations(&mut connection).await?)
    }

    /// The same connections and keys, without the responsibility for the server.
    pub fn share(&self) -> Self {
        Self {
            pool: self.pool.clone(),
            read_pool: self.read_pool.clone(),
            secrets: self.secrets.clone(),
            url: self.url.clone(),
            connections: self.connections,
            embedded: None,
        }
    }

    /// Connections of a role's own, so that in one process no role can take another's.
    pub async fn role_pool(&self) -> anyhow::Result<PgPool> {
        connect(&self.url, self.connections, "WATCHBELL_DATABASE_URL").await
    }

    /// Keeps the embedded server running until the shutdown; `None` with a configured database.
    pub fn keep_alive(
        &self,
        shutdown: CancellationToken,
    ) -> Option<impl Future<Output = ()> + Send + 'static> {
        self.embedded
            .as_ref()
            .map(|embedded| embedded.keep_alive(shutdown))
    }

    /// Where the embedded database keeps its files.
    pub fn data_dir(&self) -> Option<&std::path::Path> {
        self.embedded.as_ref().map(Embedded::data_dir)
    }

    /// Closes connections and stops what this process started.
    pub async fn close(self) {
        let _ = tokio::time::timeout(Duration::from_secs(5), self.pool.close()).await;
        if let Some(embedded) = self.embedded {
            embedded.stop().await;
        }
    }
}

fn secrets(settings: &Settings, embedded: Option<&Embedded>) -> anyhow::Result<store::Secrets> {
    let keys: Vec<String> = match (settings.secret_keys.is_empty(), embedded) {
        (false, _) => settings
            .secret_keys
            .iter()
            .map(|key| key.expose_secret().to_owned())
            .collect(),
        (true, Some(embedded)) => vec![embedded.secret_key()?],
        (true, None) => bail!(WrongUsage(
            "WATCHBELL_SECRET_KEY is required with WATCHBELL_DATABASE_URL: openssl rand -base64 32"
                .to_owned()
        )),
    };
    store::Secrets::new(keys).context("the secret key is too short")
}

async fn connect(url: &SecretString, connections: u32, name: &str) -> anyhow::Result<PgPool> {
    let options = PgConnectOptions::from_str(url.expose_secret())
        .map_err(|_| {
            WrongUsage(format!(
                "{name} is not a Postgres URL: postgres://user:password@host/database"
            ))
        })?
        .application_name("watchbell");
    // An operator who sets it in the URL knows better.
    let bounded = !url
        .expose_secret()
        .contains("idle_in_transaction_session_timeout");
    PgPoolOptions::new()
        .max_connections(connections.max(2))
        .acquire_timeout(Duration::from_secs(10))
        // Asked whether it is still there only when it may have gone unnoticed: the question costs every
        // request as much as its shortest statement.
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > PROVEN {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .after_connect(move |connection, _| {
            Box::pin(async move {
                if bounded {
                    store::admin::bound_session(connection).await?;
                }
                Ok(())
            })
        })
        .connect_with(options)
        .await
        .with_context(|| format!("connecting to the database of {name}"))
}
