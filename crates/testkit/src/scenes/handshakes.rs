//! Certificates and handshakes.

use domain::check::verdict::VerdictKind::Unknown;
use domain::check::{FailureClass as C, Phase};

use super::{HTTPS, Scene, Stage};
use crate::{Act, Flaw, Script};

/// A ServerHello of TLS 1.0, as far as anyone reads it.
const HELLO_1_0: &[u8] =
    b"\x16\x03\x01\x00\x2a\x02\x00\x00\x26\x03\x01aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\x00\x00\x2f\x00";
/// Alerts: protocol_version, handshake_failure, insufficient_security, internal_error.
const VERSION: &[u8] = b"\x15\x03\x01\x00\x02\x02\x46";
const HANDSHAKE: &[u8] = b"\x15\x03\x03\x00\x02\x02\x28";
const INSUFFICIENT: &[u8] = b"\x15\x03\x03\x00\x02\x02\x47";
const INTERNAL: &[u8] = b"\x15\x03\x03\x00\x02\x02\x50";

fn certificate(name: &'static str, flaw: Flaw, class: C) -> Scene {
    let page = Script::page("200 OK", "", "hello");
    Scene::new(name, HTTPS, Stage::Secure(flaw, &[], page)).is(class, Phase::Tls)
}

fn hello(name: &'static str, script: Script, class: C) -> Scene {
    Scene::new(name, HTTPS, Stage::Plain(script)).is(class, Phase::Tls)
}

fn answers(bytes: &[u8]) -> Script {
    Script::default().then(Act::Read(5)).send(bytes).hang()
}

#[expect(
    clippy::too_many_lines,
    reason = "a table with an entry for each scene"
)]
pub(super) fn scenes() -> Vec<Scene> {
    let page = || Script::page("200 OK", "", "hello");
    vec![
        certificate("certificate is over", Flaw::Expired, C::TlsExpired),
        certificate(
            "intermediate is over",
            Flaw::ExpiredIntermediate,
            C::TlsExpired,
        ),
        certificate(
            "certificate of the future",
            Flaw::NotYetValid,
            C::TlsNotYetValid,
        ),
        certificate(
            "intermediate of the future",
            Flaw::FutureIntermediate,
            C::TlsNotYetValid,
        ),
        certificate(
            "certificate signed by itself",
            Flaw::SelfSigned,
            C::TlsSelfSigned,
        ),
        certificate(
            "certificate of an authority",
            Flaw::Authority,
            C::TlsUntrusted,
        ),
        certificate("certificate for clients", Flaw::ForClients, C::TlsUntrusted),
        Scene::new(
            "old certificate sent along",
            HTTPS,
            Stage::Secure(Flaw::ExpiredExtra, &[], page()),
        ),
        certificate(
            "authority that nobody knows",
            Flaw::UnknownAuthority,
            C::TlsUntrusted,
        ),
        certificate("root of somebody's own", Flaw::OwnRoot, C::TlsUntrusted),
        certificate(
            "intermediate is not sent",
            Flaw::MissingIntermediate,
            C::TlsIncompleteChain,
        ),
        certificate(
            "intermediate is not sent nor told of",
            Flaw::UnnamedIntermediate,
            C::TlsIncompleteChain,
        ),
        certificate(
            "certificate of another name",
            Flaw::OtherName,
            C::TlsHostnameMismatch,
        ),
        certificate("RSA key of 1024 bits", Flaw::WeakKey, C::TlsWeakKey),
        certificate("stapled answer says revoked", Flaw::Revoked, C::TlsRevoked),
        hello("only TLS 1.0", answers(HELLO_1_0), C::TlsProtocolVersion).never_up(),
        Scene::new(
            "only TLS 1.0, after a refusal",
            HTTPS,
            Stage::Each(|n| answers(if n == 0 { VERSION } else { HELLO_1_0 })),
        )
        .is(C::TlsProtocolVersion, Phase::Tls)
        .never_up(),
        hello(
            "alert protocol_version",
            answers(VERSION),
            C::TlsProtocolVersion,
        ),
        hello(
            "alert protocol_version, never up",
            answers(VERSION),
            C::TlsProtocolVersion,
        )
        .never_up()
        .means(Unknown),
        hello(
            "alert insufficient_security",
            answers(INSUFFICIENT),
            C::TlsHandshakeFailed,
        ),
        hello(
            "alert handshake_failure",
            answers(HANDSHAKE),
            C::TlsHandshakeFailed,
        ),
        hello(
            "alert handshake_failure, never up",
            answers(HANDSHAKE),
            C::TlsHandshakeFailed,
        )
        .never_up()
        .means(Unknown),
        hello(
            "alert internal_error",
            answers(INTERNAL),
            C::TlsHandshakeFailed,
        ),
        hello(
            "closes inside the handshake",
            Script::default().then(Act::Read(5)),
            C::TlsHandshakeFailed,
        ),
        hello(
            "resets inside the handshake",
            Script::default().then(Act::Read(5)).reset(),
            C::ConnectionReset,
        ),
        hello(
            "hangs inside the handshake",
            Script::default().hang(),
            C::TlsTimeout,
        )
        .waits(),
        hello(
            "answers the hello in plain http",
            Script::default()
                .then(Act::Read(1))
                .send("HTTP/1.1 400 Bad Request\r\n\r\n"),
            C::TlsNotTls,
        ),
        Scene::new(
            "wants a client certificate, TLS 1.2",
            HTTPS,
            Stage::Tls(
                |ca| ca.server_wanting_certificate(&rustls::version::TLS12),
                page(),
            ),
        )
        .is(C::TlsClientCertRequired, Phase::Tls),
        Scene::new(
            "wants a client certificate, TLS 1.3",
            HTTPS,
            Stage::Tls(
                |ca| ca.server_wanting_certificate(&rustls::version::TLS13),
                page(),
            ),
        )
        .is(C::TlsClientCertRequired, Phase::Tls),
        Scene::new(
            "wants a client certificate, never up",
            HTTPS,
            Stage::Tls(
                |ca| ca.server_wanting_certificate(&rustls::version::TLS13),
                page(),
            ),
        )
        .is(C::TlsClientCertRequired, Phase::Tls)
        .never_up()
        .means(Unknown),
    ]
}
