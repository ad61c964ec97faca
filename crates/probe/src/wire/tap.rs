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

/// Bytes that are read before others have their turn: who reads what came is one of them, and else
/// everything would pile up before it.
const TURN: usize = 32 * 1024;

/// Why a stream was ended from our side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// The look's time was over. Bytes that come without end keep a task busy, and its clock with it:
    /// so the time is looked at where they pass.
    Late,
    /// More came than belongs before an answer.
    Flood,
}

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
    /// We ended it.
    pub stopped: Option<Stopped>,
    /// Bytes that may be read.
    most: Option<u64>,
}

/// A shared view of what passed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Passed>>);

impl Log {
    fn lock(&self) -> MutexGuard<'_, Passed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// At most so many bytes are read, until that is taken back.
    pub(crate) fn limit(&self, most: Option<u64>) {
        self.lock().most = most;
    }

    fn stop(&self, deadline: Option<Instant>) -> Option<Stopped> {
        let mut passed = self.lock();
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            passed.stopped = Some(Stopped::Late);
        } else if passed.most.is_some_and(|most| passed.read >= most) {
            passed.stopped = Some(Stopped::Flood);
        }
        passed.stopped
    }

    /// A copy of the present state.
    pub(crate) fn snapshot(&self) -> Passed {
        self.lock().clone()
    }

    /// When the last byte was written.
    pub(crate) fn last_write(&self) -> Option<Instant> {
        self.lock().last_write
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
    deadline: Option<Instant>,
    /// Bytes read in this turn.
    turn: usize,
}

impl<S> Tap<S> {
    pub(crate) const fn new(stream: S, log: Log) -> Self {
        Self {
            stream,
            log,
            lenient_end: false,
            deadline: None,
            turn: 0,
        }
    }

    /// Ends at that time.
    pub(crate) fn until(self, deadline: Instant) -> Self {
        Self {
            deadline: Some(deadline),
            ..self
        }
    }

    /// For the inside of a TLS stream.
    pub(crate) const fn over_tls(stream: S, log: Log) -> Self {
        Self {
            stream,
            log,
            lenient_end: true,
            deadline: None,
            turn: 0,
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
        if self.log.stop(self.deadline).is_some() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        if self.turn >= TURN {
            self.turn = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buf.filled().len();
        let wanted = buf.remaining() > 0;
        let outcome = ready!(Pin::new(&mut self.stream).poll_read(cx, buf));
        match outcome {
            Ok(()) => {
                let new = buf.filled().get(before..).unwrap_or_default();
                let count = new.len();
                if wanted {
                    self.log.note_read(new);
                }
                self.turn += count;
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
