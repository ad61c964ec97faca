//! `watchbell migrate`: the release step.

use anyhow::bail;

use crate::config::Settings;
use crate::database::{Database, Opener};

/// Migrates, or with `check` only says whether that is needed.
pub async fn run(settings: &Settings, check: bool) -> anyhow::Result<()> {
    let database = Database::open(settings, Opener::Command).await?;
    let outcome = migrate(&database, check).await;
    database.close().await;
    outcome
}

async fn migrate(database: &Database, check: bool) -> anyhow::Result<()> {
    let pending = database.pending().await?;
    if check {
        if pending > 0 {
            bail!("{pending} migrations are pending: run `watchbell migrate`");
        }
    } else {
        database.migrate().await?;
    }
    super::answer(&match (check, pending) {
        (_, 0) => "The database is up to date.".to_owned(),
        (_, 1) => "1 migration was run.".to_owned(),
        (_, count) => format!("{count} migrations were run."),
    });
    Ok(())
}
