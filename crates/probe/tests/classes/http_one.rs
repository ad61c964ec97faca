//! Exchanges over HTTP/1.1.

use std::io::Write as _;
use std::time::Duration;

use domain::check::{FailureClass as C, Phase};
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use rstest::rstest;
use testkit::{Act, Script, Server};

use crate::{failure, http, look, look_within, plain, prober, timeout_for};

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
        "br" => {
            let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 9, 22);
            encoder.write_all(bytes).unwrap();
            encoder.into_inner()
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
#[case::banner_of_another_protocol(Script::close().send("SSH-2.0-OpenSSH_9.2\r\n").hang(), C::HttpMalformed, Phase::FirstByte)]
#[case::impossible_length(
    Script::answer("HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551615\r\n\r\nab"),
    C::HttpMalformed,
    Phase::FirstByte
)]
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
#[case::cut_brotli(Script::page("200 OK", "content-encoding: br\r\n", &compressed("br", &noise(5000))[..200]), C::DecodeError, Phase::Body)]
#[case::no_brotli(Script::page("200 OK", "content-encoding: br\r\n", [0xFF; 300]), C::DecodeError, Phase::Body)]
#[case::brotli_bomb(Script::page("200 OK", "content-encoding: br\r\n", compressed("br", &vec![0; 8 << 20])), C::BodyTooLarge, Phase::Body)]
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
#[case::brotli(
    Script::page("200 OK", "content-encoding: br\r\n", compressed("br", b"hello")),
    "hello"
)]
#[case::gzip_and_more(Script::page("200 OK", "content-encoding: gzip\r\n", [compressed("gzip", b"hello"), b"\0\0".to_vec()].concat()), "hello")]
#[case::folded_header(
    Script::answer("HTTP/1.1 200 OK\r\nx-a: a\r\n b\r\ncontent-length: 5\r\n\r\nhello"),
    "hello"
)]
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
#[case::brotli("content-encoding: br\r\n", compressed("br", &noise(6 << 20)), 4 << 20)]
#[case::inflated("content-encoding: gzip\r\n", compressed("gzip", &noise(6 << 20)), 4 << 20)]
#[tokio::test]
async fn bodies_are_capped(#[case] headers: &str, #[case] body: Vec<u8>, #[case] kept: usize) {
    let server = Server::plain(Script::page("200 OK", headers, body)).await;
    let searched = http(server.url("http", "/"), |http| {
        http.keyword_absent = Some("error".to_owned());
    });
    let seen = look(&searched).await;
    assert_eq!(seen.failure, None);
    let http = seen.http.expect("an answer");
    assert!(!http.body_complete);
    assert_eq!(http.body.len(), kept);
    assert_eq!(http.body_bytes, kept as u64);
}

/// A page that nobody looks for a text in is read to its end, and its beginning is kept.
#[tokio::test]
async fn what_nobody_asks_for_is_not_kept() {
    let page = compressed("gzip", &noise(3 << 20));
    let script = Script::page("200 OK", "content-encoding: gzip\r\n", page);
    let server = Server::plain(script).await;
    let seen = look(&plain(server.url("http", "/"))).await;
    assert_eq!(seen.failure, None);
    let http = seen.http.expect("an answer");
    assert!(http.body_complete);
    assert_eq!((http.body.len(), http.body_bytes), (128 << 10, 3 << 20));
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

/// The server answers once it has seen the login.
#[rstest]
#[case(r#"{"basic": {"username": "u", "password": "p:w"}}"#, "Basic dTpwOnc=")]
#[case(r#"{"bearer": "a.b.c"}"#, "Bearer a.b.c")]
#[tokio::test]
async fn logins(#[case] auth: &str, #[case] value: &str) {
    let script = Script::default()
        .until(format!("authorization: {value}\r\n"))
        .send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    let server = Server::plain(script).await;
    let target = http(server.url("http", "/"), |http| {
        http.auth = Some(serde_json::from_str(auth).unwrap());
    });
    assert_eq!(look(&target).await.failure, None);
}
