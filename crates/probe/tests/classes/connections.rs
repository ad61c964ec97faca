//! Names, addresses, connections and what is refused.

use std::net::IpAddr;
use std::time::Duration;

use domain::check::{FailureClass as C, Phase};
use domain::monitor::IpFamily;
use domain::target::AddressPolicy;
use jiff::Timestamp;
use probe::{Names, Prober};
use rstest::rstest;
use serde_json::json;
use testkit::dns::{Answer, FakeDns};
use testkit::way_out::{way_out, with_budget, with_policy};
use testkit::{Act, Ca, Flaw, Script, Server, blackhole, http2, refused};

use crate::{SHORT, failure, http, look, look_by, look_within, plain, prober};

#[tokio::test]
async fn connection_refused() {
    let address = refused();
    let seen = look(&plain(format!("http://{address}/"))).await;
    assert_eq!(failure(&seen), Some((C::ConnectRefused, Phase::Connect)));
    assert_eq!(seen.tried.len(), 1);
}

#[tokio::test]
async fn connection_times_out() {
    let hole = blackhole().await;
    let seen = look_within(
        SHORT,
        &prober(None),
        &plain(format!("http://{}/", hole.address())),
    )
    .await;
    assert_eq!(
        failure(&seen),
        Some((C::ConnectTimeout, Phase::Connect)),
        "{seen:?}"
    );
    assert!(!seen.our_fault);
}

/// TCP to a group address is refused by the system as unreachable.
#[tokio::test]
async fn network_unreachable() {
    let seen = look(&crate::of(
        json!({"kind": "tcp", "host": "224.0.0.1", "port": 80}),
    ))
    .await;
    assert_eq!(
        failure(&seen),
        Some((C::NetworkUnreachable, Phase::Connect)),
        "{seen:?}"
    );
}
/// A name with a dead first address is up: the next one is tried, and the dead one is written down.
#[tokio::test]
async fn the_next_address_is_tried() {
    let server = Server::plain(Script::page("200 OK", "", "hello")).await;
    let dns = FakeDns::start().await;
    dns.set(
        "shop.example",
        Answer::Addresses(vec![
            "127.0.0.9".parse().unwrap(),
            "127.0.0.1".parse().unwrap(),
        ]),
    );
    let prober = Prober::new(way_out(Some(dns.address()), None)).unwrap();
    let seen = look_by(
        &prober,
        &plain(format!("http://shop.example:{}/", server.port())),
    )
    .await;
    assert_eq!(seen.failure, None);
    assert_eq!(seen.address, Some(server.address()));
    assert_eq!(seen.resolved.len(), 2);
    assert_eq!(
        seen.tried
            .iter()
            .filter(|tried| tried.error.is_some())
            .count(),
        1,
        "{:?}",
        seen.tried
    );
}

/// A name with an A record alone, on a server that listens there.
#[rstest]
#[case(IpFamily::Any, None)]
#[case(IpFamily::V4, None)]
#[case(IpFamily::V6, Some((C::DnsNoAddress, Phase::Dns)))]
#[case(IpFamily::Both, Some((C::DnsNoAddress, Phase::Dns)))]
#[tokio::test]
async fn one_family_is_missing(#[case] family: IpFamily, #[case] expected: Option<(C, Phase)>) {
    let server = Server::plain(Script::page("200 OK", "", "hello")).await;
    let dns = FakeDns::start().await;
    dns.set_loopback("shop.example");
    let prober = Prober::new(way_out(Some(dns.address()), None)).unwrap();
    let url = format!("http://shop.example:{}/", server.port());
    let target = http(url, |http| http.ip_family = Some(family));
    let seen = look_by(&prober, &target).await;
    assert_eq!(failure(&seen), expected, "{seen:?}");
    let looked = family != IpFamily::V6;
    assert_eq!(server.connections(), usize::from(looked));
    if let Some(failure) = seen.failure {
        assert!(failure.message.contains("IPv6"), "{}", failure.message);
    }
}

#[rstest]
#[case(Answer::NXDOMAIN, C::DnsNxdomain)]
#[case(Answer::SERVFAIL, C::DnsServfail)]
#[case(Answer::REFUSED, C::DnsRefused)]
#[case(Answer::Code(4), C::DnsServerError)]
#[case(Answer::Empty, C::DnsNoAddress)]
#[case(Answer::Silence, C::DnsTimeout)]
#[case(Answer::Garbage, C::DnsMalformed)]
#[case(Answer::Alias("shop.example".to_owned()), C::DnsCnameLoop)]
#[tokio::test]
async fn names(#[case] answer: Answer, #[case] class: C) {
    let dns = FakeDns::start().await;
    dns.set("shop.example", answer);
    let prober = Prober::new(way_out(Some(dns.address()), None)).unwrap();
    let seen = look_within(
        SHORT * 3,
        &prober,
        &plain("http://shop.example/".to_owned()),
    )
    .await;
    assert_eq!(failure(&seen), Some((class, Phase::Dns)), "{seen:?}");
    assert!(!seen.our_fault, "the resolver lives");
}

#[tokio::test]
async fn a_dead_resolver_is_our_fault() {
    let silent = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let prober = Prober::new(way_out(Some(silent.local_addr().unwrap()), None)).unwrap();
    let seen = look_within(SHORT, &prober, &plain("http://shop.example/".to_owned())).await;
    assert_eq!(failure(&seen), Some((C::DnsTimeout, Phase::Dns)));
    assert!(seen.our_fault);
}

#[tokio::test]
async fn a_look_over_the_budget_of_its_address_is_put_off_and_not_judged() {
    let server = Server::plain(Script::page("200 OK", "", "hello")).await;
    let target = plain(format!("http://127.0.0.1:{}/", server.port()));
    let prober = Prober::new(with_budget(2)).unwrap();
    for _ in 0..2 {
        let seen = look_by(&prober, &target).await;
        assert_eq!((seen.put_off, failure(&seen)), (None, None));
    }
    let seen = look_by(&prober, &target).await;
    assert!(
        seen.put_off
            .is_some_and(|wait| wait <= Duration::from_millis(500)),
        "{seen:?}"
    );
    assert!(seen.our_fault && seen.tried.is_empty());
}

#[rstest]
#[case::open(true)]
#[case::closed(false)]
#[tokio::test]
async fn tcp_ports(#[case] open: bool) {
    let server = Server::plain(Script::close()).await;
    let port = if open {
        server.port()
    } else {
        refused().port()
    };
    let seen = look(&crate::of(
        json!({"kind": "tcp", "host": "127.0.0.1", "port": port}),
    ))
    .await;
    assert_eq!(
        failure(&seen),
        (!open).then_some((C::ConnectRefused, Phase::Connect))
    );
    assert!(seen.phases.connect.is_some());
}

/// Hosted egress refuses what points inside, before anything is dialed.
#[tokio::test]
async fn refused_targets() {
    let hosted = |dns: &FakeDns| {
        Prober::new(with_policy(
            AddressPolicy::Hosted,
            Some(dns.address()),
            None,
        ))
        .unwrap()
    };
    let dns = FakeDns::start().await;
    dns.set_loopback("shop.example");
    for url in [
        "http://127.0.0.1/",
        "http://shop.example/",
        "http://localhost/",
        "http://10.0.0.1:8080/",
    ] {
        let seen = look_by(&hosted(&dns), &plain(url.to_owned())).await;
        assert_eq!(
            failure(&seen),
            Some((C::TargetRefused, Phase::Dns)),
            "{url}"
        );
        assert!(seen.tried.is_empty(), "{url}");
    }
    let port = crate::of(json!({"kind": "tcp", "host": "127.0.0.1", "port": 22}));
    assert_eq!(
        failure(&look_by(&hosted(&dns), &port).await),
        Some((C::TargetRefused, Phase::Dns))
    );
}

/// One question for each family in a whole look, however many connections it opens: a name that leads
/// inside at the second question (DNS rebinding) is never asked a second time.
#[rstest]
#[case::one_connection(Script::page("200 OK", "", "hello"), &[], 1)]
#[case::redirected(Script::page("302 Found", "location: /there\r\n", ""), &[], 2)]
#[case::over_http_one_after_all(Script::default().then(Act::Read(24)).send(http2::settings()).then(Act::Read(40)).send(http2::rst_stream(1, 0xD)).hang(), &["h2"], 2)]
#[tokio::test]
async fn a_name_is_asked_once_in_a_look(
    #[case] first: Script,
    #[case] alpn: &[&str],
    #[case] connections: usize,
    #[values(Names::Remembered, Names::Asked, Names::AskedAgain)] names: Names,
) {
    let ca = Ca::default();
    let config = ca.server_with(Flaw::None, alpn, |config| config);
    let server = Server::tls_each(config, move |n| match n {
        0 => first.clone(),
        _ => Script::page("200 OK", "", "hello"),
    })
    .await;
    let dns = FakeDns::start().await;
    dns.set_loopback("shop.example");
    let prober = Prober::new(way_out(Some(dns.address()), Some(&ca))).unwrap();
    let target = plain(format!("https://shop.example:{}/", server.port()));
    let seen = prober
        .look(&target, crate::PATIENT, names, Timestamp::UNIX_EPOCH)
        .await;
    assert_eq!(seen.failure, None, "{seen:?}");
    assert_eq!((server.connections(), dns.queries()), (connections, 2));
    assert!(
        seen.tried
            .iter()
            .all(|tried| tried.address == server.address())
    );
}

/// One that wants no cache tries addresses in their usual order, a recheck begins with the next.
#[rstest]
#[case(Names::Asked, 1)]
#[case(Names::AskedAgain, 2)]
#[tokio::test]
async fn only_a_recheck_tries_another_door_first(#[case] names: Names, #[case] first: u8) {
    let dns = FakeDns::start().await;
    let addresses = [1, 2].map(|last| IpAddr::from([127, 0, 0, last]));
    dns.set("shop.example", Answer::Addresses(addresses.to_vec()));
    let prober = Prober::new(way_out(Some(dns.address()), None)).unwrap();
    let target = plain("http://shop.example:1/".to_owned());
    let seen = prober
        .look(&target, crate::PATIENT, names, Timestamp::UNIX_EPOCH)
        .await;
    let tried = seen.tried[0].address.ip();
    assert_eq!(tried, IpAddr::from([127, 0, 0, first]), "{seen:?}");
}

/// The same where the server refuses our hello, and is asked again in older words.
#[tokio::test]
async fn a_second_hello_goes_to_the_same_address() {
    let alert = b"\x15\x03\x03\x00\x02\x02\x28";
    let server = Server::plain(Script::default().then(Act::Read(5)).send(alert)).await;
    let dns = FakeDns::start().await;
    dns.set_loopback("shop.example");
    let prober = Prober::new(way_out(Some(dns.address()), None)).unwrap();
    let target = plain(format!("https://shop.example:{}/", server.port()));
    let seen = look_by(&prober, &target).await;
    assert_eq!(failure(&seen), Some((C::TlsHandshakeFailed, Phase::Tls)));
    assert_eq!((server.connections(), dns.queries()), (2, 2));
}
