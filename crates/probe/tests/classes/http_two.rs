//! Exchanges over HTTP/2.

use domain::check::{FailureClass as C, Phase};
use rstest::rstest;
use testkit::{Act, Ca, Flaw, Script, Server, http2};

use crate::{failure, look_by, look_within, plain, prober, timeout_for};

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
#[case::head_too_large(h2([http2::big_headers(1, 90_000)]).hang(), C::HeaderTooLarge, Phase::FirstByte)]
#[case::head_far_too_large(h2([http2::big_headers(1, 400_000)]).hang(), C::HeaderTooLarge, Phase::FirstByte)]
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

/// A server that does this over HTTP/1.1 alone says so on the stream or for the whole connection; the
/// look goes there once, and no more than once.
#[rstest]
#[case::on_the_stream(h2([http2::rst_stream(1, 0xD)]).hang(), true)]
#[case::for_all(h2([http2::goaway(0xD)]).hang(), true)]
#[case::again(h2([http2::rst_stream(1, 0xD)]).hang(), false)]
#[tokio::test]
async fn http_one_is_required(#[case] refusal: Script, #[case] then_answers: bool) {
    let ca = Ca::default();
    let config = ca.server_with(Flaw::None, &["h2"], |config| config);
    let server = Server::tls_each(config, move |n| match (n, then_answers) {
        (0, _) => refusal.clone(),
        (_, true) => Script::page("200 OK", "", "hello"),
        (_, false) => Script::answer("SSH-2.0-OpenSSH_9.2\r\n").hang(),
    })
    .await;
    let url = format!("https://localhost:{}/", server.port());
    let seen = look_by(&prober(Some(&ca)), &plain(url)).await;
    assert_eq!(server.connections(), 2);
    if then_answers {
        assert_eq!(seen.failure, None, "{seen:?}");
        assert_eq!(seen.http.expect("an answer").version, "HTTP/1.1");
    } else {
        assert_eq!(failure(&seen), Some((C::HttpMalformed, Phase::FirstByte)));
    }
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
