//! Whether a year of history slows anything: the statements of the pages and of the API, and the
//! recording of looks, after a day and after a year.

mod build;
mod reads;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::postgres::Database;
use crate::program::quantile;
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

/// How often each reader is asked of each history in turn; the first times, which plan, are not counted.
const TIMES: usize = 48;
const FIRST: usize = 8;
/// Statements of 1,000 looks, of which the first are not counted either.
const BATCHES: usize = 48;
/// What counts as equal.
const EQUAL: f64 = 0.1;

/// Builds both histories, reads them in turn, and reports.
pub async fn run(server_url: &str, load: Load) -> anyhow::Result<String> {
    let day = Filled::create(server_url, Load { days: 1, ..load }).await?;
    let year = Filled::create(server_url, load).await?;
    let title = format!(
        "{} monitors, {} of them with history",
        load.account, load.monitors
    );
    let days = format!("{} days", load.days);
    let mut table = Table::new(&title, &["a day, ms", &days, "ratio", "flat"]);
    let mut growths = Vec::new();
    for reader in reads::ALL {
        let mut spent = [Vec::new(), Vec::new()];
        for _ in 0..TIMES {
            for (filled, spent) in [&day, &year].into_iter().zip(&mut spent) {
                spent.push(filled.read(reader).await?);
            }
        }
        growths.push(Growth::of(reader.name(), reader.shows_more(), spent));
    }
    let mut spent = [Vec::new(), Vec::new()];
    for number in 0..BATCHES {
        for (filled, spent) in [&day, &year].into_iter().zip(&mut spent) {
            spent.push(filled.record(number).await?);
        }
    }
    growths.push(Growth::of("1,000 looks recorded", false, spent));
    for growth in &growths {
        let figures = [growth.day_ms, growth.year_ms, growth.ratio].map(|n| format!("{n:.2}"));
        let flat = match growth.is_flat {
            None => "shows more",
            Some(true) => "yes",
            Some(false) => "no",
        };
        table.line(
            growth.what,
            figures
                .into_iter()
                .chain([flat.to_owned()])
                .collect::<Vec<_>>(),
        );
    }
    let sizes = [day.sizes().await?, year.sizes().await?];
    let gigabytes = sizes
        .each_ref()
        .map(|size| format!("{:.2}", size.bytes as f64 / 1e9));
    table.line("the database, GB", gigabytes);
    let millions = sizes
        .each_ref()
        .map(|size| format!("{:.1}", size.looks as f64 / 1e6));
    table.line("packed looks, millions", millions);
    let each = |size: &Sizes| format!("{:.2}", size.packed_bytes as f64 / size.looks as f64);
    table.line("check_hours, bytes a look", sizes.each_ref().map(each));
    day.database.drop(server_url).await?;
    year.database.drop(server_url).await?;
    Ok(format!(
        "{}{}\n",
        table.text(),
        serde_json::to_string(&growths)?
    ))
}

/// What the server spends on one thing in the median, milliseconds of its processor.
#[derive(Debug, Serialize)]
struct Growth {
    what: &'static str,
    day_ms: f64,
    year_ms: f64,
    /// The median of the ratios of neighbours, which both bear what else the machine does.
    ratio: f64,
    /// Within a tenth; nothing where a year shows more than a day.
    is_flat: Option<bool>,
}

impl Growth {
    fn of(what: &'static str, shows_more: bool, spent: [Vec<Duration>; 2]) -> Self {
        let counted = spent.map(|times| times.into_iter().skip(FIRST).collect::<Vec<_>>());
        let pairs = counted[0].iter().zip(&counted[1]);
        let ratio =
            median(pairs.map(|(day, year)| year.as_secs_f64() / day.as_secs_f64().max(1e-9)));
        let [day_ms, year_ms] =
            counted.map(|times| median(times.iter().map(|time| time.as_secs_f64() * 1e3)));
        Self {
            what,
            day_ms,
            year_ms,
            ratio,
            is_flat: (!shows_more).then_some((ratio - 1.0).abs() <= EQUAL),
        }
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    quantile(&sorted, 0.5)
}

/// A database with its history.
struct Filled {
    database: Database,
    sample: Sample,
    load: Load,
    now: Timestamp,
    looks: i64,
}

struct Sizes {
    looks: i64,
    bytes: i64,
    packed_bytes: i64,
}

impl Filled {
    async fn create(server_url: &str, load: Load) -> anyhow::Result<Self> {
        let database = Database::create(server_url).await?;
        // The last hours are hot; everything before is packed.
        let now: Timestamp = "2026-11-22T12:30:00Z".parse()?;
        let begin = now - SignedDuration::from_hours(24 * load.days);
        let sample = Sample::create(&database.pool, load.account, begin).await?;
        let looks = build::packed(&database, &sample, load, now).await?;
        build::hot(&database, &sample, load, now).await?;
        database.execute("VACUUM ANALYZE").await?;
        Ok(Self {
            database,
            sample,
            load,
            now,
            looks,
        })
    }

    async fn read(&self, reader: reads::Reader) -> anyhow::Result<Duration> {
        let before = self.database.used()?;
        reads::read(&self.database, &self.sample, reader, self.now).await?;
        Ok(self.database.used()? - before)
    }

    /// The statement that records the looks of one of the coming minutes, as for 1,000 looks.
    async fn record(&self, number: usize) -> anyhow::Result<Duration> {
        let count = self.load.account.min(1_000);
        let minute = self.now + SignedDuration::from_mins(i64::try_from(number)?);
        let looks = self.sample.minute(minute, count);
        let before = self.database.used()?;
        storage::record(
            &self.database,
            &looks,
            minute + SignedDuration::from_mins(1),
        )
        .await?;
        Ok((self.database.used()? - before).mul_f64(1_000.0 / count as f64))
    }

    async fn sizes(&self) -> anyhow::Result<Sizes> {
        let bytes = "SELECT pg_database_size(current_database())";
        let packed = "SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class WHERE relkind = 'r' AND relname ~ '^check_hours'";
        Ok(Sizes {
            looks: self.looks,
            bytes: self.database.count(bytes).await?,
            packed_bytes: self.database.count(packed).await?,
        })
    }
}
