//! The kinds of look, one file (or folder) each.

pub(crate) mod http;
pub(crate) mod tcp;
pub(crate) mod tls;

use domain::check::{Failure, FailureClass, Phase};
use domain::target::TargetHost;

use crate::look::{Look, Step};
use crate::wire::Endpoint;

/// The host and port of a monitor without a URL, judged again at each look.
fn endpoint(look: &Look<'_>, host: &str, port: u16) -> Step<Endpoint> {
    let host = TargetHost::parse(host, look.prober.egress().policy()).map_err(|refusal| {
        Failure::new(
            FailureClass::TargetRefused,
            Phase::Dns,
            format!("the host {refusal}"),
        )
    })?;
    Ok(Endpoint {
        host: host.into_host(),
        port,
    })
}
