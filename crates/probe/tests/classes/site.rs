//! The switchable site of the stories: each behaviour is judged as the stories expect.

use std::time::Duration;

use domain::check::verdict::{Expectation, judge};
use domain::check::{Attribution, FailureClass as C, VerdictKind};
use domain::monitor::{HttpSpec, MonitorSpec, Settings};
use testkit::site::GOOD_TEXT;
use testkit::{Behaviour, SwitchableSite};

use crate::{SHORT, look_within, prober};

#[tokio::test]
async fn each_behaviour_is_seen() {
    let site = SwitchableSite::start().await;
    let prober = prober(None);
    let http = HttpSpec {
        keyword: Some(GOOD_TEXT.to_owned()),
        ..HttpSpec::default()
    };
    let spec = MonitorSpec {
        url: Some(site.url("/checkout")),
        http: Some(http),
        degraded_above_ms: Some(150),
        ..MonitorSpec::default()
    };
    let settings = Settings::of(&spec);
    let cases = [
        (
            Behaviour::Status(502),
            VerdictKind::Down,
            Some(C::HttpStatus),
        ),
        (
            Behaviour::Refuse,
            VerdictKind::Down,
            Some(C::ConnectRefused),
        ),
        (Behaviour::Hang, VerdictKind::Down, Some(C::HttpTimeout)),
        (
            Behaviour::Reset,
            VerdictKind::Down,
            Some(C::ConnectionReset),
        ),
        (
            Behaviour::WrongText,
            VerdictKind::Down,
            Some(C::KeywordMissing),
        ),
        (
            Behaviour::Slow(Duration::from_millis(200)),
            VerdictKind::Degraded,
            None,
        ),
    ];
    for (behaviour, kind, class) in cases {
        site.set(behaviour.clone());
        let seen = look_within(SHORT * 2, &prober, &settings.target).await;
        let verdict = judge(&seen, &Expectation::of(&settings, true, false));
        assert_eq!(
            (verdict.kind, verdict.class()),
            (kind, class),
            "{behaviour:?}: {seen:?}"
        );
        if class == Some(C::HttpStatus) {
            assert_eq!(verdict.attribution, Some(Attribution::OriginProxy));
        }
        site.set(Behaviour::Fine);
        let seen = look_within(SHORT * 2, &prober, &settings.target).await;
        let verdict = judge(&seen, &Expectation::of(&settings, true, false));
        assert!(verdict.kind.is_good(), "after {behaviour:?}: {verdict:?}");
    }
    assert!(site.requests() >= cases_that_reach_it());
}

/// Six good answers, and five bad ones; a refused connection reaches nobody.
const fn cases_that_reach_it() -> usize {
    11
}
