//! The window of time, the scale of values, axes and bands that all charts share.

use std::fmt::Write as _;

use domain::report::Window;
use domain::words;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::{Band, BandKind};

/// Units of the nested viewport's width.
const UNITS: f64 = 1000.0;

/// A window as the horizontal axis of a chart.
pub(super) trait Axis {
    /// The share of the window's width at which `at` lies, 0 to 1.
    fn share(&self, at: Timestamp) -> f64;

    /// Where `at` lies, per cent of the width.
    fn percent(&self, at: Timestamp) -> String {
        trim(self.share(at) * 100.0, 3)
    }

    /// Where `at` lies in the nested viewport.
    fn x(&self, at: Timestamp) -> String {
        trim(self.share(at) * UNITS, 1)
    }

    /// Local moments worth a label, with the label.
    fn ticks(&self, zone: &TimeZone) -> Vec<(Timestamp, String)>;
}

impl Axis for Window {
    fn share(&self, at: Timestamp) -> f64 {
        let whole = self.to.duration_since(self.from).as_secs_f64().max(1.0);
        (at.duration_since(self.from).as_secs_f64() / whole).clamp(0.0, 1.0)
    }

    fn ticks(&self, zone: &TimeZone) -> Vec<(Timestamp, String)> {
        let hours = self.length().as_hours();
        let (step, format) = match hours {
            ..=48 => (4.hours(), "%H:%M"),
            49..=240 => (1.days(), "%a %-d"),
            241..=960 => (5.days(), "%-d %b"),
            _ => (15.days(), "%-d %b"),
        };
        let start = self.from.to_zoned(zone.clone());
        let Ok(mut tick) = start.start_of_day() else {
            return Vec::new();
        };
        let mut ticks = Vec::new();
        while tick.timestamp() <= self.to && ticks.len() < 400 {
            if tick.timestamp() >= self.from {
                ticks.push((tick.timestamp(), tick.strftime(format).to_string()));
            }
            let Ok(next) = tick.checked_add(step) else {
                break;
            };
            tick = next;
        }
        ticks
    }
}

/// The vertical axis: from 0 to a round figure, in pixels from `top` to `bottom`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    pub top: f64,
    pub bottom: f64,
    pub max_ms: f64,
}

impl Scale {
    /// A scale that shows `value` and ends on a round figure.
    pub(super) fn for_value(value: f64, top: f64, bottom: f64) -> Self {
        let value = if value.is_finite() {
            value.max(1.0)
        } else {
            1.0
        };
        let magnitude = 10_f64.powf(value.log10().floor());
        let round = [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0]
            .into_iter()
            .map(|factor| factor * magnitude)
            .find(|round| *round >= value)
            .unwrap_or(10.0 * magnitude);
        Self {
            top,
            bottom,
            max_ms: round,
        }
    }

    /// The pixel of a value; what is over the scale is cut at its top.
    pub(super) fn y(&self, ms: f64) -> f64 {
        let share = (ms / self.max_ms).clamp(0.0, 1.0);
        self.bottom - share * (self.bottom - self.top)
    }

    /// [`Self::y`] as an attribute, relative to the nested viewport's top.
    pub(super) fn inner(&self, ms: f64) -> String {
        trim(self.y(ms) - self.top, 1)
    }
}

/// The value that 995 of 1000 do not exceed.
pub(super) fn p995(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    let rank = (values.len() as f64 * 0.995).ceil() as usize;
    values.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

/// A number with at most `places` decimals and no idle zeros.
pub(super) fn trim(value: f64, places: usize) -> String {
    let text = format!("{value:.places$}");
    if !text.contains('.') {
        return text;
    }
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

/// Milliseconds as an axis says them.
pub(super) fn axis_ms(ms: f64) -> String {
    words::milliseconds((ms * 1_000.0).round() as u64)
}

/// The hatch for time that was not observed.
pub(super) fn hatch(out: &mut String, id: &str) {
    let _ = write!(
        out,
        r#"<defs><pattern id="{id}-hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line class="c-hatch" x1="0" y1="0" x2="0" y2="6"/></pattern></defs>"#
    );
}

/// The pattern of maintenance: leaning the other way, and wider.
pub(super) fn maintenance_hatch(out: &mut String, id: &str) {
    let _ = write!(
        out,
        r#"<defs><pattern id="{id}-maintenance" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)"><line class="c-maintenance" x1="0" y1="0" x2="0" y2="8"/></pattern></defs>"#
    );
}

/// Bands behind the series: a tint for down, hatches for maintenance and for what was not observed.
pub(super) fn bands(
    out: &mut String,
    id: &str,
    window: Window,
    bands: &[Band],
    (top, bottom): (f64, f64),
) {
    if bands.iter().any(|band| band.kind == BandKind::Maintenance) {
        maintenance_hatch(out, id);
    }
    for band in bands
        .iter()
        .filter(|band| band.to > window.from && band.from < window.to)
    {
        let from = window.share(band.from) * 100.0;
        let width = window.share(band.to) * 100.0 - from;
        let fill = match band.kind {
            BandKind::Down => r#"class="c-down""#.to_owned(),
            BandKind::Maintenance => format!(r#"fill="url(#{id}-maintenance)""#),
            BandKind::Unknown => format!(r#"fill="url(#{id}-hatch)""#),
        };
        let end = match band.kind {
            BandKind::Maintenance => "><title>In maintenance</title></rect>",
            BandKind::Down | BandKind::Unknown => "/>",
        };
        let _ = write!(
            out,
            r#"<rect {fill} x="{}%" y="{top}" width="{}%" height="{}"{end}"#,
            trim(from, 3),
            trim(width, 3),
            bottom - top
        );
    }
}

/// Ticks on the axis for down time; the shortest outage is still four pixels wide.
pub(super) fn down_ticks(out: &mut String, window: Window, bands: &[Band], y: f64) {
    let down = |band: &&Band| {
        band.kind == BandKind::Down && band.to > window.from && band.from < window.to
    };
    for band in bands.iter().filter(down) {
        let _ = write!(
            out,
            r#"<line class="c-down-tick" x1="{}%" x2="{}%" y1="{y}" y2="{y}"/>"#,
            window.percent(band.from),
            window.percent(band.to)
        );
    }
}

/// Grid lines with figures, the base line, and the moments below it.
pub(super) fn axes(out: &mut String, window: Window, scale: Scale, zone: &TimeZone) {
    for share in [0.5, 1.0] {
        let ms = scale.max_ms * share;
        let y = scale.y(ms);
        let _ = write!(
            out,
            r#"<line class="c-grid" x1="0" x2="100%" y1="{y}" y2="{y}"/>"#
        );
    }
    let bottom = scale.bottom;
    let _ = write!(
        out,
        r#"<line class="c-axis" x1="0" x2="100%" y1="{bottom}" y2="{bottom}"/>"#
    );
    let ticks = window.ticks(zone);
    for (position, (at, label)) in ticks.iter().enumerate() {
        let share = window.share(*at);
        let anchor = match share {
            ..0.03 => "start",
            0.97.. => "end",
            _ => "middle",
        };
        let optional = if position % 2 == 1 {
            r#" class="c-opt""#
        } else {
            ""
        };
        let _ = write!(
            out,
            r#"<text{optional} x="{}%" y="{}" text-anchor="{anchor}">{label}</text>"#,
            trim(share * 100.0, 3),
            bottom + 17.0
        );
    }
}

/// The figures of the grid lines, above what is drawn.
pub(super) fn axis_figures(out: &mut String, scale: Scale) {
    for share in [0.5, 1.0] {
        let ms = scale.max_ms * share;
        let _ = write!(
            out,
            r#"<text class="c-figure" x="0" y="{}">{}</text>"#,
            scale.y(ms) - 4.0,
            axis_ms(ms)
        );
    }
}
