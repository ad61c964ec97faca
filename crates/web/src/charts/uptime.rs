//! The uptime bar: one cell per day, filled from below by the share that was down.

use std::fmt::Write as _;

use domain::report::Cell;
use domain::words;
use jiff::SignedDuration;
use jiff::tz::TimeZone;

use super::frame::{hatch, maintenance_hatch, trim};

const HEIGHT: f64 = 24.0;

/// What a cell says in words.
pub fn cell_words(cell: &Cell, zone: &TimeZone) -> String {
    let day = words::day(cell.from, zone);
    let whole = whole(cell);
    if whole <= 0.0 {
        return format!("{day}: not watched");
    }
    let length = cell.to.duration_since(cell.from).as_secs_f64();
    let span = |share: f64| words::duration(SignedDuration::from_secs_f64((share * length).ceil()));
    let mut parts = vec![if cell.observed <= 0.0 && cell.unknown <= 0.0 {
        "in maintenance".to_owned()
    } else if cell.observed <= 0.0 {
        "not observed".to_owned()
    } else {
        words::percent(1.0 - cell.down / cell.observed)
    }];
    if cell.down > 0.0 {
        parts.push(format!("{} down", span(cell.down)));
    }
    if cell.maintenance * length >= 1.0 && cell.observed + cell.unknown > 0.0 {
        parts.push(format!("{} in maintenance", span(cell.maintenance)));
    }
    if cell.unknown * length >= 60.0 && cell.observed > 0.0 {
        parts.push(format!("{} not observed", span(cell.unknown)));
    }
    format!("{day}: {}", parts.join(", "))
}

/// The share of a cell in which the monitor was watched.
fn whole(cell: &Cell) -> f64 {
    cell.observed + cell.unknown + cell.maintenance
}

/// Cells side by side, oldest first.
pub fn uptime_bar(id: &str, cells: &[Cell], label: &str, zone: &TimeZone) -> String {
    let mut out = String::new();
    let _ = write!(
        out,
        r#"<svg class="uptime-bar" role="img" aria-label="{label}" width="100%" height="{HEIGHT}">"#
    );
    hatch(&mut out, id);
    if cells.iter().any(|cell| cell.maintenance > 0.0) {
        maintenance_hatch(&mut out, id);
    }
    let pitch = 100.0 / cells.len().max(1) as f64;
    let gap = (pitch * 0.25).min(0.2);
    for (position, cell) in cells.iter().enumerate() {
        let place = format!(
            r#"x="{}%" width="{}%""#,
            trim(position as f64 * pitch + gap / 2.0, 3),
            trim(pitch - gap, 3)
        );
        let _ = write!(out, "<g><title>{}</title>", cell_words(cell, zone));
        draw(&mut out, id, cell, &place);
        out.push_str("</g>");
    }
    out.push_str("</svg>");
    out
}

/// Down from below, at least two pixels; hatches above it, that of maintenance at least three; the rest in the faint colour of up.
fn draw(out: &mut String, id: &str, cell: &Cell, place: &str) {
    let whole = whole(cell);
    if whole <= 0.0 {
        let _ = write!(
            out,
            r#"<rect class="c-none" {place} y="0" height="{HEIGHT}" rx="1"/>"#
        );
        return;
    }
    let share = |part: f64, least: f64| match part / whole * HEIGHT {
        height if height <= 0.0 => 0.0,
        height => height.max(least),
    };
    let down = share(cell.down, 2.0);
    let unknown = share(cell.unknown, 0.0).min(HEIGHT - down);
    let maintenance = share(cell.maintenance, 3.0).min(HEIGHT - down - unknown);
    let rest = HEIGHT - down - unknown - maintenance;
    let mut rect = |paint: &str, y: f64, height: f64| {
        if height >= 0.05 {
            let _ = write!(
                out,
                r#"<rect {paint} {place} y="{}" height="{}"/>"#,
                trim(y, 1),
                trim(height, 1)
            );
        }
    };
    rect(r#"class="c-ok""#, 0.0, rest);
    rect(
        &format!(r#"fill="url(#{id}-maintenance)""#),
        rest,
        maintenance,
    );
    rect(
        &format!(r#"fill="url(#{id}-hatch)""#),
        rest + maintenance,
        unknown,
    );
    rect(r#"class="c-bad""#, HEIGHT - down, down);
}
