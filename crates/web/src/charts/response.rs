//! Response time: stacked bands over a day, median and 95th percentile over longer windows.

use std::fmt::Write as _;

use domain::report::{Point, Window};
use jiff::tz::TimeZone;

use super::frame::{
    Axis as _, Scale, axes, axis_figures, axis_ms, bands, down_ticks, hatch, p995, trim,
};
use super::{Band, PHASE_NAMES, Series, bands_ms};

const HEIGHT: f64 = 232.0;
const TOP: f64 = 24.0;
const BOTTOM: f64 = 208.0;
const PLOT: f64 = BOTTOM - TOP;
/// Least distance between two labels at the bands.
const LABEL_GAP: f64 = 14.0;
/// Share of the width beyond which a figure at a caret has no room to its right.
const LAST_LABEL: f64 = 0.85;
/// Carets are for exceptions: more of them would say nothing.
const MOST_CARETS: usize = 6;

/// The five bands of every step on top of one another, with their names at the right edge.
pub fn stacked(
    id: &str,
    window: Window,
    series: &Series,
    marked: &[Band],
    zone: &TimeZone,
) -> String {
    let scale = Scale::for_value(p995(series.points.iter().map(total)), TOP, BOTTOM);
    let mut out = String::from(r#"<div class="chart-row">"#);
    open(
        &mut out,
        id,
        window,
        marked,
        "Response time by phase over the last 24 hours",
    );
    axes(&mut out, window, scale, zone);
    open_plot(&mut out);
    for band in 0..PHASE_NAMES.len() {
        let path: String = series
            .runs()
            .map(|run| step_area(run, series, band, window, scale))
            .collect();
        if !path.is_empty() {
            let _ = write!(out, r#"<path class="ph-{}" d="{path}"/>"#, band + 1);
        }
    }
    out.push_str("</svg>");
    close(&mut out, window, series, marked, scale, total);
    labels(&mut out, series, scale);
    out.push_str("</div>");
    out
}

/// The median as a line and the 95th percentile as a hairline.
pub fn percentiles(
    id: &str,
    window: Window,
    series: &Series,
    marked: &[Band],
    zone: &TimeZone,
) -> String {
    let scale = Scale::for_value(
        p995(series.points.iter().map(|point| point.p95_ms)),
        TOP,
        BOTTOM,
    );
    let mut out = String::new();
    open(
        &mut out,
        id,
        window,
        marked,
        "Median and 95th percentile of the response time",
    );
    axes(&mut out, window, scale, zone);
    open_plot(&mut out);
    for (class, value) in [
        ("c-p95", (|p| p.p95_ms) as fn(&Point) -> f64),
        ("c-p50", |p| p.p50_ms),
    ] {
        let path: String = series
            .runs()
            .map(|run| line(run, series, window, scale, value))
            .collect();
        if !path.is_empty() {
            let _ = write!(
                out,
                r#"<path class="{class}" d="{path}" vector-effect="non-scaling-stroke"/>"#
            );
        }
    }
    out.push_str("</svg>");
    close(&mut out, window, series, marked, scale, |point| {
        point.p95_ms
    });
    out
}

fn total(point: &Point) -> f64 {
    bands_ms(point).iter().sum()
}

fn open(out: &mut String, id: &str, window: Window, marked: &[Band], label: &str) {
    let _ = write!(
        out,
        r#"<svg class="chart" role="img" aria-label="{label}; the figures are in the table below" width="100%" height="{HEIGHT}" xmlns="http://www.w3.org/2000/svg">"#
    );
    hatch(out, id);
    bands(out, id, window, marked, (TOP, BOTTOM));
}

fn open_plot(out: &mut String) {
    let _ = write!(
        out,
        r#"<svg x="0" y="{TOP}" width="100%" height="{PLOT}" viewBox="0 0 1000 {PLOT}" preserveAspectRatio="none">"#
    );
}

fn close(
    out: &mut String,
    window: Window,
    series: &Series,
    marked: &[Band],
    scale: Scale,
    value: fn(&Point) -> f64,
) {
    axis_figures(out, scale);
    carets(out, window, series, scale, value);
    down_ticks(out, window, marked, BOTTOM);
    out.push_str("</svg>");
}

/// One band of a run, a flat top per step: the upper edge forward, the lower edge back.
fn step_area(run: &[Point], series: &Series, band: usize, window: Window, scale: Scale) -> String {
    let upper = |point: &Point| scale.inner(bands_ms(point)[..=band].iter().sum());
    let lower = |point: &Point| scale.inner(bands_ms(point)[..band].iter().sum());
    let Some(first) = run.first() else {
        return String::new();
    };
    let mut path = format!("M{} {}", window.x(first.at), lower(first));
    for point in run {
        let _ = write!(
            path,
            "V{}H{}",
            upper(point),
            window.x(point.at + series.step)
        );
    }
    for point in run.iter().rev() {
        let _ = write!(path, "V{}H{}", lower(point), window.x(point.at));
    }
    path.push('Z');
    path
}

/// A line through the middle of each step; a run of one step is a short stroke.
fn line(
    run: &[Point],
    series: &Series,
    window: Window,
    scale: Scale,
    value: fn(&Point) -> f64,
) -> String {
    if let [only] = run {
        let (from, to) = (window.x(only.at), window.x(only.at + series.step));
        return format!("M{from} {y}H{to}", y = scale.inner(value(only)));
    }
    let mut path = String::new();
    for (position, point) in run.iter().enumerate() {
        let command = if position == 0 { 'M' } else { 'L' };
        let _ = write!(
            path,
            "{command}{} {}",
            window.x(point.at + series.step / 2),
            scale.inner(value(point))
        );
    }
    path
}

/// A caret with the figure where a step is cut at the top of the scale.
fn carets(
    out: &mut String,
    window: Window,
    series: &Series,
    scale: Scale,
    value: fn(&Point) -> f64,
) {
    let mut over: Vec<&Point> = series
        .points
        .iter()
        .filter(|point| value(point) > scale.max_ms)
        .collect();
    over.sort_by(|a, b| value(b).total_cmp(&value(a)));
    for point in over.into_iter().take(MOST_CARETS) {
        let middle = point.at + series.step / 2;
        let at = window.percent(middle);
        // Near the right edge the figure stands on the other side, inside the page of a phone too.
        let place = if window.share(middle) > LAST_LABEL {
            r#"x="-7" y="7" text-anchor="end""#
        } else {
            r#"x="7" y="7""#
        };
        let _ = write!(
            out,
            r#"<svg x="{at}%" y="{}" width="1" height="1" overflow="visible"><path class="c-clip" d="M-4 6L0 0L4 6Z"/><text class="c-label" {place}>{}</text></svg>"#,
            TOP - 7.0,
            axis_ms(value(point))
        );
    }
}

/// The names of the bands beside the last step, pushed apart where they would touch.
fn labels(out: &mut String, series: &Series, scale: Scale) {
    let _ = write!(
        out,
        r#"<svg class="chart-labels" aria-hidden="true" width="72" height="{HEIGHT}">"#
    );
    let bands = series.points.last().map(bands_ms).unwrap_or_default();
    for (band, y) in label_places(&bands, scale) {
        let _ = write!(
            out,
            r#"<rect class="ph-{}" x="6" y="{}" width="8" height="8" rx="2"/><text class="c-label" x="19" y="{}">{}</text>"#,
            band + 1,
            trim(y - 8.0, 1),
            trim(y, 1),
            PHASE_NAMES[band]
        );
    }
    out.push_str("</svg>");
}

/// The base line of each label: at the middle of its band, none touching, all inside the plot.
fn label_places(bands_ms: &[f64; 5], scale: Scale) -> Vec<(usize, f64)> {
    let mut places = Vec::new();
    let mut lowest = BOTTOM;
    let mut below = 0.0;
    for (band, ms) in bands_ms.iter().enumerate().filter(|(_, ms)| **ms > 0.0) {
        let y = (scale.y(below + ms / 2.0) + 4.0).min(lowest);
        places.push((band, y));
        lowest = y - LABEL_GAP;
        below += ms;
    }
    let mut highest = TOP + 8.0;
    for (_, y) in places.iter_mut().rev() {
        *y = y.max(highest);
        highest = *y + LABEL_GAP;
    }
    places
}
