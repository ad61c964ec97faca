//! Every failure class that a look can have, produced for real and classified exactly.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::check::{FailureClass as C, Observation, Phase};
use domain::monitor::{HttpSpec, MonitorSpec, Settings, Target};
use domain::target::AddressPolicy;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use jiff::Timestamp;
use probe::Prober;
use rstest::rstest;
use testkit::dns::{Answer, FakeDns};
use testkit::way_out::{way_out, with_budget, with_policy};
use testkit::{Act, Ca, Flaw, Script, Server, blackhole, http2, refused};

/// For what answers, on a busy machine too.
const PATIENT: Duration = Duration::from_secs(10);
/// For what hangs.
const SHORT: Duration = Duration::from_millis(700);
/// A look may be 250 ms over its time-out; a busy machine adds some.
const OVER: Duration = Duration::from_millis(1_000);

const fn timeout_for(class: C) -> Duration {
    match class {
        C::DnsTimeout | C::ConnectTimeout | C::TlsTimeout | C::HttpTimeout | C::BodyTimeout => {
            SHORT
        }
        _ => PATIENT,
    }
}

fn http(url: String, change: impl FnOnce(&mut HttpSpec)) -> Target {
    let mut http = HttpSpec::default();
    change(&mut http);
    Settings::of(&MonitorSpec {
        url: Some(url),
        http: Some(http),
        ..MonitorSpec::default()
    })
    .target
}

fn plain(url: String) -> Target {
    http(url, |_| {})
}

async fn look_within(timeout: Duration, prober: &Prober, target: &Target) -> Observation {
    let started = Instant::now();
    let seen = prober
        .look(target, timeout, false, Timestamp::UNIX_EPOCH)
        .await;
    let over = started.elapsed().saturating_sub(timeout);
    assert!(over < OVER, "the look was {over:?} over its time-out");
    seen
}

async fn look_by(prober: &Prober, target: &Target) -> Observation {
    look_within(PATIENT, prober, target).await
}

fn prober(ca: Option<&Ca>) -> Prober {
    Prober::new(way_out(None, ca)).unwrap()
}

async fn look(target: &Target) -> Observation {
    look_by(&prober(None), target).await
}

fn failure(seen: &Observation) -> Option<(C, Phase)> {
    seen.failure
        .as_ref()
        .map(|failure| (failure.class, failure.phase))
}

fn compressed(kind: &str, bytes: &[u8]) -> Vec<u8> {
    let level = flate2::Compression::default();
    match kind {
        "gzip" => {
            let mut encoder = GzEncoder::new(Vec::new(), level);
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        "zlib" => {
            let mut encoder = ZlibEncoder::new(Vec::new(), level);
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        _ => {
            let mut encoder = DeflateEncoder::new(Vec::new(), level);
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
    }
}

const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

/// What a plain server does, what that is called, and where it happened.
#[rstest]
#[case::closes_at_once(Script::close(), C::HttpNoResponse, Phase::FirstByte)]
#[case::closes_after_the_request(Script::request(), C::HttpNoResponse, Phase::FirstByte)]
#[case::hangs(Script::request().hang(), C::HttpTimeout, Phase::FirstByte)]
#[case::hangs_in_the_head(Script::answer("HTTP/1.1 200 OK\r\nserver: x\r\n").hang(), C::HttpTimeout, Phase::FirstByte)]
#[case::drips(Script::request().then(Act::Drip(b"HTTP/1.1 200 OK\r\nserver: a long name\r\n\r\n".to_vec(), Duration::from_millis(100))),
    C::HttpTimeout, Phase::FirstByte)]
#[case::half_a_head(
    Script::answer("HTTP/1.1 200 OK\r\nserver: x\r\n"),
    C::HttpIncomplete,
    Phase::FirstByte
)]
#[case::half_a_line(Script::answer("HTT"), C::HttpIncomplete, Phase::FirstByte)]
#[case::resets(Script::request().reset(), C::ConnectionReset, Phase::FirstByte)]
#[case::resets_in_the_head(Script::answer("HTTP/1.1 200 OK\r\n").reset(), C::ConnectionReset, Phase::FirstByte)]
#[case::another_protocol(Script::request().send("SSH-2.0-OpenSSH_9.2\r\n").hang(), C::HttpMalformed, Phase::FirstByte)]
#[case::tls_on_a_plain_port(
    Script::answer(b"\x15\x03\x01\x00\x02\x02\x46"),
    C::HttpMalformed,
    Phase::FirstByte
)]
#[case::bad_header(
    Script::answer("HTTP/1.1 200 OK\r\nno colon here\r\n\r\n"),
    C::HttpMalformed,
    Phase::FirstByte
)]
#[case::two_lengths(
    Script::answer("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab"),
    C::HttpMalformed,
    Phase::FirstByte
)]
#[case::endless_headers(Script::answer("HTTP/1.1 200 OK\r\n").then(Act::SendForever(b"x-more: and more and more and more\r\n".to_vec())),
    C::HeaderTooLarge, Phase::FirstByte)]
#[case::one_huge_header(Script::answer(format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(70_000))), C::HeaderTooLarge, Phase::FirstByte)]
#[case::body_cut(
    Script::answer("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort"),
    C::BodyTruncated,
    Phase::Body
)]
#[case::chunks_cut(Script::answer(CHUNKED).send("5\r\nhello\r\n"), C::BodyTruncated, Phase::Body)]
#[case::body_hangs(Script::answer("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort").hang(), C::BodyTimeout, Phase::Body)]
#[case::body_drips(Script::answer("HTTP/1.1 200 OK\r\n\r\n").then(Act::Drip(vec![b'a'; 1000], Duration::from_millis(20))),
    C::BodyTimeout, Phase::Body)]
#[case::body_reset(Script::answer("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort").then(Act::Drip(b"ab".to_vec(), Duration::from_millis(20))).reset(),
    C::BodyReset, Phase::Body)]
#[case::bad_chunk(Script::answer(CHUNKED).send("not a length\r\n"), C::BodyMalformed, Phase::Body)]
#[case::bad_gzip(
    Script::page("200 OK", "content-encoding: gzip\r\n", "this is not gzip at all"),
    C::DecodeError,
    Phase::Body
)]
#[case::cut_gzip(Script::page("200 OK", "content-encoding: gzip\r\n", &compressed("gzip", &[7; 5000])[..20]), C::DecodeError, Phase::Body)]
#[case::bomb(Script::page("200 OK", "content-encoding: gzip\r\n", compressed("gzip", &vec![0; 8 << 20])), C::BodyTooLarge, Phase::Body)]
#[case::no_location(
    Script::page("302 Found", "", ""),
    C::RedirectInvalid,
    Phase::FirstByte
)]
#[case::mail_location(
    Script::page("302 Found", "location: mailto:x@shop.example\r\n", ""),
    C::RedirectInvalid,
    Phase::FirstByte
)]
#[case::broken_location(
    Script::page("302 Found", "location: http://[::1\r\n", ""),
    C::RedirectInvalid,
    Phase::FirstByte
)]
#[case::to_itself(
    Script::page("302 Found", "location: /\r\n", ""),
    C::RedirectLoop,
    Phase::FirstByte
)]
#[tokio::test]
async fn plain_http(#[case] script: Script, #[case] class: C, #[case] phase: Phase) {
    let server = Server::plain(script).await;
    let seen = look_within(
        timeout_for(class),
        &prober(None),
        &plain(server.url("http", "/")),
    )
    .await;
    assert_eq!(failure(&seen), Some((class, phase)), "{seen:?}");
    assert!(!seen.our_fault);
    assert_eq!(seen.address, Some(server.address()));
    assert!(seen.phases.connect.is_some());
}

#[rstest]
#[case::with_length(Script::page("200 OK", "", "hello"), "hello")]
#[case::without_length(Script::answer("HTTP/1.0 200 OK\r\n\r\nhello"), "hello")]
#[case::chunked(Script::answer(CHUNKED).send("5\r\nhello\r\n0\r\n\r\n"), "hello")]
#[case::gzip(
    Script::page("200 OK", "content-encoding: gzip\r\n", compressed("gzip", b"hello")),
    "hello"
)]
#[case::deflate(
    Script::page(
        "200 OK",
        "content-encoding: deflate\r\n",
        compressed("zlib", b"hello")
    ),
    "hello"
)]
#[case::raw_deflate(
    Script::page("200 OK", "content-encoding: deflate\r\n", compressed("raw", b"hello")),
    "hello"
)]
#[case::gzip_and_more(Script::page("200 OK", "content-encoding: gzip\r\n", [compressed("gzip", b"hello"), b"\0\0".to_vec()].concat()), "hello")]
#[case::empty(Script::page("204 No Content", "", ""), "")]
#[case::after_early_hints(
    Script::answer(
        "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
    ),
    "hello"
)]
#[tokio::test]
async fn good_answers(#[case] script: Script, #[case] body: &str) {
    let server = Server::plain(script).await;
    let seen = look(&plain(server.url("http", "/"))).await;
    assert_eq!(seen.failure, None);
    let http = seen.http.expect("an answer");
    assert_eq!(String::from_utf8_lossy(&http.body), body);
    assert!(http.body_complete);
    assert!(seen.phases.first_byte.is_some() && seen.phases.body.is_some());
    assert!(seen.total_us > 0);
}

/// A body over the limits is not read further, and that alone is no failure.
#[rstest]
#[case::wire("", vec![b'a'; 2 << 20], 1 << 20)]
#[case::inflated("content-encoding: gzip\r\n", compressed("gzip", &noise(6 << 20)), 4 << 20)]
#[tokio::test]
async fn bodies_are_capped(#[case] headers: &str, #[case] body: Vec<u8>, #[case] kept: usize) {
    let server = Server::plain(Script::page("200 OK", headers, body)).await;
    let seen = look(&plain(server.url("http", "/"))).await;
    assert_eq!(seen.failure, None);
    let http = seen.http.expect("an answer");
    assert!(!http.body_complete);
    assert_eq!(http.body.len(), kept);
}

/// Shrinks about sixteenfold: every line is there sixteen times.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let line = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    let line: Vec<u8> = line.take(length / 16).collect();
    line.chunks(256)
        .flat_map(|chunk| chunk.repeat(16))
        .take(length)
        .collect()
}

#[tokio::test]
async fn connection_refused() {
    let address = refused().await;
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
    let seen = look(&Target::Tcp {
        host: "224.0.0.1".to_owned(),
        port: 80,
    })
    .await;
    assert_eq!(
        failure(&seen),
        Some((C::NetworkUnreachable, Phase::Connect)),
        "{seen:?}"
    );
}

/// Of a chain of hops, the owner's own certificate is the one that is kept.
#[tokio::test]
async fn the_first_certificate_is_kept() {
    let ca = Ca::default();
    let there = Server::tls(ca.server(Flaw::None), Script::page("200 OK", "", "hello")).await;
    let to = format!("location: https://localhost:{}/\r\n", there.port());
    let here = Server::tls(ca.server(Flaw::None), Script::page("302 Found", &to, "")).await;
    let prober = prober(Some(&ca));
    let port = Target::Tls {
        host: "localhost".to_owned(),
        port: here.port(),
    };
    let own = look_by(&prober, &port).await.tls.expect("facts");
    let seen = look_by(
        &prober,
        &plain(format!("https://localhost:{}/", here.port())),
    )
    .await;
    assert_eq!((seen.failure, seen.redirects.len()), (None, 1));
    assert_eq!(seen.tls.expect("facts").chain, own.chain);
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
#[case(Flaw::Expired, C::TlsExpired)]
#[case(Flaw::NotYetValid, C::TlsNotYetValid)]
#[case(Flaw::SelfSigned, C::TlsSelfSigned)]
#[case(Flaw::UnknownAuthority, C::TlsUntrusted)]
#[case(Flaw::MissingIntermediate, C::TlsIncompleteChain)]
#[case(Flaw::ExpiredIntermediate, C::TlsExpired)]
#[case(Flaw::OtherName, C::TlsHostnameMismatch)]
#[case(Flaw::WeakKey, C::TlsWeakKey)]
#[case(Flaw::Revoked, C::TlsRevoked)]
#[tokio::test]
async fn certificates(#[case] flaw: Flaw, #[case] class: C) {
    let ca = Ca::default();
    let server = Server::tls(ca.server(flaw), Script::page("200 OK", "", "hello")).await;
    let prober = prober(Some(&ca));
    let url = format!("https://localhost:{}/", server.port());
    let seen = look_by(&prober, &plain(url.clone())).await;
    assert_eq!(failure(&seen), Some((class, Phase::Tls)), "{seen:?}");
    let facts = seen.tls.expect("the certificate is written down");
    assert_eq!(facts.problem, Some(class));
    assert!(
        facts
            .leaf()
            .is_some_and(|leaf| !leaf.fingerprint.is_empty())
    );
    assert_eq!(facts.version.as_deref(), Some("TLS 1.3"));

    let regardless = http(url, |http| http.verify_tls = Some(false));
    let seen = look_by(&prober, &regardless).await;
    assert_eq!(
        seen.failure, None,
        "the look goes on where the owner wants it to"
    );
    assert_eq!(seen.http.map(|http| http.status), Some(200));
    assert_eq!(seen.tls.and_then(|tls| tls.problem), Some(class));

    let port = Target::Tls {
        host: "localhost".to_owned(),
        port: server.port(),
    };
    assert_eq!(
        failure(&look_by(&prober, &port).await),
        Some((class, Phase::Tls))
    );
}

#[rstest]
#[case::good_name("localhost")]
#[case::good_address("127.0.0.1")]
#[tokio::test]
async fn a_good_certificate(#[case] host: &str) {
    let ca = Ca::default();
    let server = Server::tls(ca.server(Flaw::None), Script::page("200 OK", "", "hello")).await;
    let seen = look_by(
        &prober(Some(&ca)),
        &plain(format!("https://{host}:{}/", server.port())),
    )
    .await;
    assert_eq!(seen.failure, None, "{seen:?}");
    let facts = seen.tls.expect("facts");
    assert_eq!((facts.problem, facts.chain.len()), (None, 2));
    assert!(
        facts
            .leaf()
            .is_some_and(|leaf| leaf.names.iter().any(|name| name == "localhost"))
    );
    assert!(seen.phases.tls.is_some());
}

/// A ServerHello of TLS 1.0, as far as anyone reads it.
const HELLO_1_0: &[u8] =
    b"\x16\x03\x01\x00\x2a\x02\x00\x00\x26\x03\x01aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\x00\x00\x2f\x00";
/// Alerts: protocol_version and handshake_failure.
const ALERT_VERSION: &[u8] = b"\x15\x03\x01\x00\x02\x02\x46";
const ALERT_HANDSHAKE: &[u8] = b"\x15\x03\x03\x00\x02\x02\x28";

#[rstest]
#[case::plain_http(Script::default().then(Act::Read(1)).send("HTTP/1.1 400 Bad Request\r\n\r\n"), C::TlsNotTls, None)]
#[case::ssh(Script::default().send("SSH-2.0-OpenSSH_9.2\r\n").hang(), C::TlsNotTls, None)]
#[case::closes(Script::default().then(Act::Read(5)), C::TlsHandshakeFailed, None)]
#[case::resets(Script::default().then(Act::Read(5)).reset(), C::ConnectionReset, None)]
#[case::hangs(Script::default().hang(), C::TlsTimeout, None)]
#[case::alert(Script::default().then(Act::Read(5)).send(ALERT_HANDSHAKE).hang(), C::TlsHandshakeFailed, None)]
#[case::old_hello_at_once(Script::default().then(Act::Read(5)).send(HELLO_1_0).hang(), C::TlsProtocolVersion, Some("TLS 1.0"))]
#[tokio::test]
async fn handshakes(#[case] script: Script, #[case] class: C, #[case] version: Option<&str>) {
    let server = Server::plain(script).await;
    let seen = look_within(
        timeout_for(class),
        &prober(None),
        &plain(server.url("https", "/")),
    )
    .await;
    assert_eq!(failure(&seen), Some((class, Phase::Tls)), "{seen:?}");
    assert_eq!(seen.tls.and_then(|tls| tls.version).as_deref(), version);
}

/// A server that refuses the modern hello, and answers the old one.
#[tokio::test]
async fn only_old_versions() {
    let server = Server::each(|n| {
        let answer = if n == 0 { ALERT_VERSION } else { HELLO_1_0 };
        Script::default().then(Act::Read(5)).send(answer).hang()
    })
    .await;
    let seen = look(&plain(server.url("https", "/"))).await;
    assert_eq!(failure(&seen), Some((C::TlsProtocolVersion, Phase::Tls)));
    assert_eq!(
        seen.tls.and_then(|tls| tls.version).as_deref(),
        Some("TLS 1.0")
    );
    assert_eq!(server.connections(), 2);
}

#[rstest]
#[case(&rustls::version::TLS12, true)]
#[case(&rustls::version::TLS13, true)]
#[case(&rustls::version::TLS12, false)]
#[case(&rustls::version::TLS13, false)]
#[tokio::test]
async fn client_certificate(
    #[case] version: &'static rustls::SupportedProtocolVersion,
    #[case] web: bool,
) {
    let ca = Ca::default();
    let server = Server::tls(
        ca.server_wanting_certificate(version),
        Script::page("200 OK", "", "hello"),
    )
    .await;
    let target = match web {
        true => plain(format!("https://localhost:{}/", server.port())),
        false => Target::Tls {
            host: "localhost".to_owned(),
            port: server.port(),
        },
    };
    let seen = look_by(&prober(Some(&ca)), &target).await;
    assert_eq!(
        failure(&seen),
        Some((C::TlsClientCertRequired, Phase::Tls)),
        "{seen:?}"
    );
}

fn h2(acts: impl IntoIterator<Item = Vec<u8>>) -> Script {
    let start = Script::default()
        .then(Act::Read(24))
        .send(http2::settings());
    // The request is waited for by its headers: client preface, settings, then more.
    acts.into_iter()
        .fold(start.then(Act::Read(40)), Script::send)
}

#[rstest]
#[case::goaway(h2([http2::goaway(1)]), C::Http2Error, Phase::FirstByte)]
#[case::stream_error(h2([http2::rst_stream(1, 2)]).hang(), C::Http2Error, Phase::FirstByte)]
#[case::garbage(h2([b"this is no frame at all, is it?".to_vec()]).hang(), C::Http2Error, Phase::FirstByte)]
#[case::hangs(h2([]).hang(), C::HttpTimeout, Phase::FirstByte)]
#[case::body_error(h2([http2::ok_headers(1), http2::data(1, b"he", false), http2::rst_stream(1, 2)]).hang(), C::Http2Error, Phase::Body)]
#[case::body_hangs(h2([http2::ok_headers(1), http2::data(1, b"he", false)]).hang(), C::BodyTimeout, Phase::Body)]
#[case::body_cut(h2([http2::ok_headers(1), http2::data(1, b"he", false)]), C::BodyTruncated, Phase::Body)]
#[case::closes(h2([]), C::HttpNoResponse, Phase::FirstByte)]
#[tokio::test]
async fn http_two(#[case] script: Script, #[case] class: C, #[case] phase: Phase) {
    let ca = Ca::default();
    let config = ca.server_with(Flaw::None, &["h2"], |config| config);
    let server = Server::tls(config, script).await;
    let url = format!("https://localhost:{}/", server.port());
    let seen = look_within(timeout_for(class), &prober(Some(&ca)), &plain(url)).await;
    assert_eq!(failure(&seen), Some((class, phase)), "{seen:?}");
}

#[tokio::test]
async fn http_two_works() {
    let ca = Ca::default();
    let config = ca.server_with(Flaw::None, &["h2", "http/1.1"], |config| config);
    let script = h2([http2::ok_headers(1), http2::data(1, b"hello", true)]).hang();
    let server = Server::tls(config, script).await;
    let seen = look_by(
        &prober(Some(&ca)),
        &plain(format!("https://localhost:{}/", server.port())),
    )
    .await;
    assert_eq!(seen.failure, None);
    let http = seen.http.expect("an answer");
    assert_eq!(
        (http.version.as_str(), http.body.as_slice()),
        ("HTTP/2", b"hello".as_slice())
    );
    assert_eq!(seen.tls.and_then(|tls| tls.alpn).as_deref(), Some("h2"));
}

#[rstest]
#[case(0, C::RedirectTooMany)]
#[case(3, C::RedirectTooMany)]
#[tokio::test]
async fn too_many_redirects(#[case] most: u32, #[case] class: C) {
    let server =
        Server::each(|n| Script::page("302 Found", &format!("location: /{n}\r\n"), "")).await;
    let target = http(server.url("http", "/"), |http| {
        http.max_redirects = Some(most)
    });
    let seen = look(&target).await;
    assert_eq!(failure(&seen), Some((class, Phase::FirstByte)));
    assert_eq!(
        seen.failure.and_then(|failure| failure.detail),
        Some(most.to_string())
    );
    assert_eq!(seen.redirects.len() as u32, most + 1);
}

#[tokio::test]
async fn redirects_lead_to_the_page() {
    let page = Server::plain(Script::page("200 OK", "", "hello")).await;
    let to = format!("location: {}\r\n", page.url("http", "/there"));
    let server = Server::plain(Script::page("301 Moved", &to, "")).await;
    let seen = look(&plain(server.url("http", "/"))).await;
    assert_eq!(seen.failure, None);
    assert_eq!(seen.http.map(|http| http.status), Some(200));
    assert_eq!(seen.redirects[0].to, page.url("http", "/there"));
    assert_eq!(seen.address, Some(page.address()));

    let stays = http(server.url("http", "/"), |http| {
        http.follow_redirects = Some(false)
    });
    assert_eq!(look(&stays).await.http.map(|http| http.status), Some(301));
}

/// Each hop is guarded: hosted egress refuses what points inside.
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
    let port = Target::Tcp {
        host: "127.0.0.1".to_owned(),
        port: 22,
    };
    assert_eq!(
        failure(&look_by(&hosted(&dns), &port).await),
        Some((C::TargetRefused, Phase::Dns))
    );
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
        refused().await.port()
    };
    let seen = look(&Target::Tcp {
        host: "127.0.0.1".to_owned(),
        port,
    })
    .await;
    assert_eq!(
        failure(&seen),
        (!open).then_some((C::ConnectRefused, Phase::Connect))
    );
    assert!(seen.phases.connect.is_some());
}

/// The owner's secrets stay with the owner's server.
#[tokio::test]
async fn secrets_do_not_cross_origins() {
    let seen_there = Arc::new(std::sync::Mutex::new(String::new()));
    let there = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = format!("location: http://{}/\r\n", there.local_addr().unwrap());
    let here = Server::plain(Script::page("307 Temporary Redirect", &to, "")).await;
    let heard = seen_there.clone();
    let listening = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut stream, _) = there.accept().await.unwrap();
        let mut bytes = vec![0; 4096];
        let count = stream.read(&mut bytes).await.unwrap();
        *heard.lock().unwrap() = String::from_utf8_lossy(&bytes[..count]).to_lowercase();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            .await
            .unwrap();
    });
    let url = here
        .url("http", "/")
        .replace("http://", "http://user:secret@");
    let target = http(url, |http| {
        http.method = Some("POST".to_owned());
        http.body = Some("token=secret".to_owned());
        http.headers = Some(domain::monitor::spec::Headers(vec![(
            "x-api-key".to_owned(),
            "secret".to_owned(),
        )]));
    });
    let seen = look(&target).await;
    listening.await.unwrap();
    assert_eq!(seen.failure, None);
    let heard = seen_there.lock().unwrap().clone();
    assert!(heard.starts_with("post / http/1.1"), "{heard}");
    assert!(
        !heard.contains("secret") && !heard.contains("authorization"),
        "{heard}"
    );
}
