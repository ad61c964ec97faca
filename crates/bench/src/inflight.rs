//! Looks that wait for their answer: what each holds of the worker's memory.

use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use crate::fleet::{Fleet, Like};
use crate::looks::{Kind, Server, roots};
use crate::table::Table;

/// Seconds between two looks at each.
const INTERVAL: u32 = 20;
/// No look is over before it is measured.
const TIMEOUT_MS: u32 = 19_000;
/// The target answers nothing for so long when it is measured.
const HANGS_FOR: Duration = Duration::from_secs(16);
/// Monitors of which four fifths, 500 and 1,500, are then being looked at.
const MONITORS: [u32; 2] = [625, 1_875];

/// Kinds that are measured.
pub const FULL: &[Kind] = &[Kind::Http, Kind::Https];
/// The same in less time.
pub const SMALL: &[Kind] = &[Kind::Http];

#[derive(Debug, Serialize)]
struct Held {
    kind: &'static str,
    looks: [f64; 2],
    resident_before: [f64; 2],
    resident_with: [f64; 2],
    bytes_each: f64,
}

/// Measures each and prints a table, and a line of JSON.
pub async fn run(server_url: &str, kinds: &[Kind]) -> anyhow::Result<String> {
    let mut all = Vec::new();
    for kind in kinds {
        let mut held = Held {
            kind: kind.word(),
            looks: [0.0; 2],
            resident_before: [0.0; 2],
            resident_with: [0.0; 2],
            bytes_each: 0.0,
        };
        for (place, monitors) in MONITORS.into_iter().enumerate() {
            let [looks, before, with] = measure(server_url, *kind, monitors).await?;
            held.looks[place] = looks;
            held.resident_before[place] = before;
            held.resident_with[place] = with;
        }
        held.bytes_each = slope(held.looks, held.resident_with);
        all.push(held);
    }
    let titles: Vec<&str> = all.iter().map(|held| held.kind).collect();
    let mut table = Table::new("looks that wait for their answer", &titles);
    let mut line = |what: &str, of: &dyn Fn(&Held) -> String| table.line(what, all.iter().map(of));
    let pair = |pair: [f64; 2], unit: f64| pair.map(|one| format!("{:.1}", one / unit)).join(", ");
    const MIB: f64 = 1_048_576.0;
    line("at once", &|held| pair(held.looks, 1.0));
    line("memory before, MiB", &|held| {
        pair(held.resident_before, MIB)
    });
    line("memory with them, MiB", &|held| {
        pair(held.resident_with, MIB)
    });
    line("KiB a further look", &|held| {
        format!("{:.1}", held.bytes_each / 1_024.0)
    });
    Ok(format!(
        "{}{}\n",
        table.text(),
        serde_json::to_string(&all)?
    ))
}

fn slope([x0, x1]: [f64; 2], [y0, y1]: [f64; 2]) -> f64 {
    (y1 - y0) / (x1 - x0).max(1.0)
}

/// How many looks wait, and the worker's memory before and with them.
async fn measure(server_url: &str, kind: Kind, monitors: u32) -> anyhow::Result<[f64; 3]> {
    let server = Server::start().await?;
    let Like { mut body, .. } = server.like(kind);
    body["timeout_ms"] = json!(TIMEOUT_MS);
    let like = Like {
        body,
        interval: INTERVAL,
    };
    let fleet = Fleet::of(server_url, &like, monitors, &roots(&server.folder)).await?;
    let worker = fleet.worker("0").await?;
    tokio::time::sleep(Duration::from_secs(u64::from(INTERVAL) * 2)).await;
    let before = worker.resident()?;
    server.hang().await?;
    tokio::time::sleep(HANGS_FOR).await;
    let looks = worker.scrape().await?.sum("watchbell_looks_inflight");
    let with = worker.resident()?;
    worker.stop().await?;
    Ok([looks, before, with])
}
