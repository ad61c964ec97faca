//! The line of the last 24 hours in a row of a table.

use std::fmt::Write as _;

use domain::report::Window;

use super::frame::{Axis as _, Scale, bands, down_ticks, hatch, p995};
use super::{Band, Series};

const HEIGHT: f64 = 24.0;
const BOTTOM: f64 = 22.0;

/// A line without axes, 120 by 24; `label` says it in words.
pub fn spark(id: &str, window: Window, series: &Series, marked: &[Band], label: &str) -> String {
    let scale = Scale::for_value(p995(series.points.iter().map(|point| point.p50_ms)), 2.0, BOTTOM);
    let mut out = String::new();
    let _ = write!(out, r#"<svg class="spark" role="img" aria-label="{label}" width="120" height="{HEIGHT}">"#);
    if marked.iter().any(|band| band.kind == super::BandKind::Unknown) {
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
