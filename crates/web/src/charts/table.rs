//! The same figures as a table, for those who cannot or will not read the drawing.

use domain::report::{Cell, Point, Window};
use domain::words;
use jiff::SignedDuration;
use jiff::tz::TimeZone;

use super::Series;
use super::frame::axis_ms;

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

/// The series in as many rows as there are cells; a cell says how much of it was down or not observed.
pub fn table(window: Window, series: &Series, cells: &[Cell], zone: &TimeZone) -> Vec<TableRow> {
    let format = if window.length().as_hours() > 48 {
        "%-d %b %H:%M"
    } else {
        "%H:%M"
    };
    cells
        .iter()
        .map(|cell| {
            let points: Vec<&Point> = series
                .points
                .iter()
                .filter(|p| p.at >= cell.from && p.at < cell.to)
                .collect();
            row(
                cell.from
                    .to_zoned(zone.clone())
                    .strftime(format)
                    .to_string(),
                &points,
                note(cell),
            )
        })
        .collect()
}

fn row(from: String, points: &[&Point], note: String) -> TableRow {
    if points.is_empty() {
        let none = || "–".to_owned();
        return TableRow {
            from,
            looks: "0".to_owned(),
            median: none(),
            p95: none(),
            slowest: none(),
            note,
        };
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

fn note(cell: &Cell) -> String {
    let length = cell.to.duration_since(cell.from).as_secs_f64();
    let mut notes = Vec::new();
    for (share, word) in [
        (cell.down, "down"),
        (cell.maintenance, "in maintenance"),
        (cell.unknown, "not observed"),
    ] {
        let seconds = (share * length).ceil();
        if seconds >= 1.0 {
            notes.push(format!(
                "{} {word}",
                words::duration(SignedDuration::from_secs_f64(seconds))
            ));
        }
    }
    notes.join(", ")
}
