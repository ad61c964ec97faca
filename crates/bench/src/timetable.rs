//! Many monitors on a one-minute timetable: looks due against done, lateness, CPU and memory.

use std::time::Duration;

use testkit::SwitchableSite;

use crate::metrics::Scrape;
use crate::program::Program;
use crate::table::Table;

/// Watches `monitors` addresses of one fast site for `length` and reports.
pub async fn run(server_url: &str, monitors: u32, length: Duration) -> anyhow::Result<String> {
    let site = SwitchableSite::start().await;
    let program = Program::start(server_url).await?;
    for number in 0..monitors {
        program
            .watch(&site.url(&format!("/{number}")), 60, 10_000)
            .await?;
    }
    // The first minute has the first looks in it; the figures begin after it.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let before = Scrape::of(program.metrics().await?);
    tokio::time::sleep(length).await;
    let after = Scrape::of(program.metrics().await?);
    program.stop().await?;

    let grown = |name: &str| after.sum(name) - before.sum(name);
    let (due, done) = (
        grown("watchbell_looks_due_total"),
        grown("watchbell_looks_done_total"),
    );
    let cpu = grown("process_cpu_seconds_total");
    let mut table = Table::new(&format!("{monitors} monitors, every 60 s"), &[""]);
    let mut line = |what: &str, value: String| table.line(what, [value]);
    line("seconds", length.as_secs().to_string());
    line("looks due", due.to_string());
    line("looks done", done.to_string());
    for (word, q) in [("p50", 0.5), ("p99", 0.99), ("max", 1.0)] {
        let bound = after.quantile_since(&before, "watchbell_look_lateness_seconds", q);
        line(
            &format!("lateness {word}, ms, at most"),
            bound.map_or_else(|| "-".to_owned(), |s| format!("{:.0}", s * 1_000.0)),
        );
    }
    line(
        "CPU, % of one core",
        format!("{:.1}", cpu / length.as_secs_f64() * 100.0),
    );
    line(
        "CPU a look, µs (whole process)",
        format!("{:.0}", cpu / done.max(1.0) * 1e6),
    );
    line(
        "memory, MiB",
        format!(
            "{:.0}",
            after.sum("process_resident_memory_bytes") / 1_048_576.0
        ),
    );
    Ok(table.text())
}
