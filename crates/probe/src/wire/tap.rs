//! A stream that remembers what passed through it.
//!
//! The HTTP library reports many different ends of a connection with the same error; the bytes and
//! the I/O error seen here tell them apart.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes kept from the start of what was read, enough to name a wrong protocol.
const HEAD: usize = 512;

/// What passed through a stream so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Passed {
    /// Bytes read.
    pub read: u64,
    /// Bytes written.
    pub written: u64,
    /// The first bytes read.
    pub head: Vec<u8>,
    /// When the last byte was written.
    pub last_write: Option<Instant>,
    /// When the first byte was read.
    pub first_read: Option<Instant>,
    /// The other side ended its half.
    pub ended: bool,
    /// The kind of the first error.
    pub error: Option<io::ErrorKind>,
    /// That error in words.
    pub error_text: Option<String>,
    /// The TLS alert that ended the stream.
    pub alert: Option<rustls::AlertDescription>,
}

/// A shared view of what passed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Passed>>);

impl Log {
    fn lock(&self) -> MutexGuard<'_, Passed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A copy of the present state.
    pub(crate) fn snapshot(&self) -> Passed {
        self.lock().clone()
    }

    fn note_read(&self, bytes: &[u8]) {
        let mut passed = self.lock();
        if bytes.is_empty() {
            passed.ended = true;
            return;
        }
        passed.first_read.get_or_insert_with(Instant::now);
        passed.read = passed.read.saturating_add(bytes.len() as u64);
        let wanted = HEAD.saturating_sub(passed.head.len()).min(bytes.len());
        passed
            .head
            .extend_from_slice(bytes.get(..wanted).unwrap_or_default());
    }

    fn note_write(&self, count: usize) {
        let mut passed = self.lock();
        passed.written = passed.written.saturating_add(count as u64);
        passed.last_write = Some(Instant::now());
    }

    fn note_error(&self, error: &io::Error) {
        let mut passed = self.lock();
        if passed.error.is_some() {
            return;
        }
        passed.error = Some(error.kind());
        passed.error_text = Some(error.to_string());
        passed.alert = match error.get_ref().and_then(|inner| inner.downcast_ref()) {
            Some(rustls::Error::AlertReceived(alert)) => Some(*alert),
            _ => None,
        };
    }
}

/// A stream with a [`Log`].
#[derive(Debug)]
pub(crate) struct Tap<S> {
    stream: S,
    log: Log,
    /// An end without TLS's closing alert is an end all the same: many servers never send it, and
    /// what was cut shows in the lengths.
    lenient_end: bool,
}

impl<S> Tap<S> {
    pub(crate) const fn new(stream: S, log: Log) -> Self {
        Self {
            stream,
            log,
            lenient_end: false,
        }
    }

    /// For the inside of a TLS stream.
    pub(crate) const fn over_tls(stream: S, log: Log) -> Self {
        Self {
            stream,
            log,
            lenient_end: true,
        }
    }

    pub(crate) fn log(&self) -> Log {
        self.log.clone()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let wanted = buf.remaining() > 0;
        let outcome = ready!(Pin::new(&mut self.stream).poll_read(cx, buf));
        match outcome {
            Ok(()) => {
                let new = buf.filled().get(before..).unwrap_or_default();
                if wanted {
                    self.log.note_read(new);
                }
                Poll::Ready(Ok(()))
            }
            Err(error) if self.lenient_end && error.kind() == io::ErrorKind::UnexpectedEof => {
                self.log.note_read(&[]);
                Poll::Ready(Ok(()))
            }
            Err(error) => {
                self.log.note_error(&error);
                Poll::Ready(Err(error))
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = ready!(Pin::new(&mut self.stream).poll_write(cx, buf));
        match &outcome {
            Ok(count) => self.log.note_write(*count),
            Err(error) => self.log.note_error(error),
        }
        Poll::Ready(outcome)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = ready!(Pin::new(&mut self.stream).poll_flush(cx));
        if let Err(error) = &outcome {
            self.log.note_error(error);
        }
        Poll::Ready(outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
