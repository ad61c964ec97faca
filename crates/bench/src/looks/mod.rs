//! What a look costs: the worker with its real database beside a client that was written by hand, in
//! one run, each alone on the first core; the server they look at has the second.

pub mod chain;
pub mod hand;
pub mod target;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use tokio::process::{Child, Command};

use crate::cpu;
use crate::fleet::{Fleet, Like};
use crate::metrics::Scrape;
use crate::table::Table;
use hand::{Done, Job};

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A page.
    Http,
    /// The same over TLS.
    Https,
    /// A port.
    Tcp,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Http, Self::Https, Self::Tcp];

    /// What people read.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Http => "HTTP",
            Self::Https => "HTTPS",
            Self::Tcp => "TCP",
        }
    }
}

/// Work of a process that the bench starts of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Part {
    /// Serves.
    Target {
        /// Its certificates.
        folder: PathBuf,
        /// Plain.
        http: u16,
        /// TLS.
        https: u16,
    },
    /// Serves JSON, and does nothing else.
    Bare {
        /// Where.
        port: u16,
        /// Bytes.
        size: usize,
    },
    /// Looks by hand, and prints [`Done`].
    Hand {
        /// Whom it trusts.
        folder: PathBuf,
        /// What it does.
        job: Job,
    },
}

/// How much.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Monitors of each kind, looked at every ten seconds.
    pub monitors: u32,
    /// Measured for so long.
    pub seconds: u32,
}

/// 2,000 looks a second.
pub const FULL: Load = Load {
    monitors: 20_000,
    seconds: 40,
};
/// 1,000 looks a second.
pub const SMALL: Load = Load {
    monitors: 10_000,
    seconds: 8,
};

/// Seconds between two looks at a monitor.
pub const INTERVAL: u32 = 10;
/// The addresses of the one server: ports of one alone would run out.
pub const ADDRESSES: u8 = 64;

/// Where the server is found.
pub fn addresses() -> Vec<IpAddr> {
    (1..=ADDRESSES)
        .map(|last| Ipv4Addr::new(127, 0, 1, last).into())
        .collect()
}

/// Does the work of a part.
pub async fn part(part: &Part) -> anyhow::Result<Option<String>> {
    match part {
        Part::Target {
            folder,
            http,
            https,
        } => target::serve(folder, *http, *https).await.map(|()| None),
        Part::Bare { port, size } => crate::api::serve_bare(*port, *size).await.map(|()| None),
        Part::Hand { folder, job } => {
            let done = hand::run(folder, job).await?;
            Ok(Some(serde_json::to_string(&done)?))
        }
    }
}

/// This program again with another part, on cores of its own.
pub fn spawn(part: &Part, core: &str) -> anyhow::Result<Child> {
    let child = Command::new("taskset")
        .args(["-c", core])
        .arg(std::env::current_exe()?)
        .args(["--part", &serde_json::to_string(part)?])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    child.context("taskset of util-linux")
}

/// The server, and whom to trust.
pub struct Server {
    child: Child,
    /// Its certificates.
    pub folder: PathBuf,
    http: u16,
    https: u16,
}

impl Server {
    /// Starts it.
    pub async fn start() -> anyhow::Result<Self> {
        let folder = std::env::temp_dir().join(format!("watchbell-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        chain::write(&folder, &addresses())?;
        let port = || {
            anyhow::Ok(
                std::net::TcpListener::bind("0.0.0.0:0")?
                    .local_addr()?
                    .port(),
            )
        };
        let (http, https) = (port()?, port()?);
        let part = Part::Target {
            folder: folder.clone(),
            http,
            https,
        };
        let child = spawn(&part, "1")?;
        while !target::is_up(http).await {
            tokio::time::sleep(cpu::A_WHILE).await;
        }
        Ok(Self {
            child,
            folder,
            http,
            https,
        })
    }

    /// From now on it answers no request.
    pub async fn hang(&self) -> anyhow::Result<()> {
        let pid = self.child.id().context("the server runs")?.to_string();
        Command::new("kill").args(["-USR1", &pid]).status().await?;
        Ok(())
    }

    /// Its port for a kind.
    pub const fn port(&self, kind: Kind) -> u16 {
        match kind {
            Kind::Http | Kind::Tcp => self.http,
            Kind::Https => self.https,
        }
    }

    /// What a monitor of that kind is made of, at the first address.
    pub fn like(&self, kind: Kind) -> Like {
        let (port, at) = (self.port(kind), "127.0.1.1");
        let body = match kind {
            Kind::Http => serde_json::json!({ "url": format!("http://{at}:{port}/") }),
            Kind::Https => serde_json::json!({ "url": format!("https://{at}:{port}/") }),
            Kind::Tcp => serde_json::json!({ "kind": "tcp", "host": at, "port": port }),
        };
        Like {
            body,
            interval: INTERVAL,
        }
    }

    async fn by_hand(&self, kind: Kind, rate: f64, seconds: u32) -> anyhow::Result<Done> {
        let port = self.port(kind);
        let addresses = addresses()
            .into_iter()
            .map(|ip| SocketAddr::new(ip, port))
            .collect();
        let job = Job {
            kind,
            addresses,
            rate,
            seconds: f64::from(seconds),
        };
        let part = Part::Hand {
            folder: self.folder.clone(),
            job,
        };
        let output = spawn(&part, "0")?.wait_with_output().await?;
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// What one kind came to.
#[derive(Debug, Serialize)]
struct Cost {
    kind: Kind,
    looks_per_second: f64,
    hand_us: f64,
    worker_us: f64,
    ratio: f64,
    postgres_us: f64,
    failed: f64,
    late_p50_ms: f64,
    late_p99_ms: f64,
    late_max_ms: f64,
}

/// Measures each kind and prints a table, and a line of JSON.
pub async fn run(server_url: &str, load: Load) -> anyhow::Result<String> {
    let server = Server::start().await?;
    let mut table = Table::new(
        &format!("a look, {} monitors every {INTERVAL} s", load.monitors),
        &Kind::ALL.map(Kind::word),
    );
    let mut costs = Vec::new();
    for kind in Kind::ALL {
        costs.push(measure(server_url, &server, kind, load).await?);
    }
    let mut line =
        |what: &str, of: &dyn Fn(&Cost) -> String| table.line(what, costs.iter().map(of));
    line("looks a second", &|cost| {
        format!("{:.0}", cost.looks_per_second)
    });
    line("by hand, µs of CPU", &|cost| {
        format!("{:.1}", cost.hand_us)
    });
    line("worker, µs of CPU", &|cost| {
        format!("{:.1}", cost.worker_us)
    });
    line("ratio", &|cost| format!("{:.2}", cost.ratio));
    line("Postgres, µs of CPU", &|cost| {
        format!("{:.1}", cost.postgres_us)
    });
    line("looks that were not up", &|cost| format!("{}", cost.failed));
    line("late p50, ms", &|cost| format!("{:.2}", cost.late_p50_ms));
    line("late p99, ms", &|cost| format!("{:.2}", cost.late_p99_ms));
    line("late max, ms", &|cost| format!("{:.1}", cost.late_max_ms));
    Ok(format!(
        "{}{}\n",
        table.text(),
        serde_json::to_string(&costs)?
    ))
}

async fn measure(
    server_url: &str,
    server: &Server,
    kind: Kind,
    load: Load,
) -> anyhow::Result<Cost> {
    let rate = f64::from(load.monitors) / f64::from(INTERVAL);
    let first = server.by_hand(kind, rate, load.seconds / 2).await?;
    let trusted = roots(&server.folder);
    let fleet = Fleet::of(server_url, &server.like(kind), load.monitors, &trusted).await?;
    let worker = fleet.worker("0").await?;
    // Each has been looked at once before what is measured begins.
    tokio::time::sleep(Duration::from_secs(u64::from(INTERVAL) + 5)).await;
    let from = fleet.now().await?;
    let (before, cpu_before, database_before) =
        (worker.scrape().await?, worker.cpu()?, fleet.database_cpu()?);
    tokio::time::sleep(Duration::from_secs(load.seconds.into())).await;
    let (after, cpu_after, database_after) =
        (worker.scrape().await?, worker.cpu()?, fleet.database_cpu()?);
    let looks = grown(&before, &after, "watchbell_looks_done_total");
    let slots = load.monitors / INTERVAL * load.seconds;
    let late = fleet.lateness(&from, load.seconds, slots).await?;
    worker.stop().await?;
    let second = server.by_hand(kind, rate, load.seconds / 2).await?;
    let by_hand = (first.cpu + second.cpu) / (first.looks + second.looks) as f64 * 1e6;
    anyhow::ensure!(
        first.failed + second.failed == 0,
        "the server fails: {first:?} {second:?}"
    );
    let worker_us = (cpu_after - cpu_before) / looks * 1e6;
    Ok(Cost {
        kind,
        looks_per_second: looks / f64::from(load.seconds),
        hand_us: by_hand,
        worker_us,
        ratio: worker_us / by_hand,
        postgres_us: (database_after - database_before) / looks * 1e6,
        failed: looks - after.sum_where("watchbell_looks_done_total", "up")
            + before.sum_where("watchbell_looks_done_total", "up"),
        late_p50_ms: late.p50(),
        late_p99_ms: late.p99(),
        late_max_ms: late.max(),
    })
}

/// The setting that makes the program trust the server.
pub fn roots(folder: &Path) -> [(&'static str, String); 1] {
    let root = folder.join(chain::ROOT);
    [("WATCHBELL_TLS_ROOTS", root.to_string_lossy().into_owned())]
}

fn grown(before: &Scrape, after: &Scrape, name: &str) -> f64 {
    after.sum(name) - before.sum(name)
}
