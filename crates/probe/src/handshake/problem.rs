//! What is wrong with a presented chain, told apart as people need it.
//!
//! A verifier says "unknown issuer" for a self-signed certificate, a private authority and a
//! missing intermediate alike; the chain itself tells which.

use domain::check::FailureClass;
use rustls::{CertificateError, Error};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;

use super::facts::{has_weak_key, parse};
use super::recorder::Presented;
use super::staple;

/// The class of the problem and one sentence; `None` when the chain is good for the name.
pub(crate) fn problem(presented: &Presented, host: &str) -> Option<(FailureClass, String)> {
    let leaf_der = presented.chain.first()?;
    if staple::says_revoked(&presented.ocsp) {
        return Some((
            FailureClass::TlsRevoked,
            "the stapled OCSP answer says revoked".to_owned(),
        ));
    }
    let error = presented.verdict.as_ref()?;
    let Some(leaf) = parse(leaf_der) else {
        return Some((
            FailureClass::TlsUntrusted,
            "the certificate cannot be read".to_owned(),
        ));
    };
    if has_weak_key(leaf_der) {
        let message = "the certificate's key is smaller than any browser accepts".to_owned();
        return Some((FailureClass::TlsWeakKey, message));
    }
    if is_self_issued(&leaf) {
        let message = format!("{} signed its own certificate", leaf.subject());
        return Some((FailureClass::TlsSelfSigned, message));
    }
    if let Some(found) = dates(presented, &leaf) {
        return Some(found);
    }
    Some(by_verdict(error, presented, &leaf, host))
}

fn is_self_issued(certificate: &X509Certificate<'_>) -> bool {
    certificate.subject() == certificate.issuer()
}

/// The leaf's own dates come first: they are what its owner can mend.
fn dates(presented: &Presented, leaf: &X509Certificate<'_>) -> Option<(FailureClass, String)> {
    let now = i64::try_from(presented.at?.as_secs()).ok()?;
    let validity = leaf.validity();
    if now > validity.not_after.timestamp() {
        let message = format!("the certificate expired on {}", validity.not_after);
        return Some((FailureClass::TlsExpired, message));
    }
    if now < validity.not_before.timestamp() {
        let message = format!("the certificate is valid only from {}", validity.not_before);
        return Some((FailureClass::TlsNotYetValid, message));
    }
    None
}

fn by_verdict(
    error: &Error,
    presented: &Presented,
    leaf: &X509Certificate<'_>,
    host: &str,
) -> (FailureClass, String) {
    use CertificateError as C;
    let Error::InvalidCertificate(error) = error else {
        return (FailureClass::TlsUntrusted, error.to_string());
    };
    match error {
        C::Expired | C::ExpiredContext { .. } => (
            FailureClass::TlsExpired,
            "an intermediate certificate of the chain has expired".to_owned(),
        ),
        C::NotValidYet | C::NotValidYetContext { .. } => (
            FailureClass::TlsNotYetValid,
            "an intermediate certificate is not valid yet".to_owned(),
        ),
        C::Revoked => (
            FailureClass::TlsRevoked,
            "the certificate was revoked".to_owned(),
        ),
        C::NotValidForName | C::NotValidForNameContext { .. } => {
            (FailureClass::TlsHostnameMismatch, mismatch(leaf, host))
        }
        C::UnknownIssuer => unknown_issuer(presented, leaf),
        C::UnsupportedSignatureAlgorithmContext { .. }
        | C::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => (
            FailureClass::TlsWeakKey,
            "the certificate is signed with an outdated algorithm".to_owned(),
        ),
        C::BadSignature if presented.chain.iter().any(has_weak_key) => (
            FailureClass::TlsWeakKey,
            "a key in the chain is smaller than any browser accepts".to_owned(),
        ),
        other => (FailureClass::TlsUntrusted, other.to_string()),
    }
}

fn mismatch(leaf: &X509Certificate<'_>, host: &str) -> String {
    let names: Vec<String> = match leaf.subject_alternative_name() {
        Ok(Some(names)) => names
            .value
            .general_names
            .iter()
            .take(5)
            .map(ToString::to_string)
            .collect(),
        _ => Vec::new(),
    };
    if names.is_empty() {
        return format!("the certificate names no host at all, we asked for {host}");
    }
    format!(
        "the certificate is for {}, we asked for {host}",
        names.join(", ")
    )
}

/// Follows the chain from the leaf as far as it leads. A leaf whose issuer was not sent, but is
/// named as a download by a public authority, lacks its intermediate; an end in a root that nobody
/// knows, or in nothing, is an authority that is not trusted.
fn unknown_issuer(presented: &Presented, leaf: &X509Certificate<'_>) -> (FailureClass, String) {
    let sent: Vec<X509Certificate<'_>> = presented.chain.iter().skip(1).filter_map(parse).collect();
    let has_issuer = sent
        .iter()
        .any(|candidate| candidate.subject() == leaf.issuer());
    if !has_issuer && has_issuer_url(leaf) {
        let message = format!("the intermediate certificate {} is missing", leaf.issuer());
        return (FailureClass::TlsIncompleteChain, message);
    }
    (
        FailureClass::TlsUntrusted,
        format!("nobody we trust vouches for {}", leaf.issuer()),
    )
}

/// Authority information access (RFC 5280, 4.2.2.1) with a "CA issuers" entry.
fn has_issuer_url(leaf: &X509Certificate<'_>) -> bool {
    leaf.extensions()
        .iter()
        .any(|extension| match extension.parsed_extension() {
            ParsedExtension::AuthorityInfoAccess(access) => access
                .accessdescs
                .iter()
                .any(|entry| entry.access_method.to_id_string() == "1.3.6.1.5.5.7.48.2"),
            _ => false,
        })
}
