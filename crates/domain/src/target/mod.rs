//! What may be looked at: schemes, hosts, addresses, ports and headers that users name.
//!
//! A text that a user wrote becomes a [`TargetUrl`] or a [`TargetHost`] exactly once, and only
//! these typed values travel on: two parsers that read one text differently are how address filters
//! are passed by. Names are judged here; what a name resolves to is judged by [`check_ip`], which
//! `egress` calls for every address before it dials.
//!
//! To refuse one more range: a line in [`address`]. One more name: a line in [`host`]. One more
//! header: a line in [`header`]. Each with a case in `tests/data/address-policy.jsonl`.

pub mod address;
pub mod complete;
pub mod header;
pub mod host;
pub mod origin;
pub mod refusal;
pub mod server;
pub mod url;

pub use self::address::check_ip;
pub use self::complete::{complete_url, complete_urls};
pub use self::header::{HeaderRefusal, check_header, check_method};
pub use self::host::{Host, TargetHost};
pub use self::origin::Origin;
pub use self::refusal::TargetRefusal;
pub use self::server::server_address;
pub use self::url::{
    Credentials, TargetUrl, decode_userinfo, join_userinfo, split_userinfo, without_userinfo,
};

/// Which addresses users may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressPolicy {
    /// Private and special addresses are refused: the hosted service.
    Hosted,
    /// They are allowed: Watchbell inside the owner's own network.
    SelfHosted,
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
