//! Very many alerts at once: all monitors of many customers break in one second, and each customer's
//! webhook is told.

use std::collections::HashMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use testkit::{Behaviour, SwitchableSite};
use tokio::time::Instant;

use crate::program::{Program, quantile};
use crate::table::Table;

/// How much.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Who watches.
    customers: u32,
    /// Monitors of each.
    monitors: u32,
}

/// 10,000 monitors.
pub const FULL: Load = Load {
    customers: 100,
    monitors: 100,
};
/// A twentieth.
pub const SMALL: Load = Load {
    customers: 20,
    monitors: 25,
};

/// Of the usual timetable: within one of these all monitors are looked at once.
const INTERVAL: u32 = 60;
/// Hosts that the monitors are spread over, since what a host is asked for is limited.
const HOSTS: u32 = 200;
const LIMIT: Duration = Duration::from_secs(600);

#[derive(Debug, Serialize)]
struct Figures {
    monitors: u32,
    confirmed_first_s: f64,
    confirmed_last_s: f64,
    told_first_s: f64,
    told_last_s: f64,
    decided_last_s: f64,
    accepted_p50_ms: f64,
    accepted_p99_ms: f64,
    accepted_max_ms: f64,
    messages: usize,
    messages_most: usize,
    peak_mib: Option<u64>,
}

/// Runs it, and prints a table and a line of JSON.
pub async fn run(server_url: &str, load: Load) -> anyhow::Result<String> {
    let hooks = SwitchableSite::start().await;
    // On every address of loopback.
    let site = SwitchableSite::start_on(std::net::Ipv4Addr::UNSPECIFIED).await;
    let port: u16 = site
        .url("")
        .rsplit(':')
        .next()
        .unwrap_or_default()
        .parse()?;
    let program = Program::start(server_url).await?;
    for number in 0..load.customers {
        let who = program
            .customer(&format!("owner{number}@shop.example"), "enterprise")
            .await?;
        let url = hooks.url(&format!("/{number}"));
        let hook = json!({ "kind": "webhook", "name": "Hook", "url": url });
        program.post(&who, "contacts", &hook).await?;
        let watched = format!("http://127.0.1.1:{port}/");
        let monitor = json!({ "url": watched, "interval_seconds": INTERVAL });
        program.post(&who, "monitors", &monitor).await?;
    }
    program.sql(&copies(load.monitors, port)).await?;
    let monitors = load.customers * load.monitors;
    let up = "SELECT count(*) FROM monitor_states WHERE observed = 'up' AND NOT confirming";
    until(&program, up, monitors).await?;

    let from = program.now().await?;
    site.set(Behaviour::Reset);
    let told = "event = 'incident.opened' AND channel = 'webhook'";
    let decided = format!(
        "SELECT count(DISTINCT (account_id, incident_id)) FROM deliveries
         WHERE {told} AND state NOT IN ('pending', 'sending', 'held')"
    );
    until(&program, &decided, monitors).await?;
    let seconds = |moment: &str, rows: &str| {
        format!("SELECT extract(epoch FROM {moment} - '{from}') FROM {rows} ORDER BY 1")
    };
    let opened = "incidents WHERE resolved_at IS NULL";
    let confirmed = program.numbers(&seconds("confirmed_at", opened)).await?;
    let accepted = format!("deliveries WHERE {told} AND accepted_at IS NOT NULL");
    let accepted = program.numbers(&seconds("accepted_at", &accepted)).await?;
    let ended = format!("deliveries WHERE {told}");
    let ended = seconds("coalesce(accepted_at, finished_at)", &ended);
    let ended = program.numbers(&ended).await?;
    let took = program
        .numbers(&format!(
            "SELECT extract(epoch FROM d.accepted_at - i.confirmed_at) * 1000 FROM deliveries d
             JOIN incidents i ON i.account_id = d.account_id AND i.id = d.incident_id
             WHERE d.{told} AND d.accepted_at IS NOT NULL ORDER BY 1"
        ))
        .await?;
    let mut messages: HashMap<String, usize> = HashMap::new();
    for post in hooks.posts() {
        *messages.entry(post.path).or_default() += 1;
    }
    let figures = Figures {
        monitors,
        confirmed_first_s: quantile(&confirmed, 0.0),
        confirmed_last_s: quantile(&confirmed, 1.0),
        told_first_s: quantile(&accepted, 0.0),
        told_last_s: quantile(&accepted, 1.0),
        decided_last_s: quantile(&ended, 1.0),
        accepted_p50_ms: quantile(&took, 0.5),
        accepted_p99_ms: quantile(&took, 0.99),
        accepted_max_ms: quantile(&took, 1.0),
        messages: messages.values().sum(),
        messages_most: messages.values().copied().max().unwrap_or(0),
        peak_mib: program.peak_memory(),
    };
    program.stop().await?;
    Ok(text(load, &figures)?)
}

fn text(load: Load, figures: &Figures) -> Result<String, serde_json::Error> {
    let title = format!(
        "{} monitors of {} customers break",
        figures.monitors, load.customers
    );
    let mut table = Table::new(&title, &[""]);
    let each = figures.messages as f64 / f64::from(load.customers);
    let peak = figures.peak_mib.map(|mib| mib.to_string());
    for (name, value) in [
        ("first confirmed after, s", figures.confirmed_first_s),
        ("last confirmed after, s", figures.confirmed_last_s),
        ("first webhook accepted after, s", figures.told_first_s),
        ("last webhook accepted after, s", figures.told_last_s),
        ("last one decided after, s", figures.decided_last_s),
        ("confirmed to accepted p50, ms", figures.accepted_p50_ms),
        ("confirmed to accepted p99, ms", figures.accepted_p99_ms),
        ("confirmed to accepted max, ms", figures.accepted_max_ms),
        ("messages to each, mean", each),
    ] {
        table.line(name, [format!("{value:.1}")]);
    }
    table.line(
        "messages to each, most",
        [figures.messages_most.to_string()],
    );
    table.line("memory at its peak, MiB", peak);
    Ok(format!(
        "{}{}\n",
        table.text(),
        serde_json::to_string(figures)?
    ))
}

/// Every customer's one monitor, `monitors` times, over many addresses of loopback.
fn copies(monitors: u32, port: u16) -> String {
    let copies = monitors - 1;
    let columns = "account_id, id, kind, name, host, spec, secrets, interval_seconds, regions, tags, key, config_version, \
                   paused_at, created_at, updated_at, depends_on, severity";
    let new = columns.replace(", ", ", new.");
    format!(
        "CREATE TABLE copies AS
         SELECT m.account_id, m.id AS source, n, gen_random_uuid() AS id, '127.0.1.' || (1 + (m.number * {copies} + n) % {HOSTS}) AS host
         FROM (SELECT account_id, id, row_number() OVER () AS number FROM monitors) m, generate_series(1, {copies}) n;
         INSERT INTO monitors ({columns}) SELECT new.{new} FROM monitors old JOIN copies copy ON copy.source = old.id,
           LATERAL jsonb_populate_record(old, jsonb_build_object('id', copy.id, 'name', 'Shop ' || copy.n, 'host', copy.host,
             'spec', jsonb_build_object('url', format('http://%s:{port}/%s', copy.host, copy.n), 'interval_seconds', {INTERVAL}))) new;
         INSERT INTO monitor_states (account_id, monitor_id, observed, since) SELECT account_id, id, 'pending', now() FROM copies;
         DROP TABLE copies;
         ANALYZE"
    )
}

/// Waits until `count` answers `wanted`.
async fn until(program: &Program, count: &str, wanted: u32) -> anyhow::Result<()> {
    let begun = Instant::now();
    loop {
        let found = program.count(count).await?;
        if found >= i64::from(wanted) {
            return Ok(());
        }
        anyhow::ensure!(
            begun.elapsed() < LIMIT,
            "{found} of {wanted} after {LIMIT:?}: {count}"
        );
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
