//! Every failure class that a look can have, produced for real and classified exactly.
#![expect(clippy::unwrap_used, reason = "tests")]

mod connections;
mod domains;
mod exchanges;
mod handshakes;
mod http_one;
mod http_two;
mod noise;
mod origins;
mod records;
mod redirects;
mod remembered;
mod site;
mod upgrades;

use std::time::{Duration, Instant};

use domain::check::{FailureClass as C, Observation, Phase};
use domain::monitor::{HttpSpec, MonitorSpec, Settings, Target};
use jiff::Timestamp;
use probe::Prober;
use testkit::Ca;
use testkit::way_out::way_out;

/// For what answers, on a busy machine too.
pub(crate) const PATIENT: Duration = Duration::from_secs(10);
/// For what hangs.
pub(crate) const SHORT: Duration = Duration::from_millis(700);
/// A look may be 250 ms over its time-out; a busy machine adds some.
pub(crate) const OVER: Duration = Duration::from_millis(1_000);

pub(crate) const fn timeout_for(class: C) -> Duration {
    match class {
        C::ReplyTimeout
        | C::DnsTimeout
        | C::ConnectTimeout
        | C::TlsTimeout
        | C::HttpTimeout
        | C::BodyTimeout => SHORT,
        _ => PATIENT,
    }
}

pub(crate) fn http(url: String, change: impl FnOnce(&mut HttpSpec)) -> Target {
    let mut http = HttpSpec::default();
    change(&mut http);
    Settings::of(&MonitorSpec {
        url: Some(url),
        http: Some(http),
        ..MonitorSpec::default()
    })
    .target
}

/// The target of a monitor's settings.
pub(crate) fn of(spec: serde_json::Value) -> Target {
    Target::of(&serde_json::from_value(spec).unwrap())
}

pub(crate) fn plain(url: String) -> Target {
    http(url, |_| {})
}

pub(crate) async fn look_within(
    timeout: Duration,
    prober: &Prober,
    target: &Target,
) -> Observation {
    let started = Instant::now();
    let seen = prober
        .look(
            target,
            timeout,
            probe::Names::Remembered,
            Timestamp::UNIX_EPOCH,
        )
        .await;
    let over = started.elapsed().saturating_sub(timeout);
    assert!(over < OVER, "the look was {over:?} over its time-out");
    seen
}

pub(crate) async fn look_by(prober: &Prober, target: &Target) -> Observation {
    look_within(PATIENT, prober, target).await
}

pub(crate) fn prober(ca: Option<&Ca>) -> Prober {
    Prober::new(way_out(None, ca)).unwrap()
}

pub(crate) async fn look(target: &Target) -> Observation {
    look_by(&prober(None), target).await
}

pub(crate) fn failure(seen: &Observation) -> Option<(C, Phase)> {
    seen.failure
        .as_ref()
        .map(|failure| (failure.class, failure.phase))
}
