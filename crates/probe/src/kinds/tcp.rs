//! `tcp`: the port takes a connection, and answers as its owner expects.

use ::domain::check::{Failure, FailureClass, Phase};
use ::domain::monitor::ExchangeTarget;
use ::domain::monitor::blocks::escape::shown;

use super::talk::Talk;
use crate::look::{Look, Step};
use crate::wire;

/// Bytes of an answer that are looked through.
const MAX_ANSWER: usize = 64 * 1024;
/// Bytes of an answer that people are shown.
pub(super) const SHOWN: usize = 80;

/// Connects; says and hears what the owner wants, if anything.
pub(crate) async fn look(look: &mut Look<'_>, target: &ExchangeTarget) -> Step<()> {
    let to = super::endpoint(look, &target.host, target.port)?;
    let addresses = wire::resolve(look, &to).await?;
    let stream = wire::connect(look, &addresses).await?;
    if target.send.is_none() && target.expect.is_none() {
        return Ok(());
    }
    let port = target.port.to_string();
    look.awaits_with(
        FailureClass::TcpUnexpected,
        "the expected answer",
        port.clone(),
    );
    let mut talk = Talk::new(stream, FailureClass::TcpUnexpected);
    look.enter(Phase::Send);
    talk.write(&super::bytes(target.send.as_deref()))
        .await
        .map_err(|failure| failure.with_detail(port.clone()))?;
    look.enter(Phase::FirstByte);
    let outcome = match &target.expect {
        Some(expected) => listen(&mut talk, &super::bytes(Some(expected))).await,
        None => Ok(()),
    };
    if !talk.ahead().is_empty() {
        look.seen.note("Answer", &shown(talk.ahead(), SHOWN));
    }
    outcome.map_err(|failure| failure.with_detail(port))
}

async fn listen(talk: &mut Talk<tokio::net::TcpStream>, expected: &[u8]) -> Step<()> {
    while !super::contains(talk.ahead(), expected) {
        if talk.ahead().len() < MAX_ANSWER && talk.more().await? {
            continue;
        }
        let count = talk.ahead().len();
        let message = match count {
            0 => "the server closes the connection without an answer".to_owned(),
            _ => format!(
                "the expected text is not in the {count} bytes that came: {}",
                shown(talk.ahead(), SHOWN)
            ),
        };
        return Err(Failure::new(
            FailureClass::TcpUnexpected,
            Phase::FirstByte,
            message,
        ));
    }
    Ok(())
}
