//! Certificates and handshakes.

use domain::check::{FailureClass as C, Phase};
use rstest::rstest;
use serde_json::json;
use testkit::{Act, Ca, Flaw, Script, Server};

use crate::{failure, http, look, look_by, look_within, plain, prober, timeout_for};

#[rstest]
#[case(Flaw::Expired, C::TlsExpired)]
#[case(Flaw::NotYetValid, C::TlsNotYetValid)]
#[case(Flaw::SelfSigned, C::TlsSelfSigned)]
#[case(Flaw::UnknownAuthority, C::TlsUntrusted)]
#[case(Flaw::MissingIntermediate, C::TlsIncompleteChain)]
#[case(Flaw::UnnamedIntermediate, C::TlsIncompleteChain)]
#[case(Flaw::OwnRoot, C::TlsUntrusted)]
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

    let port = crate::of(json!({"kind": "tls", "host": "localhost", "port": server.port()}));
    assert_eq!(
        failure(&look_by(&prober, &port).await),
        Some((class, Phase::Tls))
    );
}

/// What people read names what is wrong, and the values.
#[rstest]
#[case(Flaw::Expired, "the certificate expired on 01 Jan 2021")]
#[case(
    Flaw::ExpiredIntermediate,
    "Testkit intermediate expired on 01 Jan 2021"
)]
#[case(Flaw::NotYetValid, "the certificate is valid only from 01 Jan 2089")]
#[case(
    Flaw::FutureIntermediate,
    "Testkit intermediate is valid only from 01 Jan 2089"
)]
#[case(
    Flaw::OtherName,
    "the certificate is for other.example, we asked for localhost"
)]
#[case(Flaw::Authority, "the certificate is that of an authority")]
#[case(Flaw::ForClients, "the certificate was not issued for servers")]
#[case(Flaw::MissingIntermediate, "is missing from the 1 sent")]
#[tokio::test]
async fn a_certificate_is_told_of_in_words(#[case] flaw: Flaw, #[case] words: &str) {
    let ca = Ca::default();
    let server = Server::tls(ca.server(flaw), Script::page("200 OK", "", "hello")).await;
    let url = format!("https://localhost:{}/", server.port());
    let seen = look_by(&prober(Some(&ca)), &plain(url)).await;
    let message = seen.failure.expect("a failure").message;
    assert!(message.contains(words), "{message}");
}

/// A ServerHello of TLS 1.2 with this cipher.
fn hello_1_2(cipher: [u8; 2]) -> Vec<u8> {
    let mut hello = HELLO_1_0.to_vec();
    (hello[2], hello[10]) = (3, 3);
    hello[44..46].copy_from_slice(&cipher);
    hello
}

/// Outdated ciphers are named where the server chose one of them though it was offered better.
#[rstest]
#[case::outdated([0x00, 0x2F], true)]
#[case::modern([0xC0, 0x2F], false)]
#[tokio::test]
async fn outdated_ciphers(#[case] cipher: [u8; 2], #[case] outdated: bool) {
    let server = Server::each(move |n| {
        let answer = match n {
            0 => ALERT_HANDSHAKE.to_vec(),
            _ => hello_1_2(cipher),
        };
        Script::default().then(Act::Read(5)).send(answer).hang()
    })
    .await;
    let seen = look(&plain(server.url("https", "/"))).await;
    assert_eq!(failure(&seen), Some((C::TlsHandshakeFailed, Phase::Tls)));
    let message = seen.failure.expect("a failure").message;
    assert!(message.contains("handshake_failure (40)"), "{message}");
    assert_eq!(message.contains("outdated"), outdated, "{message}");
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
        false => crate::of(json!({"kind": "tls", "host": "localhost", "port": server.port()})),
    };
    let seen = look_by(&prober(Some(&ca)), &target).await;
    assert_eq!(
        failure(&seen),
        Some((C::TlsClientCertRequired, Phase::Tls)),
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
    let port = crate::of(json!({"kind": "tls", "host": "localhost", "port": here.port()}));
    let own = look_by(&prober, &port).await.tls.expect("facts");
    let seen = look_by(
        &prober,
        &plain(format!("https://localhost:{}/", here.port())),
    )
    .await;
    assert_eq!((seen.failure, seen.redirects.len()), (None, 1));
    assert_eq!(seen.tls.expect("facts").chain, own.chain);
}

/// What is remembered of a chain is good for the name that it was shown for, and for that chain.
#[tokio::test]
async fn a_remembered_chain_vouches_for_nothing_else() {
    let ca = Ca::default();
    let prober = prober(Some(&ca));
    let (config, presented) = ca.replaceable(Flaw::None);
    let server = Server::tls(config, Script::page("200 OK", "", "hello")).await;
    let look = async |host: &str| {
        let url = format!("https://{host}:{}/", server.port());
        let seen = look_by(&prober, &plain(url)).await;
        let class = seen.failure.as_ref().map(|failure| failure.class);
        (class, seen.tls.expect("facts"))
    };
    let (class, first) = look("localhost").await;
    assert_eq!(class, None);
    assert_eq!(look("localhost").await, (None, first), "the same again");
    assert_eq!(look("shop.localhost").await.0, Some(C::TlsHostnameMismatch));
    for (flaw, class) in [
        (Flaw::Expired, Some(C::TlsExpired)),
        (Flaw::None, None),
        (Flaw::Revoked, Some(C::TlsRevoked)),
        (Flaw::WeakKey, Some(C::TlsWeakKey)),
    ] {
        presented.set(&ca, flaw);
        assert_eq!(look("localhost").await.0, class, "{flaw:?}");
        assert_eq!(look("localhost").await.0, class, "{flaw:?} again");
    }
}
