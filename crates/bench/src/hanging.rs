//! Healthy monitors with and without others that hang until their time-outs, side by side.

use std::time::Duration;

use testkit::{Behaviour, SwitchableSite};

use crate::program::{Lateness, Program};
use crate::table::Table;

/// How much.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    healthy: u32,
    hanging: u32,
    interval_seconds: u32,
    /// Intervals that are measured.
    intervals: u32,
}

/// 1,000 healthy ones and 500 that hang for ten seconds, each minute.
pub const FULL: Load = Load {
    healthy: 1_000,
    hanging: 500,
    interval_seconds: 60,
    intervals: 3,
};
/// The same ratio, more often.
pub const SMALL: Load = Load {
    healthy: 200,
    hanging: 100,
    interval_seconds: 20,
    intervals: 1,
};
/// Of those that hang.
const TIMEOUT_MS: u32 = 10_000;

/// Measures the healthy ones alone, then beside the hanging ones, from their first look on.
pub async fn run(server_url: &str, load: Load) -> anyhow::Result<String> {
    let (site, hole) = (SwitchableSite::start().await, SwitchableSite::start().await);
    hole.set(Behaviour::Hang);
    let program = Program::start(server_url).await?;
    for number in 0..load.healthy {
        let url = site.url(&format!("/{number}"));
        program
            .watch(&url, load.interval_seconds, TIMEOUT_MS)
            .await?;
    }
    let alone = measure(&program, load).await?;
    for number in 0..load.hanging {
        let url = hole.url(&format!("/{number}"));
        program
            .watch(&url, load.interval_seconds, TIMEOUT_MS)
            .await?;
    }
    let beside = measure(&program, load).await?;
    let hung = program
        .count("SELECT count(*) FROM checks WHERE verdict <> 0")
        .await?;
    program.stop().await?;

    let title = format!(
        "{} healthy, every {} s",
        load.healthy, load.interval_seconds
    );
    let others = format!("+ {} hanging", load.hanging);
    let mut table = Table::new(&title, &["alone", &others, "ratio"]);
    for (name, of) in [
        ("lateness p50, ms", Lateness::p50 as fn(&Lateness) -> f64),
        ("lateness p99, ms", Lateness::p99),
        ("lateness max, ms", Lateness::max),
    ] {
        let (one, other) = (of(&alone), of(&beside));
        let ratio = format!("{:.2}", other / one.max(0.001));
        table.line(name, [format!("{one:.1}"), format!("{other:.1}"), ratio]);
    }
    table.line(
        "looks measured",
        [alone.looks, beside.looks].map(|n| n.to_string()),
    );
    table.line(
        "slots without a look",
        [alone.missing, beside.missing].map(|n| n.to_string()),
    );
    table.line("looks that hung", [String::from("0"), hung.to_string()]);
    Ok(table.text())
}

/// Whole intervals from now on, so that each monitor has as many slots as there are intervals.
async fn measure(program: &Program, load: Load) -> anyhow::Result<Lateness> {
    let (from, lasts) = (program.now().await?, load.interval_seconds * load.intervals);
    tokio::time::sleep(Duration::from_secs(u64::from(lasts))).await;
    program
        .healthy_lateness(&from, lasts, load.healthy * load.intervals)
        .await
}
