use jiff::Timestamp;
use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::check::verdict::{Expectation, judge};
use crate::check::{
    AddressTried, Failure, FailureClass, HttpFacts, Observation, Phase, Phases, Verdict,
    VerdictKind,
};
use crate::monitor::{MonitorSpec, Settings};

fn settings() -> Settings {
    let spec = MonitorSpec {
        url: Some("https://shop.example/checkout?a=1&b='x'".to_owned()),
        ..MonitorSpec::default()
    };
    Settings::of(&spec)
}

fn seen() -> Observation {
    let phases = Phases {
        dns: Some(1_000),
        connect: Some(8_000),
        tls: Some(21_000),
        ..Phases::default()
    };
    let address = "203.0.113.7:443".parse().ok();
    Observation {
        phases,
        total_us: 30_000,
        tried: address
            .map(|address| AddressTried {
                address,
                error: None,
            })
            .into_iter()
            .collect(),
        address,
        ..Observation::begin(Timestamp::UNIX_EPOCH)
    }
}

fn answer(status: u16, headers: &[(&str, &str)], body: &str, first_byte: u32) -> Observation {
    let mut look = seen();
    look.phases.first_byte = Some(first_byte);
    look.total_us += u64::from(first_byte);
    let http = HttpFacts {
        status,
        version: "HTTP/2".to_owned(),
        headers: headers
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect(),
        body: body.as_bytes().to_vec(),
        body_complete: true,
        ..HttpFacts::default()
    };
    Observation {
        http: Some(http),
        ..look
    }
}

fn diagnose(look: &Observation) -> Option<Diagnosis> {
    let verdict = judge(look, &Expectation::of(&settings(), true, false));
    explain(look, &verdict, &settings())
}

/// The mail of the guide to look and words.
#[test]
fn a_502_behind_cloudflare() {
    let body = "<title>shop.example | 502: Bad gateway</title><div id=\"cf-error-details\">";
    let look = answer(
        502,
        &[("server", "cloudflare"), ("cf-ray", "8f2a-FRA")],
        body,
        11_000,
    );
    insta::assert_json_snapshot!(diagnose(&look));
}

#[test]
fn a_refused_connection() {
    let mut look = seen();
    look.phases = Phases {
        dns: Some(400),
        connect: Some(7_900),
        ..Phases::default()
    };
    look.tried[0].error = Some("connection refused".to_owned());
    let failure = Failure::new(
        FailureClass::ConnectRefused,
        Phase::Connect,
        "connection refused (203.0.113.7:443)",
    );
    look.failure = Some(failure);
    insta::assert_json_snapshot!(diagnose(&look));
}

const NGINX: &str = "<center><h1>502 Bad Gateway</h1></center><hr><center>nginx</center>";

/// What a server says by the alert with which it ends a handshake (RFC 8446, 6; RFC 6066, 3).
#[rstest]
#[case::name(
    "the server ends the handshake with the alert unrecognised_name (112)",
    "name_not_served",
    Confidence::Likely
)]
#[case::own(
    "the server ends the handshake with the alert internal_error (80)",
    "certificate_missing",
    Confidence::Likely
)]
#[case::other(
    "the server ends the handshake with the alert handshake_failure (40)",
    "handshake_fails",
    Confidence::Possible
)]
fn what_an_alert_says(#[case] message: &str, #[case] cause: &str, #[case] sure: Confidence) {
    let mut look = seen();
    look.failure = Some(Failure::new(
        FailureClass::TlsHandshakeFailed,
        Phase::Tls,
        message,
    ));
    let said = diagnose(&look).unwrap();
    assert_eq!((said.cause.as_str(), said.confidence), (cause, sure));
}

const APACHE: &str = "The proxy server received an invalid\r\nresponse from an upstream server.<p>Reason: <strong>Error reading from remote server</strong>";
const APACHE_500: &str = "<p>The server encountered an internal error or\nmisconfiguration and was unable to complete\nyour request.</p>";
const PLAIN: &str =
    "<center>The plain HTTP request was sent to HTTPS port</center><hr><center>nginx</center>";

/// The same status, different causes.
#[rstest]
#[case::apache_unread(502, &[("server", "Apache")], APACHE, 9_000, "upstream_crashes", Confidence::Likely)]
#[case::apache_waited(502, &[("server", "Apache")], APACHE, 10_010_000, "upstream_slow", Confidence::Likely)]
#[case::apache_a_while(502, &[("server", "Apache")], APACHE, 1_300_000, "upstream_fails", Confidence::Possible)]
#[case::apache_itself(500, &[("server", "Apache")], APACHE_500, 9_000, "proxy_fails", Confidence::Likely)]
#[case::forbidden(403, &[], "<center>nginx/1.22.1</center>", 9_000, "refused", Confidence::Likely)]
#[case::https_wanted(400, &[], PLAIN, 9_000, "tls_on_plain_port", Confidence::Likely)]
#[case::dead(502, &[("server", "nginx")], NGINX, 9_000, "upstream_dead", Confidence::Likely)]
#[case::crashing(502, &[("server", "nginx")], NGINX, 900_000, "upstream_fails", Confidence::Possible)]
#[case::slow(502, &[("server", "nginx")], NGINX, 30_100_000, "upstream_slow", Confidence::Likely)]
#[case::unmarked(502, &[], "sorry", 9_000, "upstream_dead", Confidence::Possible)]
#[case::blank(502, &[("server", "cloudflare"), ("cf-ray", "8f")], "<center>cloudflare</center>", 9_000, "edge_fails", Confidence::Likely)]
#[case::balancer(503, &[("server", "awselb/2.0")], "", 9_000, "no_healthy_backend", Confidence::Likely)]
#[case::c521(521, &[("cf-ray", "8f")], "", 9_000, "upstream_dead", Confidence::Likely)]
#[case::c526(526, &[("cf-ray", "8f")], "", 9_000, "origin_certificate", Confidence::Likely)]
#[case::database(500, &[], "Error establishing a database connection", 9_000, "database_down", Confidence::Likely)]
#[case::c404(404, &[], "", 9_000, "page_gone", Confidence::Likely)]
#[case::c403(403, &[("server", "nginx")], "", 9_000, "refused", Confidence::Possible)]
fn error_answers(
    #[case] status: u16,
    #[case] headers: &[(&str, &str)],
    #[case] body: &str,
    #[case] first_byte: u32,
    #[case] cause: &str,
    #[case] confidence: Confidence,
) {
    let diagnosis = diagnose(&answer(status, headers, body, first_byte)).unwrap();
    assert_eq!(
        (diagnosis.cause.as_str(), diagnosis.confidence),
        (cause, confidence),
        "{diagnosis:?}"
    );
    let says_likely = diagnosis.sentence.to_lowercase().contains("likely");
    assert!(
        !says_likely || confidence == Confidence::Likely,
        "{}",
        diagnosis.sentence
    );
}

/// Classes that no look of today's kinds produces, or that have a table of their own.
const ELSEWHERE: [FailureClass; 3] = [
    FailureClass::HttpStatus,
    FailureClass::HeartbeatMissed,
    FailureClass::HeartbeatFailed,
];

#[test]
fn every_class_is_explained() {
    for class in FailureClass::ALL
        .iter()
        .filter(|class| !ELSEWHERE.contains(class))
    {
        let mut look = seen();
        look.failure = Some(Failure::new(*class, Phase::Tls, "the message").with_detail("10 s"));
        let verdict = Verdict {
            kind: VerdictKind::Down,
            failure: look.failure.clone(),
            ..Verdict::up()
        };
        let diagnosis =
            explain(&look, &verdict, &settings()).unwrap_or_else(|| panic!("{class:?}"));
        assert!((1..=3).contains(&diagnosis.next_steps.len()), "{class:?}");
        for text in [&diagnosis.sentence, &diagnosis.technical] {
            assert!(!text.contains(['{', '}', '!']), "{class:?}: {text}");
            assert!(text.ends_with('.'), "{class:?}: {text}");
        }
        for command in diagnosis
            .next_steps
            .iter()
            .filter_map(|step| step.command.as_ref())
        {
            assert!(
                !command.contains("{h") && !command.contains("{u"),
                "{class:?}: {command}"
            );
        }
    }
}

#[test]
fn every_meaning_is_explained() {
    for status in 400..600 {
        assert!(
            diagnose(&answer(status, &[], "", 9_000)).is_some(),
            "{status}"
        );
    }
    for tell in crate::check::attribution::tells::TELLS {
        assert!(
            super::answers::ANSWERS
                .iter()
                .any(|answer| answer.meaning == tell.meaning),
            "{}",
            tell.id
        );
    }
}

#[test]
fn our_own_fault_says_nothing_about_the_target() {
    let mut look = seen();
    look.our_fault = true;
    look.failure = Some(Failure::new(
        FailureClass::DnsTimeout,
        Phase::Dns,
        "no answer",
    ));
    let diagnosis = diagnose(&look).unwrap();
    assert_eq!(diagnosis.attribution, Some(crate::check::Attribution::Ours));
}

#[test]
fn a_look_that_was_put_off_is_not_called_an_outage_of_ours() {
    let mut look = seen();
    look.our_fault = true;
    look.put_off = Some(std::time::Duration::from_millis(50));
    look.failure = Some(Failure::new(
        FailureClass::NetworkUnreachable,
        Phase::Connect,
        "put off",
    ));
    assert_eq!(diagnose(&look).unwrap().cause, "put_off");
}

#[test]
fn a_good_look_needs_no_diagnosis_and_a_slow_one_names_its_part() {
    let look = answer(200, &[], "", 5_000_000);
    assert_eq!(diagnose(&look), None);
    let slow = Verdict {
        kind: VerdictKind::Degraded,
        reason: Some("took 5030 ms".to_owned()),
        ..Verdict::up()
    };
    assert_eq!(
        explain(&look, &slow, &settings()).unwrap().cause,
        "slow_answer"
    );
}

proptest! {
    /// Titles and headers are written by strangers.
    #[test]
    fn hostile_answers_stay_text(title in "\\PC{0,60}", server in "[ -~]{0,60}", body in proptest::collection::vec(any::<u8>(), 0..100)) {
        let mut look = answer(502, &[("server", &server)], &format!("<title>{title}</title>"), 9_000);
        if let Some(http) = &mut look.http {
            http.body.extend(body);
        }
        let diagnosis = diagnose(&look).unwrap();
        for line in diagnosis.evidence {
            prop_assert!(!line.value.chars().any(char::is_control));
        }
    }
}
