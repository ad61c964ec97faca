//! Charts, drawn on the server as SVG: pure functions from figures to markup.
//!
//! A chart stretches with its column and its words do not: shapes are placed by per cent of the
//! width, paths in a nested viewport without fixed proportions, words at their own size. Nothing
//! carries a style attribute; colours are classes of the stylesheet. Each chart has a table beside
//! it ([`table`]) that says the same in figures.

mod frame;
mod phases;
mod response;
mod spark;
mod table;
#[cfg(test)]
mod tests;
mod uptime;

pub use phases::{PhaseBar, phase_bar, phase_legend};
pub use response::{percentiles, stacked};
pub use spark::{spark, spark_words};
pub use table::{TableRow, table};
pub use uptime::{cell_words, uptime_bar};

use domain::check::Phase;
use domain::report::Point;
use jiff::{SignedDuration, Timestamp};

/// The five bands of a look's time, in the order they are stacked; sending is part of waiting.
pub const PHASE_NAMES: [&str; 5] = ["DNS", "Connect", "TLS", "Waiting", "Body"];

/// A series of response times; a step without looks is a missing point and is never bridged.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Length of a step.
    pub step: SignedDuration,
    /// Points in order of time.
    pub points: Vec<Point>,
}

impl Series {
    /// Stretches of points that follow one another without a gap.
    fn runs(&self) -> impl Iterator<Item = &[Point]> {
        let limit = self.step + self.step / 2;
        self.points
            .chunk_by(move |a, b| b.at.duration_since(a.at) <= limit)
    }
}

/// The time of each band of [`PHASE_NAMES`] in a step, milliseconds.
fn bands_ms(point: &Point) -> [f64; 5] {
    let mut bands = [0.0; 5];
    for (phase, time) in Phase::ALL.into_iter().zip(point.phases_p50_ms) {
        bands[phases::band_of(phase)] += time.unwrap_or(0.0);
    }
    bands
}

/// What is drawn behind a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BandKind {
    /// Down.
    Down,
    /// In maintenance.
    Maintenance,
    /// Not observed.
    Unknown,
}

/// A stretch of time that is marked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    /// Its start.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
    /// What it was.
    pub kind: BandKind,
}
