//! One question to one server: by datagram, and by TCP when the answer was cut.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, UdpSocket};
use tokio::time::{Instant, timeout_at};

use super::DnsFailure;

/// The largest datagram that passes everywhere (DNS flag day 2020).
const PAYLOAD: u16 = 1232;

/// Whether a resolver is to check the signatures of what it tells (the CD bit, RFC 4035, 3.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Checks {
    /// As it does for everybody.
    Made,
    /// It tells what it got, whether that is signed well or not.
    Disabled,
}

/// Asks `server`. Messages that do not belong to the question are ignored, not believed.
pub(crate) async fn ask(
    server: SocketAddr,
    query: &Query,
    checks: Checks,
    deadline: Instant,
) -> Result<Message, DnsFailure> {
    let asked = Asked { query, checks };
    let answer = by_datagram(server, asked, true, deadline).await?;
    let answer = match answer.metadata.response_code {
        // Old servers know no EDNS.
        ResponseCode::FormErr | ResponseCode::NotImp => {
            by_datagram(server, asked, false, deadline).await?
        }
        _ => answer,
    };
    if answer.metadata.truncation {
        by_stream(server, asked, deadline).await
    } else {
        Ok(answer)
    }
}

/// What is asked, and how.
#[derive(Clone, Copy)]
struct Asked<'q> {
    query: &'q Query,
    checks: Checks,
}

async fn by_datagram(
    server: SocketAddr,
    asked: Asked<'_>,
    edns: bool,
    deadline: Instant,
) -> Result<Message, DnsFailure> {
    let (id, question) = encode(asked, edns)?;
    let exchange = async {
        let local = match server {
            SocketAddr::V4(_) => "0.0.0.0:0",
            SocketAddr::V6(_) => "[::]:0",
        };
        let socket = UdpSocket::bind(local).await?;
        socket.connect(server).await?;
        socket.send(&question).await?;
        let mut buffer = vec![0_u8; 4096];
        loop {
            let length = socket.recv(&mut buffer).await?;
            if let Some(answer) = belonging(&buffer[..length], id, asked.query) {
                return Ok::<_, io::Error>(answer);
            }
        }
    };
    match timeout_at(deadline, exchange).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => {
            // Refused or unreachable at once: wait a little, so that a try costs time in any case
            // and a server that restarts is not hammered.
            tracing::debug!(%server, %error, "DNS server is out of reach");
            let pause = Instant::now() + Duration::from_millis(50);
            tokio::time::sleep_until(pause.min(deadline)).await;
            Err(DnsFailure::Timeout)
        }
        Err(_) => Err(DnsFailure::Timeout),
    }
}

async fn by_stream(
    server: SocketAddr,
    asked: Asked<'_>,
    deadline: Instant,
) -> Result<Message, DnsFailure> {
    let (id, question) = encode(asked, true)?;
    let exchange = async {
        let socket = match server {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        let mut stream = socket.connect(server).await?;
        let length = u16::try_from(question.len()).map_err(io::Error::other)?;
        stream
            .write_all(&[&length.to_be_bytes()[..], &question].concat())
            .await?;
        let length = stream.read_u16().await?;
        let mut buffer = vec![0_u8; length.into()];
        stream.read_exact(&mut buffer).await?;
        Ok::<_, io::Error>(buffer)
    };
    match timeout_at(deadline, exchange).await {
        Ok(Ok(buffer)) => belonging(&buffer, id, asked.query).unwrap_or(Err(DnsFailure::Malformed)),
        Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Err(DnsFailure::Malformed)
        }
        Ok(Err(_)) | Err(_) => Err(DnsFailure::Timeout),
    }
}

fn encode(asked: Asked<'_>, edns: bool) -> Result<(u16, Vec<u8>), DnsFailure> {
    let id = rand::random();
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.metadata.checking_disabled = asked.checks == Checks::Disabled;
    message.add_query(asked.query.clone());
    if edns {
        let mut edns = Edns::new();
        edns.set_max_payload(PAYLOAD);
        message.set_edns(edns);
    }
    message
        .to_vec()
        .map(|bytes| (id, bytes))
        .map_err(|_| DnsFailure::Malformed)
}

/// `None` for a message that is not the answer to this question.
fn belonging(bytes: &[u8], id: u16, query: &Query) -> Option<Result<Message, DnsFailure>> {
    if bytes.first_chunk().copied().map(u16::from_be_bytes) != Some(id) {
        return None;
    }
    let Ok(message) = Message::from_vec(bytes) else {
        return Some(Err(DnsFailure::Malformed));
    };
    let is_answer = message.metadata.message_type == MessageType::Response;
    let about_this = message.queries.iter().all(|asked| asked == query);
    (is_answer && about_this).then_some(Ok(message))
}
