//! Why a handshake failed.

use std::io;

use domain::check::{Failure, FailureClass, Phase};
use rustls::{AlertDescription as Alert, Error, PeerIncompatible};

use super::recorder::Presented;
use super::words;
use crate::wire::Passed;

/// Failures that may come from our library's limits: a second hello tells more.
pub(super) const fn may_be_ours(class: FailureClass) -> bool {
    matches!(
        class,
        FailureClass::TlsProtocolVersion | FailureClass::TlsHandshakeFailed
    )
}

/// The class of a failed handshake, from the error, the bytes that came, and what was presented.
pub(super) fn classify(error: &io::Error, passed: &Passed, presented: &Presented) -> Failure {
    let fail = |class, message: String| Failure::new(class, Phase::Tls, message);
    if let Some(said) = not_tls(&passed.head) {
        return fail(FailureClass::TlsNotTls, said);
    }
    if is_reset(passed.error) || is_reset(Some(error.kind())) {
        // Its alert may be lost where we still wrote when it closed.
        if presented.wants_certificate {
            return fail(
                FailureClass::TlsClientCertRequired,
                "the server asks for a client certificate and resets the connection without one"
                    .to_owned(),
            );
        }
        return fail(
            FailureClass::ConnectionReset,
            "reset during the TLS handshake".to_owned(),
        );
    }
    match error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Error>())
    {
        Some(Error::AlertReceived(alert)) => by_alert(*alert, presented),
        Some(Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        )) => fail(
            FailureClass::TlsProtocolVersion,
            "the server speaks no TLS version that we do (1.2 and 1.3)".to_owned(),
        ),
        Some(other) => fail(
            FailureClass::TlsHandshakeFailed,
            format!("{} ({} bytes came)", words::handshake(other), passed.read),
        ),
        None if passed.ended || error.kind() == io::ErrorKind::UnexpectedEof => {
            let message = format!(
                "the server closes during the TLS handshake after {} bytes",
                passed.read
            );
            fail(FailureClass::TlsHandshakeFailed, message)
        }
        None => fail(FailureClass::TlsHandshakeFailed, error.to_string()),
    }
}

/// An alert in words and as a class. Before TLS 1.3 servers refuse a missing client certificate
/// with a general alert, so whether they asked for one decides.
pub(crate) fn by_alert(alert: Alert, presented: &Presented) -> Failure {
    let class = match alert {
        Alert::ProtocolVersion => FailureClass::TlsProtocolVersion,
        Alert::CertificateRequired => FailureClass::TlsClientCertRequired,
        Alert::HandshakeFailure
        | Alert::BadCertificate
        | Alert::CertificateUnknown
        | Alert::AccessDenied
            if presented.wants_certificate =>
        {
            FailureClass::TlsClientCertRequired
        }
        _ => FailureClass::TlsHandshakeFailed,
    };
    Failure::new(
        class,
        Phase::Tls,
        format!(
            "the server ends the handshake with the alert {}",
            words::alert(alert)
        ),
    )
}

pub(crate) fn is_reset(kind: Option<io::ErrorKind>) -> bool {
    use io::ErrorKind as K;
    matches!(
        kind,
        Some(K::ConnectionReset | K::ConnectionAborted | K::BrokenPipe)
    )
}

/// What a port without TLS said instead. Records begin with a type from 20 to 24 and a version 3.x.
fn not_tls(head: &[u8]) -> Option<String> {
    let is_record = match head {
        [] => return None,
        [kind] => (20..=24).contains(kind),
        [kind, major, ..] => (20..=24).contains(kind) && *major == 3,
    };
    if is_record {
        return None;
    }
    let start: String = head
        .iter()
        .take(40)
        .map(|byte| {
            if byte.is_ascii_graphic() || *byte == b' ' {
                char::from(*byte)
            } else {
                '.'
            }
        })
        .collect();
    Some(format!("the server answers the TLS hello with {start:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(b"", false)]
    #[case(b"\x16\x03\x03", false)]
    #[case(b"\x15\x03\x01\x00\x02", false)]
    #[case(b"HTTP/1.1 400 Bad Request", true)]
    #[case(b"SSH-2.0-OpenSSH", true)]
    #[case(b"\x16", false)]
    #[case(b"\x16\x09", true)]
    fn knows_a_record(#[case] head: &[u8], #[case] foreign: bool) {
        assert_eq!(not_tls(head).is_some(), foreign);
    }
}
