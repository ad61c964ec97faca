//! An address that may be dialed.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// An address that the guard let pass. Only this crate makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CheckedAddr(SocketAddr);

impl CheckedAddr {
    /// For the guard alone: `ip` was judged, or the operator named it.
    pub(crate) fn judged(ip: IpAddr, port: u16) -> Self {
        Self(SocketAddr::new(ip, port))
    }

    /// The same address at another port: what was judged is the address, ports are judged with the
    /// URL or host that names them.
    #[must_use]
    pub const fn at_port(self, port: u16) -> Self {
        Self(SocketAddr::new(self.0.ip(), port))
    }

    /// The address and port, to show and to store.
    pub const fn socket_addr(&self) -> SocketAddr {
        self.0
    }

    /// The address.
    pub const fn ip(&self) -> IpAddr {
        self.0.ip()
    }

    /// The port.
    pub const fn port(&self) -> u16 {
        self.0.port()
    }
}

impl fmt::Display for CheckedAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
