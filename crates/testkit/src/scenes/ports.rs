//! Kinds without pages.

use domain::check::verdict::VerdictKind::Unknown;
use domain::check::{FailureClass as C, Phase};

use super::exchanges::h2;
use super::{Scene, Stage};
use crate::{Act, Flaw, Script, http2};

pub(super) const TCP: &str = r#"{"kind": "tcp", "host": "127.0.0.1", "port": PORT, "tcp": {"send": "PING", "expect": "+PONG"}}"#;
pub(super) const UDP: &str = r#"{"kind": "udp", "host": "127.0.0.1", "port": PORT, "udp": {"send": "status", "expect": "ok"}}"#;
pub(super) const SMTP: &str = r#"{"kind": "smtp", "host": "127.0.0.1", "port": PORT}"#;
pub(super) const WEBSOCKET: &str = r#"{"kind": "websocket", "url": "ws://127.0.0.1:PORT/", "websocket": {"send": "ping", "expect": "pong"}}"#;
pub(super) const GRPC: &str =
    r#"{"kind": "grpc", "host": "127.0.0.1", "port": PORT, "grpc": {"tls": false}}"#;
pub(super) const DOMAIN: &str = r#"{"kind": "domain", "host": "shop.example"}"#;
pub(super) const TLS: &str = r#"{"kind": "tls", "host": "localhost", "port": PORT}"#;
pub(super) const IMAP: &str =
    r#"{"kind": "tls", "host": "localhost", "port": PORT, "tls": {"starttls": "imap"}}"#;
/// A group address: nobody answers in its name.
pub(super) const PING: &str = r#"{"kind": "ping", "host": "224.0.0.1", "ping": {"count": 2}}"#;

fn plain(name: &'static str, spec: &str, script: Script) -> Scene {
    Scene::new(name, spec, Stage::Plain(script))
}

fn registry(name: &'static str, events: &str) -> Scene {
    let body = format!(r#"{{"objectClassName": "domain", "events": [{events}]}}"#);
    let script = Script::page("200 OK", "content-type: application/rdap+json\r\n", body);
    Scene::new(name, DOMAIN, Stage::Registry(script))
}

fn answered(status: &[u8], code: &str) -> Script {
    h2([
        http2::ok_headers(1),
        http2::data(1, status, false),
        http2::trailers(1, &[("grpc-status", code), ("grpc-message", "because")]),
    ])
    .hang()
}

#[expect(
    clippy::too_many_lines,
    reason = "a table with an entry for each scene"
)]
pub(super) fn scenes() -> Vec<Scene> {
    use Phase::{Body, FirstByte};
    vec![
        plain(
            "port gives another answer",
            TCP,
            Script::default().send("-ERR\r\n"),
        )
        .is(C::TcpUnexpected, FirstByte),
        plain("port says nothing", TCP, Script::default().hang())
            .is(C::TcpUnexpected, FirstByte)
            .waits(),
        Scene::new(
            "UDP port gives another answer",
            UDP,
            Stage::Datagrams(Some(b"no")),
        )
        .is(C::UdpUnexpected, FirstByte),
        Scene::new("UDP port says nothing", UDP, Stage::Datagrams(None))
            .is(C::ReplyTimeout, FirstByte)
            .waits(),
        Scene::new("UDP port is closed", UDP, Stage::Closed).is(C::ConnectRefused, FirstByte),
        Scene::new("nobody answers the ping", PING, Stage::Closed)
            .is(C::PingLost, FirstByte)
            .waits(),
        plain(
            "mail server is busy",
            SMTP,
            Script::default().send("421 too busy\r\n"),
        )
        .is(C::SmtpUnexpected, FirstByte),
        plain("mail server says nothing", SMTP, Script::default().hang())
            .is(C::ReplyTimeout, FirstByte)
            .waits(),
        plain(
            "IMAP server refuses STARTTLS",
            IMAP,
            Script::default()
                .send("* OK\r\n")
                .until("w1")
                .send("w1 BAD what\r\n")
                .hang(),
        )
        .is(C::StarttlsFailed, FirstByte),
        plain("IMAP server says nothing", IMAP, Script::default().hang())
            .is(C::ReplyTimeout, FirstByte)
            .waits(),
        plain("TLS port says nothing", TLS, Script::default().hang())
            .is(C::TlsTimeout, Phase::Tls)
            .waits(),
        Scene::new(
            "IMAP server with an old certificate",
            IMAP,
            Stage::Starttls(
                Script::default()
                    .send("* OK ready\r\n")
                    .until("w1 STARTTLS\r\n")
                    .send("w1 OK go\r\n"),
                Flaw::Expired,
                Script::close(),
            ),
        )
        .is(C::TlsExpired, Phase::Tls),
        plain(
            "WebSocket says another thing",
            WEBSOCKET,
            Script::websocket().message("hello").send([0x88, 0]).hang(),
        )
        .is(C::WebsocketUnexpected, Body),
        plain(
            "WebSocket says nothing",
            WEBSOCKET,
            Script::websocket().hang(),
        )
        .is(C::WebsocketUnexpected, Body)
        .waits(),
        plain(
            "upgrade is not answered",
            WEBSOCKET,
            Script::request().hang(),
        )
        .is(C::HttpTimeout, FirstByte)
        .waits(),
        plain(
            "gRPC service is not serving",
            GRPC,
            answered(&[0, 0, 0, 0, 2, 8, 2], "0"),
        )
        .is(C::GrpcNotServing, Body),
        plain("gRPC server is unavailable", GRPC, answered(&[], "14")).is(C::GrpcError, FirstByte),
        plain("gRPC server says nothing", GRPC, h2([]).hang())
            .is(C::ReplyTimeout, FirstByte)
            .waits(),
        registry(
            "registration is over",
            r#"{"eventAction": "expiration", "eventDate": "1969-01-01T00:00:00Z"}"#,
        )
        .is(C::DomainExpired, FirstByte),
        Scene::new(
            "nobody has registered it",
            DOMAIN,
            Stage::Registry(Script::page("404 Not Found", "", "{}")),
        )
        .is(C::DomainExpired, FirstByte),
        registry("registry tells no end", "")
            .is(C::DomainUnsupported, FirstByte)
            .means(Unknown),
        Scene::new(
            "registry says nothing",
            DOMAIN,
            Stage::Registry(Script::request().hang()),
        )
        .is(C::DomainUnsupported, FirstByte)
        .means(Unknown)
        .waits(),
        plain(
            "port says something before it closes",
            TCP,
            Script::default().then(Act::Read(2)).send("+PO"),
        )
        .is(C::TcpUnexpected, FirstByte),
    ]
}
