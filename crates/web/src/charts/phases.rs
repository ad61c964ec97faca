//! One look as a bar: how long each part took and where it ended.

use std::fmt::Write as _;

use domain::check::{Phase, Phases};
use domain::words;

use super::PHASE_NAMES;
use super::frame::trim;

/// The parts of one look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PhaseBar {
    /// Microseconds of each band of [`PHASE_NAMES`]; `None` for a part that was not reached.
    pub bands_us: [Option<u64>; 5],
    /// The band in which the look failed.
    pub failed: Option<usize>,
}

impl PhaseBar {
    /// The bar of a look.
    pub fn of(phases: &Phases, failed: Option<Phase>) -> Self {
        let time = |phase| phases.get(phase).map(u64::from);
        let waiting = match (time(Phase::Send), time(Phase::FirstByte)) {
            (None, None) => None,
            (send, first) => Some(send.unwrap_or(0) + first.unwrap_or(0)),
        };
        Self {
            bands_us: [
                time(Phase::Dns),
                time(Phase::Connect),
                time(Phase::Tls),
                waiting,
                time(Phase::Body),
            ],
            failed: failed.map(band_of),
        }
    }

    /// Band names with their times, as far as the look got.
    pub fn parts(&self) -> Vec<(usize, &'static str, String)> {
        self.bands_us
            .iter()
            .zip(PHASE_NAMES)
            .enumerate()
            .filter_map(|(band, (time, name))| time.map(|us| (band, name, words::milliseconds(us))))
            .collect()
    }
}

/// The band that a phase belongs to.
pub(super) const fn band_of(phase: Phase) -> usize {
    match phase {
        Phase::Dns => 0,
        Phase::Connect => 1,
        Phase::Tls => 2,
        Phase::Send | Phase::FirstByte => 3,
        Phase::Body => 4,
    }
}

/// The bar; a failing part is in the colour of down and at least a twentieth of the width.
pub fn phase_bar(bar: &PhaseBar) -> String {
    let total: u64 = bar.bands_us.iter().flatten().sum();
    let label: Vec<String> = bar
        .parts()
        .into_iter()
        .map(|(_, name, time)| format!("{name} {time}"))
        .collect();
    let mut out = String::new();
    let _ = write!(
        out,
        r#"<svg class="phase-bar" role="img" aria-label="{}" width="100%" height="20">"#,
        if label.is_empty() {
            "No part was reached".to_owned()
        } else {
            label.join(", ")
        }
    );
    let mut widths = [0.0_f64; 5];
    for (band, time) in bar.bands_us.iter().enumerate() {
        let share = time.map_or(0.0, |us| us as f64 / total.max(1) as f64 * 100.0);
        widths[band] = if bar.failed == Some(band) {
            share.max(5.0)
        } else {
            share
        };
    }
    let stretch = 100.0 / widths.iter().sum::<f64>().max(1.0);
    let mut x = 0.0;
    for (band, width) in widths.iter().enumerate().filter(|(_, width)| **width > 0.0) {
        let class = if bar.failed == Some(band) {
            "c-fail".to_owned()
        } else {
            format!("ph-{}", band + 1)
        };
        let width = width * stretch;
        let _ = write!(
            out,
            r#"<rect class="{class}" x="{}%" y="0" width="{}%" height="20"/>"#,
            trim(x, 3),
            trim(width, 3)
        );
        x += width;
    }
    out.push_str("</svg>");
    out
}

/// The bar's parts as a list with their colours.
pub fn phase_legend(bar: &PhaseBar) -> String {
    let mut out = String::from(r#"<ul class="legend">"#);
    for (band, name, time) in bar.parts() {
        let class = if bar.failed == Some(band) {
            "c-fail".to_owned()
        } else {
            format!("ph-{}", band + 1)
        };
        let _ = write!(
            out,
            r#"<li><svg aria-hidden="true" width="10" height="10"><rect class="{class}" width="10" height="10"/></svg>{name} <strong>{time}</strong></li>"#
        );
    }
    out.push_str("</ul>");
    out
}
