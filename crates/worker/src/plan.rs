//! A monitor as the timetable needs it: settings ready to use, and what is known of its state.

use std::time::Duration;

use domain::check::{Expectation, Verdict, VerdictKind};
use domain::ids::{AccountId, MonitorId};
use domain::monitor::{MonitorSpec, Settings, schedule};
use domain::status::Observed;
use jiff::Timestamp;
use probe::Names;
use store::monitors::timetable::Scheduled;

/// What to look at, and when.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plan {
    pub account_id: AccountId,
    pub monitor_id: MonitorId,
    pub shard: i16,
    pub config_version: i64,
    pub settings: Settings,
    pub phase: Duration,
    pub history_months: u32,
    pub created_at: Timestamp,
}

impl Plan {
    /// The plan of a stored monitor as `region` carries it out.
    pub(crate) fn of(scheduled: &Scheduled, region: &str) -> Self {
        let monitor = &scheduled.monitor;
        let settings = monitor.settings();
        let (index, count) = turn(settings.regions.as_deref(), region);
        Self {
            account_id: monitor.account_id,
            monitor_id: monitor.id,
            shard: schedule::shard(monitor.id),
            config_version: monitor.config_version,
            phase: schedule::phase(monitor.id, settings.interval, index, count),
            settings,
            history_months: scheduled.history_months,
            created_at: monitor.created_at,
        }
    }

    /// The first slot after `at`.
    pub(crate) fn next_slot(&self, at: Timestamp) -> Timestamp {
        schedule::next_slot(self.settings.interval, self.phase, at)
    }

    /// The last slot at or before `at`.
    pub(crate) fn slot_at(&self, at: Timestamp) -> Timestamp {
        schedule::slot_at(self.settings.interval, self.phase, at)
    }

    /// The owner's values that must not be kept with what a target answers.
    pub(crate) fn secrets(&self) -> Vec<String> {
        secrets_of(&self.settings)
    }
}

/// The same of settings without a monitor.
pub(crate) fn secrets_of(settings: &Settings) -> Vec<String> {
    settings.target.secrets()
}

/// The settings of a look without a monitor.
pub(crate) fn settings_of(spec: &MonitorSpec) -> Settings {
    Settings::of(spec)
}

/// A recheck asks DNS anew, and so does every look at a monitor that wants no cache.
pub(crate) const fn names_for(settings: &Settings, confirms: bool) -> Names {
    match (confirms, settings.dns_cache) {
        (true, _) => Names::AskedAgain,
        (false, true) => Names::Remembered,
        (false, false) => Names::Asked,
    }
}

/// Regions take turns in the order that the monitor names them.
fn turn(regions: Option<&[String]>, region: &str) -> (u32, u32) {
    let Some(regions) = regions.filter(|regions| !regions.is_empty()) else {
        return (0, 1);
    };
    let index = regions.iter().position(|name| name == region).unwrap_or(0);
    (
        u32::try_from(index).unwrap_or(0),
        u32::try_from(regions.len()).unwrap_or(1),
    )
}

/// What the timetable knows of a monitor's state, to tell a look that matters from one that does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    pub observed: Observed,
    /// This region's confirmed view.
    pub vote: Option<VerdictKind>,
    /// A view is being confirmed here or elsewhere.
    pub confirming: bool,
    pub quiet: bool,
    pub ever_up: bool,
    pub was_public: bool,
}

impl Known {
    pub(crate) fn of(scheduled: &Scheduled) -> Self {
        Self {
            observed: scheduled.observed,
            vote: scheduled.vote.as_ref().and_then(|vote| vote.verdict),
            confirming: scheduled.confirming || scheduled.candidate().is_some(),
            quiet: scheduled.quiet_until_up,
            ever_up: scheduled.ever_up,
            was_public: scheduled.was_public,
        }
    }

    /// A look of an up monitor that is up changes nothing and is only appended.
    pub(crate) fn matters(&self, verdict: &Verdict) -> bool {
        let settled = self.vote == Some(VerdictKind::Up)
            && self.observed == Observed::Up
            && !self.confirming
            && !self.quiet;
        !settled || verdict.kind != VerdictKind::Up
    }

    pub(crate) fn expectation(&self, settings: &Settings) -> Expectation {
        Expectation::of(settings, self.ever_up, self.was_public)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UP: Known = Known {
        observed: Observed::Up,
        vote: Some(VerdictKind::Up),
        confirming: false,
        quiet: false,
        ever_up: true,
        was_public: true,
    };

    #[test]
    fn only_a_good_look_at_a_settled_monitor_may_wait() {
        let down = Verdict {
            kind: VerdictKind::Down,
            ..Verdict::up()
        };
        assert!(!UP.matters(&Verdict::up()));
        assert!(UP.matters(&down));
        for unsettled in [
            Known {
                confirming: true,
                ..UP
            },
            Known { quiet: true, ..UP },
            Known {
                observed: Observed::Down,
                ..UP
            },
            Known { vote: None, ..UP },
        ] {
            assert!(unsettled.matters(&Verdict::up()), "{unsettled:?}");
        }
    }

    #[test]
    fn dns_is_asked_anew_to_confirm_and_where_no_cache_is_wanted() {
        let settings = |dns_cache| {
            Settings::of(&MonitorSpec {
                dns_cache,
                ..MonitorSpec::default()
            })
        };
        for (dns_cache, confirms, names) in [
            (None, false, Names::Remembered),
            (Some(true), false, Names::Remembered),
            (Some(false), false, Names::Asked),
            (Some(false), true, Names::AskedAgain),
            (None, true, Names::AskedAgain),
        ] {
            assert_eq!(names_for(&settings(dns_cache), confirms), names);
        }
    }

    #[test]
    fn regions_take_turns_in_their_order() {
        let regions = ["fra".to_owned(), "iad".to_owned()];
        assert_eq!(turn(Some(&regions), "iad"), (1, 2));
        assert_eq!(turn(Some(&[]), "iad"), (0, 1));
        assert_eq!(turn(None, "iad"), (0, 1));
    }
}
