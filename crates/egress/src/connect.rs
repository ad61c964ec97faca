//! TCP connections to addresses that were judged.

use std::io;
use std::net::{SocketAddr, UdpSocket};

use domain::check::FailureClass;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout_at};

use crate::{CheckedAddr, Egress};

/// Why no connection came about.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nothing listens there.
    #[error("connection refused")]
    Refused,
    /// No answer within the time.
    #[error("connection timed out")]
    Timeout,
    /// Accepted and broken off at once.
    #[error("connection reset")]
    Reset,
    /// No way there. `ours` when this host itself has no route or no right to connect; otherwise a
    /// router outside said so.
    #[error("network unreachable")]
    Unreachable {
        /// The fault lies with this host.
        ours: bool,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl ConnectError {
    /// The failure it is for a monitor.
    pub const fn class(&self) -> FailureClass {
        match self {
            Self::Refused => FailureClass::ConnectRefused,
            Self::Timeout => FailureClass::ConnectTimeout,
            Self::Reset => FailureClass::ConnectionReset,
            Self::Unreachable { .. } => FailureClass::NetworkUnreachable,
        }
    }

    /// The fault lies with this host, and says nothing about the target.
    pub const fn ours(&self) -> bool {
        matches!(self, Self::Unreachable { ours: true, .. })
    }

    fn of(error: io::Error, addr: SocketAddr) -> Self {
        use io::ErrorKind as K;
        match error.kind() {
            K::ConnectionRefused => Self::Refused,
            K::TimedOut => Self::Timeout,
            K::ConnectionReset | K::ConnectionAborted | K::BrokenPipe => Self::Reset,
            K::HostUnreachable | K::NetworkUnreachable => Self::Unreachable {
                ours: !has_route(addr),
                source: error,
            },
            // No free port, no file handle, forbidden by a local firewall: all on this side.
            _ => Self::Unreachable {
                ours: true,
                source: error,
            },
        }
    }
}

/// Asks the routing table: connecting a datagram socket sends nothing.
fn has_route(addr: SocketAddr) -> bool {
    let local = match addr {
        SocketAddr::V4(_) => "0.0.0.0:0",
        SocketAddr::V6(_) => "[::]:0",
    };
    UdpSocket::bind(local)
        .and_then(|socket| socket.connect(addr))
        .is_ok()
}

impl Egress {
    /// Dials `addr` until `deadline`.
    pub async fn connect(
        &self,
        addr: CheckedAddr,
        deadline: Instant,
    ) -> Result<TcpStream, ConnectError> {
        let addr = addr.socket_addr();
        let dial = async {
            let socket = match addr {
                SocketAddr::V4(_) => TcpSocket::new_v4()?,
                SocketAddr::V6(_) => TcpSocket::new_v6()?,
            };
            let stream = socket.connect(addr).await?;
            stream.set_nodelay(true)?;
            Ok(stream)
        };
        match timeout_at(deadline, dial).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(ConnectError::of(error, addr)),
            Err(_) => Err(ConnectError::Timeout),
        }
    }
}
