//! `tls`: the port shakes hands with a certificate that is good for its name.

use std::time::Duration;

use tokio::io::AsyncReadExt;

use crate::handshake::{self, Manner};
use crate::look::{Look, Step};
use crate::wire;

/// Since TLS 1.3 a server refuses a missing client certificate only after the client has finished.
const REFUSAL_WAIT: Duration = Duration::from_secs(1);

/// Connects, shakes hands and closes.
pub(crate) async fn look(look: &mut Look<'_>, host: &str, port: u16) -> Step<()> {
    let to = super::endpoint(look, host, port)?;
    let addresses = wire::resolve(look, &to).await?;
    let stream = wire::connect(look, &addresses).await?;
    let mut shaken = handshake::shake(
        look,
        stream,
        &to.host,
        Manner {
            web: false,
            verify: true,
        },
    )
    .await?;
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
