//! Most monitors break at once and our own line is well: everyone is told, and the others keep their
//! minute.

use std::time::Duration;

use testkit::{Behaviour, SwitchableSite};
use tokio::time::Instant;

use crate::program::Program;
use crate::table::Table;

/// Of the usual timetable.
const INTERVAL: u32 = 60;
const TIMEOUT_MS: u32 = 10_000;
/// The promise: interval + 10 s + 2 time-outs; and as much again before this gives up.
const LIMIT: Duration = Duration::from_secs(180);

/// Seven of ten monitors break.
pub async fn run(server_url: &str, monitors: u32) -> anyhow::Result<String> {
    let (fine, broken, mut anchors) = (
        SwitchableSite::start().await,
        SwitchableSite::start().await,
        Vec::new(),
    );
    for _ in 0..5 {
        anchors.push(SwitchableSite::start().await);
    }
    let canaries: Vec<String> = anchors.iter().map(|anchor| anchor.url("/")).collect();
    let program = Program::start_with(server_url, &canaries.join(","), &[]).await?;
    for number in 0..monitors {
        let site = if number % 10 < 7 { &broken } else { &fine };
        let url = site.url(&format!("/{number}"));
        program.watch(&url, INTERVAL, TIMEOUT_MS).await?;
    }
    let (dying, healthy) = (monitors / 10 * 7, monitors - monitors / 10 * 7);
    let all_up = "SELECT count(*) FROM monitor_states WHERE observed = 'up' AND NOT confirming";
    until(&program, all_up, monitors).await?;

    let from = program.now().await?;
    broken.set(Behaviour::Reset);
    let incidents = "SELECT count(*) FROM incidents WHERE resolved_at IS NULL";
    let told = "SELECT count(*) FROM deliveries WHERE accepted_at IS NOT NULL";
    let opened_after = until(&program, incidents, dying).await?;
    let told_after = opened_after + until(&program, told, dying).await?;
    // Whole intervals, so that each healthy monitor has had its slots.
    let intervals = (told_after.as_secs() as u32).div_ceil(INTERVAL).max(2);
    let rest = Duration::from_secs(u64::from(intervals * INTERVAL)).saturating_sub(told_after);
    tokio::time::sleep(rest).await;
    let lateness = program
        .healthy_lateness(&from, intervals * INTERVAL, 0)
        .await?;
    let looked = program
        .count(&format!(
            "SELECT count(*) FROM checks WHERE verdict = 0 AND slot >= '{from}' AND slot < '{from}'::timestamptz + \
             interval '{} s' AND monitor_id IN (SELECT monitor_id FROM monitor_states WHERE observed = 'up')",
            intervals * INTERVAL
        ))
        .await?;
    let false_alarms = program.count(incidents).await? - i64::from(dying);
    let mails = program
        .count("SELECT count(*) FROM outbox_messages WHERE channel = 'email'")
        .await?;
    let blind = program
        .count("SELECT count(*) FROM blind_intervals")
        .await?;
    program.stop().await?;

    let mut table = Table::new(&format!("{dying} of {monitors} monitors break"), &[""]);
    for (name, value) in [
        (
            "all sure after, s",
            format!("{:.1}", opened_after.as_secs_f64()),
        ),
        (
            "all told after, s",
            format!("{:.1}", told_after.as_secs_f64()),
        ),
        ("incidents of healthy ones", false_alarms.to_string()),
        ("blind times", blind.to_string()),
        ("mails that told it", mails.to_string()),
        (
            "healthy: slots without a look",
            (i64::from(healthy * intervals) - looked).to_string(),
        ),
        (
            "healthy: lateness p99, ms",
            format!("{:.1}", lateness.p99()),
        ),
        (
            "healthy: lateness max, ms",
            format!("{:.1}", lateness.max()),
        ),
    ] {
        table.line(name, [value]);
    }
    Ok(table.text())
}

/// Waits until `count` answers `wanted`; how long it took.
async fn until(program: &Program, count: &str, wanted: u32) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    loop {
        let found = program.count(count).await?;
        if found >= i64::from(wanted) {
            return Ok(begun.elapsed());
        }
        anyhow::ensure!(
            begun.elapsed() < LIMIT,
            "{found} of {wanted} after {LIMIT:?}: {count}"
        );
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}
