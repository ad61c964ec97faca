//! `smtp`: a mail server greets, takes EHLO, encrypts where it should, and says good-bye (RFC 5321).

use std::net::IpAddr;

use ::domain::check::{Failure, FailureClass, Phase};
use ::domain::monitor::SmtpTarget;
use ::domain::monitor::blocks::SmtpSecurity;
use ::domain::target::Host;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::talk::Talk;
use crate::handshake::{self, Manner};
use crate::look::{Look, Step};
use crate::wire;

/// Lines of one answer.
const MOST_LINES: usize = 100;
const MANNER: Manner = Manner {
    web: false,
    verify: true,
};

/// Connects and leads a conversation without a mail in it.
pub(crate) async fn look(look: &mut Look<'_>, target: &SmtpTarget) -> Step<()> {
    let to = super::endpoint(look, &target.host, target.port)?;
    let addresses = wire::resolve(look, &to).await?;
    let stream = wire::connect(look, &addresses).await?;
    let name = own_name(&stream);
    look.awaits(FailureClass::ReplyTimeout, "the mail server's answer");
    match target.security {
        SmtpSecurity::Tls => {
            let shaken = handshake::shake(look, stream, &to.host, MANNER).await?;
            let mut talk = Talk::new(shaken.stream, FailureClass::SmtpUnexpected);
            look.enter(Phase::FirstByte);
            greet(look, &mut talk, &name).await?;
            leave(&mut talk).await
        }
        SmtpSecurity::StartTls => starttls(look, stream, &to.host, &name).await,
        SmtpSecurity::None => {
            let mut talk = Talk::new(stream, FailureClass::SmtpUnexpected);
            look.enter(Phase::FirstByte);
            greet(look, &mut talk, &name).await?;
            leave(&mut talk).await
        }
    }
}

async fn starttls(look: &mut Look<'_>, stream: TcpStream, host: &Host, name: &str) -> Step<()> {
    let mut talk = Talk::new(stream, FailureClass::SmtpUnexpected);
    look.enter(Phase::FirstByte);
    greet(look, &mut talk, name).await?;
    start_tls(&mut talk).await?;
    let shaken = handshake::shake(look, talk.into_stream()?, host, MANNER).await?;
    let mut talk = Talk::new(shaken.stream, FailureClass::SmtpUnexpected);
    look.enter(Phase::FirstByte);
    hello(&mut talk, name).await?;
    leave(&mut talk).await
}

/// How we name ourselves: an address literal (RFC 5321, 4.1.3), since we receive no mail.
pub(super) fn own_name(stream: &TcpStream) -> String {
    match stream.local_addr().map(|address| address.ip()) {
        Ok(IpAddr::V6(ip)) => format!("[IPv6:{ip}]"),
        Ok(ip) => format!("[{ip}]"),
        Err(_) => "localhost".to_owned(),
    }
}

fn unexpected(message: String) -> Failure {
    Failure::new(FailureClass::SmtpUnexpected, Phase::FirstByte, message)
}

/// Greeting and EHLO.
pub(super) async fn greet<S>(look: &mut Look<'_>, talk: &mut Talk<S>, name: &str) -> Step<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let greeting = answer(talk).await?;
    look.seen.note("Greeting", &greeting);
    if !greeting.starts_with("220") {
        return Err(unexpected(format!("the greeting is {greeting:?}")));
    }
    hello(talk, name).await
}

async fn hello<S>(talk: &mut Talk<S>, name: &str) -> Step<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    talk.write(format!("EHLO {name}\r\n").as_bytes()).await?;
    let answer = answer(talk).await?;
    match answer.starts_with("250") {
        true => Ok(()),
        false => Err(unexpected(format!("the answer to EHLO is {answer:?}"))),
    }
}

/// Asks to encrypt. Whether it was offered is not read: who refuses says so.
pub(super) async fn start_tls<S>(talk: &mut Talk<S>) -> Step<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    talk.write(b"STARTTLS\r\n").await?;
    let answer = answer(talk).await?;
    if answer.starts_with("220") {
        return Ok(());
    }
    Err(Failure::new(
        FailureClass::StarttlsFailed,
        Phase::FirstByte,
        format!("STARTTLS is refused: {answer:?}"),
    ))
}

/// Many servers close without a word; that is no fault.
async fn leave<S>(talk: &mut Talk<S>) -> Step<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let _ = talk.write(b"QUIT\r\n").await;
    Ok(())
}

/// The first line of an answer; the others (`250-…`) are read over.
async fn answer<S>(talk: &mut Talk<S>) -> Step<String>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let first = talk.line().await?;
    let mut last = first.clone();
    for _ in 0..MOST_LINES {
        let code = last.get(..3).unwrap_or_default();
        if code.len() < 3 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(unexpected(format!("no SMTP answer: {last:?}")));
        }
        if last.as_bytes().get(3) != Some(&b'-') {
            return Ok(first);
        }
        last = talk.line().await?;
    }
    Err(unexpected("an answer of more than 100 lines".to_owned()))
}
