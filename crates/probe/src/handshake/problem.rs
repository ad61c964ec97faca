//! What is wrong with a presented chain, told apart as people need it.
//!
//! A verifier says "unknown issuer" for a self-signed certificate, a private authority and a
//! missing intermediate alike; the chain itself tells which.

use std::collections::HashSet;

use domain::check::FailureClass;
use rustls::{CertificateError, Error};
use x509_parser::certificate::{Validity, X509Certificate};
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;
use x509_parser::x509::X509Name;

use super::facts::{common_name, has_weak_key, ip, parse};
use super::recorder::Presented;
use super::{staple, words};

/// The class of the problem and one sentence; `None` when the chain is good for the name.
pub(crate) fn problem(
    presented: &Presented,
    host: &str,
    trusted: &Trusted,
) -> Option<(FailureClass, String)> {
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
    Some(by_verdict(error, presented, &leaf, (host, trusted)))
}

fn is_self_issued(certificate: &X509Certificate<'_>) -> bool {
    certificate.subject() == certificate.issuer()
}

/// The leaf's own dates come first: they are what its owner can mend.
fn dates(presented: &Presented, leaf: &X509Certificate<'_>) -> Option<(FailureClass, String)> {
    let now = i64::try_from(presented.at?.as_secs()).ok()?;
    let validity = leaf.validity();
    if now > validity.not_after.timestamp() {
        let message = format!("the certificate expired on {}", day(validity.not_after));
        return Some((FailureClass::TlsExpired, message));
    }
    if now < validity.not_before.timestamp() {
        let message = format!(
            "the certificate is valid only from {}",
            day(validity.not_before)
        );
        return Some((FailureClass::TlsNotYetValid, message));
    }
    None
}

fn by_verdict(
    error: &Error,
    presented: &Presented,
    leaf: &X509Certificate<'_>,
    (host, trusted): (&str, &Trusted),
) -> (FailureClass, String) {
    use CertificateError as C;
    let Error::InvalidCertificate(error) = error else {
        return (
            FailureClass::TlsUntrusted,
            words::handshake(error).to_owned(),
        );
    };
    match error {
        C::Expired | C::ExpiredContext { .. } => (
            FailureClass::TlsExpired,
            out_of_date(presented, leaf, |at, validity| {
                (at > validity.not_after.timestamp())
                    .then(|| format!("expired on {}", day(validity.not_after)))
            }),
        ),
        C::NotValidYet | C::NotValidYetContext { .. } => (
            FailureClass::TlsNotYetValid,
            out_of_date(presented, leaf, |at, validity| {
                (at < validity.not_before.timestamp())
                    .then(|| format!("is valid only from {}", day(validity.not_before)))
            }),
        ),
        C::Revoked => (
            FailureClass::TlsRevoked,
            "the certificate was revoked".to_owned(),
        ),
        C::NotValidForName | C::NotValidForNameContext { .. } => {
            (FailureClass::TlsHostnameMismatch, mismatch(leaf, host))
        }
        C::UnknownIssuer => unknown_issuer(presented, leaf, trusted),
        C::UnsupportedSignatureAlgorithmContext { .. }
        | C::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => (
            FailureClass::TlsWeakKey,
            "the certificate is signed with an outdated algorithm".to_owned(),
        ),
        C::BadSignature if presented.chain.iter().any(has_weak_key) => (
            FailureClass::TlsWeakKey,
            "a key in the chain is smaller than any browser accepts".to_owned(),
        ),
        other => (
            FailureClass::TlsUntrusted,
            words::certificate(other).to_owned(),
        ),
    }
}

/// `01 Jan 2021`, of a time in a certificate.
fn day(time: ASN1Time) -> String {
    jiff::Timestamp::from_second(time.timestamp()).map_or_else(
        |_| time.to_string(),
        |time| time.strftime("%d %b %Y").to_string(),
    )
}

/// The certificate on the way from the leaf upwards whose time `wrong` finds wrong.
fn out_of_date(
    presented: &Presented,
    leaf: &X509Certificate<'_>,
    wrong: impl Fn(i64, &Validity) -> Option<String>,
) -> String {
    let at = presented.at.and_then(|at| i64::try_from(at.as_secs()).ok());
    let sent: Vec<X509Certificate<'_>> = presented.chain.iter().filter_map(parse).collect();
    let mut end = leaf;
    for _ in 0..sent.len() {
        let Some(issuer) = sent.iter().find(|sent| sent.subject() == end.issuer()) else {
            break;
        };
        if let Some(what) = at.and_then(|at| wrong(at, issuer.validity())) {
            let name = issuer.subject();
            let name = common_name(name).unwrap_or_else(|| name.to_string());
            return format!("the intermediate certificate {name} {what}");
        }
        end = issuer;
    }
    "an intermediate certificate of the chain is outside of its time".to_owned()
}

/// A name as people write it.
fn shown_name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) | GeneralName::RFC822Name(name) | GeneralName::URI(name) => {
            Some((*name).to_owned())
        }
        GeneralName::IPAddress(bytes) => ip(bytes).map(|ip| ip.to_string()),
        _ => None,
    }
}

fn mismatch(leaf: &X509Certificate<'_>, host: &str) -> String {
    let names: Vec<String> = match leaf.subject_alternative_name() {
        Ok(Some(names)) => names
            .value
            .general_names
            .iter()
            .filter_map(shown_name)
            .take(5)
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

/// Follows the chain from the leaf to the last certificate that was sent of it. Where that one signed
/// itself, it is a root that nobody knows. Else its issuer was left out, and the question is whether
/// that is an intermediate under a root that is known, or a root of somebody's own: see [`is_public`].
fn unknown_issuer(
    presented: &Presented,
    leaf: &X509Certificate<'_>,
    trusted: &Trusted,
) -> (FailureClass, String) {
    let sent: Vec<X509Certificate<'_>> = presented.chain.iter().filter_map(parse).collect();
    let mut end = leaf;
    // A chain may be sent in a circle.
    for _ in 0..sent.len() {
        match sent.iter().find(|sent| sent.subject() == end.issuer()) {
            Some(issuer) if !is_self_issued(end) => end = issuer,
            _ => break,
        }
    }
    if !is_self_issued(end)
        && let Some(tell) = is_public(end, trusted)
    {
        let message = format!(
            "the intermediate certificate {} is missing from the {} sent ({tell})",
            end.issuer(),
            sent.len()
        );
        return (FailureClass::TlsIncompleteChain, message);
    }
    (
        FailureClass::TlsUntrusted,
        format!("nobody we trust vouches for {}", end.issuer()),
    )
}

/// What tells that the issuer of a certificate is an intermediate of an authority, surest first:
///
/// - it names where its issuer can be fetched, which a root needs not;
/// - it was logged for certificate transparency (RFC 6962), or follows the rules of the CA/Browser
///   Forum, as only public authorities' certificates are and do;
/// - its issuer has the organisation of a root that we trust;
/// - its authority key identifier names an issuer of the issuer other than the issuer (RFC 5280,
///   4.2.1.1), so that the issuer is no root;
/// - its issuer calls itself an intermediate.
fn is_public(certificate: &X509Certificate<'_>, trusted: &Trusted) -> Option<&'static str> {
    let has = |oid: &str| {
        certificate
            .extensions()
            .iter()
            .any(|extension| extension.oid.to_id_string() == oid)
    };
    if has_issuer_url(certificate) {
        return Some("it names where its issuer is published");
    }
    if has(TRANSPARENCY) || follows_public_rules(certificate) {
        return Some("it is a public authority's");
    }
    if trusted.has_organization_of(certificate.issuer()) {
        return Some("its issuer belongs to an authority that we trust");
    }
    if names_another_root(certificate) {
        return Some("its issuer was issued by another");
    }
    let issuer = certificate.issuer().to_string().to_lowercase();
    INTERMEDIATES
        .iter()
        .any(|word| issuer.contains(word))
        .then_some("its issuer is called an intermediate")
}

/// Embedded signed certificate timestamps (RFC 6962, 3.3).
const TRANSPARENCY: &str = "1.3.6.1.4.1.11129.2.4.2";
/// The arc of the CA/Browser Forum's policies.
const PUBLIC_RULES: &str = "2.23.140.1.";
/// How authorities call what is no root.
const INTERMEDIATES: [&str; 4] = ["intermediate", "issuing", "sub ca", "subca"];

fn follows_public_rules(certificate: &X509Certificate<'_>) -> bool {
    certificate
        .extensions()
        .iter()
        .any(|extension| match extension.parsed_extension() {
            ParsedExtension::CertificatePolicies(policies) => policies
                .iter()
                .any(|policy| policy.policy_id.to_id_string().starts_with(PUBLIC_RULES)),
            _ => false,
        })
}

fn names_another_root(certificate: &X509Certificate<'_>) -> bool {
    certificate
        .extensions()
        .iter()
        .any(|extension| match extension.parsed_extension() {
            ParsedExtension::AuthorityKeyIdentifier(key) => key
                .authority_cert_issuer
                .iter()
                .flatten()
                .any(|name| match name {
                    GeneralName::DirectoryName(name) => name != certificate.issuer(),
                    _ => false,
                }),
            _ => false,
        })
}

/// What is known of the roots that we trust.
#[derive(Debug, Default)]
pub(crate) struct Trusted {
    organizations: HashSet<String>,
}

impl Trusted {
    pub(crate) fn of(roots: &rustls::RootCertStore) -> Self {
        let organizations = roots.roots.iter().filter_map(|anchor| {
            // The anchor has the name without its outer tag.
            let content = anchor.subject.as_ref();
            let length = u16::try_from(content.len()).ok()?.to_be_bytes();
            let der = [&[0x30, 0x82][..], &length, content].concat();
            let (_, name) = X509Name::from_der(&der).ok()?;
            organization(&name)
        });
        Self {
            organizations: organizations.collect(),
        }
    }

    fn has_organization_of(&self, name: &X509Name<'_>) -> bool {
        organization(name).is_some_and(|name| self.organizations.contains(&name))
    }
}

fn organization(name: &X509Name<'_>) -> Option<String> {
    let part = name.iter_organization().next()?;
    part.as_str().ok().map(str::to_lowercase)
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
