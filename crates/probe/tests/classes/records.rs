//! What DNS says of a name.

use domain::check::verdict::{Expectation, judge};
use domain::check::{FailureClass as C, Phase, VerdictKind};
use domain::monitor::{MonitorSpec, Settings};
use probe::Prober;
use rstest::rstest;
use serde_json::json;
use testkit::dns::{Answer, FakeDns, data, texts};
use testkit::way_out::way_out;

use crate::{SHORT, failure, look_by, look_within, of};

/// An answer with a record of every type.
fn everything() -> Answer {
    Answer::Records(vec![
        (1, vec![192, 0, 2, 1]),
        (1, vec![192, 0, 2, 2]),
        (
            28,
            "2001:db8::7"
                .parse::<std::net::Ipv6Addr>()
                .unwrap()
                .octets()
                .to_vec(),
        ),
        (15, data(&[10], &["mail.example"])),
        (2, data(&[], &["ns1.example"])),
        (16, texts(&["v=spf1 ", "-all"])),
        (
            6,
            [
                data(&[], &["ns1.example", "root.example"]),
                data(&[0, 7, 0, 8, 0, 9, 0, 10, 0, 11], &[]),
            ]
            .concat(),
        ),
        (257, b"\0\x05issueca.example".to_vec()),
        (33, data(&[10, 5, 5060], &["sip.example"])),
    ])
}

#[rstest]
#[case("A", &["192.0.2.2", "192.0.2.1"])]
#[case("AAAA", &["2001:db8::7"])]
#[case("MX", &["10 mail.example"])]
#[case("NS", &["ns1.example"])]
#[case("TXT", &["v=spf1 -all"])]
#[case("SOA", &["ns1.example root.example 7 8 9 10 11"])]
#[case("CAA", &["0 issue \"ca.example\""])]
#[case("SRV", &["10 5 5060 sip.example"])]
#[tokio::test]
async fn every_type(#[case] record: &str, #[case] expected: &[&str]) {
    let dns = FakeDns::start().await;
    dns.set("shop.example", everything());
    dns.set("www.shop.example", Answer::Alias("shop.example".to_owned()));
    let prober = Prober::new(way_out(Some(dns.address()), None)).unwrap();
    for host in ["shop.example", "www.shop.example"] {
        for (values, good) in [(expected, true), (&["192.0.2.9", "x"][..], false)] {
            let wrong = if record == "AAAA" {
                "2001:db8::8"
            } else {
                "192.0.2.9"
            };
            let values: Vec<&str> = values
                .iter()
                .map(|v| if good { *v } else { wrong })
                .collect();
            let spec = json!({"kind": "dns", "host": host, "record": record, "expected": values,
                "dns": {"match": "equals"}});
            let spec: MonitorSpec = serde_json::from_value(spec).unwrap();
            let settings = Settings::of(&spec);
            let seen = look_by(&prober, &settings.target).await;
            assert_eq!(seen.failure, None, "{record}");
            let verdict = judge(&seen, &Expectation::of(&settings, false, false));
            let wanted = if good {
                (VerdictKind::Up, None)
            } else {
                (VerdictKind::Down, Some(C::DnsWrongAnswer))
            };
            assert_eq!(
                (verdict.kind, verdict.class()),
                wanted,
                "{record} {:?}",
                seen.records
            );
        }
    }
}

#[tokio::test]
async fn an_alias_is_an_answer_of_its_own() {
    let dns = FakeDns::start().await;
    dns.set(
        "www.shop.example",
        Answer::Records(vec![(5, data(&[], &["shop.example"]))]),
    );
    let prober = Prober::new(way_out(Some(dns.address()), None)).unwrap();
    let target = of(json!({"kind": "dns", "host": "www.shop.example", "record": "CNAME"}));
    let seen = look_by(&prober, &target).await;
    assert_eq!(seen.records, Some(vec!["shop.example.".to_owned()]));
}

#[rstest]
#[case(Answer::NXDOMAIN, "A", C::DnsNxdomain)]
#[case(Answer::SERVFAIL, "MX", C::DnsServfail)]
#[case(Answer::REFUSED, "TXT", C::DnsRefused)]
#[case(Answer::Code(4), "NS", C::DnsServerError)]
#[case(Answer::Empty, "A", C::DnsNoAddress)]
#[case(Answer::Empty, "MX", C::DnsWrongAnswer)]
#[case(Answer::Silence, "A", C::DnsTimeout)]
#[case(Answer::Garbage, "A", C::DnsMalformed)]
#[case(Answer::Alias("shop.example".to_owned()), "A", C::DnsCnameLoop)]
#[tokio::test]
async fn bad_answers(
    #[case] answer: Answer,
    #[case] record: &str,
    #[case] class: C,
    #[values(false, true)] named: bool,
) {
    let dns = FakeDns::start().await;
    dns.set("shop.example", answer);
    let prober = Prober::new(way_out(Some(dns.address()), None)).unwrap();
    let server = named.then(|| json!({"server": dns.address().to_string()}));
    let target =
        of(json!({"kind": "dns", "host": "shop.example", "record": record, "dns": server}));
    let seen = look_within(SHORT * 3, &prober, &target).await;
    assert_eq!(failure(&seen), Some((class, Phase::Dns)), "{seen:?}");
    assert!(!seen.our_fault, "the resolver lives");
}

/// Our own dead resolver says nothing about a name; a dead server that the owner named does.
#[rstest]
#[case(false, true)]
#[case(true, false)]
#[tokio::test]
async fn who_is_silent(#[case] named: bool, #[case] ours: bool) {
    let silent = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let prober = Prober::new(way_out(Some(address), None)).unwrap();
    let server = named.then(|| json!({"server": address.to_string()}));
    let target = of(json!({"kind": "dns", "host": "shop.example", "dns": server}));
    let seen = look_within(SHORT, &prober, &target).await;
    assert_eq!(failure(&seen), Some((C::DnsTimeout, Phase::Dns)));
    assert_eq!(seen.our_fault, ours);
    let said = seen.failure.map(|failure| failure.message).unwrap();
    let of_the_server = said == "the name server does not answer";
    assert_eq!(of_the_server, named, "{said}");
}

/// The server that the owner names is asked, and no other.
#[tokio::test]
async fn the_named_server_is_asked() {
    let (ours, theirs) = (FakeDns::start().await, FakeDns::start().await);
    ours.set_loopback("ns.example");
    theirs.set("shop.example", everything());
    let prober = Prober::new(way_out(Some(ours.address()), None)).unwrap();
    let server = format!("ns.example:{}", theirs.address().port());
    let target = of(json!({"kind": "dns", "host": "shop.example", "dns": {"server": server}}));
    let seen = look_by(&prober, &target).await;
    assert_eq!(
        (failure(&seen), seen.address),
        (None, Some(theirs.address()))
    );
    assert_eq!(theirs.queries(), 1);
}
