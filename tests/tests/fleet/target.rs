//! What a customer has: pages that count who comes, and when. Each may break alone.

use std::collections::{HashMap, HashSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

#[derive(Debug, Default)]
struct State {
    /// Microseconds since 1970 at which each page was asked for, a connection each.
    hits: HashMap<String, Vec<i64>>,
    broken: HashSet<String>,
    slow: HashSet<String>,
    /// Connections to slow pages that are not answered yet.
    waiting: usize,
}

/// The server; it ends when it is dropped.
#[derive(Debug)]
pub(super) struct Target {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

/// How long a slow page takes.
pub(super) const SLOW: Duration = Duration::from_secs(2);

impl Drop for Target {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Target {
    pub async fn start_on(ip: Ipv4Addr) -> Self {
        let listener = TcpListener::bind((ip, 0)).await.expect("a listener");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        Self {
            address,
            state,
            task,
        }
    }

    pub fn url(&self, name: &str) -> String {
        format!("http://{}/{name}", self.address)
    }

    /// From now on the page answers 503, or 200.
    pub fn set_broken(&self, name: &str, broken: bool) {
        let mut state = self.state.lock().expect("no panic");
        if broken {
            state.broken.insert(name.to_owned());
        } else {
            state.broken.remove(name);
        }
    }

    /// From now on the page takes [`SLOW`].
    pub fn set_slow(&self, name: &str) {
        let mut state = self.state.lock().expect("no panic");
        state.slow.insert(name.to_owned());
    }

    /// How many wait for a slow page at this moment.
    pub fn waiting(&self) -> usize {
        self.state.lock().expect("no panic").waiting
    }

    /// When the page was asked for.
    pub fn hits(&self, name: &str) -> Vec<i64> {
        let state = self.state.lock().expect("no panic");
        state.hits.get(name).cloned().unwrap_or_default()
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let mut head = Vec::new();
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read_buf(&mut head).await {
            Ok(1..) if head.len() < 16_384 => {}
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head);
    let path = head.split(' ').nth(1).unwrap_or_default();
    let name = path.trim_start_matches('/').to_owned();
    let now = jiff::Timestamp::now().as_microsecond();
    let (broken, slow) = {
        let mut state = state.lock().expect("no panic");
        state.hits.entry(name.clone()).or_default().push(now);
        let slow = state.slow.contains(&name);
        state.waiting += usize::from(slow);
        (state.broken.contains(&name), slow)
    };
    if slow {
        tokio::time::sleep(SLOW).await;
        state.lock().expect("no panic").waiting -= 1;
    }
    let answer = if broken {
        "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\nconnection: close\r\n\r\ngone"
    } else {
        "HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nfine"
    };
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}
