//! What may be looked at: schemes, hosts, addresses, ports and headers that users name.

/// Which addresses users may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressPolicy {
    /// Private and special addresses are refused: the hosted service.
    Hosted,
    /// They are allowed: Watchbell inside the owner's own network.
    SelfHosted,
}
