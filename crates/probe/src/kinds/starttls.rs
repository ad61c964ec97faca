//! Asking a server to begin TLS, in the words of its protocol.

use ::domain::check::{Failure, FailureClass, Phase};
use ::domain::monitor::blocks::StartTls;
use tokio::net::TcpStream;

use super::smtp;
use super::talk::Talk;
use crate::look::{Look, Step};

/// Lines of an answer that are read before one that decides.
const MOST_LINES: usize = 100;
/// SSLRequest: eight bytes, code 80877103.
const POSTGRES_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// Leads the conversation up to where the handshake begins.
pub(super) async fn begin(
    look: &mut Look<'_>,
    stream: TcpStream,
    protocol: StartTls,
) -> Step<TcpStream> {
    look.awaits(FailureClass::ReplyTimeout, "the answer to STARTTLS");
    look.enter(Phase::FirstByte);
    let name = smtp::own_name(&stream);
    let mut talk = Talk::new(stream, FailureClass::StarttlsFailed);
    match protocol {
        StartTls::Smtp => {
            smtp::greet(look, &mut talk, &name).await?;
            smtp::start_tls(&mut talk).await?;
        }
        StartTls::Imap => imap(look, &mut talk).await?,
        StartTls::Pop3 => pop3(look, &mut talk).await?,
        StartTls::Postgres => postgres(&mut talk).await?,
    }
    talk.into_stream()
}

fn fail(message: String) -> Step<()> {
    Err(Failure::new(
        FailureClass::StarttlsFailed,
        Phase::FirstByte,
        message,
    ))
}

async fn imap(look: &mut Look<'_>, talk: &mut Talk<TcpStream>) -> Step<()> {
    let greeting = talk.line().await?;
    look.seen.note("Greeting", &greeting);
    if !greeting.starts_with("* OK") {
        return fail(format!("no IMAP greeting: {greeting:?}"));
    }
    talk.write(b"w1 STARTTLS\r\n").await?;
    for _ in 0..MOST_LINES {
        let line = talk.line().await?;
        if line.starts_with("w1 OK") {
            return Ok(());
        }
        if line.starts_with("w1 ") {
            return fail(format!("STARTTLS is refused: {line:?}"));
        }
    }
    fail("no answer to STARTTLS among many lines".to_owned())
}

async fn pop3(look: &mut Look<'_>, talk: &mut Talk<TcpStream>) -> Step<()> {
    let greeting = talk.line().await?;
    look.seen.note("Greeting", &greeting);
    if !greeting.starts_with("+OK") {
        return fail(format!("no POP3 greeting: {greeting:?}"));
    }
    talk.write(b"STLS\r\n").await?;
    let answer = talk.line().await?;
    match answer.starts_with("+OK") {
        true => Ok(()),
        false => fail(format!("STLS is refused: {answer:?}")),
    }
}

async fn postgres(talk: &mut Talk<TcpStream>) -> Step<()> {
    talk.write(&POSTGRES_REQUEST).await?;
    match talk.byte().await? {
        b'S' => Ok(()),
        b'N' => fail("the server has TLS switched off (it answers N)".to_owned()),
        other => fail(format!(
            "no PostgreSQL server: it answers byte {other:#04x}"
        )),
    }
}
