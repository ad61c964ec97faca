use jiff::Timestamp;
use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::check::{Attribution, HttpFacts, Observation, Phase};
use crate::monitor::{JsonRule, MonitorSpec};
use crate::tls::TlsFacts;

fn expectation() -> Expectation {
    let spec = MonitorSpec {
        url: Some("https://shop.example/".to_owned()),
        ..MonitorSpec::default()
    };
    Expectation::of(&Settings::of(&spec), false, false)
}

fn seen() -> Observation {
    Observation::begin(Timestamp::UNIX_EPOCH)
}

fn answer(status: u16, body: &str) -> Observation {
    let http = HttpFacts {
        status,
        version: "HTTP/1.1".to_owned(),
        body: body.as_bytes().to_vec(),
        body_complete: true,
        ..HttpFacts::default()
    };
    Observation {
        http: Some(http),
        ..seen()
    }
}

fn failed(class: FailureClass) -> Observation {
    Observation {
        failure: Some(Failure::new(class, Phase::Connect, "x")),
        ..seen()
    }
}

/// Every class has the verdict of the reference's table.
#[test]
fn each_class_has_its_verdict() {
    for class in FailureClass::ALL {
        let expected = match class {
            FailureClass::BlockedByWaf => VerdictKind::Blocked,
            FailureClass::TargetRefused
            | FailureClass::TlsProtocolVersion
            | FailureClass::TlsHandshakeFailed
            | FailureClass::TlsClientCertRequired => VerdictKind::Unknown,
            _ => VerdictKind::Down,
        };
        assert_eq!(
            judge(&failed(*class), &expectation()).kind,
            expected,
            "{class:?}"
        );
        let ours = Observation {
            our_fault: true,
            ..failed(*class)
        };
        assert_eq!(
            judge(&ours, &expectation()).kind,
            VerdictKind::Unknown,
            "{class:?}"
        );
    }
}

#[rstest]
#[case(FailureClass::TlsProtocolVersion)]
#[case(FailureClass::TlsHandshakeFailed)]
#[case(FailureClass::TlsClientCertRequired)]
fn tls_that_may_be_ours_is_down_once_it_was_up(#[case] class: FailureClass) {
    let known = Expectation {
        ever_up: true,
        ..expectation()
    };
    assert_eq!(judge(&failed(class), &known).kind, VerdictKind::Down);
    let old = TlsFacts {
        version: Some("TLS 1.1".to_owned()),
        cipher: None,
        alpn: None,
        chain: Vec::new(),
        problem: Some(class),
    };
    let old_only = Observation {
        tls: Some(old),
        ..failed(class)
    };
    assert_eq!(judge(&old_only, &expectation()).kind, VerdictKind::Down);
}

#[test]
fn a_name_that_turned_private_is_down_without_naming_the_address() {
    let refused = Observation {
        failure: Some(Failure::new(
            FailureClass::TargetRefused,
            Phase::Dns,
            "10.0.0.7 is private",
        )),
        ..seen()
    };
    let verdict = judge(
        &refused,
        &Expectation {
            was_public: true,
            ..expectation()
        },
    );
    assert_eq!(verdict.kind, VerdictKind::Down);
    assert_eq!(verdict.class(), Some(FailureClass::DnsWrongAnswer));
    assert!(
        !verdict
            .failure
            .is_some_and(|failure| failure.message.contains("10.0.0.7"))
    );
}

#[rstest]
#[case(200, VerdictKind::Up)]
#[case(301, VerdictKind::Up)]
#[case(399, VerdictKind::Up)]
#[case(404, VerdictKind::Down)]
#[case(502, VerdictKind::Down)]
fn status_by_default(#[case] status: u16, #[case] kind: VerdictKind) {
    assert_eq!(judge(&answer(status, ""), &expectation()).kind, kind);
}

/// Every spelling that validation takes.
#[rstest]
#[case("204", 204, true)]
#[case("200-204", 204, true)]
#[case("4xx", 404, true)]
#[case("4xx", 500, false)]
fn status_by_the_owner(#[case] range: &str, #[case] status: u16, #[case] up: bool) {
    let http = crate::monitor::HttpSpec {
        expected_status: Some(vec![range.to_owned()]),
        ..Default::default()
    };
    let spec = MonitorSpec {
        url: Some("https://shop.example/".to_owned()),
        http: Some(http),
        ..MonitorSpec::default()
    };
    let expected = Expectation::of(&Settings::of(&spec), false, false);
    let verdict = judge(&answer(status, ""), &expected);
    assert_eq!(verdict.kind == VerdictKind::Up, up);
}

#[test]
fn a_bad_status_wins_over_a_broken_body() {
    let mut look = answer(502, "<center>nginx</center>");
    look.failure = Some(Failure::new(
        FailureClass::BodyTruncated,
        Phase::Body,
        "cut",
    ));
    let verdict = judge(&look, &expectation());
    assert_eq!(verdict.class(), Some(FailureClass::HttpStatus));
    assert_eq!(verdict.attribution, Some(Attribution::OriginProxy));
    assert_eq!(
        verdict
            .failure
            .and_then(|failure| failure.detail)
            .as_deref(),
        Some("502")
    );
}

#[test]
fn a_redirect_fault_wins_over_the_status_of_the_redirect() {
    let mut look = answer(302, "");
    look.failure = Some(Failure::new(
        FailureClass::RedirectLoop,
        Phase::FirstByte,
        "loop",
    ));
    let narrow = Expectation {
        status: vec![(200, 200)],
        ..expectation()
    };
    assert_eq!(
        judge(&look, &narrow).class(),
        Some(FailureClass::RedirectLoop)
    );
}

#[rstest]
#[case("Bestellung möglich".as_bytes(), "möglich", true)]
#[case(b"Bestellung m\xF6glich", "möglich", true)]
#[case(b"\xFF\xFEm\0\xF6\0g\0", "mög", true)]
#[case(b"price \x80 5", "€ 5", true)]
#[case(b"nothing", "möglich", false)]
#[case(b"", "x", false)]
fn keywords_in_any_charset(#[case] body: &[u8], #[case] keyword: &str, #[case] found: bool) {
    let mut look = answer(200, "");
    if let Some(http) = &mut look.http {
        http.body = body.to_vec();
    }
    let wanted = Expectation {
        keyword: Some(keyword.to_owned()),
        ..expectation()
    };
    assert_eq!(judge(&look, &wanted).kind == VerdictKind::Up, found);
    let unwanted = Expectation {
        keyword_absent: Some(keyword.to_owned()),
        ..expectation()
    };
    assert_eq!(judge(&look, &unwanted).kind == VerdictKind::Up, !found);
}

#[test]
fn a_body_that_was_not_read_to_its_end_leaves_rules_undecided() {
    let mut look = answer(200, "the start");
    if let Some(http) = &mut look.http {
        http.body_complete = false;
    }
    let keyword = |text: &str| Expectation {
        keyword: Some(text.to_owned()),
        ..expectation()
    };
    assert_eq!(judge(&look, &expectation()).kind, VerdictKind::Up);
    assert_eq!(judge(&look, &keyword("start")).kind, VerdictKind::Up);
    assert_eq!(
        judge(&look, &keyword("end")).class(),
        Some(FailureClass::BodyTooLarge)
    );
    let absent = Expectation {
        keyword_absent: Some("end".to_owned()),
        ..expectation()
    };
    assert_eq!(
        judge(&look, &absent).class(),
        Some(FailureClass::BodyTooLarge)
    );
}

#[rstest]
#[case(r#"{"status":"ok"}"#, None)]
#[case(r#"{"status":"bad"}"#, Some(FailureClass::JsonMismatch))]
#[case("not json", Some(FailureClass::JsonMismatch))]
fn json_rules(#[case] body: &str, #[case] class: Option<FailureClass>) {
    let rule = JsonRule {
        path: "$.status".to_owned(),
        op: "eq".to_owned(),
        value: "ok".into(),
    };
    let wanted = Expectation {
        json: vec![rule],
        ..expectation()
    };
    assert_eq!(judge(&answer(200, body), &wanted).class(), class);
}

#[test]
fn long_keywords_are_shortened_in_the_phrase() {
    let wanted = Expectation {
        keyword: Some("Add to basket and pay".to_owned()),
        ..expectation()
    };
    let verdict = judge(&answer(200, "x"), &wanted);
    assert_eq!(
        verdict.failure.and_then(|f| f.detail).as_deref(),
        Some("Add to basket a...")
    );
}

#[test]
fn protection_is_blocked_and_never_down() {
    let mut look = answer(403, "");
    if let Some(http) = &mut look.http {
        http.headers
            .push(("cf-mitigated".to_owned(), "challenge".to_owned()));
    }
    let verdict = judge(&look, &expectation());
    assert_eq!(
        (verdict.kind, verdict.attribution),
        (VerdictKind::Blocked, Some(Attribution::Edge))
    );
    let asked = Expectation {
        status: vec![(403, 403)],
        ..expectation()
    };
    assert_eq!(judge(&look, &asked).kind, VerdictKind::Up);
}

#[rstest]
#[case(999_000, VerdictKind::Up)]
#[case(1_000_000, VerdictKind::Up)]
#[case(1_000_001, VerdictKind::Degraded)]
fn slow_is_degraded(#[case] total_us: u64, #[case] kind: VerdictKind) {
    let look = Observation {
        total_us,
        ..answer(200, "")
    };
    let wanted = Expectation {
        degraded_above_ms: Some(1000),
        ..expectation()
    };
    assert_eq!(judge(&look, &wanted).kind, kind);
}

#[rstest]
#[case(true, VerdictKind::Down)]
#[case(false, VerdictKind::Up)]
fn a_bad_certificate_counts_only_when_it_is_judged(
    #[case] verify_tls: bool,
    #[case] kind: VerdictKind,
) {
    let tls = TlsFacts {
        version: Some("TLS 1.3".to_owned()),
        cipher: None,
        alpn: None,
        chain: Vec::new(),
        problem: Some(FailureClass::TlsExpired),
    };
    let look = Observation {
        tls: Some(tls),
        ..answer(200, "")
    };
    assert_eq!(
        judge(
            &look,
            &Expectation {
                verify_tls,
                ..expectation()
            }
        )
        .kind,
        kind
    );
}

proptest! {
    /// Whatever a server sends, there is a verdict, and a failing one names its failure.
    #[test]
    fn any_answer_has_a_verdict(
        status in 100u16..1000,
        body in proptest::collection::vec(any::<u8>(), 0..200),
        complete: bool,
        name in "[a-z-]{1,12}",
        value in "\\PC{0,40}",
        keyword in proptest::option::of("\\PC{1,20}"),
    ) {
        let http = HttpFacts {
            status, body, body_complete: complete, headers: vec![(name, value)], ..HttpFacts::default()
        };
        let look = Observation { http: Some(http), ..seen() };
        let verdict = judge(&look, &Expectation { keyword, ..expectation() });
        prop_assert_eq!(verdict.failure.is_none(), verdict.kind.is_good());
        prop_assert_eq!(
            verdict.class() == Some(FailureClass::HttpStatus),
            verdict.attribution.is_some() && verdict.kind == VerdictKind::Down
        );
    }
}
