//! Response times in steps.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Window;

/// The steps a series may have, with the longest window that each serves.
const STEPS: [(i64, i64); 4] = [
    (26 * 3600, 300),
    (8 * 86_400, 3600),
    (31 * 86_400, 14_400),
    (i64::MAX, 86_400),
];

/// The step of a window's series: five minutes for a day, an hour for a week, four hours for a
/// month, else a day.
pub fn step_seconds(window: Window) -> i64 {
    let seconds = window.to.duration_since(window.from).as_secs();
    STEPS
        .iter()
        .find(|(longest, _)| seconds <= *longest)
        .map_or(86_400, |(_, step)| *step)
}

/// One step of a response-time series. A step without looks has no point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Start of the step.
    pub at: Timestamp,
    /// Looks with an answer in it.
    pub count: u32,
    /// Median of their totals.
    pub p50_ms: f64,
    /// 95th percentile.
    pub p95_ms: f64,
    /// The slowest.
    pub max_ms: f64,
    /// Median of each part in the order of [`crate::check::Phase::ALL`]; of packed hours the median
    /// of their quarter-hour means.
    pub phases_p50_ms: [Option<f64>; 6],
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(1, 300)]
    #[case(7, 3600)]
    #[case(30, 14_400)]
    #[case(90, 86_400)]
    #[case(700, 86_400)]
    fn a_series_has_few_hundred_points(#[case] days: i64, #[case] step: i64) {
        let from = Timestamp::UNIX_EPOCH;
        let window = Window {
            from,
            to: from + SignedDuration::from_hours(24 * days),
        };
        assert_eq!(step_seconds(window), step);
    }
}
