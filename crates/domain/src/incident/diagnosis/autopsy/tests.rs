use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use rstest::rstest;

use super::*;
use crate::check::{Attribution, Failure, FailureClass as C, Observation, Phase};
use crate::incident::diagnosis::{CHANGED, Confidence, Diagnosis, NextStep};
use crate::monitor::{MonitorSpec, Settings, Target};

use Question as Q;

const V4: &str = "203.0.113.7";
const OTHER: &str = "203.0.113.8";
const V6: &str = "2001:db8::7";

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn settings(url: &str) -> Settings {
    Settings::of(&MonitorSpec {
        url: Some(url.to_owned()),
        ..MonitorSpec::default()
    })
}

fn shop() -> Settings {
    settings("https://shop.example/checkout")
}

fn first(cause: &str, confidence: Confidence) -> Diagnosis {
    Diagnosis {
        cause: cause.to_owned(),
        confidence,
        attribution: Some(Attribution::Origin),
        sentence: "What one look said.".to_owned(),
        technical: "What one look saw.".to_owned(),
        evidence: Vec::new(),
        next_steps: vec![NextStep {
            text: "Look.".to_owned(),
            command: None,
        }],
        rule: "one_look".to_owned(),
    }
}

fn failure(class: C) -> Failure {
    Failure::new(class, Phase::FirstByte, "it failed")
}

fn status(code: u16) -> Failure {
    failure(C::HttpStatus).with_detail(code.to_string())
}

/// An answer: `200`, `502`, `502@2000` after so many milliseconds, or the word of a class.
fn outcome(what: &str) -> Outcome {
    let (what, took) = what.split_once('@').unwrap_or((what, "41"));
    let what = what.split(' ').next().unwrap_or_default();
    let code = what.parse::<u16>().ok();
    let failure = match code {
        Some(code) if code >= 400 => Some(status(code)),
        Some(_) => None,
        None if what == "ok" => None,
        None => Some(failure(C::parse(what).unwrap())),
    };
    Outcome {
        verdict: match failure {
            None => VerdictKind::Up,
            Some(_) => VerdictKind::Down,
        },
        failure,
        status: code,
        server: None,
        cached: false,
        location: None,
        address: Some(ip(V4)),
        resolved: Vec::new(),
        records: Vec::new(),
        total_us: took.parse::<u64>().unwrap() * 1_000,
        certificate: None,
    }
}

fn from(region: &str, question: Question, what: &str) -> Finding {
    let mut outcome = outcome(what);
    if let Q::At(ip) = question {
        outcome.address = Some(ip);
    }
    if let Q::Origin(_) = question {
        outcome.address = Some(ip("198.51.100.9"));
    }
    if let (Q::NameServers(_), Some((_, list))) = (&question, what.split_once(' ')) {
        outcome.records = list.split(' ').map(str::to_owned).collect();
    }
    Finding {
        region: region.to_owned(),
        question,
        outcome,
    }
}

fn battery(answers: &[(Question, &str)]) -> Battery {
    let findings = answers.iter();
    Battery {
        findings: findings
            .map(|(question, what)| from("local", question.clone(), what))
            .collect(),
    }
}

/// The rule that decides, and how sure.
fn decided(
    cause: &str,
    failure: &Failure,
    answers: &[(Question, &str)],
) -> (String, String, Confidence) {
    let first = first(cause, Confidence::Likely);
    let known = (&battery(answers), &History::default());
    let said = explain(&first, failure, &shop(), known);
    (said.rule, said.cause, said.confidence)
}

fn at(text: &str) -> Question {
    Q::At(ip(text))
}

fn zone() -> (Question, &'static str) {
    (Q::NameServers("shop.example".to_owned()), "ok")
}

fn server(name: &str) -> Question {
    Q::NameServer(name.to_owned())
}

fn origin() -> Question {
    Q::Origin("198.51.100.9:8443".to_owned())
}

const fn ping() -> Question {
    Q::Ping(IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 7)))
}

const fn port(port: u16) -> Question {
    Q::Port(IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 7)), port)
}

#[test]
fn an_answer_of_a_proxy_stays_one_however_much_of_the_site_it_is_for() {
    let mut first = first("upstream_fails", Confidence::Possible);
    first.attribution = Some(Attribution::OriginProxy);
    let answers = [(Q::Again, "502"), (Q::NeutralPath, "502")];
    let known = (&battery(&answers), &History::default());
    let said = explain(&first, &status(502), &shop(), known);
    assert_eq!(said.rule, "whole_site");
    assert_eq!(said.attribution, Some(Attribution::OriginProxy));
}

#[test]
fn an_origin_that_fails_too_clears_its_edge() {
    let mut first = first("edge_fails", Confidence::Likely);
    first.attribution = Some(Attribution::Edge);
    let answers = [(Q::Again, "502"), (origin(), "502")];
    let known = (&battery(&answers), &History::default());
    let said = explain(&first, &status(502), &shop(), known);
    assert_eq!(said.cause, "origin_fails");
    assert_eq!(said.attribution, Some(Attribution::Origin));
}

/// The table of confusions: what looks the same to one look, and is not.
#[rstest]
// A 502 of a program that is dead, of a page alone, of everything, of one server of two, of a cache.
#[case::program_dead("upstream_dead", status(502), &[(Q::Again, "502"), (Q::NeutralPath, "404"), (Q::AgainLater, "502")], "program_dead", "upstream_dead", Confidence::Likely)]
#[case::everything("upstream_dead", status(502), &[(Q::Again, "502"), (Q::NeutralPath, "502"), (Q::AgainLater, "502")], "one_look", "upstream_dead", Confidence::Likely)]
#[case::one_of_two("upstream_dead", status(502), &[(Q::Again, "200"), (Q::NeutralPath, "404"), (Q::AgainLater, "502")], "one_of_several", "one_backend_fails", Confidence::Likely)]
#[case::coming_back("upstream_dead", status(502), &[(Q::Again, "502"), (Q::NeutralPath, "404"), (Q::AgainLater, "200")], "one_look", "upstream_dead", Confidence::Likely)]
#[case::addresses_coming_back("nothing_listens", failure(C::ConnectRefused), &[(Q::Again, "connect_refused"), (at(V4), "connect_refused"), (at(OTHER), "200"), (Q::AgainLater, "200")], "one_look", "nothing_listens", Confidence::Likely)]
#[case::https_coming_back("nothing_listens", failure(C::ConnectRefused), &[(Q::Again, "connect_refused"), (Q::OtherScheme, "301"), (Q::AgainLater, "200")], "one_look", "nothing_listens", Confidence::Likely)]
#[case::page_alone("application_error", status(500), &[(Q::Again, "500"), (Q::NeutralPath, "200"), (Q::AgainLater, "500")], "only_this_page", "application_error", Confidence::Likely)]
#[case::whole_site("application_error", status(500), &[(Q::Again, "500"), (Q::NeutralPath, "500"), (Q::AgainLater, "500")], "whole_site", "application_error", Confidence::Likely)]
#[case::over_already("upstream_dead", status(502), &[(Q::Again, "200"), (Q::NeutralPath, "404"), (Q::AgainLater, "200")], "one_look", "upstream_dead", Confidence::Likely)]
// A time-out is as long each time; a crash is not, and what comes at once is none.
#[case::patience("upstream_fails", status(502), &[(Q::Again, "502@2004"), (Q::NeutralPath, "502@2010"), (Q::AgainLater, "502@2003")], "gives_up_alike", "upstream_slow", Confidence::Likely)]
#[case::uneven("upstream_fails", status(502), &[(Q::Again, "502@2004"), (Q::NeutralPath, "502@1400"), (Q::AgainLater, "502@2003")], "whole_site", "upstream_fails", Confidence::Likely)]
#[case::at_once("upstream_fails", status(502), &[(Q::Again, "502@300"), (Q::NeutralPath, "502@301"), (Q::AgainLater, "502@300")], "whole_site", "upstream_fails", Confidence::Likely)]
#[case::seen_once("upstream_fails", status(502), &[(Q::Again, "502@2004")], "one_look", "upstream_fails", Confidence::Likely)]
// A page that passes beside its cache says nothing where no cache is seen.
#[case::no_cache_seen("error_status", status(404), &[(Q::Again, "404"), (Q::PastCaches, "200"), (Q::AgainLater, "404")], "one_look", "error_status", Confidence::Likely)]
// Silence: a firewall, a machine that is off, and a scheme that is.
#[case::filtered("host_silent", failure(C::ConnectTimeout), &[(Q::Again, "connect_timeout"), (ping(), "ok"), (port(80), "connect_timeout")], "machine_alive", "port_filtered", Confidence::Likely)]
#[case::refusing_is_alive("host_silent", failure(C::ConnectTimeout), &[(Q::Again, "connect_timeout"), (port(80), "connect_refused"), (port(22), "connect_timeout")], "machine_alive", "port_filtered", Confidence::Likely)]
#[case::open_elsewhere("host_silent", failure(C::ConnectTimeout), &[(Q::Again, "connect_timeout"), (port(22), "ok")], "port_silent", "port_filtered", Confidence::Likely)]
#[case::dark("host_silent", failure(C::ConnectTimeout), &[(Q::Again, "connect_timeout"), (ping(), "ping_lost"), (port(80), "connect_timeout"), (port(22), "connect_timeout")], "machine_dark", "host_silent", Confidence::Likely)]
#[case::too_little("host_silent", failure(C::ConnectTimeout), &[(Q::Again, "connect_timeout"), (ping(), "ping_lost")], "one_look", "host_silent", Confidence::Likely)]
#[case::https_off("nothing_listens", failure(C::ConnectRefused), &[(Q::Again, "connect_refused"), (Q::OtherScheme, "301"), (port(80), "ok")], "https_not_served", "https_not_served", Confidence::Certain)]
#[case::port_off("nothing_listens", failure(C::ConnectRefused), &[(Q::Again, "connect_refused"), (Q::OtherScheme, "connect_refused"), (port(22), "ok")], "only_this_port", "nothing_listens", Confidence::Likely)]
// Slowness: of a page, of a server.
#[case::slow_page("no_answer", failure(C::HttpTimeout), &[(Q::Again, "http_timeout"), (Q::NeutralPath, "404")], "only_this_page_slow", "page_slow", Confidence::Likely)]
#[case::stuck("no_answer", failure(C::HttpTimeout), &[(Q::Again, "http_timeout"), (Q::NeutralPath, "http_timeout")], "server_stuck", "server_stuck", Confidence::Likely)]
#[case::gateway_stuck("upstream_slow", status(504), &[(Q::Again, "504"), (Q::NeutralPath, "200")], "only_this_page_slow", "page_slow", Confidence::Likely)]
// Addresses.
#[case::v6("nothing_listens", failure(C::ConnectRefused), &[(Q::Again, "connect_refused"), (at(V4), "200"), (at(V6), "connect_refused")], "ipv6_fails", "ipv6_fails", Confidence::Certain)]
#[case::v4("nothing_listens", failure(C::ConnectRefused), &[(Q::Again, "connect_refused"), (at(V4), "connect_refused"), (at(V6), "200")], "ipv4_fails", "ipv4_fails", Confidence::Certain)]
#[case::one("nothing_listens", failure(C::ConnectRefused), &[(Q::Again, "connect_refused"), (at(V4), "connect_refused"), (at(OTHER), "200")], "one_address", "one_address_fails", Confidence::Certain)]
#[case::certificate("certificate_expired", failure(C::TlsExpired), &[(Q::Again, "tls_expired"), (at(V4), "tls_expired"), (at(OTHER), "200")], "one_certificate", "one_server_bad_certificate", Confidence::Certain)]
#[case::all_bad("nothing_listens", failure(C::ConnectRefused), &[(Q::Again, "connect_refused"), (at(V4), "connect_refused"), (at(OTHER), "connect_timeout")], "one_look", "nothing_listens", Confidence::Likely)]
// Past what stands in front: edge and origin, each well or not.
#[case::edge_alone("edge_fails", status(502), &[(Q::Again, "502"), (origin(), "200"), (Q::AgainLater, "502")], "origin_answers", "edge_fails", Confidence::Likely)]
#[case::edge_silent("host_silent", failure(C::ConnectTimeout), &[(Q::Again, "connect_timeout"), (origin(), "200"), (port(22), "ok")], "origin_answers", "edge_fails", Confidence::Likely)]
#[case::edge_refuses_visitors("refused", status(403), &[(Q::Again, "403"), (origin(), "200")], "origin_answers", "edge_fails", Confidence::Likely)]
#[case::edge_shut_out("origin_unreachable", status(522), &[(Q::Again, "522"), (origin(), "200")], "origin_shut_out", "edge_shut_out", Confidence::Likely)]
#[case::both_fail_alike("upstream_fails", status(502), &[(Q::Again, "502"), (origin(), "502")], "origin_fails_too", "upstream_fails", Confidence::Likely)]
#[case::both_fail_otherwise("upstream_slow", status(504), &[(Q::Again, "504"), (origin(), "http_timeout")], "origin_fails_too", "upstream_slow", Confidence::Likely)]
#[case::robots_out_of_a_cache("upstream_dead", status(502), &[(Q::Again, "502"), (origin(), "502"), (Q::NeutralPath, "200")], "origin_fails_too", "upstream_dead", Confidence::Likely)]
#[case::both_miss_the_page("page_gone", status(404), &[(Q::Again, "404"), (origin(), "404")], "origin_fails_too", "page_gone", Confidence::Likely)]
#[case::nobody_gets_through("origin_unreachable", status(521), &[(Q::Again, "521"), (origin(), "connect_refused")], "origin_unreachable", "origin_unreachable", Confidence::Likely)]
// What only refuses strangers is not dead: a firewall lets in the CDN alone, or the server asks who we are.
#[case::firewall("upstream_fails", status(502), &[(Q::Again, "502"), (origin(), "connect_refused")], "one_look", "upstream_fails", Confidence::Likely)]
#[case::firewall_drops("upstream_fails", status(502), &[(Q::Again, "502"), (origin(), "connect_timeout")], "one_look", "upstream_fails", Confidence::Likely)]
#[case::strangers_are_refused("upstream_fails", status(502), &[(Q::Again, "502"), (origin(), "403")], "one_look", "upstream_fails", Confidence::Likely)]
#[case::only_its_cdn_has_the_key("upstream_fails", status(502), &[(Q::Again, "502"), (origin(), "tls_client_cert_required")], "one_look", "upstream_fails", Confidence::Likely)]
#[case::another_site_answers("upstream_fails", status(502), &[(Q::Again, "502"), (origin(), "404")], "one_look", "upstream_fails", Confidence::Likely)]
// What comes and goes, or is over, says nothing of either side.
#[case::over_before_we_asked("upstream_fails", status(502), &[(Q::Again, "502"), (origin(), "200"), (Q::AgainLater, "200")], "one_look", "upstream_fails", Confidence::Likely)]
// Names and certificates in front have rules of their own.
#[case::certificate_in_front("certificate_expired", failure(C::TlsExpired), &[(Q::Again, "tls_expired"), (origin(), "200")], "one_look", "certificate_expired", Confidence::Likely)]
#[case::name_in_front("name_gone", failure(C::DnsNxdomain), &[(origin(), "200"), zone(), (server("ns1"), "dns_nxdomain")], "record_removed", "record_removed", Confidence::Certain)]
// Names.
#[case::removed("name_gone", failure(C::DnsNxdomain), &[zone(), (server("ns1"), "dns_nxdomain"), (server("ns2"), "dns_no_address")], "record_removed", "record_removed", Confidence::Certain)]
#[case::record_is_back("name_gone", failure(C::DnsNxdomain), &[zone(), (server("ns1"), "ok"), (server("ns2"), "ok")], "dns_not_everywhere_yet", "dns_not_everywhere_yet", Confidence::Likely)]
#[case::differ("name_gone", failure(C::DnsNxdomain), &[zone(), (server("ns1"), "ok"), (server("ns2"), "dns_nxdomain")], "name_servers_differ", "name_servers_differ", Confidence::Certain)]
#[case::one_silent("dns_server_fails", failure(C::DnsServfail), &[zone(), (server("ns1"), "ok"), (server("ns2"), "dns_timeout")], "name_servers_differ", "name_servers_differ", Confidence::Certain)]
#[case::dnssec("dns_server_fails", failure(C::DnsServfail), &[zone(), (server("ns1"), "ok"), (server("ns2"), "ok")], "dnssec_broken", "dnssec_broken", Confidence::Likely)]
#[case::dnssec_unchecked("dns_server_fails", failure(C::DnsServfail), &[(Q::Again, "dns_servfail"), (Q::Resolver(0), "dns_servfail"), (Q::Resolver(1), "dns_servfail"), (Q::Unchecked, "ok")], "dnssec_unchecked", "dnssec_broken", Confidence::Likely)]
#[case::servfail_is_over("dns_server_fails", failure(C::DnsServfail), &[(Q::Again, "dns_servfail"), (Q::Resolver(0), "dns_servfail"), (Q::Unchecked, "ok"), (Q::AgainLater, "200")], "one_look", "dns_server_fails", Confidence::Likely)]
#[case::cut_off("dns_server_fails", failure(C::DnsServfail), &[(Q::Again, "dns_servfail"), zone(), (server("ns1"), "ok"), (Q::Resolver(0), "dns_servfail"), (Q::Unchecked, "dns_servfail")], "resolvers_cut_off", "resolvers_cut_off", Confidence::Possible)]
#[case::one_resolver("name_gone", failure(C::DnsNxdomain), &[(Q::Again, "dns_nxdomain"), (Q::Resolver(0), "dns_nxdomain"), (Q::Resolver(1), "ok")], "resolvers_differ", "dns_not_everywhere_yet", Confidence::Possible)]
#[case::resolvers_agree("name_gone", failure(C::DnsNxdomain), &[(Q::Again, "dns_nxdomain"), (Q::Resolver(0), "dns_nxdomain"), (Q::Resolver(1), "dns_nxdomain")], "one_look", "name_gone", Confidence::Likely)]
#[case::servers_before_resolvers("name_gone", failure(C::DnsNxdomain), &[zone(), (server("ns1"), "dns_nxdomain"), (Q::Resolver(0), "dns_nxdomain"), (Q::Resolver(1), "ok")], "record_removed", "record_removed", Confidence::Certain)]
#[case::down("dns_server_fails", failure(C::DnsServfail), &[zone(), (server("ns1"), "dns_timeout"), (server("ns2"), "dns_timeout")], "name_servers_down", "name_servers_down", Confidence::Likely)]
#[case::lame("dns_server_fails", failure(C::DnsServfail), &[zone(), (server("ns1"), "dns_refused"), (server("ns2"), "dns_refused")], "name_servers_refuse", "name_servers_refuse", Confidence::Likely)]
#[case::domain("name_gone", failure(C::DnsNxdomain), &[(Q::NameServers("shop.example".to_owned()), "dns_nxdomain")], "domain_gone", "domain_gone", Confidence::Likely)]
fn what_looks_the_same_is_told_apart(
    #[case] cause: &str,
    #[case] failure: Failure,
    #[case] answers: &[(Question, &str)],
    #[case] rule: &str,
    #[case] new: &str,
    #[case] sure: Confidence,
) {
    let mut answers = answers.to_vec();
    for (question, what) in &mut answers {
        if matches!(question, Q::NameServers(_)) && *what == "ok" {
            *what = "200 ns1 ns2";
        }
    }
    let mut found = battery(&answers);
    for finding in &mut found.findings {
        if finding.question == zone().0 && finding.outcome.records.len() == 2 {
            finding.outcome = Outcome {
                status: None,
                records: finding.outcome.records.clone(),
                ..outcome("ok")
            };
        }
    }
    let first = first(cause, Confidence::Likely);
    let said = explain(&first, &failure, &shop(), (&found, &History::default()));
    let (is_rule, is_cause) = (said.rule.as_str(), said.cause.as_str());
    assert_eq!(
        (is_rule, is_cause, said.confidence),
        (rule, new, sure),
        "{said:#?}"
    );
    assert_eq!(said.evidence.len(), answers.len(), "{said:#?}");
    assert!((1..=3).contains(&said.next_steps.len()));
    let texts = said
        .next_steps
        .iter()
        .flat_map(|step| [Some(&step.text), step.command.as_ref()]);
    for text in texts.flatten().chain([&said.sentence, &said.technical]) {
        assert!(
            !text.contains('{') && !text.contains("  ") && !text.contains(" ."),
            "{text}"
        );
    }
}

#[test]
fn what_an_origin_says_comes_with_the_request_to_try() {
    let found = battery(&[(Q::Again, "502"), (origin(), "connect_refused")]);
    let first = first("upstream_fails", Confidence::Possible);
    let known = (&found, &History::default());
    let said = explain(&first, &status(502), &shop(), known);
    assert_eq!(
        (said.rule.as_str(), said.confidence),
        ("one_look", Confidence::Possible)
    );
    let command = said.next_steps.last().unwrap().command.as_deref();
    let wanted =
        "curl -ksvo /dev/null --connect-to ::198.51.100.9:8443 https://shop.example/checkout";
    assert_eq!(command, Some(wanted));
    let line = said.evidence.last().unwrap();
    assert_eq!(line.label, "Origin 198.51.100.9:8443");
    assert!(
        line.value.starts_with("server refuses connections"),
        "{line:?}"
    );
}

#[test]
fn an_origin_that_the_name_leads_to_anyway_decides_nothing() {
    let there = Q::Origin("198.51.100.9".to_owned());
    let mut found = battery(&[(Q::Again, "502"), (there, "200")]);
    found.findings[0].outcome.resolved = vec![ip("198.51.100.9")];
    let first = first("upstream_fails", Confidence::Likely);
    let known = (&found, &History::default());
    assert_eq!(
        explain(&first, &status(502), &shop(), known).rule,
        "one_look"
    );
}

#[test]
fn a_bad_certificate_at_the_origin_is_what_a_strict_cdn_refuses() {
    let mut found = battery(&[(Q::Again, "526"), (origin(), "200")]);
    let first = first("origin_certificate", Confidence::Likely);
    for (class, rule) in [
        (Some(C::TlsExpired), "origin_certificate"),
        (Some(C::TlsUntrusted), "origin_certificate"),
        (None, "origin_shut_out"),
    ] {
        found.findings[1].outcome.certificate = class;
        let said = explain(&first, &status(526), &shop(), (&found, &History::default()));
        assert_eq!(said.rule, rule);
    }
    // CDNs issue certificates for origins that nobody else trusts: no fault while it is accepted.
    found.findings[0].outcome = outcome("502");
    found.findings[1].outcome.certificate = Some(C::TlsUntrusted);
    let said = explain(&first, &status(502), &shop(), (&found, &History::default()));
    assert_eq!(said.rule, "origin_answers");
}

#[test]
fn an_origin_is_asked_first_and_of_web_pages_alone() {
    let history = History {
        origin: Some("198.51.100.9:8443".to_owned()),
        ..History::default()
    };
    let seen = Observation::begin(Timestamp::UNIX_EPOCH);
    let known = (&seen, &history);
    let asked = plan(&shop(), C::HttpStatus, known, 11);
    assert_eq!(asked.first(), Some(&origin()));
    assert_eq!(
        plan(&shop(), C::HttpStatus, known, MOST_ELSEWHERE - 1).len(),
        1
    );
    let Some(Target::Http(http)) = target(&shop(), &origin(), "") else {
        panic!("a page");
    };
    assert!(!http.verify_tls && http.url == "https://shop.example/checkout");
    let port = Settings::of(&MonitorSpec {
        kind: Some(crate::monitor::Kind::Tcp),
        host: Some("shop.example".to_owned()),
        port: Some(443),
        ..MonitorSpec::default()
    });
    let asked = plan(&port, C::ConnectTimeout, known, 11);
    assert!(
        asked
            .iter()
            .all(|question| !matches!(question, Q::Origin(_)))
    );
}

#[test]
fn a_cached_error_is_told_from_a_page_that_comes_and_goes() {
    let mut found = battery(&[
        (Q::Again, "500"),
        (Q::PastCaches, "200"),
        (Q::AgainLater, "500"),
    ]);
    for finding in &mut found.findings {
        finding.outcome.cached = finding.question != Q::PastCaches;
    }
    let first = first("application_error", Confidence::Likely);
    let mut history = History::default();
    let said = explain(&first, &status(500), &shop(), (&found, &history));
    assert_eq!(said.rule, "error_cached");
    history.looks = (0..20)
        .map(|n| Past {
            kind: if n % 3 == 0 {
                VerdictKind::Down
            } else {
                VerdictKind::Up
            },
            total_us: 1,
        })
        .collect();
    let said = explain(&first, &status(500), &shop(), (&found, &history));
    assert_eq!(said.rule, "one_of_several");
}

#[test]
fn a_name_that_leads_elsewhere_is_told_with_what_was_there_before() {
    let history = History {
        last_good: Some(LastGood {
            at: Timestamp::UNIX_EPOCH,
            address: Some(ip(OTHER)),
        }),
        ..History::default()
    };
    let mut found = battery(&[
        (Q::Again, "connect_timeout"),
        (at(V4), "connect_timeout"),
        (at(OTHER), "200"),
        (Q::AgainLater, "connect_timeout"),
    ]);
    for finding in &mut found.findings {
        if finding.question == Q::Again {
            finding.outcome.resolved = vec![ip(V4)];
        }
    }
    let first = first("host_silent", Confidence::Possible);
    let failure = failure(C::ConnectTimeout);
    let said = explain(&first, &failure, &shop(), (&found, &history));
    assert_eq!(
        (said.rule.as_str(), said.attribution),
        ("dns_points_elsewhere", Some(Attribution::Dns))
    );
    assert!(
        said.sentence.contains(V4) && said.sentence.contains(OTHER),
        "{}",
        said.sentence
    );
    assert_eq!(
        said.evidence
            .iter()
            .filter(|line| line.label == CHANGED)
            .count(),
        1
    );

    // Name servers that still name the old one were put right, or others answer in their place.
    let mut astray = found.clone();
    let named = from("local", server("ns1.dns.example"), "ok");
    for (resolver, records) in [(false, OTHER), (true, V4)] {
        let mut said = named.clone();
        if resolver {
            said.question = Q::Resolver(0);
        }
        said.outcome.records = vec![records.to_owned()];
        astray.findings.push(said);
    }
    let said = explain(&first, &failure, &shop(), (&astray, &history));
    assert_eq!(
        (said.rule.as_str(), said.confidence),
        ("resolvers_astray", Confidence::Likely)
    );
    assert!(
        said.technical.contains("ns1.dns.example still lead"),
        "{}",
        said.technical
    );
    // Where a name server names the new one it is as meant, or was changed there.
    let mut meant = astray.clone();
    let mut second = from("local", server("ns2.dns.example"), "ok");
    second.outcome.records = vec![V4.to_owned()];
    meant.findings.push(second);
    let said = explain(&first, &failure, &shop(), (&meant, &history));
    assert_eq!(said.rule, "dns_points_elsewhere");

    // Where the old server fails as well the move explains nothing.
    found
        .findings
        .retain(|finding| finding.question != at(OTHER));
    found
        .findings
        .push(from("local", at(OTHER), "connect_timeout"));
    let said = explain(&first, &failure, &shop(), (&found, &history));
    assert_eq!(said.rule, "one_look");
    assert!(said.evidence.iter().all(|line| line.label != CHANGED));
}

#[test]
fn what_works_from_elsewhere_is_no_fault_of_the_server() {
    let found = Battery {
        findings: vec![
            from("frankfurt", Q::Again, "connect_timeout"),
            from("frankfurt", Q::AgainLater, "connect_timeout"),
            from("virginia", Q::Again, "200"),
        ],
    };
    let first = first("host_silent", Confidence::Possible);
    let known = (&found, &History::default());
    let said = explain(&first, &failure(C::ConnectTimeout), &shop(), known);
    assert_eq!(
        (said.rule.as_str(), said.confidence),
        ("works_elsewhere", Confidence::Likely)
    );
    assert!(
        said.sentence
            .starts_with("It works from virginia and fails from frankfurt.")
    );
    assert_eq!(said.evidence.first().unwrap().label, "Again (frankfurt)");
}

#[test]
fn head_that_is_refused_is_told() {
    let mut asked = shop();
    if let Target::Http(http) = &mut asked.target {
        http.method = "HEAD".to_owned();
    }
    let found = battery(&[
        (Q::Again, "405"),
        (Q::OtherMethod, "200"),
        (Q::AgainLater, "405"),
    ]);
    let first = first("error_status", Confidence::Possible);
    let said = explain(&first, &status(405), &asked, (&found, &History::default()));
    assert_eq!(
        (said.rule.as_str(), said.confidence),
        ("head_refused", Confidence::Certain)
    );
}

#[test]
fn without_answers_nothing_is_changed() {
    let one = first("upstream_dead", Confidence::Likely);
    let known = (&Battery::default(), &History::default());
    assert_eq!(explain(&one, &status(502), &shop(), known), one);
    assert_eq!(
        decided("upstream_dead", &status(502), &[(Q::Again, "502")]).0,
        "one_look"
    );
}

#[rstest]
#[case::answers("https://shop.example/a?b=1", C::HttpStatus, 12, &["OtherScheme", "NeutralPath", "PastCaches", "OtherMethod", "AgainLater"])]
#[case::refused("https://shop.example/", C::ConnectRefused, 12, &["Ping", "Port80", "Port22", "OtherScheme", "AgainLater"])]
#[case::own_port("http://shop.example:8080/", C::ConnectTimeout, 12, &["Ping", "Port443", "Port80", "Port22", "AgainLater"])]
#[case::certificate("https://shop.example/", C::TlsExpired, 12, &["OtherScheme", "AgainLater"])]
#[case::names("https://www.shop.example/", C::DnsNxdomain, 12, &["www.shop.example", "shop.example", "Resolver(0)", "Resolver(1)", "AgainLater"])]
#[case::refused_names("https://shop.example/", C::DnsServfail, 12, &["shop.example", "Resolver(0)", "Resolver(1)", "Unchecked", "AgainLater"])]
#[case::names_cost_the_target_nothing("https://shop.example/", C::DnsNxdomain, 0, &["shop.example", "Resolver(0)", "Resolver(1)"])]
#[case::few("https://shop.example/", C::HttpStatus, 2, &["OtherScheme", "NeutralPath"])]
#[case::none("https://shop.example/", C::HttpStatus, 0, &[])]
fn asks_what_is_telling(
    #[case] url: &str,
    #[case] class: C,
    #[case] most: usize,
    #[case] expected: &[&str],
) {
    let mut seen = Observation::begin(Timestamp::UNIX_EPOCH);
    if !class.as_str().starts_with("dns_") {
        seen.resolved = vec![ip(V4)];
    }
    let asked = plan(&settings(url), class, (&seen, &History::default()), most);
    let words: Vec<String> = asked.iter().map(word).collect();
    assert_eq!(words, expected);
}

fn word(question: &Question) -> String {
    match question {
        Q::Port(_, port) => format!("Port{port}"),
        Q::Ping(_) => "Ping".to_owned(),
        Q::NameServers(zone) => zone.clone(),
        other => format!("{other:?}"),
    }
}

/// Name servers inside a domain whose signatures fail cannot be found by their names, and say nothing.
#[test]
fn a_name_server_that_was_not_found_was_not_asked() {
    let mut found = battery(&[
        (Q::Again, "dns_servfail"),
        (
            Q::NameServers("www.shop.example".to_owned()),
            "dns_wrong_answer",
        ),
        (server("ns1.shop.example"), "dns_servfail"),
    ]);
    let failure = failure(C::DnsServfail);
    let first = first("dns_server_fails", Confidence::Likely);
    let said = |found: &Battery| explain(&first, &failure, &shop(), (found, &History::default()));
    assert_eq!(said(&found).rule, "name_servers_refuse");
    found.findings[2].outcome.address = None;
    let said = said(&found);
    assert_eq!(said.rule, "one_look");
    let values: Vec<&str> = said
        .evidence
        .iter()
        .map(|line| line.value.as_str())
        .collect();
    assert_eq!(
        values[1..],
        [
            "none of its own",
            "its own name is not found: DNS server fails (SERVFAIL) in 41 ms"
        ]
    );
}

#[test]
fn a_name_that_moved_is_asked_for_where_it_is_kept() {
    let mut seen = Observation::begin(Timestamp::UNIX_EPOCH);
    seen.resolved = vec![ip(V4)];
    let history = |last: &str| History {
        last_good: Some(LastGood {
            at: Timestamp::UNIX_EPOCH,
            address: Some(ip(last)),
        }),
        ..History::default()
    };
    let asked = |history: &History| {
        let asked = plan(&shop(), C::ConnectTimeout, (&seen, history), 12);
        asked.iter().filter(|q| q.is_of_names()).count()
    };
    assert_eq!(asked(&history(OTHER)), 3);
    assert_eq!(asked(&history(V4)), 0);
}

#[test]
fn several_addresses_and_the_last_good_one_are_asked_alone() {
    let mut seen = Observation::begin(Timestamp::UNIX_EPOCH + SignedDuration::from_secs(9));
    seen.resolved = vec![ip(V4), ip(V6)];
    let history = History {
        last_good: Some(LastGood {
            at: Timestamp::UNIX_EPOCH,
            address: Some(ip(OTHER)),
        }),
        ..History::default()
    };
    let mut asked = plan(&shop(), C::TlsExpired, (&seen, &history), 12);
    asked.retain(|question| !question.is_of_names());
    assert_eq!(asked.first_chunk(), Some(&[at(V4), at(V6), at(OTHER)]));
}

/// What tells a stranger's server nothing of the owner's secrets.
#[test]
fn questions_of_our_own_carry_no_login() {
    let mut own = settings("https://user:pass@shop.example/a?token=1");
    if let Target::Http(http) = &mut own.target {
        http.method = "POST".to_owned();
        http.body = Some("secret".to_owned());
        http.keyword = Some("Buy".to_owned());
    }
    for question in [Q::OtherScheme, Q::NeutralPath] {
        let Some(Target::Http(asked)) = target(&own, &question, "n") else {
            panic!("{question:?}")
        };
        assert!(
            !asked.url.contains("user") && !asked.url.contains("pass"),
            "{}",
            asked.url
        );
        assert_eq!(
            (asked.method.as_str(), asked.body, asked.keyword),
            ("GET", None, None)
        );
    }
    // A request that may change something is made in its own form alone.
    assert_eq!(target(&own, &Q::PastCaches, "n"), None);
    assert_eq!(target(&own, &Q::OtherMethod, "n"), None);
}

#[rstest]
#[case("www.shop.co.example", &["www.shop.co.example", "shop.co.example", "co.example"])]
#[case("shop.example", &["shop.example"])]
#[case("203.0.113.7", &[])]
#[case("[2001:db8::7]", &[])]
#[case("localhost", &["localhost"])]
fn domains_above_a_name(#[case] host: &str, #[case] expected: &[&str]) {
    assert_eq!(zones(host), expected);
}
