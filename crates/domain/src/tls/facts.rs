//! What a TLS handshake showed, kept also when verification failed.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::check::FailureClass;

/// One certificate of a chain (RFC 5280).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateFacts {
    /// Subject, common name or the whole distinguished name.
    pub subject: String,
    /// Issuer, organisation and common name.
    pub issuer: String,
    /// Start of validity.
    pub not_before: Timestamp,
    /// End of validity.
    pub not_after: Timestamp,
    /// Serial number, hex with colons.
    pub serial: String,
    /// SHA-256 over the DER, hex.
    pub fingerprint: String,
    /// DNS and IP names it is good for.
    pub names: Vec<String>,
    /// Key algorithm and size, such as `RSA 2048` or `EC 256`.
    pub key: String,
}

/// A handshake's facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsFacts {
    /// `TLS 1.3` or `TLS 1.2`; absent when the handshake did not get that far.
    pub version: Option<String>,
    /// Cipher suite name.
    pub cipher: Option<String>,
    /// Negotiated application protocol.
    pub alpn: Option<String>,
    /// The presented chain, leaf first; looks at the same chain share it.
    #[serde(with = "shared")]
    pub chain: Arc<[CertificateFacts]>,
    /// The verifier's word: `None` when the chain is good for the name.
    pub problem: Option<FailureClass>,
}

impl TlsFacts {
    /// The server's own certificate.
    pub fn leaf(&self) -> Option<&CertificateFacts> {
        self.chain.first()
    }

    /// The earliest end of validity in the presented chain.
    pub fn not_after(&self) -> Option<Timestamp> {
        self.chain
            .iter()
            .map(|certificate| certificate.not_after)
            .min()
    }
}

/// A shared list as an ordinary one.
mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::CertificateFacts;

    pub(super) fn serialize<S: Serializer>(
        chain: &Arc<[CertificateFacts]>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        chain.as_ref().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Arc<[CertificateFacts]>, D::Error> {
        Vec::deserialize(deserializer).map(Arc::from)
    }
}
