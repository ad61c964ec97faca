//! The door of a provider: a wire that is open, or stops at a point of the conversation.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

/// How far a conversation gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// To its end.
    Nowhere,
    /// It is connected, and nothing is said.
    Connected,
    /// All was sent, and none of the end of it arrived.
    Lost,
    /// All was sent and arrived, and nobody hears the answer.
    Unanswered,
}

/// How the end of a message is told.
#[derive(Debug, Clone, Copy)]
pub enum Language {
    /// A dot on a line of its own.
    Smtp,
    /// As long as its header says.
    Http,
}

impl Language {
    fn has_ended(self, seen: &[u8]) -> bool {
        let find = |end: &[u8]| seen.windows(end.len()).position(|window| window == end);
        match self {
            Self::Smtp => find(b"\r\n.\r\n").is_some(),
            Self::Http => find(b"\r\n\r\n").is_some_and(|at| {
                let head = String::from_utf8_lossy(&seen[..at]).to_ascii_lowercase();
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length:"));
                let length = length.and_then(|length| length.trim().parse().ok());
                seen.len() >= at + 4 + length.unwrap_or(0)
            }),
        }
    }
}

/// The door; it ends when dropped.
pub struct Door {
    address: SocketAddr,
    stop: Arc<Mutex<Stop>>,
    stopped: Arc<AtomicUsize>,
    changed: Arc<Notify>,
    accepting: JoinHandle<()>,
}

impl Drop for Door {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Door {
    /// Before the server at `server`, which is spoken to in that language.
    pub async fn before(server: SocketAddr, language: Language) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("a port");
        let stop = Arc::new(Mutex::new(Stop::Nowhere));
        let (stopped, changed) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let ends = (
            Arc::clone(&stop),
            Arc::clone(&stopped),
            Arc::clone(&changed),
        );
        let accepting = tokio::spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let (stop, stopped, changed) = ends.clone();
                let note = move || {
                    stopped.fetch_add(1, Ordering::SeqCst);
                    changed.notify_waiters();
                };
                open.spawn(serve(client, server, (stop, language), note));
            }
        });
        Self {
            address,
            stop,
            stopped,
            changed,
            accepting,
        }
    }

    /// Where it is.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// New conversations get so far.
    pub fn set(&self, stop: Stop) {
        *self.stop.lock().unwrap_or_else(PoisonError::into_inner) = stop;
        self.stopped.store(0, Ordering::SeqCst);
    }

    /// Conversations that have stopped since it was set.
    pub fn stopped(&self) -> usize {
        self.stopped.load(Ordering::SeqCst)
    }

    /// Waits for so many.
    pub async fn all_stopped(&self, count: usize) {
        loop {
            let news = self.changed.notified();
            if self.stopped() >= count {
                return;
            }
            news.await;
        }
    }
}

async fn serve(
    client: TcpStream,
    server: SocketAddr,
    (stop, language): (Arc<Mutex<Stop>>, Language),
    note: impl Fn() + Send + Sync + Clone + 'static,
) {
    let now = || *stop.lock().unwrap_or_else(PoisonError::into_inner);
    if now() == Stop::Connected {
        note();
        // Kept open: the other side waits, until it is killed.
        let _client = client;
        return std::future::pending().await;
    }
    let Ok(server) = TcpStream::connect(server).await else {
        return;
    };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let muted = Arc::new(Mutex::new(false));
    let (mute, told) = (Arc::clone(&muted), note.clone());
    let mut answers = JoinSet::new();
    answers.spawn(async move {
        let mut chunk = vec![0; 16 * 1024];
        while let Ok(count @ 1..) = from_server.read(&mut chunk).await {
            if *mute.lock().unwrap_or_else(PoisonError::into_inner) {
                told();
                return std::future::pending().await;
            }
            if to_client.write_all(&chunk[..count]).await.is_err() {
                return;
            }
        }
    });
    let (mut seen, mut chunk) = (Vec::new(), vec![0; 16 * 1024]);
    while let Ok(count @ 1..) = from_client.read(&mut chunk).await {
        let bytes = &chunk[..count];
        seen.extend_from_slice(bytes);
        let ended = language.has_ended(&seen);
        let stop = now();
        if ended && stop == Stop::Lost {
            note();
            return std::future::pending().await;
        }
        if ended && stop == Stop::Unanswered {
            *muted.lock().unwrap_or_else(PoisonError::into_inner) = true;
        }
        if ended {
            seen.clear();
        }
        if to_server.write_all(bytes).await.is_err() {
            return;
        }
    }
}
