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

/// Asks `server`. Messages that do not belong to the question are ignored, not believed.
pub(crate) async fn ask(
    server: SocketAddr,
    query: &Query,
    deadline: Instant,
) -> Result<Message, DnsFailure> {
    let answer = by_datagram(server, query, true, deadline).await?;
    let answer = match answer.metadata.response_code {
        // Old servers know no EDNS.
        ResponseCode::FormErr | ResponseCode::NotImp => {
            by_datagram(server, query, false, deadline).await?
        }
        _ => answer,
    };
    if answer.metadata.truncation {
        by_stream(server, query, deadline).await
    } else {
        Ok(answer)
    }
}

async fn by_datagram(
    server: SocketAddr,
    query: &Query,
    edns: bool,
    deadline: Instant,
) -> Result<Message, DnsFailure> {
    let (id, question) = encode(query, edns)?;
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
            if let Some(answer) = belonging(&buffer[..length], id, query) {
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
    query: &Query,
    deadline: Instant,
) -> Result<Message, DnsFailure> {
    let (id, question) = encode(query, true)?;
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
        Ok(Ok(buffer)) => belonging(&buffer, id, query).unwrap_or(Err(DnsFailure::Malformed)),
        Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Err(DnsFailure::Malformed)
        }
        Ok(Err(_)) | Err(_) => Err(DnsFailure::Timeout),
    }
}

fn encode(query: &Query, edns: bool) -> Result<(u16, Vec<u8>), DnsFailure> {
    let id = rand::random();
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(query.clone());
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
