//! Datagrams to addresses that were judged: UDP, and ICMP echo.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

use crate::{CheckedAddr, Egress};

/// Between two packets of one look.
const SPACING: Duration = Duration::from_millis(100);
/// What every packet carries besides its token, as many bytes as `ping` sends.
const PADDING: [u8; 40] = *b"Watchbell uptime monitoring asks: alive?";

/// Why no echo request could be sent.
#[derive(Debug, thiserror::Error)]
pub enum PingError {
    /// This host gives us no socket for ICMP: no group in `ping_group_range`, no CAP_NET_RAW.
    #[error("this host does not allow us to send ICMP ({0})")]
    Forbidden(#[source] io::Error),
    /// There is no way there from this host.
    #[error("no route to the address ({0})")]
    Unreachable(#[source] io::Error),
}

impl Egress {
    /// A UDP socket that speaks with `addr` alone.
    pub async fn datagrams(&self, addr: CheckedAddr) -> io::Result<UdpSocket> {
        let local = match addr.socket_addr() {
            SocketAddr::V4(_) => "0.0.0.0:0",
            SocketAddr::V6(_) => "[::]:0",
        };
        let socket = UdpSocket::bind(local).await?;
        socket.connect(addr.socket_addr()).await?;
        Ok(socket)
    }

    /// The public addresses under which this host goes out; none where it goes through another's
    /// (NAT). Nothing is sent: connecting a datagram socket only chooses the way.
    pub async fn own_addresses() -> Vec<IpAddr> {
        let mut own = Vec::new();
        for (local, far) in [
            (
                SocketAddr::from(([0, 0, 0, 0], 0)),
                SocketAddr::from(([1, 1, 1, 1], 53)),
            ),
            (
                SocketAddr::from(([0_u16; 8], 0)),
                SocketAddr::from(([0x2606, 0x4700, 0x4700, 0, 0, 0, 0, 0x1111], 53)),
            ),
        ] {
            let Ok(socket) = UdpSocket::bind(local).await else {
                continue;
            };
            let way = socket.connect(far).await.and_then(|()| socket.local_addr());
            own.extend(way.ok().map(|way| way.ip()));
        }
        own.retain(|ip| domain::target::address::special_kind(*ip).is_none());
        own
    }

    /// Whether this host gives us a socket for ICMP echo over IPv4, and over IPv6.
    pub fn may_ping(&self) -> (bool, bool) {
        let may = |ip: IpAddr| echo_kind(ip).is_ok();
        (
            may(IpAddr::from([0, 0, 0, 0])),
            may(IpAddr::from([0_u16; 8])),
        )
    }

    /// Sends `count` echo requests (RFC 792, RFC 4443) and waits for their answers until
    /// `deadline`: the round trip of each, `None` for one that is lost.
    pub async fn ping(
        &self,
        addr: CheckedAddr,
        count: u32,
        deadline: Instant,
    ) -> Result<Vec<Option<Duration>>, PingError> {
        let socket = echo_socket(addr.ip()).map_err(PingError::Forbidden)?;
        let peer = SocketAddr::new(addr.ip(), 0);
        socket.connect(peer).await.map_err(PingError::Unreachable)?;
        let echo = Echo::new(addr.ip());
        let mut sent: Vec<Instant> = Vec::new();
        let mut trips: Vec<Option<Duration>> = Vec::new();
        let mut buffer = [0_u8; 2_048];
        while trips.len() < count as usize || trips.iter().any(Option::is_none) {
            let next = sent
                .last()
                .map_or_else(Instant::now, |last| *last + SPACING);
            let is_last = trips.len() == count as usize;
            let until = if is_last {
                deadline
            } else {
                deadline.min(next)
            };
            match timeout_at(until, socket.recv(&mut buffer)).await {
                Ok(Ok(length)) => {
                    let number = buffer.get(..length).and_then(|packet| echo.number(packet));
                    if let Some((trip, at)) = number.and_then(|n| trips.get_mut(n).zip(sent.get(n)))
                    {
                        trip.get_or_insert_with(|| at.elapsed());
                    }
                }
                // An error that a router reported: the packet is lost, another may pass.
                Ok(Err(_)) => tokio::task::yield_now().await,
                Err(_) if Instant::now() >= deadline => break,
                Err(_) => {
                    sent.push(Instant::now());
                    trips.push(None);
                    let packet = echo.request(trips.len() - 1);
                    if let Err(error) = socket.send(&packet).await
                        && trips.len() == 1
                    {
                        return Err(PingError::Unreachable(error));
                    }
                }
            }
        }
        trips.resize(count as usize, None);
        Ok(trips)
    }
}

/// A socket for echo requests: one of the unprivileged kind, else a raw one.
fn echo_socket(ip: IpAddr) -> io::Result<UdpSocket> {
    let socket = echo_kind(ip)?;
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket.into())
}

fn echo_kind(ip: IpAddr) -> io::Result<Socket> {
    let (domain, protocol) = match ip {
        IpAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4),
        IpAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6),
    };
    Socket::new(domain, Type::DGRAM, Some(protocol))
        .or_else(|_| Socket::new(domain, Type::RAW, Some(protocol)))
}

/// The packets of one look. They are known by a token, since an unprivileged socket has the system
/// write the identifier.
struct Echo {
    is_v6: bool,
    identifier: u16,
    token: [u8; 8],
}

impl Echo {
    fn new(ip: IpAddr) -> Self {
        Self {
            is_v6: ip.is_ipv6(),
            identifier: rand::random(),
            token: rand::random(),
        }
    }

    fn request(&self, number: usize) -> Vec<u8> {
        let kind = if self.is_v6 { 128 } else { 8 };
        let mut packet = vec![kind, 0, 0, 0];
        packet.extend(self.identifier.to_be_bytes());
        packet.extend(u16::try_from(number).unwrap_or(u16::MAX).to_be_bytes());
        packet.extend(self.token);
        packet.extend(PADDING);
        if !self.is_v6 {
            let sum = checksum(&packet).to_be_bytes();
            packet.splice(2..4, sum);
        }
        packet
    }

    /// The number of the request that `packet` answers. A raw IPv4 socket hands over the header of
    /// IP as well.
    fn number(&self, packet: &[u8]) -> Option<usize> {
        let packet = match packet.first()? {
            first if !self.is_v6 && first >> 4 == 4 => {
                packet.get(usize::from(first & 0x0F) * 4..)?
            }
            _ => packet,
        };
        let reply = if self.is_v6 { 129 } else { 0 };
        let is_ours = *packet.first()? == reply && packet.get(8..16)? == self.token;
        let number = u16::from_be_bytes([*packet.get(6)?, *packet.get(7)?]);
        is_ours.then_some(number.into())
    }
}

/// RFC 1071.
fn checksum(packet: &[u8]) -> u16 {
    let mut sum: u32 = packet
        .chunks(2)
        .map(|pair| {
            u32::from(u16::from_be_bytes([
                pair[0],
                pair.get(1).copied().unwrap_or(0),
            ]))
        })
        .sum();
    while sum > 0xFFFF {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    #[test]
    fn answers_are_known_by_their_token() {
        for (ip, reply) in [
            (IpAddr::from(Ipv4Addr::LOCALHOST), 0),
            (IpAddr::from(Ipv6Addr::LOCALHOST), 129),
        ] {
            let echo = Echo::new(ip);
            let mut answer = echo.request(3);
            assert_eq!(echo.number(&answer), None, "a request is no answer");
            answer[0] = reply;
            assert_eq!(echo.number(&answer), Some(3));
            if ip.is_ipv4() {
                let with_header = [&[0x45; 20][..], &answer].concat();
                assert_eq!(echo.number(&with_header), Some(3));
            }
            assert_eq!(Echo::new(ip).number(&answer), None, "another look's");
            for length in 0..answer.len().min(16) {
                assert_eq!(echo.number(&answer[..length]), None);
            }
        }
    }

    #[test]
    fn the_checksum_of_a_whole_packet_is_zero() {
        let packet = Echo::new(IpAddr::from(Ipv4Addr::LOCALHOST)).request(1);
        assert_eq!(checksum(&packet), 0);
    }
}
