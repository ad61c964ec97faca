//! What a look costs in the database, hot and at rest: a day of looks written, packed and rolled up by
//! the functions that the worker calls, hour after hour on a clock of the bench.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use store::checks;
use worker::sweeps::{self, Sweep};

use crate::postgres::Database;
use crate::sample::Sample;
use crate::table::Table;

/// Looks in one statement, as the worker has them under load.
const BATCH: usize = 1_000;

/// How much.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Looked at once a minute.
    pub monitors: usize,
    /// From the start of a UTC day on.
    pub hours: i64,
}

/// A day of 1,000 monitors.
pub const FULL: Load = Load {
    monitors: 1_000,
    hours: 24,
};
/// Six hours of 200.
pub const SMALL: Load = Load {
    monitors: 200,
    hours: 6,
};

/// Processor time of the connection's server process, by what it was for.
#[derive(Debug, Default)]
struct Spent {
    record: Duration,
    pack: Duration,
    days: Duration,
}

/// Writes the looks, packs them, and reports.
pub async fn run(server_url: &str, load: Load) -> anyhow::Result<String> {
    let database = Database::create(server_url).await?;
    let start: Timestamp = "2026-11-02T00:00:00Z".parse()?;
    let sample = Sample::create(&database.pool, load.monitors, start).await?;
    let server_before = database.used_by_server()?;
    let mut spent = Spent::default();
    let mut hot = 0;
    for hour in 0..load.hours {
        let begin = start + SignedDuration::from_hours(hour);
        sweep(&database, &sample, Sweep::Partitions, begin).await?;
        record_hour(&database, &sample, begin, load.monitors, &mut spent).await?;
        hot = database
            .count("SELECT sum(pg_total_relation_size(inhrelid))::bigint FROM pg_inherits WHERE inhparent = 'checks'::regclass")
            .await?;
        let before = database.used()?;
        let packable = begin + SignedDuration::from_mins(106);
        sweep(&database, &sample, Sweep::Pack, packable).await?;
        spent.pack += database.used()? - before;
        // Autovacuum comes by many times in an hour, but not in the seconds that one takes here.
        database.execute("VACUUM last_checks").await?;
    }
    let before = database.used()?;
    let morrow = start + SignedDuration::from_hours(26);
    sweep(&database, &sample, Sweep::Pack, morrow).await?;
    sweep(&database, &sample, Sweep::Days, morrow).await?;
    spent.days = database.used()? - before;
    let server = database.used_by_server()? - server_before;
    database.execute("VACUUM ANALYZE").await?;
    let text = report(&database, load, &spent, server, hot).await?;
    database.drop(server_url).await?;
    Ok(text)
}

async fn sweep(
    database: &Database,
    sample: &Sample,
    sweep: Sweep,
    now: Timestamp,
) -> anyhow::Result<()> {
    Ok(sweeps::once(&database.pool, &sample.secrets, sweep, now).await?)
}

async fn record_hour(
    database: &Database,
    sample: &Sample,
    begin: Timestamp,
    monitors: usize,
    spent: &mut Spent,
) -> anyhow::Result<()> {
    for number in 0..60 {
        let minute = begin + SignedDuration::from_mins(number);
        let looks = sample.minute(minute, monitors);
        let now = minute + SignedDuration::from_mins(1);
        let before = database.used()?;
        for batch in looks.chunks(BATCH) {
            record(database, batch, now).await?;
        }
        spent.record += database.used()? - before;
    }
    Ok(())
}

/// One batch as the worker writes it.
pub async fn record(
    database: &Database,
    batch: &[checks::Owned],
    now: Timestamp,
) -> anyhow::Result<()> {
    let mut transaction = store::begin(&database.pool).await?;
    checks::relax_commit(&mut transaction).await?;
    let stored = checks::insert_batch(&mut transaction, batch, now).await?;
    transaction.commit().await?;
    anyhow::ensure!(stored == batch.len() as u64, "every look is new");
    Ok(())
}

async fn report(
    database: &Database,
    load: Load,
    spent: &Spent,
    server: Duration,
    hot: i64,
) -> anyhow::Result<String> {
    let looks = database
        .count("SELECT sum(length(replace(verdicts, '.', '')))::bigint FROM check_hours")
        .await?;
    let written = load.monitors as i64 * load.hours * 60;
    anyhow::ensure!(
        looks == written,
        "{written} looks went in, {looks} are kept"
    );
    let mut table = Table::new(
        &format!(
            "{} monitors, a look a minute, {} hours",
            load.monitors, load.hours
        ),
        &["bytes a look"],
    );
    // Every table that a look ever enters; of check_hours each month's with its index and TOAST.
    let size = "SELECT coalesce(sum(size(c.oid)), 0)::bigint FROM pg_class c \
                WHERE c.relkind = 'r' AND c.relname ~ 'names'";
    let at_rest = [
        ("check_hours, rows", "pg_relation_size", "^check_hours"),
        ("check_hours, index", "pg_indexes_size", "^check_hours"),
        ("check_days", "pg_total_relation_size", "^check_days$"),
        (
            "last_checks, a row for each monitor",
            "pg_total_relation_size",
            "^last_checks$",
        ),
        (
            "hours, days, late looks, tables of hours to come",
            "pg_total_relation_size",
            "^(hours|days|checks_late|checks_[0-9]+)$",
        ),
        (
            "at rest, all of it",
            "pg_total_relation_size",
            "^(check_hours.*|check_days|last_checks|hours|days|checks_late|checks_[0-9]+)$",
        ),
    ];
    let hour = load.monitors as f64 * 60.0;
    table.line("hot, with its index", [format!("{:.0}", hot as f64 / hour)]);
    for (what, measure, names) in at_rest {
        let statement = size
            .replace("size(", &format!("{measure}("))
            .replace("names", names);
        let bytes = database.count(statement).await?;
        table.line(what, [format!("{:.2}", bytes as f64 / looks as f64)]);
    }
    let mut text = table.text();
    let mut table = Table::new("Postgres, processor time", &["µs a look"]);
    let mut line = |what: &str, spent: Duration| {
        table.line(
            what,
            [format!("{:.2}", spent.as_secs_f64() * 1e6 / looks as f64)],
        );
    };
    line("recorded, 1,000 in a statement", spent.record);
    line("packed, the table dropped", spent.pack);
    line("days rolled up", spent.days);
    line("together", spent.record + spent.pack + spent.days);
    line("the whole server, background writers too", server);
    text.push('\n');
    text.push_str(&table.text());
    Ok(text)
}
