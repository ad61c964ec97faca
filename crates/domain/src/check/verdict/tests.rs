use jiff::Timestamp;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

use super::*;
use crate::check::{Attribution, HttpFacts, Observation, Phase, PingFacts, RegistrationFacts};
use crate::monitor::{JsonRule, MonitorSpec};
use crate::tls::TlsFacts;

fn expectation() -> Expectation {
    let spec = MonitorSpec {
        url: Some("https://shop.example/".to_owned()),
        ..MonitorSpec::default()
    };
    Expectation::of(&Settings::of(&spec), false, false)
}

fn expectation_of(spec: serde_json::Value) -> Expectation {
    let spec: MonitorSpec = serde_json::from_value(spec).expect("a monitor");
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
            | FailureClass::DomainUnsupported
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
        chain: [].into(),
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

#[rstest]
#[case(json!({"kind": "dns", "host": "a.example"}), &[], None)]
#[case(json!({"kind": "dns", "host": "a.example", "expected": ["192.0.2.1"]}), &["192.0.2.1", "192.0.2.2"], None)]
#[case(json!({"kind": "dns", "host": "a.example", "expected": ["192.0.2.3"]}), &["192.0.2.1"], Some(FailureClass::DnsWrongAnswer))]
#[case(json!({"kind": "dns", "host": "a.example", "expected": ["192.0.2.1"], "dns": {"match": "equals"}}), &["192.0.2.1", "192.0.2.2"],
    Some(FailureClass::DnsWrongAnswer))]
fn records(
    #[case] spec: serde_json::Value,
    #[case] found: &[&str],
    #[case] class: Option<FailureClass>,
) {
    let look = Observation {
        records: Some(found.iter().map(|value| (*value).to_owned()).collect()),
        ..seen()
    };
    assert_eq!(judge(&look, &expectation_of(spec)).class(), class);
}

#[rstest]
#[case(None, 4, true)]
#[case(None, 1, true)]
#[case(None, 0, false)]
#[case(Some(0), 3, false)]
#[case(Some(50), 2, true)]
#[case(Some(50), 1, false)]
fn packets(#[case] most_lost: Option<u32>, #[case] received: u32, #[case] up: bool) {
    let spec =
        json!({"kind": "ping", "host": "a.example", "ping": {"max_loss_percent": most_lost}});
    let ping = PingFacts {
        sent: 4,
        received,
        mean_us: 1,
        max_us: 1,
    };
    let look = Observation {
        ping: Some(ping),
        ..seen()
    };
    let verdict = judge(&look, &expectation_of(spec));
    assert_eq!(verdict.class(), (!up).then_some(FailureClass::PingLost));
}

#[rstest]
#[case(Some(1), VerdictKind::Up, None)]
#[case(Some(0), VerdictKind::Down, Some(FailureClass::DomainExpired))]
#[case(None, VerdictKind::Unknown, Some(FailureClass::DomainUnsupported))]
fn registrations(
    #[case] left: Option<i64>,
    #[case] kind: VerdictKind,
    #[case] class: Option<FailureClass>,
) {
    let registration = RegistrationFacts {
        name: "a.example".to_owned(),
        expires_at: left.map(|seconds| Timestamp::from_second(seconds).expect("in range")),
        source: "rdap.example".to_owned(),
    };
    let look = Observation {
        registration: Some(registration),
        ..seen()
    };
    let verdict = judge(
        &look,
        &expectation_of(json!({"kind": "domain", "host": "a.example"})),
    );
    assert_eq!((verdict.kind, verdict.class()), (kind, class));
}

#[test]
fn a_regular_expression_must_match() {
    let regex = |text: &str| Expectation {
        regex: Some(text.to_owned()),
        ..expectation()
    };
    let look = answer(200, "version 12 is up");
    assert_eq!(judge(&look, &regex("version [0-9]+")).kind, VerdictKind::Up);
    let verdict = judge(&look, &regex("^version 13"));
    assert_eq!(verdict.class(), Some(FailureClass::KeywordMissing));
}

#[test]
fn a_json_page_of_too_many_values_is_undecided() {
    let rule = JsonRule {
        path: "$".to_owned(),
        op: "exists".to_owned(),
        value: serde_json::Value::Null,
    };
    let expected = Expectation {
        json: vec![rule],
        ..expectation()
    };
    let list = |count: usize| answer(200, &format!("[{}0]", "0,".repeat(count)));
    assert_eq!(judge(&list(1_000), &expected).kind, VerdictKind::Up);
    let verdict = judge(&list(100_000), &expected);
    assert_eq!(verdict.class(), Some(FailureClass::BodyTooLarge));
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
        chain: [].into(),
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
