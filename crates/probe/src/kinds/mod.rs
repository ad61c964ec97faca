//! The kinds of look, one file (or folder) each.
//!
//! # To add a kind
//!
//! A file with `pub(crate) async fn look(look: &mut Look<'_>, …) -> Step<()>` and its arm in
//! [`crate::Prober::look`]. A kind
//!
//! - turns what its owner named into an [`Endpoint`] by [`endpoint`] (the address policy), that into
//!   addresses by [`wire::resolve`], and those into a stream by [`wire::connect`], or goes through
//!   another door of `egress`; nothing else dials;
//! - calls `look.enter` at each phase and `look.awaits` before it waits for anything that is no
//!   page, and never measures or limits time itself: the whole look is dropped at its deadline, and
//!   what was awaited then names the failure;
//! - reads into bounded buffers only ([`talk`]);
//! - writes what it sees into `look.seen`, also before it fails, and returns the first failure. What
//!   the owner expects of facts is judged in `domain::check::verdict`, not here.
//!
//! Each failure is produced by a broken server of `testkit` and has a row in `tests/classes`.

pub(crate) mod dns;
pub(crate) mod domain;
pub(crate) mod grpc;
pub(crate) mod http;
pub(crate) mod ping;
pub(crate) mod smtp;
mod starttls;
mod talk;
pub(crate) mod tcp;
pub(crate) mod tls;
pub(crate) mod udp;
pub(crate) mod websocket;

use ::domain::check::{Failure, FailureClass, Phase};
use ::domain::monitor::blocks::escape;
use ::domain::target::TargetHost;

use crate::look::{Look, Step};
#[cfg(doc)]
use crate::wire;
use crate::wire::Endpoint;

/// The host and port of a monitor without a URL, judged again at each look.
pub(crate) fn endpoint(look: &Look<'_>, host: &str, port: u16) -> Step<Endpoint> {
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

/// The bytes of a text with escapes. One that has none of ours was refused when it was written.
fn bytes(text: Option<&str>) -> Vec<u8> {
    let text = text.unwrap_or_default();
    escape::bytes(text).unwrap_or_else(|_| text.as_bytes().to_vec())
}

/// Whether `part` is somewhere in `whole`.
fn contains(whole: &[u8], part: &[u8]) -> bool {
    part.is_empty() || whole.windows(part.len()).any(|window| window == part)
}
