//! Parts that several pages show of a monitor.

use domain::contact::Channel;
use domain::monitor::{Kind, Monitor, schedule};
use domain::report::Cell;
use domain::status::Shown;
use domain::words;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use store::monitors::Listed;

use crate::charts::{Band, BandKind};

/// A status as a mark and its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusLine {
    /// The API's word: names the mark.
    pub word: &'static str,
    /// The word people read.
    pub text: &'static str,
    /// A change is being confirmed.
    pub confirming: bool,
}

impl StatusLine {
    /// The mark and word of a status.
    pub const fn new(shown: Shown, confirming: bool) -> Self {
        Self {
            word: shown.as_str(),
            text: words::status(shown),
            confirming,
        }
    }

    /// Those of a listed monitor.
    pub fn of(listed: &Listed) -> Self {
        let kind = listed.monitor.settings().target.kind();
        Self::new(listed.shown, listed.confirming).of_kind(kind)
    }

    /// Nobody looks at a heartbeat.
    pub fn of_kind(mut self, kind: Kind) -> Self {
        if !kind.looks() {
            self.text = match self.word {
                "pending" => "First heartbeat pending",
                "unknown" => "A heartbeat may be lost",
                _ => self.text,
            };
        }
        self
    }
}

/// A moment beside something live: absolute in the title, relative in the text, kept so by script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relative {
    /// RFC 3339.
    pub iso: String,
    /// `14:02:11 UTC+1`, with the day when it is not today's.
    pub title: String,
    /// `12 s ago`, `in 48 s`, `6 min`.
    pub text: String,
    /// `ago`, `next` or `for`.
    pub kind: &'static str,
}

impl Relative {
    /// How long ago; over a day it is the absolute time.
    pub fn ago(at: Timestamp, now: Timestamp, zone: &TimeZone) -> Self {
        let since = now.duration_since(at);
        let text = match since.as_secs() {
            ..1 => "now".to_owned(),
            1..86_400 => format!("{} ago", short(since)),
            _ => words::moment(at, zone),
        };
        Self::with(at, zone, text, "ago")
    }

    /// In how long.
    pub fn next(at: Timestamp, now: Timestamp, zone: &TimeZone) -> Self {
        let until = at.duration_since(now);
        let text = if until.as_secs() <= 0 {
            "now".to_owned()
        } else {
            format!("in {}", short(until))
        };
        Self::with(at, zone, text, "next")
    }

    /// For how long already.
    pub fn lasting(since: Timestamp, now: Timestamp, zone: &TimeZone) -> Self {
        let lasted = now.duration_since(since).max(SignedDuration::ZERO);
        Self::with(
            since,
            zone,
            if lasted.as_hours() < 24 {
                short(lasted)
            } else {
                words::duration(lasted)
            },
            "for",
        )
    }

    fn with(at: Timestamp, zone: &TimeZone, text: String, kind: &'static str) -> Self {
        Self {
            iso: at.to_string(),
            title: words::moment(at, zone),
            text,
            kind,
        }
    }
}

/// One unit is enough beside something live: `12 s`, `6 min`, `3 h`.
fn short(duration: SignedDuration) -> String {
    match duration.as_secs() {
        seconds @ ..60 => format!("{seconds} s"),
        seconds @ 60..3_600 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3_600),
    }
}

/// The monitor that it is down behind, id and name, where people are shown that it is down.
pub fn behind(listed: &Listed) -> Option<(String, String)> {
    let (id, name) = listed.behind.as_ref()?;
    (listed.shown == Shown::Down).then(|| (id.to_string(), name.clone()))
}

/// What people call a channel.
pub const fn channel_word(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "mail",
        Channel::Sms => "SMS",
        other => other.name(),
    }
}

/// The icon of a channel.
pub const fn channel_icon(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "mail",
        Channel::Sms => "message-square",
        Channel::Voice => "phone",
        Channel::Webhook => "link",
        Channel::Slack
        | Channel::Discord
        | Channel::Teams
        | Channel::Mattermost
        | Channel::GoogleChat
        | Channel::Telegram
        | Channel::Matrix => "message-circle",
        Channel::Ntfy | Channel::Pushover | Channel::Gotify => "bell",
        Channel::PagerDuty | Channel::Opsgenie => "radio",
    }
}

/// When a monitor is looked at next; `None` while it is not.
pub fn next_look(monitor: &Monitor, now: Timestamp) -> Option<Timestamp> {
    if monitor.paused_at.is_some() || monitor.deleted_at.is_some() {
        return None;
    }
    if !monitor.settings().target.kind().looks() {
        return None;
    }
    let interval = monitor.settings().interval;
    Some(schedule::next_slot(
        interval,
        schedule::phase(monitor.id, interval, 0, 1),
        now,
    ))
}

/// The stretches of a bar that were down, in maintenance or not observed, neighbours joined.
pub fn bands(cells: &[Cell]) -> Vec<Band> {
    let mut bands: Vec<Band> = Vec::new();
    for cell in cells {
        let kind = if cell.down > 0.0 {
            BandKind::Down
        } else if cell.maintenance > 0.5 {
            BandKind::Maintenance
        } else if cell.unknown > 0.5 {
            BandKind::Unknown
        } else {
            continue;
        };
        match bands.last_mut() {
            Some(last) if last.kind == kind && last.to == cell.from => last.to = cell.to,
            _ => bands.push(Band {
                from: cell.from,
                to: cell.to,
                kind,
            }),
        }
    }
    bands
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn moments_beside_live_things_are_relative_for_a_day() {
        let now = at("2026-11-22T13:02:11Z");
        let ago = |text| Relative::ago(at(text), now, &words::zone("Europe/Berlin")).text;
        assert_eq!(ago("2026-11-22T13:02:11Z"), "now");
        assert_eq!(ago("2026-11-22T13:01:59Z"), "12 s ago");
        assert_eq!(ago("2026-11-22T10:02:11Z"), "3 h ago");
        assert_eq!(
            ago("2026-11-20T10:02:11Z"),
            "Fri 20 Nov 2026, 11:02:11 UTC+1"
        );
        let next = |text| Relative::next(at(text), now, &TimeZone::UTC).text;
        assert_eq!(
            [next("2026-11-22T13:02:43Z"), next("2026-11-22T13:02:00Z")],
            ["in 32 s", "now"]
        );
        assert_eq!(
            Relative::lasting(at("2026-11-22T12:55:59Z"), now, &TimeZone::UTC).text,
            "6 min"
        );
        assert_eq!(
            Relative::lasting(at("2026-11-19T09:00:00Z"), now, &TimeZone::UTC).text,
            "3 d 4 h"
        );
    }

    #[test]
    fn neighbouring_cells_are_one_band() {
        let cell = |minute: i64, down, unknown| Cell {
            from: at("2026-11-22T13:00:00Z") + SignedDuration::from_mins(minute),
            to: at("2026-11-22T13:01:00Z") + SignedDuration::from_mins(minute),
            down,
            unknown,
            maintenance: 0.0,
            observed: 1.0 - unknown,
        };
        let found = bands(&[
            cell(0, 0.0, 0.0),
            cell(1, 0.2, 0.0),
            cell(2, 1.0, 0.0),
            cell(3, 0.0, 1.0),
            cell(4, 0.0, 0.1),
        ]);
        let kinds: Vec<(BandKind, i64)> = found
            .iter()
            .map(|band| (band.kind, band.to.duration_since(band.from).as_mins()))
            .collect();
        assert_eq!(kinds, [(BandKind::Down, 2), (BandKind::Unknown, 1)]);
    }
}
