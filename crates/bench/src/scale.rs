//! Very many monitors that hardly need anything: how soon after its start a worker looks, and what each
//! of them takes of its memory.

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use crate::cpu;
use crate::fleet::{Fleet, Like, Worker};
use crate::looks::{Kind, Server, roots};
use crate::table::Table;

/// Seconds between two looks at each.
const INTERVAL: u32 = 3_600;
/// A worker that has not come so far by then is broken.
const PATIENCE: Duration = Duration::from_secs(300);
/// Looks of the start are over, and what they took is given back.
const SETTLED: Duration = Duration::from_secs(20);

/// Monitors of each run.
pub const FULL: &[u32] = &[10_000, 100_000, 1_000_000];
/// The same in less time.
pub const SMALL: &[u32] = &[10_000, 50_000];

#[derive(Debug, Serialize)]
struct Scale {
    monitors: u32,
    first_look_seconds: f64,
    all_known_seconds: f64,
    resident_bytes: f64,
}

/// Measures each and prints a table, and a line of JSON.
pub async fn run(server_url: &str, sizes: &[u32]) -> anyhow::Result<String> {
    let server = Server::start().await?;
    let mut scales: Vec<Scale> = Vec::new();
    for monitors in sizes {
        scales.push(measure(server_url, &server, *monitors).await?);
    }
    let titles: Vec<String> = sizes.iter().map(u32::to_string).collect();
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    let mut table = Table::new(&format!("monitors, every {INTERVAL} s"), &titles);
    let mut line = |what: &str, of: &dyn Fn(&Scale) -> f64, digits: usize| {
        table.line(
            what,
            scales.iter().map(|scale| format!("{:.digits$}", of(scale))),
        );
    };
    line(
        "first look after the start, s",
        &|scale| scale.first_look_seconds,
        2,
    );
    line(
        "all monitors known after, s",
        &|scale| scale.all_known_seconds,
        2,
    );
    line(
        "memory, MiB",
        &|scale| scale.resident_bytes / 1_048_576.0,
        0,
    );
    if let (Some(least), Some(most)) = (scales.first(), scales.last()) {
        let bytes = most.resident_bytes - least.resident_bytes;
        let each = bytes / f64::from(most.monitors - least.monitors);
        table.line("bytes a further monitor", [format!("{each:.0}")]);
    }
    Ok(format!(
        "{}{}\n",
        table.text(),
        serde_json::to_string(&scales)?
    ))
}

async fn measure(server_url: &str, server: &Server, monitors: u32) -> anyhow::Result<Scale> {
    let mut like = server.like(Kind::Http);
    like = Like {
        interval: INTERVAL,
        ..like
    };
    let fleet = Fleet::of(server_url, &like, monitors, &roots(&server.folder)).await?;
    let worker = fleet.worker("0").await?;
    let first = until(&worker, "watchbell_looks_done_total", 1.0).await?;
    let all = until(&worker, "watchbell_timetable_monitors", f64::from(monitors)).await?;
    tokio::time::sleep(SETTLED).await;
    let resident_bytes = worker.resident()?;
    worker.stop().await?;
    Ok(Scale {
        monitors,
        first_look_seconds: first,
        all_known_seconds: all,
        resident_bytes,
    })
}

/// Seconds from the worker's start until a metric has come to `value`.
async fn until(worker: &Worker, name: &str, value: f64) -> anyhow::Result<f64> {
    let began = Instant::now();
    while worker.scrape().await?.sum(name) < value {
        anyhow::ensure!(
            began.elapsed() < PATIENCE,
            "{name} does not come to {value}"
        );
        tokio::time::sleep(cpu::A_WHILE).await;
    }
    Ok(worker.started.elapsed().as_secs_f64())
}
