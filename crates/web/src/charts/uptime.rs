//! The uptime bar: one cell per day, filled from below by the share that was down.

use std::fmt::Write as _;

use domain::words;
use jiff::SignedDuration;

use super::frame::{hatch, trim};

const HEIGHT: f64 = 24.0;

/// One cell of the bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// The day, as people read it.
    pub day: String,
    /// Time observed and not down.
    pub up: SignedDuration,
    /// Time down.
    pub down: SignedDuration,
    /// Time not observed, while the monitor existed.
    pub unknown: SignedDuration,
}

impl Cell {
    /// What the cell says in words.
    pub fn words(&self) -> String {
        if self.known() + self.unknown == SignedDuration::ZERO {
            return format!("{}: not watched", self.day);
        }
        let mut parts = vec![if self.known() == SignedDuration::ZERO {
            "not observed".to_owned()
        } else {
            words::percent(self.up.as_secs_f64() / self.known().as_secs_f64())
        }];
        if self.down > SignedDuration::ZERO {
            parts.push(format!("{} down", words::duration(self.down)));
        }
        if self.unknown > SignedDuration::from_secs(59) && self.known() > SignedDuration::ZERO {
            parts.push(format!("{} not observed", words::duration(self.unknown)));
        }
        format!("{}: {}", self.day, parts.join(", "))
    }

    fn known(&self) -> SignedDuration {
        self.up + self.down
    }
}

/// Cells side by side, oldest first.
pub fn uptime_bar(id: &str, cells: &[Cell], label: &str) -> String {
    let mut out = String::new();
    let _ = write!(out, r#"<svg class="uptime-bar" role="img" aria-label="{label}" width="100%" height="{HEIGHT}">"#);
    hatch(&mut out, id);
    let pitch = 100.0 / cells.len().max(1) as f64;
    let gap = (pitch * 0.25).min(0.2);
    for (position, cell) in cells.iter().enumerate() {
        let place = format!(
            r#"x="{}%" width="{}%""#,
            trim(position as f64 * pitch + gap / 2.0, 3),
            trim(pitch - gap, 3)
        );
        let _ = write!(out, "<g><title>{}</title>", cell.words());
        draw(&mut out, id, cell, &place);
        out.push_str("</g>");
    }
    out.push_str("</svg>");
    out
}

/// Down from below, at least two pixels; hatch above it; the rest in the faint colour of up.
fn draw(out: &mut String, id: &str, cell: &Cell, place: &str) {
    let whole = (cell.known() + cell.unknown).as_secs_f64();
    if whole <= 0.0 {
        let _ = write!(out, r#"<rect class="c-none" {place} y="0" height="{HEIGHT}" rx="1"/>"#);
        return;
    }
    let share = |part: SignedDuration, least: f64| match part.as_secs_f64() / whole * HEIGHT {
        height if height <= 0.0 => 0.0,
        height => height.max(least),
    };
    let down = share(cell.down, 2.0);
    let unknown = share(cell.unknown, 0.0).min(HEIGHT - down);
    let rest = HEIGHT - down - unknown;
    let mut rect = |paint: &str, y: f64, height: f64| {
        if height >= 0.05 {
            let _ = write!(out, r#"<rect {paint} {place} y="{}" height="{}"/>"#, trim(y, 1), trim(height, 1));
        }
    };
    rect(r#"class="c-ok""#, 0.0, rest);
    rect(&format!(r#"fill="url(#{id}-hatch)""#), rest, unknown);
    rect(r#"class="c-bad""#, HEIGHT - down, down);
}
