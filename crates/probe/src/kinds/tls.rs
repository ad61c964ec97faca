//! `tls`: the port shakes hands with a certificate that is good for its name, at once or after it was
//! asked to in the words of another protocol.

use std::time::Duration;

use ::domain::monitor::TlsTarget;
use tokio::io::AsyncReadExt;

use super::starttls;
use crate::handshake::{self, Manner};
use crate::look::{Look, Step};
use crate::wire;

/// Since TLS 1.3 a server refuses a missing client certificate only after the client has finished.
const REFUSAL_WAIT: Duration = Duration::from_secs(1);

/// Connects, asks for TLS where that is the custom, shakes hands and closes.
pub(crate) async fn look(look: &mut Look<'_>, target: &TlsTarget) -> Step<()> {
    let to = super::endpoint(look, &target.host, target.port)?;
    let addresses = wire::resolve(look, &to).await?;
    let mut stream = wire::connect(look, &addresses).await?;
    if let Some(protocol) = target.starttls {
        stream = starttls::begin(look, stream, protocol).await?;
    }
    let manner = Manner {
        web: false,
        verify: true,
    };
    let mut shaken = handshake::shake(look, stream, &to.host, manner).await?;
    if !shaken.wants_certificate {
        return Ok(());
    }
    let mut byte = [0];
    let wait = REFUSAL_WAIT.min(wire::time_left(look));
    match tokio::time::timeout(wait, shaken.stream.read(&mut byte)).await {
        Ok(Err(error)) => match handshake::refusal(&error, true) {
            Some(failure) => Err(failure),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}
