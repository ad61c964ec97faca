//! Processor time and memory of other processes, as the kernel counts them (proc(5)).

use std::collections::HashSet;
use std::time::Duration;

use anyhow::Context;

/// Ticks of a second in `/proc/<pid>/stat`: USER_HZ, which is 100 on every Linux that we run on.
const TICKS: f64 = 100.0;

/// What `/proc/<pid>/stat` says from the third field on.
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}

fn ticks(fields: &[String], at: &[usize]) -> f64 {
    at.iter()
        .filter_map(|at| fields.get(*at)?.parse::<f64>().ok())
        .sum()
}

/// Seconds that `pid` spent, in its own code and in the kernel for it.
///
/// # Errors
/// There is no such process.
pub fn seconds(pid: u32) -> anyhow::Result<f64> {
    // The scheduler counts nanoseconds for each thread; ticks would be too coarse for a short run.
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).context("the process runs")?;
    let mut nanos = 0.0;
    for task in tasks {
        let text = std::fs::read_to_string(task?.path().join("schedstat")).unwrap_or_default();
        nanos += text
            .split_whitespace()
            .next()
            .unwrap_or("0")
            .parse::<f64>()
            .unwrap_or(0.0);
    }
    Ok(nanos / 1e9)
}

/// Seconds that a server of Postgres spent, with everything it started: those that are over too.
///
/// # Errors
/// There is no such process.
pub fn seconds_of_all(postmaster: u32) -> anyhow::Result<f64> {
    let own = stat(postmaster).context("the server runs")?;
    // utime, stime, and those of children that were waited for.
    let mut sum = ticks(&own, &[11, 12, 13, 14]);
    for child in children(postmaster)? {
        sum += stat(child).map_or(0.0, |fields| ticks(&fields, &[11, 12]));
    }
    Ok(sum / TICKS)
}

fn children(parent: u32) -> anyhow::Result<HashSet<u32>> {
    let mut children = HashSet::new();
    for entry in std::fs::read_dir("/proc")? {
        let Ok(pid) = entry?.file_name().to_string_lossy().parse() else {
            continue;
        };
        let is_child = stat(pid).is_some_and(|fields| fields.get(1) == Some(&parent.to_string()));
        if is_child {
            children.insert(pid);
        }
    }
    Ok(children)
}

/// Memory that `pid` holds now, bytes.
///
/// # Errors
/// There is no such process.
pub fn resident(pid: u32) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(kib.context("VmRSS")?.parse::<f64>()? * 1_024.0)
}

/// How often `after` is looked at.
pub const A_WHILE: Duration = Duration::from_millis(20);
