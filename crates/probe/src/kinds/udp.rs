//! `udp`: the port answers a datagram as its owner expects.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use ::domain::check::{AddressTried, Failure, FailureClass, Phase};
use ::domain::monitor::ExchangeTarget;
use ::domain::monitor::blocks::escape::shown;
use egress::CheckedAddr;
use tokio::net::UdpSocket;

use super::tcp::SHOWN;
use crate::look::{Look, Step};
use crate::wire;

/// A datagram may be lost: it is sent again after this share of the time-out.
const TRIES: u32 = 3;
/// The largest datagram that is kept.
const MAX_ANSWER: usize = 4_096;

/// Sends and waits for an answer.
pub(crate) async fn look(look: &mut Look<'_>, target: &ExchangeTarget) -> Step<()> {
    let to = super::endpoint(look, &target.host, target.port)?;
    let addresses = wire::resolve(look, &to).await?;
    look.enter(Phase::Connect);
    wire::spend(look, &addresses)?;
    let mut lines = open(look, &addresses).await?;
    look.awaits(FailureClass::ReplyTimeout, "an answer");
    look.enter(Phase::Send);
    let sent = super::bytes(target.send.as_deref());
    let mut answer = [0; MAX_ANSWER];
    let length = exchange(look, &mut lines, &sent, &mut answer)
        .await
        .map_err(|error| failed(look, &error))?;
    let answer = answer.get(..length).unwrap_or_default();
    look.seen.note("Answer", &shown(answer, SHOWN));
    if super::contains(answer, &super::bytes(target.expect.as_deref())) {
        return Ok(());
    }
    let message = format!(
        "the expected text is not in the {length} bytes that came: {}",
        shown(answer, SHOWN)
    );
    let failure = Failure::new(FailureClass::UdpUnexpected, Phase::FirstByte, message);
    Err(failure.with_detail(target.port.to_string()))
}

/// A way to one address.
struct Line {
    to: SocketAddr,
    socket: UdpSocket,
}

/// Sockets to the first address of each family that there is a way to: a server may listen on one alone.
async fn open(look: &mut Look<'_>, addresses: &[CheckedAddr]) -> Step<Vec<Line>> {
    let mut last = "the name has no address".to_owned();
    let mut lines: Vec<Line> = Vec::new();
    for address in addresses {
        let to = address.socket_addr();
        if lines.iter().any(|line| line.to.is_ipv4() == to.is_ipv4()) {
            continue;
        }
        match look.prober.egress().datagrams(*address).await {
            Ok(socket) => lines.push(Line { to, socket }),
            Err(error) => {
                last = error.to_string();
                tried(look, to, Some(&error));
            }
        }
    }
    if lines.is_empty() {
        look.seen.our_fault = true;
        let unreachable = FailureClass::NetworkUnreachable;
        return Err(Failure::new(unreachable, Phase::Connect, last));
    }
    Ok(lines)
}

fn tried(look: &mut Look<'_>, address: SocketAddr, error: Option<&io::Error>) {
    look.seen.tried.push(AddressTried {
        address,
        error: error.map(ToString::to_string),
    });
}

/// Asks over one line after the other until one answers; a line on which nobody listens is left out.
async fn exchange(
    look: &mut Look<'_>,
    lines: &mut Vec<Line>,
    sent: &[u8],
    answer: &mut [u8],
) -> io::Result<usize> {
    let patience = (look.timeout / TRIES).max(Duration::from_millis(100));
    for turn in 0_usize.. {
        let place = turn % lines.len();
        look.seen.address = Some(lines[place].to);
        let asked = lines[place].socket.send(sent).await.map(|_| ());
        look.enter(Phase::FirstByte);
        let (place, outcome) = match asked {
            Ok(()) => match tokio::time::timeout(patience, first_of(lines, answer)).await {
                Ok(first) => first,
                Err(_) => continue,
            },
            Err(error) => (place, Err(error)),
        };
        let to = lines[place].to;
        tried(look, to, outcome.as_ref().err());
        look.seen.address = Some(to);
        match outcome {
            Err(_) if lines.len() > 1 => drop(lines.remove(place)),
            outcome => return outcome,
        }
    }
    unreachable!("turns do not end by themselves")
}

/// The first datagram or refusal, and of which line it is.
async fn first_of(lines: &[Line], answer: &mut [u8]) -> (usize, io::Result<usize>) {
    let ready = lines
        .iter()
        .enumerate()
        .map(|(place, line)| Box::pin(async move { (place, line.socket.readable().await) }));
    let ((place, readable), _, _) = futures::future::select_all(ready).await;
    match readable {
        Ok(()) => (place, lines[place].socket.recv(answer).await),
        Err(error) => (place, Err(error)),
    }
}

/// The machine itself, or a router, said that nobody takes the datagram.
fn failed(look: &mut Look<'_>, error: &io::Error) -> Failure {
    let class = match error.kind() {
        io::ErrorKind::ConnectionRefused => FailureClass::ConnectRefused,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            FailureClass::NetworkUnreachable
        }
        _ => {
            look.seen.our_fault = true;
            FailureClass::NetworkUnreachable
        }
    };
    Failure::new(class, Phase::FirstByte, format!("ICMP says: {error}"))
}
