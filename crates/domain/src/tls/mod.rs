//! Certificates: what was presented, and when its owner should be warned.

pub mod expiry;
pub mod facts;

pub use facts::{CertificateFacts, TlsFacts};
