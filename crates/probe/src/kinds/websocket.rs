//! `websocket`: an address takes the upgrade, and a message comes back if its owner expects one
//! (RFC 6455).

use ::domain::check::{Failure, FailureClass, Phase};
use ::domain::monitor::WebsocketTarget;
use ::domain::monitor::blocks::escape::shown;
use ::domain::target::TargetUrl;
use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use http::header::{self, HeaderName, HeaderValue};
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::http::exchange::{self, Connection, Versions, Way};
use crate::look::{Look, Step};
use crate::wire::{self, Endpoint};

/// What a server adds to the key before it hashes it (RFC 6455, 1.3).
const MAGIC: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// Bytes of one message.
const MAX_MESSAGE: usize = 256 * 1024;
/// Messages that are looked through.
const MOST_MESSAGES: usize = 1_000;

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Upgrades, says and hears what the owner wants, and closes.
pub(crate) async fn look(look: &mut Look<'_>, target: &WebsocketTarget) -> Step<()> {
    let policy = look.prober.egress().policy();
    let url = TargetUrl::parse_websocket(&target.url, policy).map_err(|refusal| {
        let message = format!("the URL {refusal}");
        Failure::new(FailureClass::TargetRefused, Phase::Dns, message)
    })?;
    let to = Endpoint {
        host: url.host().clone(),
        port: url.port(),
    };
    let addresses = wire::resolve(look, &to).await?;
    let stream = wire::connect(look, &addresses).await?;
    let way = Way {
        versions: Versions::One,
        verify: target.verify_tls,
    };
    let mut connection = exchange::open(look, stream, &url, way).await?;
    connection.move_by_itself();
    let Some(answer) = upgrade(look, &mut connection, &url).await? else {
        // The status is judged like that of a page.
        return Ok(());
    };
    let upgraded = hyper::upgrade::on(answer)
        .await
        .map_err(|error| unexpected(format!("the connection ends with the upgrade: {error}")))?;
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    let io = TokioIo::new(upgraded);
    let mut socket = Socket::from_raw_socket(io, Role::Client, Some(config)).await;
    converse(look, &mut socket, target).await?;
    // Whether it closes well is nobody's concern.
    let _ = socket.send(Message::Close(None)).await;
    Ok(())
}

fn unexpected(message: String) -> Failure {
    Failure::new(FailureClass::WebsocketUnexpected, Phase::Body, message)
}

/// The answer that upgrades; `None` for one with another status.
async fn upgrade(
    look: &mut Look<'_>,
    connection: &mut Connection,
    url: &TargetUrl,
) -> Step<Option<Response<Incoming>>> {
    let key = fresh_key();
    let request = request(url, &key, look.prober.egress().user_agent());
    let answer = exchange::carry(look, connection, request).await?;
    exchange::note(look, &answer);
    if answer.status() != http::StatusCode::SWITCHING_PROTOCOLS {
        return Ok(None);
    }
    let said = answer.headers().get("sec-websocket-accept");
    if said.map(HeaderValue::as_bytes) != Some(accept(&key).as_bytes()) {
        let message = "the answer to the upgrade does not belong to our key".to_owned();
        return Err(unexpected(message));
    }
    Ok(Some(answer))
}

/// Sixteen bytes of chance, in base64.
fn fresh_key() -> String {
    let mut bytes = [0; 16];
    // Without chance the key is a constant: it is no secret, it only tells caches apart.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    base64(&bytes)
}

fn accept(key: &str) -> String {
    let algorithm = &aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY;
    let digest = aws_lc_rs::digest::digest(algorithm, format!("{key}{MAGIC}").as_bytes());
    base64(digest.as_ref())
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn request(url: &TargetUrl, key: &str, user_agent: &str) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(Bytes::new()));
    // What is no path was refused when the URL was read.
    *request.uri_mut() = url.path_and_query().parse().unwrap_or_default();
    let login = url.credentials().map(|login| login.basic_authorization());
    let fixed = [
        (header::HOST, url.authority()),
        (header::USER_AGENT, user_agent),
        (header::UPGRADE, "websocket"),
        (header::CONNECTION, "Upgrade"),
        (header::SEC_WEBSOCKET_VERSION, "13"),
        (header::SEC_WEBSOCKET_KEY, key),
    ];
    let login = login.as_deref().map(|login| (header::AUTHORIZATION, login));
    let headers: Vec<(HeaderName, &str)> = fixed.into_iter().chain(login).collect();
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            request.headers_mut().insert(name, value);
        }
    }
    request
}

async fn converse(look: &mut Look<'_>, socket: &mut Socket, target: &WebsocketTarget) -> Step<()> {
    look.awaits(FailureClass::WebsocketUnexpected, "the expected message");
    look.enter(Phase::Body);
    if let Some(text) = &target.send {
        let sent = socket.send(Message::text(text.clone())).await;
        sent.map_err(|error| broken(&error))?;
    }
    let Some(expected) = &target.expect else {
        return Ok(());
    };
    for _ in 0..MOST_MESSAGES {
        let message = match socket.next().await {
            Some(Ok(message)) => message,
            Some(Err(error)) => return Err(broken(&error)),
            None => break,
        };
        if let Message::Close(frame) = &message {
            let why = frame.as_ref().map(ToString::to_string).unwrap_or_default();
            return Err(unexpected(format!("the server closes: {why}")));
        }
        if !(message.is_text() || message.is_binary()) {
            continue;
        }
        let data = message.into_data();
        if look.seen.said.is_empty() {
            look.seen.note("Message", &shown(&data, 80));
        }
        if super::contains(&data, expected.as_bytes()) {
            return Ok(());
        }
    }
    Err(unexpected("the expected text is in no message".to_owned()))
}

fn broken(error: &Error) -> Failure {
    match error {
        Error::Io(error) if crate::handshake::is_reset(Some(error.kind())) => Failure::new(
            FailureClass::ConnectionReset,
            Phase::Body,
            "reset inside the conversation",
        ),
        other => unexpected(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6455, 1.3.
    #[test]
    fn the_accept_of_the_standard() {
        assert_eq!(
            accept("dGhlIHNhbXBsZSBub25jZQ=="),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
    }
}
