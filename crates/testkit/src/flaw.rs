//! What can be wrong with a certificate.

use std::time::SystemTime;

/// What is wrong with a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Nothing.
    None,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// It vouches for itself.
    SelfSigned,
    /// Its authority is one that nobody knows.
    UnknownAuthority,
    /// Its intermediate is not sent along.
    MissingIntermediate,
    /// Its intermediate is not sent along, and it does not tell where that is published.
    UnnamedIntermediate,
    /// Its authority is one that nobody knows and that signed it itself; it was sent alone.
    OwnRoot,
    /// Its intermediate's time is over.
    ExpiredIntermediate,
    /// Its intermediate's time has not come.
    FutureIntermediate,
    /// It is good, and a certificate whose time is over, which is no part of its way, is sent along.
    ExpiredExtra,
    /// It is that of an authority.
    Authority,
    /// It was issued for clients.
    ForClients,
    /// It is good, and sixty certificates that nobody asked for are sent along.
    GiantChain,
    /// It is good, and has 50 kB.
    GiantLeaf,
    /// It is for another name.
    OtherName,
    /// Its RSA key has 1024 bits.
    WeakKey,
    /// The stapled answer says that it was revoked.
    Revoked,
    /// Its time ends then; issued 80 days before.
    Ends(SystemTime),
}
