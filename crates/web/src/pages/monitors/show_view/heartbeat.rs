//! What a heartbeat monitor's page shows in the place of looks.

use domain::heartbeat::{Action, HeartbeatTarget, Signal};
use domain::words;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use store::heartbeats::Stored;
use store::heartbeats::pings::Ping;

use crate::config::WebConfig;
use crate::pages::monitors::parts::Relative;
use crate::usecases::heartbeats::ping_url;
use crate::view::Moment;

/// What was read.
pub struct Heard {
    pub stored: Stored,
    pub pings: Vec<Ping>,
    /// The call whose body is shown, and what of it is kept.
    pub opened: Option<(Ping, String)>,
}

/// A call.
pub struct PingLine {
    pub number: i64,
    pub mark: &'static str,
    pub what: String,
    pub at: Moment,
    pub took: String,
    pub from: String,
    pub body: String,
    pub has_body: bool,
}

/// What is heard of a job, and how it is to call.
pub struct BeatView {
    pub url: String,
    pub curl: String,
    pub crontab: String,
    pub grace: String,
    pub last: Option<(String, Relative)>,
    pub took: Option<String>,
    pub running: Option<Relative>,
    pub expected: Option<Relative>,
    pub due: Option<Relative>,
    pub is_late: bool,
    pub pings: Vec<PingLine>,
    pub opened: Option<(i64, String)>,
}

pub(super) fn beat(
    config: &WebConfig,
    target: &HeartbeatTarget,
    heard: &Heard,
    (now, zone): (Timestamp, &TimeZone),
) -> BeatView {
    let beat = &heard.stored.beat;
    let url = ping_url(config, heard.stored.token);
    let schedule = match &target.rhythm {
        domain::heartbeat::Rhythm::Cron { cron, .. } => cron.clone(),
        domain::heartbeat::Rhythm::Period(_) => "0 3 * * *".to_owned(),
    };
    let curl = format!("curl -fsS -m 10 --retry 5 -o /dev/null {url}");
    let crontab =
        format!("{schedule} /path/to/job; curl -fsS -m 10 --retry 5 -o /dev/null {url}/$?");
    BeatView {
        curl,
        crontab,
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
        pings: heard.pings.iter().map(|ping| line(ping, zone)).collect(),
        opened: heard
            .opened
            .as_ref()
            .map(|(ping, body)| (ping.number, body.clone())),
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
