//! `ping`: the host answers ICMP echo.

use std::time::Duration;

use ::domain::check::{AddressTried, Failure, FailureClass, Phase, PingFacts};
use ::domain::monitor::{IpFamily, PingTarget};
use egress::{CheckedAddr, Family, PingError};

use crate::look::{Look, Step, limit_text};
use crate::wire;

/// Sends echo requests and counts the answers. What is lost of them is judged later.
pub(crate) async fn look(look: &mut Look<'_>, target: &PingTarget) -> Step<()> {
    look.family = match target.ip_family {
        IpFamily::Any | IpFamily::Both => Family::Any,
        IpFamily::V4 => Family::V4,
        IpFamily::V6 => Family::V6,
    };
    let to = super::endpoint(look, &target.host, 0)?;
    let addresses = wire::resolve(look, &to).await?;
    look.enter(Phase::FirstByte);
    wire::spend(look, &addresses)?;
    let trips = send(look, &addresses, target.count).await?;
    let answered: Vec<Duration> = trips.iter().flatten().copied().collect();
    let received = u32::try_from(answered.len()).unwrap_or(u32::MAX);
    let mean = answered.iter().sum::<Duration>() / received.max(1);
    let micros = |time: Duration| u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
    look.seen.ping = Some(PingFacts {
        sent: target.count,
        received,
        mean_us: micros(mean),
        max_us: micros(answered.iter().max().copied().unwrap_or_default()),
    });
    if received == 0 {
        let limit = limit_text(look.timeout);
        let message = format!("0 of {} replies within {limit}", target.count);
        return Err(Failure::new(
            FailureClass::PingLost,
            Phase::FirstByte,
            message,
        ));
    }
    look.measured(mean);
    Ok(())
}

/// To the first address that there is a way to.
async fn send(
    look: &mut Look<'_>,
    addresses: &[CheckedAddr],
    count: u32,
) -> Step<Vec<Option<Duration>>> {
    let mut last = None;
    for address in addresses {
        let until = wire::until(look);
        let outcome = look.prober.egress().ping(*address, count, until).await;
        look.seen.tried.push(AddressTried {
            address: address.socket_addr(),
            error: outcome.as_ref().err().map(ToString::to_string),
        });
        match outcome {
            Ok(trips) => {
                look.seen.address = Some(address.socket_addr());
                return Ok(trips);
            }
            Err(error) => last = Some(error),
        }
    }
    // Both are ours: neither says anything about the host.
    look.seen.our_fault = true;
    let class = match last {
        Some(PingError::Forbidden(_)) => FailureClass::PingLost,
        Some(PingError::Unreachable(_)) | None => FailureClass::NetworkUnreachable,
    };
    let message = last.map_or_else(String::new, |error| error.to_string());
    Err(Failure::new(class, Phase::FirstByte, message))
}
