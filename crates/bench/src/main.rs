//! `make bench`: the real program under load, read from its own metrics and from what it stored.
//!
//! A scenario is a file here. Each starts the program on a fresh database, makes its load, and prints
//! a table. Figures depend on the machine: compare ratios and runs of one machine.

mod alerts;
mod api;
mod cpu;
mod fleet;
mod hanging;
mod history;
mod inflight;
mod looks;
mod metrics;
mod outage;
mod overload;
mod postgres;
mod program;
mod sample;
mod scale;
mod storage;
mod storm;
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
    /// Work that this program does for another of its kind, as JSON.
    #[arg(long, hide = true)]
    part: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// What a look costs, beside a client written by hand.
    Looks,
    /// Up to what one core can do, and beyond.
    Overload,
    /// Very many monitors: the start of a worker, and its memory.
    Scale,
    /// Looks that hang: the memory of each.
    Inflight,
    /// The API under load.
    Api,
    /// Many monitors that are up.
    Timetable,
    /// The same with and without others that hang.
    Hanging,
    /// Most of them break at once.
    Outage,
    /// From a confirmed outage to the providers.
    Alerts,
    /// Very many alerts at once, by webhook.
    Storm,
    /// What a look costs in the database, hot and at rest.
    Storage,
    /// Whether a year of history slows anything.
    History,
}

impl Scenario {
    /// Whether it is among those that are over in three minutes together.
    const fn is_quick(self) -> bool {
        matches!(self, Self::Looks | Self::Api | Self::Alerts)
    }
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    match &options.part {
        Some(part) => {
            let part = serde_json::from_str(part)?;
            let runtime = tokio::runtime::Builder::new_current_thread();
            if let Some(said) = block_on(runtime, looks::part(&part))? {
                print(&said);
            }
            Ok(())
        }
        None => block_on(tokio::runtime::Builder::new_multi_thread(), run(options)),
    }
}

fn block_on<T>(
    mut runtime: tokio::runtime::Builder,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    runtime.enable_all().build()?.block_on(work)
}

async fn run(options: Options) -> anyhow::Result<()> {
    let (database, quick) = (options.database.as_str(), options.quick);
    let wanted = |scenario: Scenario| match options.scenario {
        Some(one) => one == scenario,
        None => !quick || scenario.is_quick(),
    };
    if wanted(Scenario::Looks) {
        let load = if quick { looks::SMALL } else { looks::FULL };
        print(&looks::run(database, load).await?);
    }
    if wanted(Scenario::Overload) {
        let load = if quick {
            overload::SMALL
        } else {
            overload::FULL
        };
        print(&overload::run(database, load).await?);
    }
    if wanted(Scenario::Scale) {
        let sizes = if quick { scale::SMALL } else { scale::FULL };
        print(&scale::run(database, sizes).await?);
    }
    if wanted(Scenario::Inflight) {
        let kinds = if quick {
            inflight::SMALL
        } else {
            inflight::FULL
        };
        print(&inflight::run(database, kinds).await?);
    }
    if wanted(Scenario::Api) {
        let load = if quick { api::SMALL } else { api::FULL };
        print(&api::run(database, load).await?);
    }
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
    if wanted(Scenario::Storm) {
        let load = if quick { storm::SMALL } else { storm::FULL };
        print(&storm::run(database, load).await?);
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
