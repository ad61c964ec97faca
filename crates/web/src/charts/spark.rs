//! The line of the last 24 hours in a row of a table.

use std::fmt::Write as _;

use domain::report::Window;

use super::frame::{Axis as _, Scale, axis_ms, bands, down_ticks, hatch, p995};
use super::{Band, BandKind, Series};

const HEIGHT: f64 = 24.0;
const BOTTOM: f64 = 22.0;

/// A line without axes, 120 by 24; `label` says it in words.
pub fn spark(id: &str, window: Window, series: &Series, marked: &[Band], label: &str) -> String {
    let scale = Scale::for_value(
        p995(series.points.iter().map(|point| point.p50_ms)),
        2.0,
        BOTTOM,
    );
    let mut out = String::new();
    let _ = write!(
        out,
        r#"<svg class="spark" role="img" aria-label="{label}" width="120" height="{HEIGHT}">"#
    );
    if marked.iter().any(|band| band.kind == BandKind::Unknown) {
        hatch(&mut out, id);
    }
    bands(&mut out, id, window, marked, (0.0, BOTTOM));
    let mut path = String::new();
    for run in series.runs() {
        for (position, point) in run.iter().enumerate() {
            let command = if position == 0 { 'M' } else { 'L' };
            let y = scale.y(point.p50_ms);
            let _ = write!(path, "{command}{} {y:.1}", window.x(point.at));
        }
        if let Some(last) = run.last() {
            let _ = write!(path, "H{}", window.x(last.at + series.step));
        }
    }
    if !path.is_empty() {
        let _ = write!(
            out,
            r#"<svg width="120" height="{HEIGHT}" viewBox="0 0 1000 {HEIGHT}" preserveAspectRatio="none"><path class="c-p50" d="{path}" vector-effect="non-scaling-stroke"/></svg>"#
        );
    }
    down_ticks(&mut out, window, marked, BOTTOM);
    out.push_str("</svg>");
    out
}

/// What the line says in words: "Median 92 ms over 24 hours, 1 h 10 min down".
pub fn spark_words(series: &Series, marked: &[Band]) -> String {
    let mut medians: Vec<f64> = series.points.iter().map(|point| point.p50_ms).collect();
    medians.sort_by(f64::total_cmp);
    let mut words = match medians.get(medians.len() / 2) {
        Some(median) => format!("Median {} over 24 hours", axis_ms(*median)),
        None => "No response times yet".to_owned(),
    };
    if marked.iter().any(|band| band.kind == BandKind::Down) {
        words.push_str(", with outages");
    }
    words
}
