//! Processor time and memory of other processes of this machine, as the kernel counts them (proc(5)).

use std::time::Duration;

use anyhow::Context;

/// Between two questions of whoever waits for another process.
pub const A_WHILE: Duration = Duration::from_millis(20);

/// What a process with one thread has used. The scheduler counts nanoseconds.
pub fn of_process(pid: i32) -> anyhow::Result<Duration> {
    scheduled(&format!("/proc/{pid}/schedstat"))
}

/// The same with many threads: those that live.
pub fn of_threads(pid: i32) -> anyhow::Result<Duration> {
    let mut all = Duration::ZERO;
    for thread in std::fs::read_dir(format!("/proc/{pid}/task")).context("it runs")? {
        // A thread may end while the list is read.
        let path = thread?.path().join("schedstat");
        all += scheduled(&path.to_string_lossy()).unwrap_or_default();
    }
    Ok(all)
}

/// What a server of Postgres has used: all that it started, those that ended too.
pub fn of_server(postmaster: i32) -> anyhow::Result<Duration> {
    let mut all = stat(postmaster)?.of_ended;
    for entry in std::fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        // A process may end while the list is read.
        if stat(pid).is_ok_and(|stat| stat.parent == postmaster) {
            all += of_process(pid).unwrap_or_default();
        }
    }
    Ok(all)
}

/// Who started a process.
pub fn parent(pid: i32) -> anyhow::Result<i32> {
    Ok(stat(pid)?.parent)
}

/// Memory that a process holds now, bytes.
pub fn resident(pid: i32) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(kib.context("VmRSS")?.parse::<f64>()? * 1_024.0)
}

fn scheduled(path: &str) -> anyhow::Result<Duration> {
    let text = std::fs::read_to_string(path).context("it runs on this machine")?;
    let nanoseconds = text.split_whitespace().next().context("a number")?;
    Ok(Duration::from_nanos(nanoseconds.parse()?))
}

struct Stat {
    parent: i32,
    of_ended: Duration,
}

fn stat(pid: i32) -> anyhow::Result<Stat> {
    /// Hundredths of a second, everywhere on Linux.
    const TICK: Duration = Duration::from_millis(10);
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, rest) = text.rsplit_once(')').context("a name in brackets")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let field = |place: usize| -> anyhow::Result<&str> {
        Ok(*fields
            .get(place - 3)
            .context("fields as proc(5) counts them")?)
    };
    let ended: u32 = field(16)?.parse::<u32>()? + field(17)?.parse::<u32>()?;
    Ok(Stat {
        parent: field(4)?.parse()?,
        of_ended: TICK * ended,
    })
}
