//! `tcp`: the port takes a connection.

use domain::check::Phase;

use crate::look::{Look, Step};
use crate::wire;

/// Connects and closes.
pub(crate) async fn look(look: &mut Look<'_>, host: &str, port: u16) -> Step<()> {
    let to = super::endpoint(look, host, port)?;
    let addresses = wire::resolve(look, &to).await?;
    let _stream = wire::connect(look, &addresses).await?;
    debug_assert_eq!(look.phase(), Phase::Connect);
    Ok(())
}
