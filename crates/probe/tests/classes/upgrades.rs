//! WebSocket and gRPC.

use domain::check::verdict::{Expectation, judge};
use domain::check::{FailureClass as C, Phase};
use domain::monitor::{MonitorSpec, Settings};
use rstest::rstest;
use serde_json::json;
use testkit::{Act, Ca, Flaw, Script, Server, http2};

use crate::{failure, look_by, look_within, of, prober, timeout_for};

#[rstest]
#[case::says(Script::websocket().message("hello").message("pong 1").hang(), None)]
#[case::waits(Script::websocket().then(Act::Read(10)).message("pong").hang(), None)]
#[case::wrong_accept(Script::answer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: eA==\r\n\r\n").hang(),
    Some((C::WebsocketUnexpected, Phase::Body)))]
#[case::closes(Script::websocket(), Some((C::WebsocketUnexpected, Phase::Body)))]
#[case::close_frame(Script::websocket().send([0x88, 2, 3, 0xE8]).hang(), Some((C::WebsocketUnexpected, Phase::Body)))]
#[case::bad_frame(Script::websocket().send([0xFF; 20]).hang(), Some((C::WebsocketUnexpected, Phase::Body)))]
#[case::huge_message(Script::websocket().send([0x81, 127, 0, 0, 0, 1, 0, 0, 0, 0]).then(Act::SendForever(vec![b'x'; 4096])),
    Some((C::WebsocketUnexpected, Phase::Body)))]
#[case::another_message(Script::websocket().message("hello").hang(), Some((C::WebsocketUnexpected, Phase::Body)))]
#[case::endless_messages(Script::websocket().then(Act::SendForever(b"\x81\x02no".to_vec())), Some((C::WebsocketUnexpected, Phase::Body)))]
#[case::resets(Script::websocket().then(Act::Read(10)).reset(), Some((C::ConnectionReset, Phase::Body)))]
#[case::no_http(Script::request().send("SSH-2.0-OpenSSH_9.2\r\n").hang(), Some((C::HttpMalformed, Phase::FirstByte)))]
#[case::hangs(Script::request().hang(), Some((C::HttpTimeout, Phase::FirstByte)))]
#[tokio::test]
async fn websockets(#[case] script: Script, #[case] expected: Option<(C, Phase)>) {
    let server = Server::plain(script).await;
    let url = format!("ws://127.0.0.1:{}/live?a=b", server.port());
    let target = of(
        json!({"kind": "websocket", "url": url, "websocket": {"send": "ping", "expect": "pong"}}),
    );
    let timeout = timeout_for(match expected {
        // Its deadline is the absence of the message.
        Some((C::WebsocketUnexpected, _)) => C::HttpTimeout,
        other => other.map_or(C::HttpStatus, |(class, _)| class),
    });
    let seen = look_within(timeout, &prober(None), &target).await;
    assert_eq!(failure(&seen), expected, "{seen:?}");
}

#[rstest]
#[case("101 Switching Protocols", None)]
#[case("200 OK", Some(C::HttpStatus))]
#[case("404 Not Found", Some(C::HttpStatus))]
#[case("502 Bad Gateway", Some(C::HttpStatus))]
#[tokio::test]
async fn only_the_upgrade_is_good(#[case] status: &str, #[case] class: Option<C>) {
    let script = match class {
        None => Script::websocket().hang(),
        Some(_) => Script::page(status, "", "a page"),
    };
    let server = Server::plain(script).await;
    let spec = json!({"kind": "websocket", "url": server.url("ws", "/")});
    let spec: MonitorSpec = serde_json::from_value(spec).unwrap();
    let settings = Settings::of(&spec);
    let seen = look_by(&prober(None), &settings.target).await;
    let verdict = judge(&seen, &Expectation::of(&settings, true, false));
    assert_eq!(verdict.class(), class, "{seen:?}");
}

#[rstest]
#[case(Flaw::None, None)]
#[case(Flaw::Expired, Some((C::TlsExpired, Phase::Tls)))]
#[tokio::test]
async fn websockets_over_tls(#[case] flaw: Flaw, #[case] expected: Option<(C, Phase)>) {
    let ca = Ca::default();
    let server = Server::tls(ca.server(flaw), Script::websocket().message("hello").hang()).await;
    let url = format!("wss://localhost:{}/", server.port());
    let target = of(json!({"kind": "websocket", "url": url, "websocket": {"expect": "hello"}}));
    let seen = look_by(&prober(Some(&ca)), &target).await;
    assert_eq!(failure(&seen), expected, "{seen:?}");
}

fn h2(acts: impl IntoIterator<Item = Vec<u8>>) -> Script {
    let start = Script::default()
        .then(Act::Read(24))
        .send(http2::settings());
    acts.into_iter()
        .fold(start.then(Act::Read(40)), Script::send)
}

fn answered(status: &[u8], code: &str) -> Script {
    let trailers = [("grpc-status", code), ("grpc-message", "because")];
    h2([
        http2::ok_headers(1),
        http2::data(1, status, false),
        http2::trailers(1, &trailers),
    ])
    .hang()
}

#[rstest]
#[case::serving(answered(&[0, 0, 0, 0, 2, 8, 1], "0"), None)]
#[case::not_serving(answered(&[0, 0, 0, 0, 2, 8, 2], "0"), Some((C::GrpcNotServing, Phase::Body)))]
#[case::unknown(answered(&[0, 0, 0, 0, 0], "0"), Some((C::GrpcNotServing, Phase::Body)))]
#[case::unavailable(answered(&[], "14"), Some((C::GrpcError, Phase::FirstByte)))]
#[case::unimplemented(h2([http2::only_headers(1, &[("grpc-status", "12")])]).hang(), Some((C::GrpcError, Phase::FirstByte)))]
#[case::no_grpc(h2([http2::ok_headers(1), http2::data(1, b"<html>", true)]).hang(), Some((C::GrpcError, Phase::FirstByte)))]
#[case::stream_error(h2([http2::rst_stream(1, 2)]).hang(), Some((C::Http2Error, Phase::FirstByte)))]
#[case::cut(h2([http2::ok_headers(1), http2::data(1, &[0], false)]), Some((C::Http2Error, Phase::Body)))]
#[case::too_long(h2([http2::ok_headers(1), http2::data(1, &[0; 16_000], false), http2::data(1, &[0; 16_000], false)]).hang(),
    Some((C::Http2Error, Phase::Body)))]
#[case::hangs(h2([]).hang(), Some((C::ReplyTimeout, Phase::FirstByte)))]
#[case::hangs_in_the_answer(h2([http2::ok_headers(1)]).hang(), Some((C::ReplyTimeout, Phase::Body)))]
#[tokio::test]
async fn grpc_servers(
    #[case] script: Script,
    #[case] expected: Option<(C, Phase)>,
    #[values(false, true)] tls: bool,
) {
    let ca = Ca::default();
    let server = if tls {
        let config = ca.server_with(Flaw::None, &["h2"], |config| config);
        Server::tls(config, script).await
    } else {
        Server::plain(script).await
    };
    let target = of(
        json!({"kind": "grpc", "host": "localhost", "port": server.port(), "grpc": {"service": "shop.v1.Cart", "tls": tls}}),
    );
    let timeout = timeout_for(expected.map_or(C::HttpStatus, |(class, _)| class));
    let seen = look_within(timeout, &prober(Some(&ca)), &target).await;
    assert_eq!(failure(&seen), expected, "{seen:?}");
}
