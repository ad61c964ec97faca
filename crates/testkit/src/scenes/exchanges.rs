//! Exchanges over HTTP/1.1 and HTTP/2, up to the end of the body.

use std::time::Duration;

use domain::check::{FailureClass as C, Phase};

use super::{HTTP, HTTPS, Scene, Stage};
use crate::{Act, Flaw, Script, http2};

const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
const SHORT_BODY: &str = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort";

fn one(name: &'static str, script: Script, class: C, phase: Phase) -> Scene {
    Scene::new(name, HTTP, Stage::Plain(script)).is(class, phase)
}

fn two(name: &'static str, script: Script, class: C, phase: Phase) -> Scene {
    Scene::new(name, HTTPS, Stage::Secure(Flaw::None, &["h2"], script)).is(class, phase)
}

/// Settings, then these frames once a request came.
pub(super) fn h2(frames: impl IntoIterator<Item = Vec<u8>>) -> Script {
    let start = Script::default()
        .then(Act::Read(24))
        .send(http2::settings());
    frames
        .into_iter()
        .fold(start.then(Act::Read(40)), Script::send)
}

#[expect(
    clippy::too_many_lines,
    reason = "a table with an entry for each scene"
)]
pub(super) fn scenes() -> Vec<Scene> {
    use Phase::{Body, FirstByte};
    vec![
        one(
            "closes without a word",
            Script::request(),
            C::HttpNoResponse,
            FirstByte,
        ),
        one(
            "never answers",
            Script::request().hang(),
            C::HttpTimeout,
            FirstByte,
        )
        .waits(),
        one(
            "half a header block, then silence",
            Script::answer("HTTP/1.1 200 OK\r\nserver: x\r\n").hang(),
            C::HttpTimeout,
            FirstByte,
        )
        .waits(),
        one(
            "one byte of header each 100 ms",
            Script::request().then(Act::Drip(vec![b'H'; 1000], Duration::from_millis(100))),
            C::HttpTimeout,
            FirstByte,
        )
        .waits(),
        one(
            "speaks SSH",
            Script::request().send("SSH-2.0-OpenSSH_9.2\r\n").hang(),
            C::HttpMalformed,
            FirstByte,
        ),
        one(
            "two lengths",
            Script::answer("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab"),
            C::HttpMalformed,
            FirstByte,
        ),
        one(
            "closes inside the headers",
            Script::answer("HTTP/1.1 200 OK\r\nserver: x\r\n"),
            C::HttpIncomplete,
            FirstByte,
        ),
        one(
            "header of 70 kB",
            Script::answer(format!(
                "HTTP/1.1 200 OK\r\nx: {}\r\n\r\n",
                "y".repeat(70_000)
            )),
            C::HeaderTooLarge,
            FirstByte,
        ),
        one(
            "reset inside the body",
            Script::answer(SHORT_BODY)
                .then(Act::Drip(b"ab".to_vec(), Duration::from_millis(20)))
                .reset(),
            C::BodyReset,
            Body,
        ),
        one(
            "body ends too early",
            Script::answer(SHORT_BODY),
            C::BodyTruncated,
            Body,
        ),
        one(
            "body stops",
            Script::answer(SHORT_BODY).hang(),
            C::BodyTimeout,
            Body,
        )
        .waits(),
        one(
            "body drips",
            Script::answer("HTTP/1.1 200 OK\r\n\r\n")
                .then(Act::Drip(vec![b'a'; 5000], Duration::from_millis(20))),
            C::BodyTimeout,
            Body,
        )
        .waits(),
        one(
            "chunk without a length",
            Script::answer(CHUNKED).send("not a length\r\n"),
            C::BodyMalformed,
            Body,
        ),
        one(
            "gzip that is none",
            Script::page(
                "200 OK",
                "content-encoding: gzip\r\n",
                "this is not gzip at all",
            ),
            C::DecodeError,
            Body,
        ),
        two(
            "HTTP/2 goes away",
            h2([http2::goaway(1)]).hang(),
            C::Http2Error,
            FirstByte,
        ),
        two(
            "HTTP/2 ends the stream",
            h2([http2::rst_stream(1, 2)]).hang(),
            C::Http2Error,
            FirstByte,
        ),
        two(
            "HTTP/2 of noise",
            h2([b"this is no frame at all, is it?".to_vec()]).hang(),
            C::Http2Error,
            FirstByte,
        ),
        two("HTTP/2 hangs", h2([]).hang(), C::HttpTimeout, FirstByte).waits(),
        two("HTTP/2 closes", h2([]), C::HttpNoResponse, FirstByte),
        two(
            "HTTP/2 header block of 90 kB",
            h2([http2::big_headers(1, 90_000)]).hang(),
            C::HeaderTooLarge,
            FirstByte,
        ),
        two(
            "HTTP/2 body stops",
            h2([http2::ok_headers(1), http2::data(1, b"he", false)]).hang(),
            C::BodyTimeout,
            Body,
        )
        .waits(),
        two(
            "HTTP/2 body ends too early",
            h2([http2::ok_headers(1), http2::data(1, b"he", false)]),
            C::BodyTruncated,
            Body,
        ),
        one(
            "redirect without a Location",
            Script::page("302 Found", "", ""),
            C::RedirectInvalid,
            FirstByte,
        ),
        one(
            "redirect to itself",
            Script::page("302 Found", "location: /\r\n", ""),
            C::RedirectLoop,
            FirstByte,
        ),
        Scene::new(
            "redirects without end",
            HTTP,
            Stage::Each(|n| Script::page("302 Found", &format!("location: /{n}\r\n"), "")),
        )
        .is(C::RedirectTooMany, FirstByte),
        one(
            "redirect to port 0",
            Script::page("302 Found", "location: http://shop.example:0/\r\n", ""),
            C::RedirectBlocked,
            FirstByte,
        ),
    ]
}
