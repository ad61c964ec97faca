//! Registrations. No registry is asked: these are the ways in which asking fails.

use domain::check::{FailureClass as C, Phase};
use probe::Prober;
use serde_json::json;
use testkit::dns::{Answer, FakeDns};
use testkit::way_out::way_out;

use crate::{SHORT, failure, look_within, of};

/// A registry that cannot be reached says nothing about the domain: unknown, and not our outage.
#[tokio::test]
async fn a_silent_registry() {
    let dns = FakeDns::start().await;
    for name in ["shop.example", "shop.com"] {
        let prober = Prober::new(way_out(Some(dns.address()), None)).unwrap();
        let target = of(json!({"kind": "domain", "host": name}));
        let seen = look_within(SHORT * 4, &prober, &target).await;
        assert_eq!(
            failure(&seen),
            Some((C::DomainUnsupported, Phase::FirstByte)),
            "{seen:?}"
        );
        assert!(seen.registration.is_none() && seen.http.is_none());
    }
    assert!(dns.queries() > 0);
}

#[tokio::test]
async fn whois_of_a_registry() {
    let dns = FakeDns::start().await;
    dns.set("whois.iana.org", Answer::SERVFAIL);
    let prober = Prober::new(way_out(Some(dns.address()), None)).unwrap();
    let target = of(json!({"kind": "domain", "host": "shop.example"}));
    let seen = look_within(SHORT * 4, &prober, &target).await;
    let failure = seen.failure.expect("nobody tells");
    assert_eq!(failure.class, C::DomainUnsupported);
    assert!(
        failure.message.contains("whois.iana.org"),
        "{}",
        failure.message
    );
}
