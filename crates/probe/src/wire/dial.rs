//! Names to addresses and addresses to streams, through `egress` alone.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use domain::check::{AddressTried, Failure, FailureClass, Phase};
use domain::monitor::Target;
use domain::target::{Host, Origin};
use egress::{CheckedAddr, ConnectError};
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt as _};
use tokio::net::TcpStream;

use super::order::order;
use crate::look::{Look, Resolved, Step};

/// RFC 8305, section 5: the next attempt starts when the last has not succeeded for this long.
const STAGGER: Duration = Duration::from_millis(250);
/// Left to the look after a resolution or connection that used all of its time, so that what went
/// wrong is said by the one who knows.
const MARGIN: Duration = Duration::from_millis(30);

/// A host and a port to connect to.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub host: Host,
    pub port: u16,
}

/// Attempts at addresses, each with the address's place in the list.
type Attempts = FuturesUnordered<BoxFuture<'static, (usize, Result<TcpStream, ConnectError>)>>;

/// When a call to `egress` has to be over.
pub(crate) fn until(look: &Look<'_>) -> tokio::time::Instant {
    let deadline = look.deadline.checked_sub(MARGIN).unwrap_or(look.deadline);
    tokio::time::Instant::from_std(deadline)
}

/// The addresses of a host, all judged by the address policy, in the order in which they are tried.
pub(crate) async fn resolve(look: &mut Look<'_>, to: &Endpoint) -> Step<Vec<CheckedAddr>> {
    let known = look
        .names
        .iter()
        .find(|name| name.host == to.host && name.family == look.family);
    let addresses = match known {
        Some(name) => name.addresses.clone(),
        None => ask(look, to).await?,
    };
    let addresses: Vec<CheckedAddr> = addresses
        .into_iter()
        .map(|address| address.at_port(look.port_of(&to.host, to.port)))
        .collect();
    Ok(order(&addresses, CheckedAddr::ip, look.source.next_first()))
}

/// From here on the target's host leads to its origin alone.
pub(crate) async fn pin_behind(look: &mut Look<'_>, target: &Target, origin: &str) -> Step<()> {
    let policy = look.prober.egress().policy();
    let origin = Origin::parse(origin, policy).map_err(|refusal| {
        Failure::new(
            FailureClass::TargetRefused,
            Phase::Dns,
            format!("the origin {refusal}"),
        )
    })?;
    let host = target.host();
    lead(look, &host, origin.host().clone()).await?;
    let to = crate::kinds::endpoint(look, &host, 0)?;
    look.port = target
        .port()
        .zip(origin.port())
        .map(|(from, port)| (to.host, from, port));
    Ok(())
}

/// From here on the host leads to this address alone.
pub(crate) async fn pin(look: &mut Look<'_>, host: &str, ip: IpAddr) -> Step<()> {
    lead(look, host, Host::Ip(ip)).await
}

async fn lead(look: &mut Look<'_>, host: &str, elsewhere: Host) -> Step<()> {
    let to = crate::kinds::endpoint(look, host, 0)?;
    let address = Endpoint {
        host: elsewhere,
        port: 0,
    };
    let addresses = resolve(look, &address).await?;
    look.names.clear();
    for family in [egress::Family::Any, egress::Family::V4, egress::Family::V6] {
        look.names.push(Resolved {
            host: to.host.clone(),
            family,
            addresses: addresses.clone(),
        });
    }
    look.seen.resolved.clear();
    Ok(())
}

async fn ask(look: &mut Look<'_>, to: &Endpoint) -> Step<Vec<CheckedAddr>> {
    let egress = look.prober.egress();
    match egress
        .resolve_family(
            &to.host,
            to.port,
            (look.family, look.source.is_fresh()),
            until(look),
        )
        .await
    {
        Ok(resolution) => {
            if look.seen.resolved.is_empty() {
                look.seen.resolved = resolution.addresses.iter().map(CheckedAddr::ip).collect();
            }
            look.names.push(Resolved {
                host: to.host.clone(),
                family: look.family,
                addresses: resolution.addresses.clone(),
            });
            Ok(resolution.addresses)
        }
        Err(error) => {
            look.seen.our_fault = error.ours;
            let limit = crate::look::limit_text(look.timeout);
            let message = match (error.class(), look.family) {
                (FailureClass::DnsNoAddress, egress::Family::V4) => {
                    "the name has no IPv4 address (A record)".to_owned()
                }
                (FailureClass::DnsNoAddress, egress::Family::V6) => {
                    "the name has no IPv6 address (AAAA record)".to_owned()
                }
                _ => error.to_string(),
            };
            Err(Failure::new(error.class(), Phase::Dns, message).with_detail(limit))
        }
    }
}

/// A connection to the first address that takes one (RFC 8305): attempts start one after another,
/// and a slow one does not hold up the next.
pub(crate) async fn connect(look: &mut Look<'_>, addresses: &[CheckedAddr]) -> Step<TcpStream> {
    look.enter(Phase::Connect);
    spend(look, addresses)?;
    let mut attempts = Attempts::new();
    let first = look.seen.tried.len();
    let mut errors = Vec::new();
    let mut next = 0;
    loop {
        if attempts.is_empty() && next == addresses.len() {
            return Err(worst(look, errors));
        }
        if attempts.is_empty() {
            start(look, &mut attempts, addresses, next);
            next += 1;
        }
        tokio::select! {
            Some((index, outcome)) = attempts.next() => {
                match outcome {
                    Ok(stream) => {
                        let Some(address) = addresses.get(index) else { continue };
                        note(look, first + index, None);
                        look.seen.address = Some(address.socket_addr());
                        look.connected = Some(*address);
                        return Ok(stream);
                    }
                    Err(error) => {
                        note(look, first + index, Some(error.to_string()));
                        errors.push(error);
                        if next < addresses.len() {
                            start(look, &mut attempts, addresses, next);
                            next += 1;
                        }
                    }
                }
            }
            () = tokio::time::sleep(STAGGER), if next < addresses.len() => {
                start(look, &mut attempts, addresses, next);
                next += 1;
            }
        }
    }
}

/// Books the look at its address. An address that this look already dialed costs nothing more: a
/// second hop to the same server is the same look.
pub(crate) fn spend(look: &mut Look<'_>, addresses: &[CheckedAddr]) -> Step<()> {
    let Some(address) = addresses.first() else {
        return Ok(());
    };
    if look
        .seen
        .tried
        .iter()
        .any(|tried| tried.address.ip() == address.ip())
    {
        return Ok(());
    }
    look.prober.try_spend(address).map_err(|over| {
        look.seen.put_off = Some(over.retry_after);
        look.seen.our_fault = true;
        Failure::new(
            FailureClass::NetworkUnreachable,
            Phase::Connect,
            format!("put off: {over}"),
        )
    })
}

fn start(look: &mut Look<'_>, attempts: &mut Attempts, addresses: &[CheckedAddr], index: usize) {
    let Some(address) = addresses.get(index).copied() else {
        return;
    };
    // Written down before the attempt, since a deadline may drop it half-way.
    let error = Some("no answer".to_owned());
    look.seen.tried.push(AddressTried {
        address: address.socket_addr(),
        error,
    });
    let (egress, deadline) = (look.prober.egress().clone(), until(look));
    let attempt = async move { (index, egress.connect(address, deadline).await) };
    attempts.push(Box::pin(attempt));
}

fn note(look: &mut Look<'_>, index: usize, error: Option<String>) {
    if let Some(tried) = look.seen.tried.get_mut(index) {
        tried.error = error;
    }
}

/// Of several failed attempts, the one that says most about the target.
fn worst(look: &mut Look<'_>, errors: Vec<ConnectError>) -> Failure {
    let telling = errors.into_iter().min_by_key(|error| match error {
        ConnectError::Refused => 0,
        ConnectError::Reset => 1,
        ConnectError::Unreachable { ours: false, .. } => 2,
        ConnectError::Timeout => 3,
        ConnectError::Unreachable { ours: true, .. } => 4,
    });
    let limit = crate::look::limit_text(look.timeout);
    match telling {
        Some(error) => {
            look.seen.our_fault = error.ours();
            let address = look
                .seen
                .tried
                .last()
                .map(|tried| tried.address.to_string());
            let message = format!("{error} ({})", address.unwrap_or_default());
            Failure::new(error.class(), Phase::Connect, message).with_detail(limit)
        }
        None => Failure::new(
            FailureClass::DnsNoAddress,
            Phase::Dns,
            "the name has no address",
        ),
    }
}

/// Whether so much time is left that another connection is worth a try.
pub(crate) fn time_left(look: &Look<'_>) -> Duration {
    look.deadline
        .saturating_duration_since(Instant::now())
        .saturating_sub(MARGIN)
}
