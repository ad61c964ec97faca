//! A certificate authority that issues good certificates and every bad one.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CustomExtension, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, PublicKeyData, SignatureAlgorithm,
    date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::{ServerConfig, SignatureScheme};

use crate::flaw::Flaw;

/// Changes the certificate that a running server presents.
#[derive(Debug, Clone)]
pub struct Presented(Arc<Mutex<Arc<CertifiedKey>>>);

impl Presented {
    /// From the next handshake on.
    pub fn set(&self, ca: &Ca, flaw: Flaw) {
        *self.0.lock().expect("nobody panics here") = ca.certified(flaw);
    }
}

impl ResolvesServerCert for Presented {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.lock().ok()?.clone())
    }
}

/// An authority with a root and an intermediate.
pub struct Ca {
    organization: &'static str,
    root: Certificate,
    root_issuer: Issuer<'static, KeyPair>,
}

/// A chain and its key.
struct Issued {
    chain: Vec<CertificateDer<'static>>,
    key: Arc<dyn SigningKey>,
    ocsp: Option<Vec<u8>>,
}

fn named(organization: &str, name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::OrganizationName, organization);
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2090, 1, 1);
    params
}

fn authority(organization: &str, name: &str) -> CertificateParams {
    let mut params = named(organization, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

/// The certificate of a server, with what is wrong with itself.
fn leaf(flaw: Flaw) -> CertificateParams {
    let mut params = named("Testkit", "localhost");
    let names = match flaw {
        Flaw::OtherName => vec!["other.example".to_owned()],
        _ => vec![
            "localhost".to_owned(),
            "shop.example".to_owned(),
            "127.0.0.1".to_owned(),
        ],
    };
    params.subject_alt_names = CertificateParams::new(names)
        .expect("names")
        .subject_alt_names;
    if !matches!(flaw, Flaw::UnnamedIntermediate | Flaw::OwnRoot) {
        params.custom_extensions.push(issuer_url());
    }
    match flaw {
        Flaw::Expired => params.not_after = date_time_ymd(2021, 1, 1),
        Flaw::NotYetValid => params.not_before = date_time_ymd(2089, 1, 1),
        Flaw::Ends(at) => {
            params.not_before = (at - Duration::from_secs(80 * 86_400)).into();
            params.not_after = at.into();
        }
        _ => {}
    }
    match flaw {
        Flaw::Authority => params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained),
        Flaw::ForClients => {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        }
        _ => {}
    }
    if flaw == Flaw::GiantLeaf {
        params.custom_extensions.push(bulk(50_000));
    }
    params
}

impl Default for Ca {
    fn default() -> Self {
        Self::new("Testkit root")
    }
}

impl Ca {
    /// A new authority whose root bears `name`.
    pub fn new(name: &str) -> Self {
        Self::of("Testkit", name)
    }

    fn of(organization: &'static str, name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let params = authority(organization, name);
        let root = params.self_signed(&key).expect("a root");
        Self {
            organization,
            root,
            root_issuer: Issuer::new(params, key),
        }
    }

    /// The root, for those who are to trust it.
    pub fn root_pem(&self) -> String {
        self.root.pem()
    }

    /// A server's configuration for `localhost` and 127.0.0.1 with that flaw.
    pub fn server(&self, flaw: Flaw) -> Arc<ServerConfig> {
        self.server_with(flaw, &[], |config| config)
    }

    /// The same, offering these application protocols and changed by `tune`.
    pub fn server_with(
        &self,
        flaw: Flaw,
        alpn: &[&str],
        tune: impl FnOnce(ServerConfig) -> ServerConfig,
    ) -> Arc<ServerConfig> {
        let mut config = resolving(Arc::new(Always(self.certified(flaw))));
        config.alpn_protocols = alpn
            .iter()
            .map(|protocol| protocol.as_bytes().to_vec())
            .collect();
        Arc::new(tune(config))
    }

    /// A server's configuration whose certificate can be replaced while it runs.
    pub fn replaceable(&self, flaw: Flaw) -> (Arc<ServerConfig>, Presented) {
        let presented = Presented(Arc::new(Mutex::new(self.certified(flaw))));
        (Arc::new(resolving(Arc::new(presented.clone()))), presented)
    }

    fn certified(&self, flaw: Flaw) -> Arc<CertifiedKey> {
        let issued = self.issue(flaw);
        let mut certified = CertifiedKey::new(issued.chain, issued.key);
        certified.ocsp = issued.ocsp;
        Arc::new(certified)
    }

    /// A server that speaks one version alone and wants a client certificate.
    pub fn server_wanting_certificate(
        &self,
        version: &'static rustls::SupportedProtocolVersion,
    ) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let issued = self.issue(Flaw::None);
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.root.der().clone()).expect("a root");
        let wants = rustls::server::WebPkiClientVerifier::builder_with_provider(
            Arc::new(roots),
            provider.clone(),
        )
        .build()
        .expect("a verifier");
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .expect("versions")
            .with_client_cert_verifier(wants)
            .with_cert_resolver(Arc::new(Always(Arc::new(CertifiedKey::new(
                issued.chain,
                issued.key,
            )))));
        Arc::new(config)
    }

    fn issue(&self, flaw: Flaw) -> Issued {
        let params = leaf(flaw);
        let pair = KeyPair::generate().expect("a key");
        if flaw == Flaw::SelfSigned {
            let leaf = params.self_signed(&pair).expect("a certificate");
            return Issued {
                chain: vec![leaf.into()],
                key: signing_key(&pair),
                ocsp: None,
            };
        }
        if flaw == Flaw::OwnRoot {
            let root = authority("Shop Ltd", "Shop Ltd root");
            let issuer = Issuer::new(root, KeyPair::generate().expect("a key"));
            let leaf = params.signed_by(&pair, &issuer).expect("a certificate");
            return Issued {
                chain: vec![leaf.into()],
                key: signing_key(&pair),
                ocsp: None,
            };
        }
        let stranger =
            (flaw == Flaw::UnknownAuthority).then(|| Self::of("Nobody", "Nobody's root"));
        let root = stranger.as_ref().unwrap_or(self);
        let (intermediate, issuer) = root.intermediate(flaw);
        let (leaf, key) = if flaw == Flaw::WeakKey {
            let leaf = params
                .signed_by(&WeakRsa::new(), &issuer)
                .expect("a certificate");
            (leaf, Arc::new(Scribble) as Arc<dyn SigningKey>)
        } else {
            (
                params.signed_by(&pair, &issuer).expect("a certificate"),
                signing_key(&pair),
            )
        };
        let mut chain = vec![leaf.into()];
        if !matches!(flaw, Flaw::MissingIntermediate | Flaw::UnnamedIntermediate) {
            chain.push(intermediate.into());
        }
        if flaw == Flaw::ExpiredExtra {
            let other = Self::new("Testkit old root");
            chain.push(other.intermediate(Flaw::ExpiredIntermediate).0.into());
        }
        if flaw == Flaw::GiantChain {
            let more = (0..60).map(|_| self.intermediate(flaw).0.into());
            chain.extend(more);
        }
        let ocsp = (flaw == Flaw::Revoked).then(revoked);
        Issued { chain, key, ocsp }
    }

    fn intermediate(&self, flaw: Flaw) -> (Certificate, Issuer<'static, KeyPair>) {
        let mut params = authority(self.organization, "Testkit intermediate");
        match flaw {
            Flaw::ExpiredIntermediate => params.not_after = date_time_ymd(2021, 1, 1),
            Flaw::FutureIntermediate => params.not_before = date_time_ymd(2089, 1, 1),
            _ => {}
        }
        let key = KeyPair::generate().expect("a key");
        let certificate = params
            .signed_by(&key, &self.root_issuer)
            .expect("an intermediate");
        (certificate, Issuer::new(params, key))
    }
}

fn resolving(resolver: Arc<dyn ResolvesServerCert>) -> ServerConfig {
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_cert_resolver(resolver)
}

fn signing_key(pair: &KeyPair) -> Arc<dyn SigningKey> {
    let der = PrivateKeyDer::try_from(pair.serialize_der()).expect("a key");
    rustls::crypto::aws_lc_rs::sign::any_supported_type(&der).expect("a key")
}

/// Authority information access: where public authorities offer the issuer's certificate.
fn issuer_url() -> CustomExtension {
    let url = b"http://ca.example/i.crt";
    let mut access = vec![0x06, 0x08, 0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x02];
    access.extend(der(0x86, url));
    let content = der(0x30, &der(0x30, &access));
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], content)
}

/// An extension that nobody knows, of so many bytes.
fn bulk(length: usize) -> CustomExtension {
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99_999, 1], der(0x04, &vec![7; length]))
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("short");
    let mut out = vec![tag, 0x82];
    out.extend(length.to_be_bytes());
    out.extend_from_slice(content);
    out
}

/// An OCSP response (RFC 6960) that says revoked; its signature is empty.
fn revoked() -> Vec<u8> {
    let time = der(0x18, b"20260101000000Z");
    let single = der(
        0x30,
        &[der(0x30, &[5; 20]), der(0xA1, &time), time.clone()].concat(),
    );
    let data = der(
        0x30,
        &[der(0xA2, &der(0x04, &[1; 20])), time, der(0x30, &single)].concat(),
    );
    let basic = der(0x30, &[data, der(0x30, &[]), der(0x03, &[0; 8])].concat());
    let bytes = der(0x30, &[der(0x06, &[0x2B]), der(0x04, &basic)].concat());
    der(0x30, &[der(0x0A, &[0]), der(0xA0, &bytes)].concat())
}

#[derive(Debug)]
struct Always(Arc<CertifiedKey>);

impl ResolvesServerCert for Always {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}

/// A public key of 1024 bits; nobody knows its private half.
struct WeakRsa(Vec<u8>);

impl WeakRsa {
    fn new() -> Self {
        let mut modulus = vec![0];
        modulus.extend((0..128_u8).map(|n| n.wrapping_mul(37) | 0x81));
        let number = der(0x02, &modulus);
        let exponent = vec![0x02, 0x03, 0x01, 0x00, 0x01];
        Self(der(0x30, &[number, exponent].concat()))
    }
}

impl PublicKeyData for WeakRsa {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

/// Signs with noise, since no modern library signs with so small a key.
#[derive(Debug)]
struct Scribble;

impl SigningKey for Scribble {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        offered
            .contains(&SignatureScheme::RSA_PSS_SHA256)
            .then(|| Box::new(Self) as Box<dyn Signer>)
    }

    fn algorithm(&self) -> rustls::SignatureAlgorithm {
        rustls::SignatureAlgorithm::RSA
    }
}

impl Signer for Scribble {
    fn sign(&self, _message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        Ok(vec![0x5A; 128])
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::RSA_PSS_SHA256
    }
}
