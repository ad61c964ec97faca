//! Whom we trust when we speak TLS ourselves.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::EgressError;

/// Certificate authorities.
#[derive(Debug)]
pub(crate) struct Roots {
    store: Arc<RootCertStore>,
    extra: Vec<CertificateDer<'static>>,
}

impl Roots {
    pub(crate) fn read(extra_pem: Option<&[u8]>) -> Result<Self, EgressError> {
        let mut store = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        let mut extra = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(extra_pem.unwrap_or_default()) {
            let certificate = certificate.map_err(|e| EgressError::Roots(e.to_string()))?;
            store
                .add(certificate.clone())
                .map_err(|e| EgressError::Roots(e.to_string()))?;
            extra.push(certificate);
        }
        if extra.is_empty() && extra_pem.is_some() {
            return Err(EgressError::Roots(
                "there is no certificate in it".to_owned(),
            ));
        }
        Ok(Self {
            store: Arc::new(store),
            extra,
        })
    }

    pub(crate) fn store(&self) -> Arc<RootCertStore> {
        self.store.clone()
    }

    pub(crate) fn extra(&self) -> &[CertificateDer<'static>] {
        &self.extra
    }

    /// A client that verifies against these.
    pub(crate) fn client(&self) -> Result<rustls::ClientConfig, rustls::Error> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        Ok(rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(self.store.clone())
            .with_no_client_auth())
    }
}
