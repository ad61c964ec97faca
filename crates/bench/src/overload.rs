//! Up to what one core can do, and beyond: looks made and left out, how late they are, and whether
//! anything is called down that is not.

use std::time::Duration;

use serde::Serialize;

use crate::fleet::{Fleet, NEIGHBOURS};
use crate::looks::{INTERVAL, Kind, Server, roots};
use crate::table::Table;

/// How much.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// What one core does in a second, guessed: it is measured first.
    pub guess: u32,
    /// Each run is measured for so long.
    pub seconds: u32,
}

/// For a machine like the one in `docs/performance.md`.
pub const FULL: Load = Load {
    guess: 12_000,
    seconds: 30,
};
/// The same in less time.
pub const SMALL: Load = Load {
    guess: 8_000,
    seconds: 10,
};

#[derive(Debug, Serialize)]
struct Run {
    monitors: u32,
    offered_per_second: f64,
    made_per_second: f64,
    left_out_per_second: f64,
    cpu_percent: f64,
    not_up: f64,
    incidents: i64,
    not_stored_yet: f64,
    small_account_percent: f64,
    late_p50_ms: f64,
    late_p99_ms: f64,
    late_max_ms: f64,
}

/// Measures the most that is made when far more is asked for, then 80 %, 100 % and 200 % of that.
pub async fn run(server_url: &str, load: Load) -> anyhow::Result<String> {
    let server = Server::start().await?;
    let peak = measure(server_url, &server, f64::from(load.guess), load.seconds).await?;
    let most = peak.made_per_second;
    let mut runs = vec![peak];
    for part in [0.8, 2.0] {
        runs.push(measure(server_url, &server, most * part, load.seconds).await?);
    }
    let titles = ["peak", "80 %", "200 %"];
    let mut table = Table::new("HTTP looks on one core", &titles);
    let mut line = |what: &str, of: &dyn Fn(&Run) -> String| table.line(what, runs.iter().map(of));
    line("monitors, every 10 s", &|run| run.monitors.to_string());
    line("asked for a second", &|run| {
        format!("{:.0}", run.offered_per_second)
    });
    line("made a second", &|run| {
        format!("{:.0}", run.made_per_second)
    });
    line("left out a second, counted", &|run| {
        format!("{:.0}", run.left_out_per_second)
    });
    line("CPU, % of the core", &|run| {
        format!("{:.0}", run.cpu_percent)
    });
    line("looks that were not up", &|run| {
        format!("{:.0}", run.not_up)
    });
    line("incidents", &|run| run.incidents.to_string());
    line("looks not stored 5 s later", &|run| {
        format!("{:.0}", run.not_stored_yet)
    });
    line("slots of a small account looked at, %", &|run| {
        format!("{:.0}", run.small_account_percent)
    });
    line("late p50, ms", &|run| format!("{:.1}", run.late_p50_ms));
    line("late p99, ms", &|run| format!("{:.1}", run.late_p99_ms));
    line("late max, ms", &|run| format!("{:.1}", run.late_max_ms));
    Ok(format!(
        "{}{}\n",
        table.text(),
        serde_json::to_string(&runs)?
    ))
}

async fn measure(
    server_url: &str,
    server: &Server,
    rate: f64,
    seconds: u32,
) -> anyhow::Result<Run> {
    let monitors = (rate * f64::from(INTERVAL)) as u32;
    let like = server.like(Kind::Http);
    let fleet = Fleet::of(server_url, &like, monitors, &roots(&server.folder)).await?;
    let worker = fleet.worker("0").await?;
    tokio::time::sleep(Duration::from_secs(u64::from(INTERVAL) * 2)).await;
    let (from, before, cpu) = (fleet.now().await?, worker.scrape().await?, worker.cpu()?);
    tokio::time::sleep(Duration::from_secs(seconds.into())).await;
    let (after, cpu_after) = (worker.scrape().await?, worker.cpu()?);
    let late = fleet.lateness(&from, seconds, 0).await?;
    let not_stored_yet = worker.scrape().await?.sum("watchbell_buffer_looks");
    let small = fleet.neighbours_looks(&from, seconds).await?;
    let incidents = fleet.count("SELECT count(*) FROM incidents").await?;
    worker.stop().await?;
    let grown = |name: &str| after.sum(name) - before.sum(name);
    let made = grown("watchbell_looks_done_total");
    let up = after.sum_where("watchbell_looks_done_total", "up")
        - before.sum_where("watchbell_looks_done_total", "up");
    let seconds = f64::from(seconds);
    Ok(Run {
        monitors,
        offered_per_second: f64::from(monitors) / f64::from(INTERVAL),
        made_per_second: made / seconds,
        left_out_per_second: grown("watchbell_looks_skipped_total") / seconds,
        cpu_percent: (cpu_after - cpu) / seconds * 100.0,
        not_up: made - up,
        incidents,
        not_stored_yet,
        small_account_percent: small / slots_of_neighbours(seconds) * 100.0,
        late_p50_ms: late.p50(),
        late_p99_ms: late.p99(),
        late_max_ms: late.max(),
    })
}

fn slots_of_neighbours(seconds: f64) -> f64 {
    f64::from(NEIGHBOURS) * seconds / f64::from(INTERVAL)
}
