//! Conversations in lines and bytes, within bounds.

use ::domain::check::{Failure, FailureClass, Phase};
use bytes::BufMut as _;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::handshake;
use crate::look::Step;

/// Bytes of one line, with its end.
const MAX_LINE: usize = 2_048;
/// Bytes read at a time.
const CHUNK: usize = 4_096;

/// A stream that is read in pieces that a protocol knows.
pub(super) struct Talk<S> {
    stream: S,
    /// Read and not yet given out.
    ahead: Vec<u8>,
    /// What another end than expected is called.
    class: FailureClass,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<S> {
    pub(super) const fn new(stream: S, class: FailureClass) -> Self {
        Self {
            stream,
            ahead: Vec::new(),
            class,
        }
    }

    fn failed(&self, error: &std::io::Error) -> Failure {
        if handshake::is_reset(Some(error.kind())) {
            let message = "reset inside the conversation";
            return Failure::new(FailureClass::ConnectionReset, Phase::FirstByte, message);
        }
        Failure::new(self.class, Phase::FirstByte, error.to_string())
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> Step<()> {
        let written = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        written.await.map_err(|error| self.failed(&error))
    }

    /// Reads what comes next. `false` at the end of the stream.
    pub(super) async fn more(&mut self) -> Step<bool> {
        self.ahead.reserve(CHUNK);
        let mut chunk = (&mut self.ahead).limit(CHUNK);
        match self.stream.read_buf(&mut chunk).await {
            Ok(count) => Ok(count > 0),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// What was read and not given out.
    pub(super) fn ahead(&self) -> &[u8] {
        &self.ahead
    }

    /// One byte.
    pub(super) async fn byte(&mut self) -> Step<u8> {
        while self.ahead.is_empty() {
            if !self.more().await? {
                return Err(self.ended());
            }
        }
        Ok(self.ahead.remove(0))
    }

    /// One line without its end. What is not UTF-8 is replaced.
    pub(super) async fn line(&mut self) -> Step<String> {
        loop {
            if let Some(end) = self.ahead.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.ahead.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            if self.ahead.len() > MAX_LINE {
                let message = format!("a line of more than {MAX_LINE} bytes");
                return Err(Failure::new(self.class, Phase::FirstByte, message));
            }
            if !self.more().await? {
                return Err(self.ended());
            }
        }
    }

    fn ended(&self) -> Failure {
        let message = format!(
            "the server closes the connection; {} bytes came before",
            self.ahead.len()
        );
        Failure::new(self.class, Phase::FirstByte, message)
    }

    /// The stream, for what comes after this protocol; a server that already sent more than it was
    /// asked for is not believed (the injection that STARTTLS is known for).
    pub(super) fn into_stream(self) -> Step<S> {
        if self.ahead.is_empty() {
            return Ok(self.stream);
        }
        let message = "the server sends data in the clear after it agreed to encrypt";
        Err(Failure::new(self.class, Phase::FirstByte, message))
    }
}
