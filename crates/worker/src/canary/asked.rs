//! One look at a canary, by the code that looks at monitors.

use domain::check::{Expectation, Observation, Verdict};
use domain::monitor::{HttpSpec, MonitorSpec, Settings};
use jiff::Timestamp;
use probe::{Names, Prober};

/// A canary that has not answered within this is silent.
const TIMEOUT_MS: u32 = 2_000;

/// A canary: an address, looked at like a monitor's.
#[derive(Debug)]
pub(super) struct Asked {
    pub url: String,
    settings: Settings,
}

impl Asked {
    pub(super) fn new(url: &str) -> Self {
        let http = HttpSpec {
            follow_redirects: Some(false),
            // Whatever the page says of itself: its server was reached.
            expected_status: Some(vec!["200-499".to_owned()]),
            ..HttpSpec::default()
        };
        let spec = MonitorSpec {
            url: Some(url.to_owned()),
            timeout_ms: Some(TIMEOUT_MS),
            http: Some(http),
            ..MonitorSpec::default()
        };
        Self {
            url: url.to_owned(),
            settings: Settings::of(&spec),
        }
    }

    /// One look, with the name resolved anew.
    pub(super) async fn look(&self, prober: &Prober, now: Timestamp) -> (Observation, Verdict) {
        let settings = &self.settings;
        let seen = prober
            .look(&settings.target, settings.timeout, Names::AskedAgain, now)
            .await;
        let verdict = domain::check::verdict::judge(&seen, &Expectation::of(settings, true, false));
        (seen, verdict)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::canary::{ANCHORS, KNOWN_DEAD};
    use domain::monitor::Target;

    use super::*;

    #[test]
    fn every_built_in_canary_can_be_looked_at() {
        for url in ANCHORS.iter().chain(&KNOWN_DEAD) {
            let asked = Asked::new(url);
            let Target::Http(http) = &asked.settings.target else {
                panic!("{url} is not http")
            };
            assert_eq!(http.url, *url);
            assert_eq!(asked.settings.timeout, Duration::from_secs(2));
        }
    }
}
