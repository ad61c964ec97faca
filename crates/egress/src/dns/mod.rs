//! Asking name servers.
//!
//! A stub resolver of our own over `hickory-proto`: what went wrong must be told apart exactly
//! (no answer, SERVFAIL, REFUSED, a broken message, a loop of aliases), and a general resolver
//! folds these into retries and a few errors.

mod answer;
mod cache;
mod exchange;
mod records;
mod servers;
mod stub;

pub(crate) use answer::Found;
pub(crate) use cache::Cache;
pub(crate) use records::Of;
pub(crate) use stub::{Stub, is_server_dead};

/// Why a question was not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DnsFailure {
    Nxdomain,
    NoAddress,
    Servfail,
    Refused,
    ServerError,
    Malformed,
    CnameLoop,
    /// More aliases in a row than anyone follows.
    CnameChain,
    Timeout,
}

impl DnsFailure {
    /// A server's word that there is no way to an address, which another server may know better.
    pub(crate) const fn is_word(self) -> bool {
        matches!(
            self,
            Self::Nxdomain | Self::NoAddress | Self::CnameLoop | Self::CnameChain
        )
    }
}
