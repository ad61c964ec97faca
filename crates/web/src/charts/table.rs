//! The same figures as a table, for those who cannot or will not read the drawing.

use domain::report::{Point, Window};
use domain::words;
use jiff::tz::TimeZone;

use super::frame::axis_ms;
use super::{Band, BandKind, Series};

/// About as many rows as a person reads.
const ROWS: i64 = 24;

/// One row of a chart's table.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct TableRow {
    pub from: String,
    pub looks: String,
    pub median: String,
    pub p95: String,
    pub slowest: String,
    pub note: String,
}

/// The series in about twenty-four rows.
pub fn table(window: Window, series: &Series, marked: &[Band], zone: &TimeZone) -> Vec<TableRow> {
    let step_seconds = series.step.as_secs().max(1);
    let per_row = (window.length().as_secs() / ROWS / step_seconds).max(1) * step_seconds;
    let long = window.length().as_hours() > 48;
    let mut rows = Vec::new();
    let mut from = window.from;
    while from < window.to && rows.len() < 2 * ROWS as usize {
        let to = from + jiff::SignedDuration::from_secs(per_row);
        let points: Vec<&Point> = series.points.iter().filter(|p| p.at >= from && p.at < to).collect();
        let format = if long { "%-d %b %H:%M" } else { "%H:%M" };
        let label = from.to_zoned(zone.clone()).strftime(format).to_string();
        rows.push(row(label, &points, note(marked, Window { from, to })));
        from = to;
    }
    rows
}

fn row(from: String, points: &[&Point], note: String) -> TableRow {
    if points.is_empty() {
        let none = || "–".to_owned();
        return TableRow { from, looks: "0".to_owned(), median: none(), p95: none(), slowest: none(), note };
    }
    let mut medians: Vec<f64> = points.iter().map(|point| point.p50_ms).collect();
    medians.sort_by(f64::total_cmp);
    let largest = |value: fn(&&Point) -> f64| axis_ms(points.iter().map(value).fold(0.0, f64::max));
    TableRow {
        from,
        looks: words::thousands(points.iter().map(|point| u64::from(point.count)).sum()),
        median: axis_ms(medians[medians.len() / 2]),
        p95: largest(|point| point.p95_ms),
        slowest: largest(|point| point.max_ms),
        note,
    }
}

fn note(marked: &[Band], part: Window) -> String {
    let time = |kind| {
        marked
            .iter()
            .filter(|band| band.kind == kind && band.to > part.from && band.from < part.to)
            .map(|band| band.to.min(part.to).duration_since(band.from.max(part.from)))
            .fold(jiff::SignedDuration::ZERO, |sum, one| sum + one)
    };
    let mut notes = Vec::new();
    for (kind, word) in [(BandKind::Down, "down"), (BandKind::Unknown, "not observed")] {
        let length = time(kind);
        if length > jiff::SignedDuration::ZERO {
            notes.push(format!("{} {word}", words::duration(length)));
        }
    }
    notes.join(", ")
}
