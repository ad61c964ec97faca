//! What a heartbeat monitor's page shows in the place of looks.

use domain::check::FailureClass;
use domain::heartbeat::{Action, HeartbeatTarget, Rhythm, Signal};
use domain::words;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use store::heartbeats::Stored;
use store::heartbeats::pings::Ping;
use store::incidents::Listed;

use super::snippets::{Snippet, snippets};
use crate::config::WebConfig;
use crate::pages::monitors::parts::Relative;
use crate::usecases::heartbeats::ping_url;
use crate::view::Moment;

/// What was read.
pub struct Heard {
    pub stored: Stored,
    pub pings: Vec<Ping>,
    /// They are the newest ones.
    pub is_newest: bool,
    /// The number of the last of them, when there may be older ones.
    pub older: Option<i64>,
    /// The call whose body is shown, and what of it is kept.
    pub opened: Option<(Ping, String)>,
}

/// A call, or one that did not come.
pub struct PingLine {
    pub number: i64,
    pub mark: &'static str,
    pub what: String,
    pub at: Moment,
    pub took: String,
    pub from: String,
    pub body: String,
    pub has_body: bool,
    /// Of one that did not come: its incident.
    pub incident: Option<String>,
}

/// What is heard of a job, and how it is to call.
pub struct BeatView {
    pub url: String,
    /// Ways to call, the two that most need first.
    pub snippets: Vec<Snippet>,
    pub grace: String,
    /// The next times, in the zone of the cron line; none while a period waits for its first call.
    pub upcoming: Vec<Moment>,
    pub last: Option<(String, Relative)>,
    pub took: Option<String>,
    pub running: Option<Relative>,
    pub expected: Option<Relative>,
    pub due: Option<Relative>,
    pub is_late: bool,
    pub pings: Vec<PingLine>,
    pub opened: Option<(i64, String)>,
    /// The number of the last call shown, when there may be older ones.
    pub older: Option<i64>,
}

/// Upcoming times shown.
const TIMES: usize = 5;

pub(super) fn beat(
    config: &WebConfig,
    target: &HeartbeatTarget,
    (heard, incidents): (&Heard, &[Listed]),
    (now, zone): (Timestamp, &TimeZone),
) -> BeatView {
    let beat = &heard.stored.beat;
    let url = ping_url(config, heard.stored.token);
    BeatView {
        snippets: snippets(&url, &target.rhythm),
        upcoming: upcoming(target, beat.expected_at, (now, zone)),
        url,
        grace: words::duration(target.grace()),
        last: beat.last_at.zip(beat.last).map(|(at, last)| {
            let when = Relative::ago(at, now, zone);
            (said(last), when)
        }),
        took: beat.last_duration.map(words::duration),
        running: beat
            .run
            .map(|run| Relative::lasting(run.started_at, now, zone)),
        expected: beat.expected_at.map(|at| Relative::next(at, now, zone)),
        due: beat.due_at.map(|at| Relative::next(at, now, zone)),
        is_late: beat.expected_at.is_some_and(|at| at < now),
        pings: lines(heard, incidents, zone),
        older: heard.older,
        opened: heard
            .opened
            .as_ref()
            .map(|(ping, body)| (ping.number, body.clone())),
    }
}

/// The next times. A period counts from the last call, so without one there are none.
fn upcoming(
    target: &HeartbeatTarget,
    expected: Option<Timestamp>,
    (now, zone): (Timestamp, &TimeZone),
) -> Vec<Moment> {
    let (times, zone) = match &target.rhythm {
        Rhythm::Cron { timezone, .. } => (target.upcoming(now, TIMES), words::zone(timezone)),
        Rhythm::Period(_) => {
            let Some(first) = expected.filter(|first| *first > now) else {
                return Vec::new();
            };
            let mut times = vec![first];
            times.extend(target.upcoming(first, TIMES - 1));
            (times, zone.clone())
        }
    };
    let moments = times.into_iter();
    moments.map(|at| Moment::new(at, zone.clone())).collect()
}

/// The calls and, between them, those that did not come.
fn lines(heard: &Heard, incidents: &[Listed], zone: &TimeZone) -> Vec<PingLine> {
    let oldest = heard.pings.last().map(|ping| ping.at);
    let newest = heard.pings.first().map(|ping| ping.at);
    let missed = incidents.iter().filter(|listed| {
        let (class, at) = (
            listed.incident.failure.class,
            listed.incident.first_failure_at,
        );
        let in_sight = (heard.is_newest || Some(at) <= newest)
            && (heard.older.is_none() || Some(at) >= oldest);
        class == FailureClass::HeartbeatMissed && in_sight
    });
    let calls = heard.pings.iter().map(|ping| (ping.at, line(ping, zone)));
    let mut lines: Vec<(Timestamp, PingLine)> = calls
        .chain(missed.map(|listed| (listed.incident.first_failure_at, missed_line(listed, zone))))
        .collect();
    lines.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    lines.into_iter().map(|(_, line)| line).collect()
}

fn missed_line(listed: &Listed, zone: &TimeZone) -> PingLine {
    PingLine {
        number: 0,
        mark: "down",
        what: "Missed".to_owned(),
        at: Moment::new(listed.incident.first_failure_at, zone.clone()),
        took: String::new(),
        from: String::new(),
        body: String::new(),
        has_body: false,
        incident: Some(listed.incident.id.to_string()),
    }
}

fn line(ping: &Ping, zone: &TimeZone) -> PingLine {
    PingLine {
        number: ping.number,
        mark: match ping.action.signal {
            Signal::Success => "up",
            Signal::Fail => "down",
            Signal::Start | Signal::Log => "pending",
        },
        what: said(ping.action),
        at: Moment::new(ping.at, zone.clone()),
        took: ping.duration.map(words::duration).unwrap_or_default(),
        from: match ping.address {
            Some(address) => format!("{} {}", ping.method, address),
            None => ping.method.clone(),
        },
        body: match ping.body_bytes {
            0 => String::new(),
            bytes => format!("{} bytes", words::thousands(bytes.into())),
        },
        has_body: ping.body_bytes > 0,
        incident: None,
    }
}

/// `Done`, `Failed (exit 3)`.
fn said(action: Action) -> String {
    let word = match action.signal {
        Signal::Success => "Done",
        Signal::Start => "Started",
        Signal::Fail => "Failed",
        Signal::Log => "Note",
    };
    match action.exit_status {
        Some(status) => format!("{word} (exit {status})"),
        None => word.to_owned(),
    }
}
