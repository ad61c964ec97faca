//! Servers that never stop. A look ends all the same, and holds little of it.

use std::time::Duration;

use domain::check::verdict::VerdictKind::Unknown;
use domain::check::{FailureClass as C, Phase};

use super::exchanges::h2;
use super::ports::{DOMAIN, GRPC, IMAP, SMTP, TCP, TLS, WEBSOCKET};
use super::{HTTP, HTTPS, Scene, Stage};
use crate::{Act, Flaw, Script, bombs, http2};

const KEYWORD: &str = r#"{"url": "http://127.0.0.1:PORT/", "http": {"keyword": "welcome"}}"#;
const OK: &str = "HTTP/1.1 200 OK\r\n\r\n";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

/// After `script`, `bytes` without end.
fn endless(script: Script, bytes: impl AsRef<[u8]>) -> Script {
    script.then(Act::SendForever(bytes.as_ref().to_vec()))
}

fn web(name: &'static str, script: Script) -> Scene {
    Scene::new(name, HTTP, Stage::Plain(script))
}

fn two(name: &'static str, frames: impl IntoIterator<Item = Vec<u8>>, forever: Vec<u8>) -> Scene {
    let script = endless(h2(frames), forever);
    Scene::new(name, HTTPS, Stage::Secure(Flaw::None, &["h2"], script))
}

fn packed(name: &'static str, encoding: &str, bytes: Vec<u8>) -> Scene {
    let headers = format!("content-encoding: {encoding}\r\n");
    web(name, Script::page("200 OK", &headers, bytes))
}

pub(super) fn scenes() -> Vec<Scene> {
    [one(), encoded(), frames(), hellos(), others()]
        .into_iter()
        .flatten()
        .collect()
}

#[expect(
    clippy::too_many_lines,
    reason = "a table with an entry for each scene"
)]
fn one() -> Vec<Scene> {
    use Phase::{Body, FirstByte};
    vec![
        web(
            "headers without end",
            endless(
                Script::answer("HTTP/1.1 200 OK\r\n"),
                "x-more: and more and more\r\n",
            ),
        )
        .is(C::HeaderTooLarge, FirstByte),
        web(
            "one header without end",
            endless(Script::answer("HTTP/1.1 200 OK\r\nx: "), [b'y'; 4096]),
        )
        .is(C::HeaderTooLarge, FirstByte),
        web(
            "status line without end",
            endless(Script::answer("HTTP/1.1 200 "), [b'y'; 4096]),
        )
        .is(C::HeaderTooLarge, FirstByte),
        web(
            "early hints without end",
            endless(
                Script::request(),
                "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n",
            ),
        )
        .is(C::HeaderTooLarge, FirstByte),
        web(
            "body without end",
            endless(Script::answer(OK), [b'a'; 8192]),
        ),
        Scene::new(
            "body without end, and a text to find",
            KEYWORD,
            Stage::Plain(endless(Script::answer(OK), [b'a'; 8192])),
        )
        .is(C::BodyTooLarge, Body),
        web(
            "chunks of sixteen bytes without end",
            endless(
                Script::answer(CHUNKED),
                "10\r\naaaaaaaaaaaaaaaa\r\n".repeat(100),
            ),
        ),
        web(
            "chunk extension without end",
            endless(Script::answer(CHUNKED).send("5;"), [b'x'; 4096]),
        )
        .is(C::BodyMalformed, Body),
        web(
            "trailers without end",
            endless(
                Script::answer(CHUNKED).send("0\r\n"),
                "x-more: and more and more\r\n",
            ),
        )
        .is(C::BodyMalformed, Body),
        Scene::new(
            "redirects with cookies of 60 kB",
            HTTP,
            Stage::Each(|n| {
                let cookie = format!(
                    "location: /{n}?{}\r\nset-cookie: c{n}={}\r\n",
                    "q".repeat(1_900),
                    "v".repeat(58_000)
                );
                Script::page("302 Found", &cookie, "")
            }),
        )
        .is(C::RedirectTooMany, FirstByte),
        Scene::new(
            "redirect bodies without end",
            HTTP,
            Stage::Each(|n| {
                endless(
                    Script::answer(format!("HTTP/1.1 302 Found\r\nlocation: /{n}\r\n\r\n")),
                    [b'a'; 8192],
                )
            }),
        )
        .is(C::RedirectTooMany, FirstByte),
    ]
}

fn encoded() -> Vec<Scene> {
    let zeros = vec![0; 16 << 20];
    vec![
        packed("gzip bomb", "gzip", bombs::gzip(&zeros)).is(C::BodyTooLarge, Phase::Body),
        packed("deflate bomb", "deflate", bombs::zlib(&zeros)).is(C::BodyTooLarge, Phase::Body),
        packed("brotli bomb", "br", bombs::brotli(&zeros)).is(C::BodyTooLarge, Phase::Body),
        packed(
            "page of 6 MB in gzip",
            "gzip",
            bombs::gzip(&bombs::page(6 << 20)),
        ),
        web(
            "gzip of nothing without end",
            endless(
                Script::answer("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n")
                    .send(bombs::gzip_head()),
                bombs::NOTHING.repeat(800),
            ),
        ),
    ]
}

fn frames() -> Vec<Scene> {
    use Phase::{Body, FirstByte};
    vec![
        two(
            "HTTP/2 headers without end",
            [http2::frame(1, 0, 1, &[0x88])],
            http2::frame(9, 0, 1, &[0x00, 1, b'x', 1, b'y'].repeat(800)),
        )
        .is(C::HeaderTooLarge, FirstByte),
        two(
            "HTTP/2 empty continuations without end",
            [http2::frame(1, 0, 1, &[0x88])],
            http2::frame(9, 0, 1, &[]).repeat(100),
        )
        .is(C::Http2Error, FirstByte),
        two(
            "HTTP/2 headers that unpack to 60 MB",
            [http2::unpacking_headers(1)],
            http2::ping(),
        )
        .is(C::HeaderTooLarge, FirstByte),
        two(
            "HTTP/2 early hints without end",
            [],
            http2::frame(1, 4, 1, &[0x08, 3, b'1', b'0', b'3']).repeat(50),
        )
        .is(C::Http2Error, FirstByte),
        two(
            "HTTP/2 settings without end",
            [],
            http2::settings().repeat(100),
        )
        .is(C::Http2Error, FirstByte),
        two("HTTP/2 pings without end", [], http2::ping().repeat(100)).is(C::Http2Error, FirstByte),
        two(
            "HTTP/2 window updates without end",
            [],
            http2::frame(8, 0, 0, &[0, 0, 0, 1]).repeat(100),
        )
        .is(C::Http2Error, FirstByte),
        two(
            "HTTP/2 unknown frames without end",
            [],
            http2::frame(0xFA, 0, 1, &[7; 16_000]),
        )
        .is(C::Http2Error, FirstByte),
        two(
            "HTTP/2 body beyond its window",
            [http2::ok_headers(1)],
            http2::data(1, &[b'a'; 16_000], false),
        )
        .is(C::Http2Error, Body),
        two(
            "HTTP/2 empty body frames without end",
            [http2::ok_headers(1)],
            http2::data(1, b"", false).repeat(100),
        )
        .is(C::Http2Error, Body),
        two(
            "HTTP/2 body frames of sixteen bytes without end",
            [http2::frame(4, 1, 0, &[]), http2::ok_headers(1)],
            http2::data(1, &[b'a'; 16], false).repeat(100),
        ),
    ]
}

fn hellos() -> Vec<Scene> {
    let hello = |name, script| Scene::new(name, HTTPS, Stage::Plain(script));
    vec![
        hello(
            "TLS records of nothing without end",
            endless(Script::default(), b"\x16\x03\x03\x00\x00"),
        )
        .is(C::TlsHandshakeFailed, Phase::Tls),
        hello(
            "TLS hello without end",
            endless(
                Script::default().send(b"\x16\x03\x03\x00\x04\x02\xff\xff\xff"),
                b"\x16\x03\x03\x00\x04aaaa",
            ),
        )
        .is(C::TlsHandshakeFailed, Phase::Tls),
        hello(
            "TLS warnings without end",
            endless(Script::default(), b"\x15\x03\x03\x00\x02\x01\x00"),
        )
        .is(C::TlsHandshakeFailed, Phase::Tls),
        hello(
            "one byte of hello each 100 ms",
            Script::default().then(Act::Drip(
                b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03aaaaaaaaaaaaa".to_vec(),
                Duration::from_millis(100),
            )),
        )
        .is(C::TlsTimeout, Phase::Tls)
        .waits(),
        Scene::new(
            "chain of 60 certificates",
            HTTPS,
            Stage::Secure(Flaw::GiantChain, &[], Script::page("200 OK", "", "hello")),
        ),
        Scene::new(
            "certificate of 50 kB",
            HTTPS,
            Stage::Secure(Flaw::GiantLeaf, &[], Script::page("200 OK", "", "hello")),
        ),
    ]
}

#[expect(
    clippy::too_many_lines,
    reason = "a table with an entry for each scene"
)]
fn others() -> Vec<Scene> {
    use Phase::{Body, FirstByte};
    let plain = |name, spec, script| Scene::new(name, spec, Stage::Plain(script));
    vec![
        plain(
            "banner without end",
            TCP,
            endless(Script::default(), [b'x'; 4096]),
        )
        .is(C::TcpUnexpected, FirstByte),
        plain(
            "banner of one byte each 20 ms",
            TCP,
            Script::default().then(Act::Drip(vec![b'x'; 5000], Duration::from_millis(20))),
        )
        .is(C::TcpUnexpected, FirstByte)
        .waits(),
        plain(
            "mail greeting without end",
            SMTP,
            endless(Script::default(), "220-more\r\n"),
        )
        .is(C::SmtpUnexpected, FirstByte),
        plain(
            "mail greeting of one line without end",
            SMTP,
            endless(Script::default(), "220"),
        )
        .is(C::SmtpUnexpected, FirstByte),
        plain(
            "IMAP lines without end",
            IMAP,
            endless(Script::default().send("* OK\r\n").until("w1"), "* more\r\n"),
        )
        .is(C::StarttlsFailed, FirstByte),
        plain(
            "TLS port without end",
            TLS,
            endless(Script::default(), [0x16, 3, 3, 0, 0]),
        )
        .is(C::TlsHandshakeFailed, Phase::Tls),
        plain(
            "WebSocket pings without end",
            WEBSOCKET,
            endless(Script::websocket(), [0x89, 0].repeat(500)),
        )
        .is(C::WebsocketUnexpected, Body),
        plain(
            "WebSocket messages without end",
            WEBSOCKET,
            endless(Script::websocket(), b"\x81\x02no".repeat(500)),
        )
        .is(C::WebsocketUnexpected, Body),
        plain(
            "WebSocket message in parts without end",
            WEBSOCKET,
            endless(
                Script::websocket().send(b"\x01\x02no"),
                b"\x00\x02no".repeat(500),
            ),
        )
        .is(C::WebsocketUnexpected, Body),
        plain(
            "WebSocket message of 1 GB",
            WEBSOCKET,
            endless(
                Script::websocket().send([0x81, 127, 0, 0, 0, 0, 64, 0, 0, 0]),
                [b'x'; 4096],
            ),
        )
        .is(C::WebsocketUnexpected, Body),
        plain(
            "WebSocket message of 200 kB, drip by drip",
            WEBSOCKET,
            Script::websocket()
                .send([0x81, 127, 0, 0, 0, 0, 0, 3, 0, 0])
                .then(Act::Drip(vec![b'x'; 5000], Duration::from_millis(20))),
        )
        .is(C::WebsocketUnexpected, Body)
        .waits(),
        plain(
            "gRPC body without end",
            GRPC,
            endless(
                h2([http2::ok_headers(1)]),
                http2::data(1, &[0; 8_000], false),
            ),
        )
        .is(C::Http2Error, Body),
        plain(
            "gRPC empty frames without end",
            GRPC,
            endless(
                h2([http2::ok_headers(1)]),
                http2::data(1, b"", false).repeat(100),
            ),
        )
        .is(C::Http2Error, Body),
        plain(
            "gRPC pings without end",
            GRPC,
            endless(h2([]), http2::ping().repeat(100)),
        )
        .is(C::Http2Error, FirstByte),
        Scene::new(
            "registry answer without end",
            DOMAIN,
            Stage::Registry(endless(Script::answer(OK), [b' '; 8192])),
        )
        .is(C::DomainUnsupported, FirstByte)
        .means(Unknown),
        Scene::new(
            "registry redirects without end",
            DOMAIN,
            Stage::Registry(Script::page(
                "302 Found",
                "location: /x/../domain/y?\r\n",
                "",
            )),
        )
        .is(C::DomainUnsupported, FirstByte)
        .means(Unknown),
    ]
}
