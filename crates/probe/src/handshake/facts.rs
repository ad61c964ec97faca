//! From DER to what people read about a certificate.

use std::net::IpAddr;

use domain::tls::CertificateFacts;
use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::X509Name;

/// The smallest RSA key that anyone still trusts (CA/Browser Forum, since 2014).
const LEAST_RSA_BITS: usize = 2048;

/// The certificate behind `der`, if it can be read.
pub(crate) fn parse<'d>(der: &'d CertificateDer<'_>) -> Option<X509Certificate<'d>> {
    X509Certificate::from_der(der.as_ref())
        .ok()
        .map(|(_, certificate)| certificate)
}

/// What people read about it; `None` when it cannot be read.
pub(crate) fn facts(der: &CertificateDer<'_>) -> Option<CertificateFacts> {
    let certificate = parse(der)?;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der.as_ref());
    Some(CertificateFacts {
        subject: common_name(certificate.subject())
            .unwrap_or_else(|| certificate.subject().to_string()),
        issuer: issuer(certificate.issuer()),
        not_before: time(certificate.validity().not_before.timestamp()),
        not_after: time(certificate.validity().not_after.timestamp()),
        serial: certificate.raw_serial_as_string(),
        fingerprint: hex::encode(digest.as_ref()),
        names: names(&certificate),
        key: key(&certificate),
    })
}

fn time(seconds: i64) -> Timestamp {
    let outermost = if seconds < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    Timestamp::from_second(seconds).unwrap_or(outermost)
}

pub(super) fn common_name(name: &X509Name<'_>) -> Option<String> {
    name.iter_common_name()
        .next()?
        .as_str()
        .ok()
        .map(str::to_owned)
}

/// Organisation and common name, each once.
fn issuer(name: &X509Name<'_>) -> String {
    let organization = name
        .iter_organization()
        .next()
        .and_then(|part| part.as_str().ok());
    match (organization, common_name(name)) {
        (Some(organization), Some(common)) if common.starts_with(organization) => common,
        (Some(organization), Some(common)) => format!("{organization} {common}"),
        (Some(organization), None) => organization.to_owned(),
        (None, Some(common)) => common,
        (None, None) => name.to_string(),
    }
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    extension
        .value
        .general_names
        .iter()
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            GeneralName::IPAddress(bytes) => ip(bytes).map(|ip| ip.to_string()),
            _ => None,
        })
        .collect()
}

pub(super) fn ip(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
        _ => None,
    }
}

fn key(certificate: &X509Certificate<'_>) -> String {
    match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(rsa)) => format!("RSA {}", rsa_bits(rsa.modulus)),
        Ok(PublicKey::EC(point)) => format!("EC {}", point.key_size()),
        Ok(PublicKey::DSA(_)) => "DSA".to_owned(),
        _ if certificate.public_key().algorithm.algorithm.to_id_string() == "1.3.101.112" => {
            "Ed25519".to_owned()
        }
        _ => "unknown".to_owned(),
    }
}

fn rsa_bits(modulus: &[u8]) -> usize {
    let significant = modulus.iter().skip_while(|byte| **byte == 0).count();
    let top = modulus
        .iter()
        .find(|byte| **byte != 0)
        .map_or(0, |byte| byte.leading_zeros());
    (significant * 8).saturating_sub(top as usize)
}

/// A key or signature that no browser accepts any more.
pub(crate) fn has_weak_key(der: &CertificateDer<'_>) -> bool {
    let Some(certificate) = parse(der) else {
        return false;
    };
    match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(rsa)) => rsa_bits(rsa.modulus) < LEAST_RSA_BITS,
        Ok(PublicKey::EC(point)) => point.key_size() < 224,
        Ok(PublicKey::DSA(_)) => true,
        _ => false,
    }
}
