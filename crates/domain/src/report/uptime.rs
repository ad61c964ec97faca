//! Uptime: time in states, not a share of looks. What was not observed counts neither way and is
//! shown.

mod hidden;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::status::Shown;
use crate::words;

use self::hidden::{Hidden, merged, without};

/// A stretch of time, its end not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "from and to")]
pub struct Window {
    pub from: Timestamp,
    pub to: Timestamp,
}

impl Window {
    /// The last `hours` hours before `now`.
    pub fn last_hours(now: Timestamp, hours: i64) -> Self {
        let from = now
            .checked_sub(SignedDuration::from_hours(hours))
            .unwrap_or(Timestamp::MIN);
        Self { from, to: now }
    }

    /// The last `days` days of 24 hours before `now`.
    pub fn last_days(now: Timestamp, days: i64) -> Self {
        Self::last_hours(now, days.saturating_mul(24))
    }

    /// The part that both have, unless there is none.
    pub fn overlap(self, other: Self) -> Option<Self> {
        let both = Self {
            from: self.from.max(other.from),
            to: self.to.min(other.to),
        };
        (both.from < both.to).then_some(both)
    }

    /// How long it is.
    pub fn length(self) -> SignedDuration {
        self.to.duration_since(self.from).max(SignedDuration::ZERO)
    }

    /// The window in `count` parts of equal length.
    pub fn split(self, count: u32) -> Vec<Self> {
        let total = i64::try_from(self.length().as_micros()).unwrap_or(i64::MAX);
        let edge = |part: u32| {
            let offset = i128::from(total) * i128::from(part) / i128::from(count.max(1));
            let offset = SignedDuration::from_micros(i64::try_from(offset).unwrap_or(i64::MAX));
            self.from.checked_add(offset).unwrap_or(self.to)
        };
        (0..count)
            .map(|part| Self {
                from: edge(part),
                to: edge(part + 1),
            })
            .collect()
    }
}

/// A stretch in which a monitor had one status (`status_intervals`). Intervals do not overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusInterval {
    /// Its begin.
    pub started_at: Timestamp,
    /// Its end; `None` while it lasts.
    pub ended_at: Option<Timestamp>,
    /// The status.
    pub status: Shown,
}

/// A stretch in which one region could not look at a shard (`blind_intervals`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlindInterval {
    /// Its begin.
    pub started_at: Timestamp,
    /// Its end; `None` while it lasts.
    pub ended_at: Option<Timestamp>,
}

/// Time in states over a window. Whole seconds, of down rounded up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Uptime {
    /// Begin of the window.
    pub from: Timestamp,
    /// End of the window.
    pub to: Timestamp,
    /// Share of the observed time that was not down; `None` while nothing was observed.
    pub uptime: Option<f64>,
    /// Up.
    pub up_seconds: u64,
    /// Slow, or down for some regions only.
    pub degraded_seconds: u64,
    /// Down.
    pub down_seconds: u64,
    /// We could not look, or were kept out.
    pub unknown_seconds: u64,
    /// Maintenance.
    pub maintenance_seconds: u64,
    /// Paused.
    pub paused_seconds: u64,
    /// Before the first look was confirmed.
    pub pending_seconds: u64,
    /// Outages that fall into the window.
    pub incidents: u32,
    /// The longest of them, as far as it is in the window.
    pub longest_down_seconds: u64,
    /// Their mean.
    pub mean_down_seconds: u64,
}

impl Uptime {
    /// Seconds in which the target was observed.
    pub const fn observed_seconds(&self) -> u64 {
        self.up_seconds + self.degraded_seconds + self.down_seconds
    }

    /// Seconds in which it should have been observed and was not.
    pub const fn unobserved_seconds(&self) -> u64 {
        self.unknown_seconds + self.pending_seconds
    }

    /// The share as people read it: `100 %` only without a down second, else rounded down.
    pub fn percent(&self) -> Option<String> {
        let observed = self.observed_seconds();
        self.uptime?;
        if self.down_seconds == 0 {
            return Some("100 %".to_owned());
        }
        let good = u128::from(observed - self.down_seconds);
        let hundredths = good * 10_000 / u128::from(observed.max(1));
        Some(format!("{}.{:02} %", hundredths / 100, hundredths % 100))
    }
}

impl Uptime {
    /// "99.98 % of 29 d 22 h observed, 2 h not observed, 8 min down"; `None` while nothing was
    /// observed.
    pub fn sentence(&self) -> Option<String> {
        let span = |seconds: u64| {
            words::duration(SignedDuration::from_secs(
                i64::try_from(seconds).unwrap_or(i64::MAX),
            ))
        };
        let mut text = format!(
            "{} of {} observed",
            self.percent()?,
            span(self.observed_seconds())
        );
        if self.unobserved_seconds() > 0 {
            text.push_str(&format!(
                ", {} not observed",
                span(self.unobserved_seconds())
            ));
        }
        if self.maintenance_seconds > 0 {
            text.push_str(&format!(
                ", {} in maintenance",
                span(self.maintenance_seconds)
            ));
        }
        if self.down_seconds > 0 {
            text.push_str(&format!(", {} down", span(self.down_seconds)));
        }
        Some(text)
    }
}

/// One cell of an uptime bar.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// Begin.
    pub from: Timestamp,
    /// End.
    pub to: Timestamp,
    /// Share of the cell that was down, 0 to 1.
    pub down: f64,
    /// Share in which we could not look, 0 to 1.
    pub unknown: f64,
    /// Share in maintenance, 0 to 1.
    pub maintenance: f64,
    /// Share that was observed at all; 0 before the monitor was made and while it was paused.
    pub observed: f64,
}

/// Adds up a window. `statuses` and `maintenance` are those of one monitor, `blind` those of its shard.
/// What falls into maintenance counts as that, whatever was seen.
pub fn over(
    window: Window,
    statuses: &[StatusInterval],
    blind: &[BlindInterval],
    maintenance: &[Window],
) -> Uptime {
    let hidden = Hidden::of(window, blind, maintenance);
    let mut sums = Sums::default();
    let mut ordered: Vec<&StatusInterval> = statuses.iter().collect();
    ordered.sort_by_key(|interval| interval.started_at);
    for interval in ordered {
        let stretch = Window {
            from: interval.started_at,
            to: interval.ended_at.unwrap_or(window.to),
        };
        if let Some(part) = window.overlap(stretch) {
            sums.add(interval.status, part, &hidden);
        }
    }
    sums.into_uptime(window)
}

/// The cells of a bar over a window.
pub fn cells(
    (window, count): (Window, u32),
    statuses: &[StatusInterval],
    blind: &[BlindInterval],
    maintenance: &[Window],
) -> Vec<Cell> {
    window
        .split(count)
        .into_iter()
        .map(|part| cell(part, statuses, &Hidden::of(part, blind, maintenance)))
        .collect()
}

fn cell(part: Window, statuses: &[StatusInterval], hidden: &Hidden) -> Cell {
    let mut sums = Sums::default();
    for interval in statuses {
        let stretch = Window {
            from: interval.started_at,
            to: interval.ended_at.unwrap_or(part.to),
        };
        if let Some(part) = part.overlap(stretch) {
            sums.add(interval.status, part, hidden);
        }
    }
    let length = part.length().as_secs_f64().max(f64::EPSILON);
    let share = |time: SignedDuration| (time.as_secs_f64() / length).clamp(0.0, 1.0);
    Cell {
        from: part.from,
        to: part.to,
        down: share(sums.down),
        unknown: share(sums.unknown),
        maintenance: share(sums.maintenance),
        observed: share(sums.up + sums.degraded + sums.down),
    }
}

/// Where all of several regions were blind at once: what one region sees is seen.
pub fn blind_everywhere(regions: &[Vec<BlindInterval>]) -> Vec<BlindInterval> {
    let mut edges: Vec<(Timestamp, i32)> = Vec::new();
    for region in regions {
        let whole = Window {
            from: Timestamp::MIN,
            to: Timestamp::MAX,
        };
        for part in merged(whole, region) {
            edges.push((part.from, 1));
            edges.push((part.to, -1));
        }
    }
    edges.sort_unstable();
    let all = i32::try_from(regions.len()).unwrap_or(i32::MAX);
    let (mut depth, mut since, mut found) = (0, None, Vec::new());
    for (at, change) in edges {
        depth += change;
        match since {
            None if depth == all && all > 0 => since = Some(at),
            Some(started_at) if depth < all => {
                since = None;
                if started_at < at {
                    found.push(BlindInterval {
                        started_at,
                        ended_at: Some(at),
                    });
                }
            }
            _ => {}
        }
    }
    found
}

#[derive(Default)]
struct Sums {
    up: SignedDuration,
    degraded: SignedDuration,
    down: SignedDuration,
    unknown: SignedDuration,
    maintenance: SignedDuration,
    paused: SignedDuration,
    pending: SignedDuration,
    outages: Vec<Outage>,
}

struct Outage {
    to: Timestamp,
    length: SignedDuration,
}

impl Sums {
    fn add(&mut self, status: Shown, part: Window, hidden: &Hidden) {
        match status {
            Shown::Paused => return self.paused += part.length(),
            Shown::Maintenance => return self.maintenance += part.length(),
            _ => {}
        }
        let seen = without(part, &hidden.maintenance);
        let counted: SignedDuration = seen.iter().map(|part| part.length()).sum();
        self.maintenance += part.length() - counted;
        let dark = hidden.blind.iter().filter_map(|blind| blind.overlap(part));
        let dark: SignedDuration = dark.map(Window::length).sum();
        let clear = counted - dark;
        self.unknown += dark;
        match status {
            Shown::Up => self.up += clear,
            Shown::Degraded | Shown::Partial => self.degraded += clear,
            Shown::Down => {
                self.down += clear;
                self.outage(part, &seen);
            }
            // Kept out by bot protection, we know nothing of the target.
            Shown::Unknown | Shown::Blocked => self.unknown += clear,
            Shown::Pending => self.pending += clear,
            Shown::Maintenance | Shown::Paused => {}
        }
    }

    /// Counts an outage by what of it is outside maintenance; one with maintenance in its middle is one.
    fn outage(&mut self, part: Window, seen: &[Window]) {
        let length: SignedDuration = seen.iter().map(|part| part.length()).sum();
        match self.outages.last_mut() {
            Some(last) if last.to == part.from => {
                last.to = part.to;
                last.length += length;
            }
            _ => self.outages.push(Outage {
                to: part.to,
                length,
            }),
        }
    }

    fn into_uptime(self, window: Window) -> Uptime {
        let good = self.up + self.degraded;
        let observed = good + self.down;
        let outages = self.outages.iter().map(|outage| outage.length);
        let outages: Vec<SignedDuration> = outages.filter(|length| !length.is_zero()).collect();
        let incidents = u32::try_from(outages.len()).unwrap_or(u32::MAX);
        let longest = outages.iter().copied().max().unwrap_or_default();
        let total: SignedDuration = outages.iter().sum();
        let mean = if incidents == 0 {
            0
        } else {
            up(total) / u64::from(incidents)
        };
        Uptime {
            from: window.from,
            to: window.to,
            uptime: (!observed.is_zero()).then(|| good.as_secs_f64() / observed.as_secs_f64()),
            up_seconds: whole(self.up),
            degraded_seconds: whole(self.degraded),
            down_seconds: up(self.down),
            unknown_seconds: whole(self.unknown),
            maintenance_seconds: whole(self.maintenance),
            paused_seconds: whole(self.paused),
            pending_seconds: whole(self.pending),
            incidents,
            longest_down_seconds: up(longest),
            mean_down_seconds: mean,
        }
    }
}

fn whole(time: SignedDuration) -> u64 {
    u64::try_from(time.as_secs()).unwrap_or(0)
}

fn up(time: SignedDuration) -> u64 {
    whole(time) + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests;
