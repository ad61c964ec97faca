//! `udp`: the port answers a datagram as its owner expects.

use std::io;
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
    let socket = open(look, &addresses).await?;
    look.awaits(FailureClass::ReplyTimeout, "an answer");
    look.enter(Phase::Send);
    let sent = super::bytes(target.send.as_deref());
    let mut answer = [0; MAX_ANSWER];
    let length = exchange(look, &socket, &sent, &mut answer)
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

/// A socket to the first address that there is a way to.
async fn open(look: &mut Look<'_>, addresses: &[CheckedAddr]) -> Step<UdpSocket> {
    let mut last = "the name has no address".to_owned();
    for address in addresses {
        let outcome = look.prober.egress().datagrams(*address).await;
        let error = outcome.as_ref().err().map(ToString::to_string);
        look.seen.tried.push(AddressTried {
            address: address.socket_addr(),
            error: error.clone(),
        });
        if let Ok(socket) = outcome {
            look.seen.address = Some(address.socket_addr());
            return Ok(socket);
        }
        last = error.unwrap_or_default();
    }
    look.seen.our_fault = true;
    Err(Failure::new(
        FailureClass::NetworkUnreachable,
        Phase::Connect,
        last,
    ))
}

async fn exchange(
    look: &mut Look<'_>,
    socket: &UdpSocket,
    sent: &[u8],
    answer: &mut [u8],
) -> io::Result<usize> {
    let patience = (look.timeout / TRIES).max(Duration::from_millis(100));
    socket.send(sent).await?;
    look.enter(Phase::FirstByte);
    loop {
        match tokio::time::timeout(patience, socket.recv(answer)).await {
            Ok(outcome) => return outcome,
            Err(_) => {
                socket.send(sent).await?;
            }
        }
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
