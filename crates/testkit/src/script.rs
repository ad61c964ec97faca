//! What a server does with one connection, step by step.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// How long a server that closed hears the other side out.
const LINGER: Duration = Duration::from_secs(1);

/// One step.
#[derive(Debug, Clone)]
pub enum Act {
    /// Reads until a blank line, or until anything came that has none.
    ReadRequest,
    /// Reads this many bytes.
    Read(usize),
    /// Reads until these bytes have come, for ever if they do not.
    Until(Vec<u8>),
    /// Sends bytes.
    Send(Vec<u8>),
    /// Sends bytes again and again until the other side goes.
    SendForever(Vec<u8>),
    /// Sends one byte at a time.
    Drip(Vec<u8>, Duration),
    /// Reads a WebSocket handshake and agrees to it (RFC 6455, 4.2.2).
    Upgrade,
    /// Does nothing for ever.
    Hang,
    /// Closes with a reset instead of an end.
    Reset,
}

/// What a server does with one connection. After the last step it closes.
#[derive(Debug, Clone, Default)]
pub struct Script {
    acts: Vec<Act>,
}

impl Script {
    /// Closes at once.
    pub fn close() -> Self {
        Self::default()
    }

    /// Reads a request, then goes on.
    pub fn request() -> Self {
        Self::default().then(Act::ReadRequest)
    }

    /// Adds a step.
    #[must_use]
    pub fn then(mut self, act: Act) -> Self {
        self.acts.push(act);
        self
    }

    /// Reads a request and sends these bytes.
    pub fn answer(bytes: impl AsRef<[u8]>) -> Self {
        Self::request().send(bytes)
    }

    /// Reads until these bytes have come.
    #[must_use]
    pub fn until(self, bytes: impl AsRef<[u8]>) -> Self {
        self.then(Act::Until(bytes.as_ref().to_vec()))
    }

    /// Sends bytes.
    #[must_use]
    pub fn send(self, bytes: impl AsRef<[u8]>) -> Self {
        self.then(Act::Send(bytes.as_ref().to_vec()))
    }

    /// Agrees to a WebSocket, then goes on.
    pub fn websocket() -> Self {
        Self::default().then(Act::Upgrade)
    }

    /// Sends a WebSocket text message, unmasked as servers do, of at most 125 bytes.
    #[must_use]
    pub fn message(self, text: &str) -> Self {
        let length = u8::try_from(text.len()).expect("short");
        self.send([&[0x81, length][..], text.as_bytes()].concat())
    }

    /// Hangs.
    #[must_use]
    pub fn hang(self) -> Self {
        self.then(Act::Hang)
    }

    /// Resets the connection.
    #[must_use]
    pub fn reset(self) -> Self {
        self.then(Act::Reset)
    }

    /// A whole answer with a length.
    pub fn page(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n",
            body.len()
        );
        Self::answer(head).send(body)
    }

    /// Plays it. `true` when the connection is to be reset.
    pub(crate) async fn play<S>(self, stream: &mut S) -> bool
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let wants_reset = self.lead(stream).await;
        if wants_reset == Some(false) {
            let _ = stream.shutdown().await;
            // What is closed with bytes unread is reset: those who close well hear the other side out.
            let _ = tokio::time::timeout(LINGER, read_out(stream)).await;
        }
        wants_reset == Some(true)
    }

    /// Plays it and leaves the connection open. `None` when the other side went.
    pub(crate) async fn lead<S>(self, stream: &mut S) -> Option<bool>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        for act in self.acts {
            let done = match act {
                Act::Upgrade => upgrade(stream).await,
                Act::ReadRequest => read_request(stream).await,
                Act::Read(count) => stream.read_exact(&mut vec![0; count]).await.map(|_| ()),
                Act::Until(bytes) => read_until(stream, &bytes).await.map(|_| ()),
                Act::Send(bytes) => send(stream, &bytes).await,
                Act::SendForever(bytes) => loop {
                    if let Err(error) = send(stream, &bytes).await {
                        break Err(error);
                    }
                },
                Act::Drip(bytes, pause) => drip(stream, &bytes, pause).await,
                Act::Hang => std::future::pending().await,
                Act::Reset => return Some(true),
            };
            done.ok()?;
        }
        Some(false)
    }
}

async fn read_out<S: AsyncRead + Unpin>(stream: &mut S) {
    let mut chunk = [0; 4096];
    while matches!(stream.read(&mut chunk).await, Ok(1..)) {}
}

async fn send<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) -> std::io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

async fn drip<S: AsyncWrite + Unpin>(
    stream: &mut S,
    bytes: &[u8],
    pause: Duration,
) -> std::io::Result<()> {
    for byte in bytes {
        send(stream, &[*byte]).await?;
        tokio::time::sleep(pause).await;
    }
    Ok(())
}

async fn read_request<S: AsyncRead + Unpin>(stream: &mut S) -> std::io::Result<()> {
    read_until(stream, b"\r\n\r\n").await.map(|_| ())
}

async fn upgrade<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> std::io::Result<()> {
    let request = read_until(stream, b"\r\n\r\n").await?;
    let request = String::from_utf8_lossy(&request).into_owned();
    let key = request.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.eq_ignore_ascii_case("sec-websocket-key")).then(|| value.trim().to_owned())
    });
    let text = format!(
        "{}258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
        key.unwrap_or_default()
    );
    let algorithm = &aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY;
    let digest = aws_lc_rs::digest::digest(algorithm, text.as_bytes());
    let accept = STANDARD.encode(digest.as_ref());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    send(stream, answer.as_bytes()).await
}

async fn read_until<S>(stream: &mut S, wanted: &[u8]) -> std::io::Result<Vec<u8>>
where
    S: AsyncRead + Unpin,
{
    let mut seen = Vec::new();
    let mut chunk = [0; 4096];
    while !seen
        .windows(wanted.len().max(1))
        .any(|window| window == wanted)
    {
        let count = stream.read(&mut chunk).await?;
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        seen.extend_from_slice(&chunk[..count]);
    }
    Ok(seen)
}
