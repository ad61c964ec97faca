//! Logs on stderr, metrics in a recorder.

use std::io::IsTerminal;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::LogFormat;

/// Seconds: from a look that answers at once to one that waits for its time-out.
const SECONDS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// Values that were measured are counted so often.
const TIDY: Duration = Duration::from_secs(1);

/// Starts logging at `level` (a `tracing` filter); wrong filters fall back to `info`.
pub fn start_logs(level: &str, format: LogFormat) {
    let filter = EnvFilter::try_new(format!(
        "{level},apalis_core=warn,sqlx::postgres::notice=warn,hyper=warn,hickory_proto=warn"
    ))
    .unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let registry = tracing_subscriber::registry().with(filter);
    let started = match format {
        LogFormat::Text => registry.with(lines.with_target(true)).try_init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
}

/// Installs the recorder that `/metrics` renders.
pub fn start_metrics() -> anyhow::Result<Metrics> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .install_recorder()?;
    tidy(handle.clone(), TIDY)?;
    let process = metrics_process::Collector::default();
    process.describe();
    Ok(Metrics { handle, process })
}

/// Counts what was measured into its buckets, for as long as the process lives. Until then every value is
/// kept by itself, 24 bytes each: whoever never reads `/metrics` would fill the memory, and whoever reads it
/// rarely would hold up the looks. A thread, so that no look waits for it.
fn tidy(handle: PrometheusHandle, every: Duration) -> std::io::Result<()> {
    let turns = move || {
        loop {
            std::thread::sleep(every);
            handle.run_upkeep();
        }
    };
    std::thread::Builder::new()
        .name("metrics".to_owned())
        .spawn(turns)?;
    Ok(())
}

/// The recorder behind `/metrics`.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
    process: metrics_process::Collector,
}

impl Metrics {
    /// All metrics as Prometheus text.
    pub fn render(&self) -> String {
        self.process.collect();
        self.handle.run_upkeep();
        self.handle.render()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Resident memory of this process, bytes.
    fn resident() -> u64 {
        let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
        4096 * pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap()
    }

    #[test]
    fn what_is_measured_takes_no_memory_where_nobody_reads_it() {
        let recorder = PrometheusBuilder::new()
            .set_buckets(&SECONDS)
            .unwrap()
            .build_recorder();
        tidy(recorder.handle(), Duration::from_millis(1)).unwrap();
        let measured = metrics::with_local_recorder(&recorder, || metrics::histogram!("seconds"));
        let before = resident();
        for _ in 0..100 {
            for _ in 0..100_000 {
                measured.record(0.003);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let grown = resident().saturating_sub(before);
        assert!(grown < 100_000_000, "{grown} of some 240,000,000 bytes");
    }
}
