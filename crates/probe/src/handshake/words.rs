//! What the TLS library reports, as people read it.

use rustls::{AlertDescription, CertificateError, Error, PeerIncompatible};

/// An alert by its name and number in RFC 8446, 6: `handshake_failure (40)`.
pub(super) fn alert(alert: AlertDescription) -> String {
    let number = u8::from(alert);
    if matches!(alert, AlertDescription::Unknown(_)) {
        return number.to_string();
    }
    let mut name = String::new();
    for character in format!("{alert:?}").chars() {
        if character.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(character.to_ascii_lowercase());
    }
    // The name in the standard has no second underscore.
    let name = name.replace("c_a", "ca").replace("p_s_k", "psk");
    format!("{name} ({number})")
}

/// Why a handshake ended.
pub(super) fn handshake(error: &Error) -> &'static str {
    match error {
        Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            "the server sends a TLS message that does not belong there"
        }
        Error::InvalidMessage(_) => "the server sends a TLS message that cannot be read",
        Error::DecryptError => "what the server encrypted cannot be decrypted",
        Error::PeerIncompatible(reason) => incompatible(reason),
        Error::PeerMisbehaved(_) => "the server breaks the rules of TLS in the handshake",
        Error::PeerSentOversizedRecord => "the server sends a TLS record that is too large",
        Error::NoApplicationProtocol => "the server speaks none of the protocols that we offer",
        Error::NoCertificatesPresented => "the server presents no certificate",
        Error::InvalidCertificate(error) => certificate(error),
        _ => "the TLS handshake cannot be brought to its end",
    }
}

fn incompatible(reason: &PeerIncompatible) -> &'static str {
    use PeerIncompatible as P;
    match reason {
        P::NoCipherSuitesInCommon => "the server and we have no cipher in common",
        P::NoKxGroupsInCommon => "the server and we have no key exchange in common",
        P::NoSignatureSchemesInCommon => "the server and we have no signature algorithm in common",
        _ => "the server and we cannot agree on how to encrypt",
    }
}

/// What is wrong with a certificate, where that has no class of its own.
pub(super) fn certificate(error: &CertificateError) -> &'static str {
    use CertificateError as C;
    match error {
        C::BadEncoding => "a certificate of the chain cannot be read",
        C::BadSignature => "a signature in the certificate chain does not fit",
        C::UnhandledCriticalExtension => {
            "the certificate has a critical extension that clients do not know"
        }
        C::InvalidPurpose | C::InvalidPurposeContext { .. } => {
            "the certificate was not issued for servers"
        }
        C::Other(inner) => other(&inner.0.to_string()),
        _ => "the certificate breaks the rules for certificates",
    }
}

/// Errors that the library passes on by name.
fn other(name: &str) -> &'static str {
    const KNOWN: [(&str, &str); 5] = [
        (
            "CaUsedAsEndEntity",
            "the certificate is that of an authority, which servers must not use",
        ),
        (
            "EndEntityUsedAsCa",
            "a certificate of the chain is no authority's and issued another all the same",
        ),
        (
            "NameConstraintViolation",
            "an authority of the chain may not issue certificates for this name",
        ),
        (
            "PathLenConstraintViolated",
            "the chain has more authorities than its own rules allow",
        ),
        (
            "UnsupportedCertVersion",
            "the certificate is not of X.509 version 3",
        ),
    ];
    let known = KNOWN.iter().find(|(part, _)| name.contains(part));
    known.map_or(
        "the certificate breaks the rules for certificates",
        |(_, text)| text,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(40, "handshake_failure (40)")]
    #[case(48, "unknown_ca (48)")]
    #[case(70, "protocol_version (70)")]
    #[case(71, "insufficient_security (71)")]
    #[case(115, "unknown_psk_identity (115)")]
    #[case(200, "200")]
    fn alerts(#[case] number: u8, #[case] name: &str) {
        assert_eq!(alert(AlertDescription::from(number)), name);
    }
}
