//! Whether a year of history slows anything: the statements of the pages and of the API, and the
//! recording of looks, after a day and after a year.

mod build;
mod reads;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::postgres::Database;
use crate::sample::Sample;
use crate::storage;
use crate::table::Table;

/// How much.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Monitors of the account.
    pub account: usize,
    /// Those of them with history; the first of the list.
    pub monitors: usize,
    /// Days of it.
    pub days: i64,
}

/// 525,600,000 looks.
pub const FULL: Load = Load {
    account: 5_000,
    monitors: 1_000,
    days: 365,
};
/// A month of 200 monitors.
pub const SMALL: Load = Load {
    account: 1_000,
    monitors: 200,
    days: 30,
};

/// How often each reader is asked; the first times, which plan, are not counted.
const TIMES: usize = 21;
const FIRST: usize = 8;
/// Statements of 1,000 looks.
const BATCHES: i64 = 40;

/// Builds both histories, reads them, and reports.
pub async fn run(server_url: &str, load: Load) -> anyhow::Result<String> {
    let day = measure(server_url, Load { days: 1, ..load }).await?;
    let year = measure(server_url, load).await?;
    let title = format!(
        "{} monitors, {} of them with history",
        load.account, load.monitors
    );
    let days = format!("{} days", load.days);
    let mut table = Table::new(&title, &["a day, ms", &days, "ratio"]);
    for ((what, before), (_, after)) in day.times.iter().zip(&year.times) {
        let ms = |time: &Duration| format!("{:.2}", time.as_secs_f64() * 1e3);
        let ratio = after.as_secs_f64() / before.as_secs_f64().max(1e-9);
        table.line(what, [ms(before), ms(after), format!("{ratio:.2}")]);
    }
    let size = |found: &Found| format!("{:.2}", found.bytes as f64 / 1e9);
    table.line("the database, GB", [size(&day), size(&year)]);
    table.line(
        "packed looks, millions",
        [day.looks, year.looks].map(|looks| format!("{:.1}", looks as f64 / 1e6)),
    );
    let each = |found: &Found| format!("{:.2}", found.packed_bytes as f64 / found.looks as f64);
    table.line("check_hours, bytes a look", [each(&day), each(&year)]);
    Ok(table.text())
}

struct Found {
    times: Vec<(&'static str, Duration)>,
    looks: i64,
    bytes: i64,
    packed_bytes: i64,
}

async fn measure(server_url: &str, load: Load) -> anyhow::Result<Found> {
    let database = Database::create(server_url).await?;
    // The last hours are hot; everything before is packed.
    let now: Timestamp = "2026-11-22T12:30:00Z".parse()?;
    let begin = now - SignedDuration::from_hours(24 * load.days);
    let sample = Sample::create(&database.pool, load.account, begin).await?;
    let looks = build::packed(&database, &sample, load, now).await?;
    build::hot(&database, &sample, load, now).await?;
    database.execute("VACUUM ANALYZE").await?;
    let mut times = Vec::new();
    for reader in reads::ALL {
        let mut spent = Vec::with_capacity(TIMES);
        for _ in 0..TIMES {
            let before = database.used()?;
            reads::read(&database, &sample, reader, now).await?;
            spent.push(database.used()? - before);
        }
        let mut counted = spent.split_off(FIRST);
        counted.sort();
        times.push((reader.name(), counted[counted.len() / 2]));
    }
    times.push((
        "1,000 looks recorded",
        record(&database, &sample, load, now).await?,
    ));
    let bytes = database
        .count("SELECT pg_database_size(current_database())")
        .await?;
    let packed_bytes = database
        .count(
            "SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class WHERE relkind = 'r' AND relname ~ '^check_hours'",
        )
        .await?;
    database.drop(server_url).await?;
    Ok(Found {
        times,
        looks,
        bytes,
        packed_bytes,
    })
}

/// The median of the statements that record the coming minutes.
async fn record(
    database: &Database,
    sample: &Sample,
    load: Load,
    now: Timestamp,
) -> anyhow::Result<Duration> {
    let mut spent = Vec::new();
    for number in 0..BATCHES {
        let minute = now + SignedDuration::from_mins(number);
        let looks = sample.minute(minute, load.account.min(1_000));
        let before = database.used()?;
        storage::record(database, &looks, minute + SignedDuration::from_mins(1)).await?;
        spent.push(database.used()? - before);
    }
    spent.sort();
    let scale = 1_000.0 / load.account.min(1_000) as f64;
    Ok(spent[spent.len() / 2].mul_f64(scale))
}
