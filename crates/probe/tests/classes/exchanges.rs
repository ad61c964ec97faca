//! Ports that are spoken to: tcp, udp, ping, mail, and TLS that is asked for.

use std::time::Duration;

use domain::check::{FailureClass as C, Phase};
use rstest::rstest;
use serde_json::{Value, json};
use testkit::datagram::Datagrams;
use testkit::{Act, Ca, Flaw, Script, Server, refused};

use crate::{PATIENT, SHORT, failure, look, look_by, look_within, of, prober, timeout_for};

#[rstest]
#[case::answers(Script::default().until("PING\r\n").send("+PONG\r\n").hang(), None)]
#[case::in_two_parts(Script::default().send("+PO").then(Act::Drip(b"NG".to_vec(), Duration::from_millis(20))).hang(), None)]
#[case::another_answer(Script::default().send("-ERR\r\n"), Some((C::TcpUnexpected, Phase::FirstByte)))]
#[case::closes(Script::close(), Some((C::TcpUnexpected, Phase::FirstByte)))]
#[case::resets(Script::default().then(Act::Read(3)).reset(), Some((C::ConnectionReset, Phase::FirstByte)))]
#[case::endless(Script::default().then(Act::SendForever(b"more and more ".to_vec())), Some((C::TcpUnexpected, Phase::FirstByte)))]
#[tokio::test]
async fn tcp_answers(#[case] script: Script, #[case] expected: Option<(C, Phase)>) {
    let server = Server::plain(script).await;
    let target = of(
        json!({"kind": "tcp", "host": "127.0.0.1", "port": server.port(),
        "tcp": {"send": "PING\\r\\n", "expect": "+PONG"}}),
    );
    let seen = look(&target).await;
    assert_eq!(failure(&seen), expected, "{seen:?}");
    if let Some((C::TcpUnexpected, _)) = expected {
        let detail = seen.failure.and_then(|failure| failure.detail);
        assert_eq!(detail, Some(server.port().to_string()));
    }
}

#[tokio::test]
async fn a_tcp_port_that_says_nothing() {
    let server = Server::plain(Script::default().hang()).await;
    let target = of(
        json!({"kind": "tcp", "host": "127.0.0.1", "port": server.port(), "tcp": {"expect": "x"}}),
    );
    let seen = look_within(SHORT, &prober(None), &target).await;
    assert_eq!(failure(&seen), Some((C::TcpUnexpected, Phase::FirstByte)));
}

fn udp(port: u16) -> Value {
    json!({"kind": "udp", "host": "127.0.0.1", "port": port, "udp": {"send": "status\\n", "expect": "ok"}})
}

#[rstest]
#[case::answers(Some("all ok"), None)]
#[case::another_answer(Some("no"), Some((C::UdpUnexpected, Phase::FirstByte)))]
#[case::silent(None, Some((C::ReplyTimeout, Phase::FirstByte)))]
#[tokio::test]
async fn udp_answers(#[case] answer: Option<&'static str>, #[case] expected: Option<(C, Phase)>) {
    let server = Datagrams::start(move |_, sent| {
        assert_eq!(sent, b"status\n");
        answer.map(|answer| answer.as_bytes().to_vec())
    })
    .await;
    let timeout = timeout_for(expected.map_or(C::HttpStatus, |(class, _)| class));
    let seen = look_within(timeout, &prober(None), &of(udp(server.port()))).await;
    assert_eq!(failure(&seen), expected, "{seen:?}");
}

#[tokio::test]
async fn a_lost_datagram_is_sent_again() {
    let server = Datagrams::start(|n, _| (n > 0).then(|| b"ok".to_vec())).await;
    let seen = look_within(SHORT * 2, &prober(None), &of(udp(server.port()))).await;
    assert_eq!((failure(&seen), server.received()), (None, 2));
}

/// A name of two families leads to the server in whichever it listens, in every look.
#[rstest]
#[case::v4("127.0.0.1:0")]
#[case::v6("[::1]:0")]
#[tokio::test]
async fn udp_is_asked_in_both_families(#[case] listens: &str) {
    let socket = tokio::net::UdpSocket::bind(listens).await.unwrap();
    let address = socket.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let mut asked = [0; 64];
        loop {
            let (_, from) = socket.recv_from(&mut asked).await.unwrap();
            socket.send_to(b"all ok", from).await.unwrap();
        }
    });
    let target = of(
        json!({"kind": "udp", "host": "localhost", "port": address.port(), "udp": {"send": "x", "expect": "ok"}}),
    );
    let prober = prober(None);
    for _ in 0..3 {
        let seen = look_by(&prober, &target).await;
        assert_eq!(
            (failure(&seen), seen.address),
            (None, Some(address)),
            "{seen:?}"
        );
    }
    server.abort();
}

#[tokio::test]
async fn a_closed_udp_port_is_told_from_a_silent_one() {
    let seen = look(&of(udp(testkit::free_port()))).await;
    assert_eq!(
        failure(&seen),
        Some((C::ConnectRefused, Phase::FirstByte)),
        "{seen:?}"
    );
    assert!(!seen.our_fault);
}

/// Where this machine may send ICMP, loopback answers; where it may not, nobody else is blamed.
#[rstest]
#[case("127.0.0.1")]
#[case("::1")]
#[tokio::test]
async fn ping_loopback(#[case] host: &str) {
    let prober = prober(None);
    let seen = look_within(PATIENT, &prober, &of(json!({"kind": "ping", "host": host}))).await;
    match (failure(&seen), seen.ping) {
        (None, Some(ping)) => {
            assert_eq!((ping.sent, ping.received, ping.loss_percent()), (4, 4, 0));
            assert!(ping.mean_us <= ping.max_us);
            let spent = seen.phases.dns.unwrap_or(0) + ping.mean_us;
            assert_eq!(seen.total_us, u64::from(spent), "pacing is no round trip");
        }
        (Some((C::PingLost | C::NetworkUnreachable, Phase::FirstByte)), None) => {
            assert!(seen.our_fault, "{seen:?}");
        }
        other => panic!("{other:?}: {seen:?}"),
    }
}

/// A group address: nobody answers in its name, whatever the network around this machine does.
#[tokio::test]
async fn lost_pings() {
    let target = of(json!({"kind": "ping", "host": "224.0.0.1", "ping": {"count": 2}}));
    let seen = look_within(SHORT, &prober(None), &target).await;
    let (class, phase) = failure(&seen).unwrap();
    assert_eq!(phase, Phase::FirstByte, "{seen:?}");
    assert!(matches!(class, C::PingLost | C::NetworkUnreachable));
    assert!(seen.our_fault || seen.ping.is_some_and(|ping| ping.received == 0));
}

const GREETING: &str = "220 mail.example ESMTP\r\n";
const HELLO: &str = "250-mail.example\r\n250 STARTTLS\r\n";

fn greeted() -> Script {
    Script::default()
        .send(GREETING)
        .until("EHLO [127.0.0.1]\r\n")
        .send(HELLO)
}

#[rstest]
#[case::good(greeted().until("QUIT\r\n"), None)]
#[case::long_greeting(Script::default().send("220-hello\r\n220 mail\r\n").until("EHLO").send(HELLO).hang(), None)]
#[case::busy(Script::default().send("421 too busy\r\n"), Some(C::SmtpUnexpected))]
#[case::refuses(Script::default().send("554 go away\r\n"), Some(C::SmtpUnexpected))]
#[case::refuses_hello(Script::default().send(GREETING).until("EHLO").send("502 no\r\n").hang(), Some(C::SmtpUnexpected))]
#[case::another_protocol(Script::default().send("SSH-2.0-OpenSSH_9.2\r\n").hang(), Some(C::SmtpUnexpected))]
#[case::closes(Script::close(), Some(C::SmtpUnexpected))]
#[case::endless_line(Script::default().then(Act::SendForever(b"220".to_vec())), Some(C::SmtpUnexpected))]
#[case::endless_answer(Script::default().then(Act::SendForever(b"220-more\r\n".to_vec())), Some(C::SmtpUnexpected))]
#[case::resets(Script::default().send("220").reset(), Some(C::ConnectionReset))]
#[case::hangs(Script::default().hang(), Some(C::ReplyTimeout))]
#[case::hangs_after_hello(Script::default().send(GREETING).hang(), Some(C::ReplyTimeout))]
#[tokio::test]
async fn mail_servers(#[case] script: Script, #[case] class: Option<C>) {
    let server = Server::plain(script).await;
    let target = of(json!({"kind": "smtp", "host": "127.0.0.1", "port": server.port()}));
    let timeout = timeout_for(class.unwrap_or(C::HttpStatus));
    let seen = look_within(timeout, &prober(None), &target).await;
    assert_eq!(
        failure(&seen),
        class.map(|class| (class, Phase::FirstByte)),
        "{seen:?}"
    );
}

#[rstest]
#[case("starttls", Flaw::None, None)]
#[case("starttls", Flaw::Expired, Some(C::TlsExpired))]
#[case("tls", Flaw::None, None)]
#[case("tls", Flaw::OtherName, Some(C::TlsHostnameMismatch))]
#[tokio::test]
async fn mail_servers_encrypt(
    #[case] security: &str,
    #[case] flaw: Flaw,
    #[case] class: Option<C>,
) {
    let ca = Ca::default();
    let server = if security == "tls" {
        Server::tls(ca.server(flaw), greeted().until("QUIT\r\n")).await
    } else {
        let lead = greeted().until("STARTTLS\r\n").send("220 go\r\n");
        let after = Script::default()
            .until("EHLO")
            .send(HELLO)
            .until("QUIT\r\n");
        Server::starttls(lead, ca.server(flaw), after).await
    };
    let target = of(
        json!({"kind": "smtp", "host": "localhost", "port": server.port(), "smtp": {"security": security}}),
    );
    let seen = look_by(&prober(Some(&ca)), &target).await;
    assert_eq!(
        failure(&seen),
        class.map(|class| (class, Phase::Tls)),
        "{seen:?}"
    );
    assert!(seen.tls.is_some_and(|tls| tls.leaf().is_some()));
}

/// What each protocol's server says before the handshake.
fn lead(protocol: &str) -> Script {
    match protocol {
        "smtp" => greeted().until("STARTTLS\r\n").send("220 go\r\n"),
        "imap" => Script::default()
            .send("* OK ready\r\n")
            .until("w1 STARTTLS\r\n")
            .send("* a word before\r\nw1 OK go\r\n"),
        "pop3" => Script::default()
            .send("+OK ready\r\n")
            .until("STLS\r\n")
            .send("+OK go\r\n"),
        _ => Script::default().then(Act::Read(8)).send("S"),
    }
}

#[rstest]
#[tokio::test]
async fn starttls_works(
    #[values("smtp", "imap", "pop3", "postgres")] protocol: &str,
    #[values((Flaw::None, None), (Flaw::SelfSigned, Some(C::TlsSelfSigned)))] case: (
        Flaw,
        Option<C>,
    ),
) {
    let ca = Ca::default();
    let server = Server::starttls(lead(protocol), ca.server(case.0), Script::close()).await;
    let target = of(
        json!({"kind": "tls", "host": "localhost", "port": server.port(), "tls": {"starttls": protocol}}),
    );
    let seen = look_by(&prober(Some(&ca)), &target).await;
    assert_eq!(
        failure(&seen),
        case.1.map(|class| (class, Phase::Tls)),
        "{seen:?}"
    );
    assert!(seen.tls.is_some_and(|tls| tls.leaf().is_some()));
}

#[rstest]
#[case("smtp", greeted().until("STARTTLS").send("502 no\r\n").hang(), C::StarttlsFailed)]
#[case("smtp", Script::default().send("554 no\r\n"), C::SmtpUnexpected)]
#[case("imap", Script::default().send("* BYE\r\n"), C::StarttlsFailed)]
#[case("imap", Script::default().send("* OK\r\n").until("w1").send("w1 BAD what\r\n").hang(), C::StarttlsFailed)]
#[case("imap", Script::default().send("* OK\r\n").until("w1").then(Act::SendForever(b"* more\r\n".to_vec())), C::StarttlsFailed)]
#[case("pop3", Script::default().send("-ERR\r\n"), C::StarttlsFailed)]
#[case("pop3", Script::default().send("+OK\r\n").until("STLS").send("-ERR no\r\n").hang(), C::StarttlsFailed)]
#[case("postgres", Script::default().then(Act::Read(8)).send("N").hang(), C::StarttlsFailed)]
#[case("postgres", Script::default().send("HTTP/1.1 400 Bad Request\r\n").hang(), C::StarttlsFailed)]
#[case::sends_ahead("postgres", Script::default().then(Act::Read(8)).send("SELECT 1").hang(), C::StarttlsFailed)]
#[case("postgres", Script::default().hang(), C::ReplyTimeout)]
#[tokio::test]
async fn starttls_fails(#[case] protocol: &str, #[case] script: Script, #[case] class: C) {
    let server = Server::plain(script).await;
    let target = of(
        json!({"kind": "tls", "host": "127.0.0.1", "port": server.port(), "tls": {"starttls": protocol}}),
    );
    let seen = look_within(timeout_for(class), &prober(None), &target).await;
    assert_eq!(failure(&seen), Some((class, Phase::FirstByte)), "{seen:?}");
}

/// Every kind judges its host, before anything is dialed.
#[rstest]
#[case(json!({"kind": "tcp", "host": "10.0.0.1", "port": 1}))]
#[case(json!({"kind": "udp", "host": "10.0.0.1", "port": 1, "udp": {"send": "x"}}))]
#[case(json!({"kind": "ping", "host": "127.0.0.1"}))]
#[case(json!({"kind": "tls", "host": "169.254.169.254"}))]
#[case(json!({"kind": "smtp", "host": "localhost"}))]
#[case(json!({"kind": "dns", "host": "db.internal"}))]
#[case(json!({"kind": "dns", "host": "shop.example", "dns": {"server": "127.0.0.1:53"}}))]
#[case(json!({"kind": "dns", "host": "shop.example", "dns": {"server": "inside.example"}}))]
#[case(json!({"kind": "ping", "host": "inside.example"}))]
#[case(json!({"kind": "udp", "host": "inside.example", "port": 1, "udp": {"send": "x"}}))]
#[case(json!({"kind": "websocket", "url": "ws://inside.example/"}))]
#[case(json!({"kind": "websocket", "url": "wss://[::1]/"}))]
#[case(json!({"kind": "grpc", "host": "inside.example"}))]
#[case(json!({"kind": "grpc", "host": "192.168.0.1"}))]
#[case(json!({"kind": "domain", "host": "db.internal"}))]
#[tokio::test]
async fn hosted_looks_stay_outside(#[case] spec: Value) {
    let dns = testkit::dns::FakeDns::start().await;
    dns.set_loopback("inside.example");
    let hosted = domain::target::AddressPolicy::Hosted;
    let way = testkit::way_out::with_policy(hosted, Some(dns.address()), None);
    let seen = look_by(&probe::Prober::new(way).unwrap(), &of(spec)).await;
    assert_eq!(
        failure(&seen),
        Some((C::TargetRefused, Phase::Dns)),
        "{seen:?}"
    );
    assert!(seen.tried.is_empty() && seen.address.is_none());
}

#[tokio::test]
async fn a_closed_port_is_refused_for_every_kind() {
    for kind in ["tcp", "tls", "smtp", "grpc"] {
        let port = refused().port();
        let seen = look(&of(
            json!({"kind": kind, "host": "127.0.0.1", "port": port}),
        ))
        .await;
        assert_eq!(
            failure(&seen),
            Some((C::ConnectRefused, Phase::Connect)),
            "{kind}"
        );
    }
}
