//! What a server does with one connection, step by step.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// One step.
#[derive(Debug, Clone)]
pub enum Act {
    /// Reads until a blank line, or until anything came that has none.
    ReadRequest,
    /// Reads this many bytes.
    Read(usize),
    /// Sends bytes.
    Send(Vec<u8>),
    /// Sends bytes again and again until the other side goes.
    SendForever(Vec<u8>),
    /// Sends one byte at a time.
    Drip(Vec<u8>, Duration),
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

    /// Sends bytes.
    #[must_use]
    pub fn send(self, bytes: impl AsRef<[u8]>) -> Self {
        self.then(Act::Send(bytes.as_ref().to_vec()))
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
        for act in self.acts {
            let done = match act {
                Act::ReadRequest => read_request(stream).await,
                Act::Read(count) => stream.read_exact(&mut vec![0; count]).await.map(|_| ()),
                Act::Send(bytes) => send(stream, &bytes).await,
                Act::SendForever(bytes) => loop {
                    if let Err(error) = send(stream, &bytes).await {
                        break Err(error);
                    }
                },
                Act::Drip(bytes, pause) => drip(stream, &bytes, pause).await,
                Act::Hang => std::future::pending().await,
                Act::Reset => return true,
            };
            if done.is_err() {
                return false;
            }
        }
        let _ = stream.shutdown().await;
        false
    }
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
    let mut seen = Vec::new();
    let mut chunk = [0; 4096];
    while !seen.windows(4).any(|window| window == b"\r\n\r\n") {
        let count = stream.read(&mut chunk).await?;
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        seen.extend_from_slice(&chunk[..count]);
    }
    Ok(())
}
