//! A verifier that lets every certificate pass and remembers the true verdict.
//!
//! The handshake so goes on to its end, which shows version and cipher of servers with a bad
//! certificate too. Nothing is sent over such a connection unless the owner switched the judgement
//! off: [`super::shake`] consults the verdict before it gives the stream away.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::known::{Good, Key, Known};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};

/// What a handshake presented.
#[derive(Debug, Clone, Default)]
pub(crate) struct Presented {
    /// The chain, leaf first.
    pub chain: Vec<CertificateDer<'static>>,
    /// The stapled OCSP response.
    pub ocsp: Vec<u8>,
    /// The chain is one that was found good before; then it stands here alone.
    pub good: Option<Good>,
    /// What the chain is remembered by.
    pub key: Option<Key>,
    /// What a verifier that matters would have said.
    pub verdict: Option<Error>,
    /// The time it judged with.
    pub at: Option<UnixTime>,
    /// The server wants a certificate of ours.
    pub wants_certificate: bool,
}

/// Records one handshake.
#[derive(Debug)]
pub(crate) struct Recorder {
    inner: Arc<WebPkiServerVerifier>,
    known: Arc<Known>,
    presented: Mutex<Presented>,
}

impl Recorder {
    pub(super) fn new(inner: Arc<WebPkiServerVerifier>, known: Arc<Known>) -> Self {
        Self {
            inner,
            known,
            presented: Mutex::new(Presented::default()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Presented> {
        self.presented
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// What was presented; it is asked for once, when the handshake is over.
    pub(crate) fn take_presented(&self) -> Presented {
        std::mem::take(&mut self.lock())
    }

    /// A signature that cannot be checked because the key is too weak for every modern verifier is
    /// a matter of the certificate, not of the handshake.
    fn lenient_with_weak_keys(
        &self,
        outcome: Result<HandshakeSignatureValid, Error>,
        leaf: &CertificateDer<'_>,
    ) -> Result<HandshakeSignatureValid, Error> {
        outcome.or_else(|error| {
            if !super::facts::has_weak_key(leaf) {
                return Err(error);
            }
            let mut presented = self.lock();
            presented.verdict.get_or_insert(error);
            if presented.chain.is_empty() {
                presented.chain.push(leaf.clone().into_owned());
            }
            Ok(HandshakeSignatureValid::assertion())
        })
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let key = super::known::key(end_entity, intermediates, server_name, ocsp_response);
        if let Some(good) = self.known.get(&key, now) {
            self.lock().good = Some(good);
            return Ok(ServerCertVerified::assertion());
        }
        let verdict = self
            .inner
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            .err();
        let mut presented = self.lock();
        presented.chain = std::iter::once(end_entity)
            .chain(intermediates)
            .map(|c| c.clone().into_owned())
            .collect();
        presented.ocsp = ocsp_response.to_vec();
        presented.key = Some(key);
        presented.verdict = verdict;
        presented.at = Some(now);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.lenient_with_weak_keys(self.inner.verify_tls12_signature(message, cert, dss), cert)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.lenient_with_weak_keys(self.inner.verify_tls13_signature(message, cert, dss), cert)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// We have no certificate to show, but note that one is asked for.
impl rustls::client::ResolvesClientCert for Recorder {
    fn resolve(
        &self,
        _root_hint_subjects: &[&[u8]],
        _sigschemes: &[SignatureScheme],
    ) -> Option<Arc<rustls::sign::CertifiedKey>> {
        self.lock().wants_certificate = true;
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}
