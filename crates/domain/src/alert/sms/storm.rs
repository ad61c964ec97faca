//! Texts about several events.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Draft, clock};

/// `DOWN 43 monitors since 14:02 UTC+1. 41 share 203.0.113.7: server refuses connections. Reply ACK for all. {link}`
pub fn down(
    (monitors, since): (&str, Option<Timestamp>),
    shared: &str,
    zone: &TimeZone,
    link: &str,
) -> String {
    Draft {
        word: "DOWN",
        name: monitors,
        when: since.map_or_else(String::new, |since| {
            format!(" since {}", clock(since, zone))
        }),
        cause: shared.to_owned(),
        action: "Reply ACK for all.",
        link,
        ..Draft::default()
    }
    .render()
}

/// `UP all 43 monitors since 14:19 UTC+1, down up to 17 min 3 s. {link}`, or
/// `UP 40 of 43 monitors, 3 still down. {link}`
pub fn up(monitors: &str, when: &str, link: &str) -> String {
    Draft {
        word: "UP",
        name: monitors,
        when: when.to_owned(),
        link,
        ..Draft::default()
    }
    .render()
}

/// `TAKEN 43 monitors by On call. Reminders stop. {link}`, or `NOTE 12 monitors. 12 slow. {link}`
pub fn other(
    word: &'static str,
    monitors: &str,
    (when, cause): (&str, &str),
    link: &str,
) -> String {
    Draft {
        word,
        name: monitors,
        when: when.to_owned(),
        cause: cause.to_owned(),
        link,
        ..Draft::default()
    }
    .render()
}
