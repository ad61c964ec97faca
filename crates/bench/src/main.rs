//! `make bench`: the real program under load, read from its own metrics.
//!
//! A scenario is a file here. Each starts the program on a fresh database, makes its load, and prints
//! a table. Figures depend on the machine: compare ratios and runs of one machine.

mod metrics;
mod program;
mod timetable;

use std::time::Duration;

use anyhow::Context;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a bench is told its database like the tests are"
    )]
    let database =
        std::env::var("DATABASE_URL").context("run `make bench`: it brings a database")?;
    let quick = std::env::args().any(|arg| arg == "--quick");
    let length = Duration::from_secs(if quick { 60 } else { 180 });
    let report = timetable::run(&database, 1_000, length).await?;
    print(&report);
    Ok(())
}

#[expect(
    clippy::print_stdout,
    reason = "the answer of a bench belongs on stdout"
)]
fn print(text: &str) {
    println!("{text}");
}
