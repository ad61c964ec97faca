//! Very many monitors, made at once: one is made by the API and copied in the database.

use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use egress::Trusted;
use egress::http::{ProviderClient, Request};
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::cpu;
use crate::looks::ADDRESSES;
use crate::metrics::Scrape;
use crate::program::{Lateness, Program};

const PATIENCE: Duration = Duration::from_secs(60);

/// What all are like.
#[derive(Debug)]
pub struct Like {
    /// What the first is made with, at 127.0.1.1.
    pub body: Value,
    /// Seconds between two looks at each.
    pub interval: u32,
}

/// Monitors of another account, beside those of the one that has nearly all.
pub const NEIGHBOURS: u32 = 20;

/// The monitors and their database; nobody looks at them yet.
pub struct Fleet {
    program: Program,
    postmaster: i32,
}

/// Rows of one monitor that are copied with it, each with the column of its id.
const TABLES: [(&str, &str); 5] = [
    ("monitors", "id"),
    ("monitor_states", "monitor_id"),
    ("region_votes", "monitor_id"),
    ("status_intervals", "monitor_id"),
    ("certificates", "monitor_id"),
];

impl Fleet {
    /// Makes `monitors` of them, which are up, and [`NEIGHBOURS`].
    pub async fn of(
        server_url: &str,
        like: &Like,
        monitors: u32,
        settings: &[(&'static str, String)],
    ) -> anyhow::Result<Self> {
        let program = Program::start_with(server_url, "", settings).await?;
        let mut body = like.body.clone();
        body["interval_seconds"] = json!(like.interval);
        program.make(&body).await?;
        let up = "SELECT count(*) FROM monitor_states WHERE observed = 'up'";
        let began = Instant::now();
        while program.count(up).await? == 0 {
            anyhow::ensure!(began.elapsed() < PATIENCE, "the first monitor is not up");
            tokio::time::sleep(cpu::A_WHILE).await;
        }
        program.sql(&copy(monitors)).await?;
        let neighbour = program
            .customer("neighbour@shop.example", "enterprise")
            .await?;
        for _ in 0..NEIGHBOURS {
            program.post(&neighbour, "monitors", &body).await?;
        }
        let program = program.pause().await?;
        for (table, id) in TABLES {
            let columns = program
                .text(&format!(
                    "SELECT string_agg(column_name || ' ' || udt_name, ',' ORDER BY ordinal_position) FROM information_schema.columns
                     WHERE table_schema = 'public' AND table_name = '{table}' AND is_generated = 'NEVER'"
                ))
                .await?;
            program.sql(&copied(table, id, &columns)).await?;
        }
        program.sql("ANALYZE").await?;
        let data = program.text("SHOW data_directory").await?;
        let file = std::fs::read_to_string(format!("{data}/postmaster.pid"))?;
        let postmaster = file.lines().next().context("a pid")?.trim().parse()?;
        Ok(Self {
            program,
            postmaster,
        })
    }

    /// The database's time.
    pub async fn now(&self) -> anyhow::Result<String> {
        self.program.now().await
    }

    /// The number that a statement answers.
    pub async fn count(&self, statement: &str) -> anyhow::Result<i64> {
        self.program.count(statement).await
    }

    /// Looks of slots of the small account from `from` on for so many seconds.
    pub async fn neighbours_looks(&self, from: &str, seconds: u32) -> anyhow::Result<f64> {
        let looks = format!(
            "SELECT count(*) FROM checks WHERE account_id = (
                 SELECT account_id FROM monitors WHERE id NOT IN (SELECT id FROM copied UNION ALL SELECT id FROM copies) LIMIT 1)
             AND slot >= '{from}' AND slot < '{from}'::timestamptz + interval '{seconds} s'"
        );
        Ok(self.program.count(&looks).await? as f64)
    }

    /// How late looks were, see [`Program::healthy_lateness`].
    pub async fn lateness(&self, from: &str, seconds: u32, slots: u32) -> anyhow::Result<Lateness> {
        self.program.healthy_lateness(from, seconds, slots).await
    }

    /// Processor time of the database, seconds.
    pub fn database_cpu(&self) -> anyhow::Result<f64> {
        Ok(cpu::of_server(self.postmaster)?.as_secs_f64())
    }

    /// A worker for them on that core.
    pub async fn worker(&self, core: &str) -> anyhow::Result<Worker> {
        let port = testkit::free_port();
        let started = Instant::now();
        let child = Command::new("taskset")
            .args(["-c", core])
            .arg(crate::program::binary()?)
            .arg("worker")
            .envs(self.program.settings().iter().cloned())
            .env("WATCHBELL_OPS_LISTEN", format!("127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("taskset of util-linux")?;
        let base = format!("http://127.0.0.1:{port}/").parse()?;
        let way_out = testkit::way_out::way_out(None, None);
        let client = ProviderClient::new(&way_out, &Trusted::from_operator_configuration(base))?;
        let worker = Worker {
            child,
            client,
            started,
        };
        while worker.scrape().await.is_err() {
            anyhow::ensure!(started.elapsed() < PATIENCE, "the worker does not start");
            tokio::time::sleep(cpu::A_WHILE).await;
        }
        Ok(worker)
    }
}

/// The first monitor, which is one of them all, and the ids of its copies.
fn copy(monitors: u32) -> String {
    let copies = monitors.saturating_sub(1);
    format!(
        "CREATE TABLE copies AS SELECT n, gen_random_uuid() AS id FROM generate_series(1, {copies}) n;
         CREATE TABLE copied AS SELECT id FROM monitors"
    )
}

/// Copies the rows of the first monitor in a table; `columns` are names, each with its type.
fn copied(table: &str, id: &str, columns: &str) -> String {
    let columns = columns
        .split(',')
        .filter_map(|column| column.split_once(' '));
    let (mut names, mut values) = (Vec::new(), Vec::new());
    let elsewhere = format!("'127.0.1.' || copy.n % {ADDRESSES} + 1");
    for (name, kind) in columns {
        names.push(format!("\"{name}\""));
        values.push(match (table, name) {
            (_, name) if name == id => "copy.id".to_owned(),
            ("monitors", "spec" | "host") => {
                format!("replace(old.{name}::text, '127.0.1.1', {elsewhere})::{kind}")
            }
            _ => format!("old.\"{name}\""),
        });
    }
    let (names, values) = (names.join(", "), values.join(", "));
    format!(
        "SET synchronous_commit = off;
         INSERT INTO {table} ({names}) SELECT {values} FROM {table} old, copies copy
         WHERE old.{id} IN (SELECT id FROM copied)"
    )
}

/// A running worker.
pub struct Worker {
    child: Child,
    client: ProviderClient,
    /// When it was started.
    pub started: Instant,
}

impl Worker {
    fn pid(&self) -> anyhow::Result<i32> {
        Ok(self.child.id().context("the worker runs")?.try_into()?)
    }

    /// What its metrics say.
    pub async fn scrape(&self) -> anyhow::Result<Scrape> {
        let deadline = Instant::now() + Duration::from_secs(5);
        let answer = self
            .client
            .send("metrics", Request::get(), deadline)
            .await?;
        Ok(Scrape::of(answer.text()))
    }

    /// Its processor time, seconds.
    pub fn cpu(&self) -> anyhow::Result<f64> {
        Ok(cpu::of_threads(self.pid()?)?.as_secs_f64())
    }

    /// Its memory, bytes.
    pub fn resident(&self) -> anyhow::Result<f64> {
        cpu::resident(self.pid()?)
    }

    /// Ends it.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let pid = self.pid()?.to_string();
        Command::new("kill").args(["-TERM", &pid]).status().await?;
        self.child.wait().await?;
        Ok(())
    }
}
