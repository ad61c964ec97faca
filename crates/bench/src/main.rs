//! `make bench`: the real program under load, read from its own metrics and from what it stored.
//!
//! A scenario is a file here. Each starts the program on a fresh database, makes its load, and prints
//! a table. Figures depend on the machine: compare ratios and runs of one machine.

mod alerts;
mod hanging;
mod history;
mod metrics;
mod outage;
mod postgres;
mod program;
mod sample;
mod storage;
mod table;
mod timetable;

use std::time::Duration;

use clap::{Parser, ValueEnum};

/// The real program under load.
#[derive(Debug, Parser)]
struct Options {
    /// A Postgres server that may be filled; `make bench` brings one.
    #[arg(long, env = "DATABASE_URL")]
    database: String,
    /// Smaller loads, in under three minutes.
    #[arg(long)]
    quick: bool,
    /// One scenario instead of all.
    scenario: Option<Scenario>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// Many monitors that are up.
    Timetable,
    /// The same with and without others that hang.
    Hanging,
    /// Most of them break at once.
    Outage,
    /// From a confirmed outage to the providers.
    Alerts,
    /// What a look costs in the database, hot and at rest.
    Storage,
    /// Whether a year of history slows anything.
    History,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let (database, quick) = (options.database.as_str(), options.quick);
    let wanted = |scenario| options.scenario.is_none_or(|one| one == scenario);
    if wanted(Scenario::Timetable) {
        let length = Duration::from_secs(if quick { 60 } else { 180 });
        print(&timetable::run(database, 1_000, length).await?);
    }
    if wanted(Scenario::Hanging) {
        let load = if quick { hanging::SMALL } else { hanging::FULL };
        print(&hanging::run(database, load).await?);
    }
    if wanted(Scenario::Outage) {
        let monitors = if quick { 200 } else { 5_000 };
        print(&outage::run(database, monitors).await?);
    }
    if wanted(Scenario::Alerts) {
        let load = if quick { alerts::SMALL } else { alerts::FULL };
        print(&alerts::run(database, load).await?);
    }
    if wanted(Scenario::Storage) {
        let load = if quick { storage::SMALL } else { storage::FULL };
        print(&storage::run(database, load).await?);
    }
    if wanted(Scenario::History) {
        let load = if quick { history::SMALL } else { history::FULL };
        print(&history::run(database, load).await?);
    }
    Ok(())
}

#[expect(
    clippy::print_stdout,
    reason = "the answer of a bench belongs on stdout"
)]
fn print(text: &str) {
    println!("{text}");
}
