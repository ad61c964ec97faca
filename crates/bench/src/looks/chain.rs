//! Certificates as a public authority hands them out: P-256, signed by P-384, signed by RSA-4096.

use std::net::IpAddr;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_RSA_SHA256, RsaKeySize,
};

/// Files of [`write`].
pub const ROOT: &str = "root.pem";
/// The server's certificate and the one that signed it.
pub const CHAIN: &str = "chain.pem";
/// The server's key.
pub const KEY: &str = "key.pem";

fn authority(name: &str) -> anyhow::Result<CertificateParams> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

/// Makes a chain for `addresses` and puts it into `folder`.
pub fn write(folder: &Path, addresses: &[IpAddr]) -> anyhow::Result<()> {
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_4096)?;
    let root = CertifiedIssuer::self_signed(authority("Bench root")?, key)?;
    let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384)?;
    let middle = CertifiedIssuer::signed_by(authority("Bench E1")?, key, &root)?;
    let names: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names)?;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let leaf = params.signed_by(&key, &middle)?;
    std::fs::write(folder.join(ROOT), root.pem())?;
    std::fs::write(
        folder.join(CHAIN),
        format!("{}{}", leaf.pem(), middle.pem()),
    )?;
    std::fs::write(folder.join(KEY), key.serialize_pem())?;
    Ok(())
}
