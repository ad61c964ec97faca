//! Time that is not counted as it was seen: maintenance, and what nobody saw.

use super::{BlindInterval, Window};

/// What is not counted as it was seen: sorted, cut to the window, overlaps joined.
pub(super) struct Hidden {
    pub(super) maintenance: Vec<Window>,
    /// Outside maintenance.
    pub(super) blind: Vec<Window>,
}

impl Hidden {
    pub(super) fn of(window: Window, blind: &[BlindInterval], maintenance: &[Window]) -> Self {
        let maintenance = joined(window, maintenance.iter().copied());
        let blind = merged(window, blind)
            .into_iter()
            .flat_map(|part| without(part, &maintenance))
            .collect();
        Self { maintenance, blind }
    }
}

/// What is left of `part` outside `holes`, which are in order.
pub(super) fn without(part: Window, holes: &[Window]) -> Vec<Window> {
    let mut left = Vec::new();
    let mut from = part.from;
    for hole in holes.iter().filter_map(|hole| hole.overlap(part)) {
        if from < hole.from {
            left.push(Window {
                from,
                to: hole.from,
            });
        }
        from = hole.to;
    }
    if from < part.to {
        left.push(Window { from, to: part.to });
    }
    left
}

/// Sorted, cut to the window, overlaps joined.
pub(super) fn merged(window: Window, blind: &[BlindInterval]) -> Vec<Window> {
    let whole = |b: &BlindInterval| Window {
        from: b.started_at,
        to: b.ended_at.unwrap_or(window.to),
    };
    joined(window, blind.iter().map(whole))
}

fn joined(window: Window, parts: impl Iterator<Item = Window>) -> Vec<Window> {
    let mut parts: Vec<Window> = parts.filter_map(|part| window.overlap(part)).collect();
    parts.sort_by_key(|part| part.from);
    let mut joined: Vec<Window> = Vec::with_capacity(parts.len());
    for part in parts {
        match joined.last_mut() {
            Some(last) if part.from <= last.to => last.to = last.to.max(part.to),
            _ => joined.push(part),
        }
    }
    joined
}
