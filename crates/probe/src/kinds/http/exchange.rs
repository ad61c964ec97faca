//! One request and the header block of its answer, over HTTP/1.1 or HTTP/2.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use bytes::Bytes;
use domain::check::{HttpFacts, Phase};
use domain::target::TargetUrl;
use http::{Request, Response, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::cookies::Cookies;
use super::failure;
use super::request::Outgoing;
use crate::handshake::{self, Manner};
use crate::look::{Look, Step};
use crate::wire::{Log, Stopped, Tap};

/// Bytes of a header block that are still read.
pub(super) const MAX_HEAD: usize = 64 * 1024;
/// Bytes that may come before a header block is complete: early hints, settings and pings too.
pub(super) const MAX_BEFORE: u64 = 512 * 1024;
/// Bytes of an HTTP/2 stream that the server may send ahead. Pieces of one byte, which are held one by
/// one, take eight times as much.
const WINDOW: u32 = 256 * 1024;
/// Header lines that are still read.
pub(super) const MAX_LINES: usize = 500;

/// Tasks that move a connection's bytes; they end with it.
#[derive(Debug, Clone, Default)]
struct Movers(Arc<Mutex<JoinSet<()>>>);

impl Movers {
    fn spawn(&self, mover: impl Future<Output = ()> + Send + 'static) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .spawn(mover);
    }
}

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Movers {
    fn execute(&self, mover: F) {
        self.spawn(mover);
    }
}

/// Who moves a connection's bytes.
enum Mover {
    /// The look itself while it waits: HTTP/1.1 has one exchange at a time, and a task for it would cost
    /// as much as the exchange.
    Waiting(Pin<Box<dyn Future<Output = ()> + Send>>),
    /// Somebody else, or nobody any more.
    Away,
}

enum Sender {
    One(http1::SendRequest<Full<Bytes>>),
    Two(http2::SendRequest<Full<Bytes>>),
}

/// Which HTTP is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::kinds) enum Versions {
    /// The best that both know.
    Best,
    /// HTTP/1.1, for what upgrades it.
    One,
    /// HTTP/2, in the clear too.
    Two,
}

/// How a connection is opened.
#[derive(Debug, Clone, Copy)]
pub(in crate::kinds) struct Way {
    pub versions: Versions,
    /// A bad certificate ends the look.
    pub verify: bool,
}

/// An open connection, ready for a request.
pub(in crate::kinds) struct Connection {
    sender: Sender,
    mover: Mover,
    movers: Movers,
    /// What passes inside of TLS.
    pub log: Log,
    pub wants_certificate: bool,
    /// The server said that it does this over HTTP/1.1 alone (RFC 9113, 7).
    pub wants_http1: bool,
}

impl Connection {
    pub(super) const fn is_http2(&self) -> bool {
        matches!(self.sender, Sender::Two(_))
    }

    /// From here on the bytes are moved whether somebody waits or not, as after an upgrade.
    pub(in crate::kinds) fn move_by_itself(&mut self) {
        if let Mover::Waiting(mover) = std::mem::replace(&mut self.mover, Mover::Away) {
            self.movers.spawn(mover);
        }
    }
}

impl Mover {
    /// Waits for `work`, which needs bytes to move.
    async fn carry<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        std::future::poll_fn(|cx| {
            if let Poll::Ready(done) = work.as_mut().poll(cx) {
                return Poll::Ready(done);
            }
            let Self::Waiting(mover) = self else {
                return Poll::Pending;
            };
            if mover.as_mut().poll(cx).is_ready() {
                *self = Self::Away;
            }
            // What it brought.
            work.as_mut().poll(cx)
        })
        .await
    }
}

/// The movers hold a handle on themselves, so they do not end by being dropped.
impl Drop for Connection {
    fn drop(&mut self) {
        self.movers
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .abort_all();
    }
}

/// Shakes hands where the URL wants TLS, and starts HTTP.
pub(in crate::kinds) async fn open(
    look: &mut Look<'_>,
    stream: TcpStream,
    url: &TargetUrl,
    way: Way,
) -> Step<Connection> {
    if url.is_https() {
        // Apart: what a handshake needs is not carried along afterwards, nor where there is none.
        return Box::pin(open_secure(look, stream, url, way)).await;
    }
    let log = Log::default();
    look.enter(Phase::Send);
    look.watch(log.clone());
    let http2 = way.versions == Versions::Two;
    let tap = Tap::new(stream, log).until(look.deadline);
    start(tap, http2, false).await
}

async fn open_secure(
    look: &mut Look<'_>,
    stream: TcpStream,
    url: &TargetUrl,
    way: Way,
) -> Step<Connection> {
    let manner = Manner {
        web: way.versions != Versions::One,
        verify: way.verify,
    };
    let shaken = handshake::shake(look, stream, url.host(), manner).await?;
    let log = Log::default();
    look.enter(Phase::Send);
    look.watch(log.clone());
    start(
        Tap::over_tls(shaken.stream, log).until(look.deadline),
        shaken.http2 || way.versions == Versions::Two,
        shaken.wants_certificate,
    )
    .await
}

async fn start<S>(stream: Tap<S>, http2: bool, wants_certificate: bool) -> Step<Connection>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let log = stream.log();
    log.limit(Some(MAX_BEFORE));
    let movers = Movers::default();
    let io = TokioIo::new(stream);
    let fail =
        |error: hyper::Error| failure::of_head(&error, &log.snapshot(), http2, wants_certificate);
    let (sender, mover) = if http2 {
        let (sender, connection) = http2::Builder::new(movers.clone())
            .max_header_list_size(4 * MAX_HEAD as u32)
            .initial_stream_window_size(WINDOW)
            .handshake(io)
            .await
            .map_err(fail)?;
        movers.spawn(async move {
            // Its error comes back through the request.
            let _ = connection.await;
        });
        (Sender::Two(sender), Mover::Away)
    } else {
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(MAX_HEAD)
            .max_headers(MAX_LINES)
            // Deprecated, and still to be read by clients (RFC 9112, 5.2).
            .allow_obsolete_multiline_headers_in_responses(true)
            .handshake(io)
            .await
            .map_err(fail)?;
        let mover = async move {
            let _ = connection.with_upgrades().await;
        };
        (Sender::One(sender), Mover::Waiting(Box::pin(mover)))
    };
    Ok(Connection {
        sender,
        mover,
        movers,
        log,
        wants_certificate,
        wants_http1: false,
    })
}

/// Sends the request and waits for the answer's header block.
pub(super) async fn send(
    look: &mut Look<'_>,
    connection: &mut Connection,
    outgoing: &Outgoing<'_>,
    cookies: &Cookies,
) -> Step<Response<Incoming>> {
    let http2 = connection.is_http2();
    let request = outgoing.build(look.prober.egress().user_agent(), cookies, http2)?;
    carry(look, connection, request).await
}

/// The same with a request that is ready.
pub(in crate::kinds) async fn carry(
    look: &mut Look<'_>,
    connection: &mut Connection,
    request: Request<Full<Bytes>>,
) -> Step<Response<Incoming>> {
    let http2 = connection.is_http2();
    let outcome = match &mut connection.sender {
        Sender::One(sender) => connection.mover.carry(sender.send_request(request)).await,
        Sender::Two(sender) => sender.send_request(request).await,
    };
    look.split_send();
    match outcome {
        Ok(answer) if head_size(&answer) > MAX_HEAD => {
            Err(failure::head_too_large(connection.log.snapshot().read))
        }
        Ok(answer) => {
            connection.log.limit(None);
            Ok(answer)
        }
        Err(error) => {
            let passed = connection.log.snapshot();
            if passed.stopped == Some(Stopped::Late) {
                return Err(look.timed_out());
            }
            connection.wants_http1 = failure::wants_http1(&error);
            Err(failure::of_head(
                &error,
                &passed,
                http2,
                connection.wants_certificate,
            ))
        }
    }
}

fn head_size(answer: &Response<Incoming>) -> usize {
    answer
        .headers()
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum()
}

/// The next piece of the answer's body.
pub(in crate::kinds) async fn frame(
    connection: &mut Connection,
    body: &mut Incoming,
) -> Option<Result<Frame<Bytes>, hyper::Error>> {
    connection.mover.carry(body.frame()).await
}

/// Writes down the header block.
pub(in crate::kinds) fn note(look: &mut Look<'_>, answer: &Response<Incoming>) {
    let headers = answer.headers().iter().map(|(name, value)| {
        (
            name.as_str().to_owned(),
            String::from_utf8_lossy(value.as_bytes()).into_owned(),
        )
    });
    look.seen.http = Some(HttpFacts {
        status: answer.status().as_u16(),
        version: match answer.version() {
            Version::HTTP_2 => "HTTP/2".to_owned(),
            Version::HTTP_10 => "HTTP/1.0".to_owned(),
            _ => "HTTP/1.1".to_owned(),
        },
        headers: headers.collect(),
        ..HttpFacts::default()
    });
}
