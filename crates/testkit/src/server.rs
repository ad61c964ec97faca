//! TCP and TLS servers that play scripts.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::ports::free_port;
use crate::script::Script;

/// A server that plays a script on each connection.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Scripts = Arc<dyn Fn(usize) -> Script + Send + Sync>;

impl Server {
    /// Plays `script` on every connection.
    pub async fn plain(script: Script) -> Self {
        Self::run(Arc::new(move |_| script.clone()), None).await
    }

    /// Plays the script that `script` gives for the nth connection, counted from 0.
    pub async fn each(script: impl Fn(usize) -> Script + Send + Sync + 'static) -> Self {
        Self::run(Arc::new(script), None).await
    }

    /// Shakes hands with `config`, then plays `script`.
    pub async fn tls(config: Arc<ServerConfig>, script: Script) -> Self {
        Self::starttls(Script::default(), config, script).await
    }

    /// Shakes hands with `config`, then plays the script for the nth connection.
    pub async fn tls_each(
        config: Arc<ServerConfig>,
        script: impl Fn(usize) -> Script + Send + Sync + 'static,
    ) -> Self {
        let upgrade = (Script::default(), TlsAcceptor::from(config));
        Self::run(Arc::new(script), Some(upgrade)).await
    }

    /// Plays `lead` in the clear, shakes hands with `config`, then plays `script`.
    pub async fn starttls(lead: Script, config: Arc<ServerConfig>, script: Script) -> Self {
        let upgrade = (lead, TlsAcceptor::from(config));
        Self::run(Arc::new(move |_| script.clone()), Some(upgrade)).await
    }

    async fn run(scripts: Scripts, tls: Option<(Script, TlsAcceptor)>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("loopback takes a listener");
        let address = listener.local_addr().expect("a listener has an address");
        let connections = Arc::new(AtomicUsize::new(0));
        let count = connections.clone();
        let task = tokio::spawn(async move {
            let mut served = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let script = scripts(count.fetch_add(1, Ordering::SeqCst));
                served.spawn(serve(stream, script, tls.clone()));
            }
        });
        Self {
            address,
            connections,
            task,
        }
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its port.
    pub const fn port(&self) -> u16 {
        self.address.port()
    }

    /// Connections accepted so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// A URL with its address: `url("http", "/x")`.
    pub fn url(&self, scheme: &str, path: &str) -> String {
        format!("{scheme}://127.0.0.1:{}{path}", self.port())
    }
}

async fn serve(mut stream: TcpStream, script: Script, tls: Option<(Script, TlsAcceptor)>) {
    let Some((lead, acceptor)) = tls else {
        if script.play(&mut stream).await {
            let _ = stream.set_zero_linger();
        }
        return;
    };
    if lead.lead(&mut stream).await.is_none() {
        return;
    }
    if let Ok(mut secure) = acceptor.accept(stream).await
        && script.play(&mut secure).await
    {
        let _ = secure.get_ref().0.set_zero_linger();
    }
}

/// An address on which nothing listens.
pub fn refused() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, free_port()).into()
}

/// An address that drops connection attempts without a word.
#[derive(Debug)]
pub struct Blackhole {
    address: SocketAddr,
    _listener: TcpListener,
    _queue: Vec<JoinHandle<std::io::Result<TcpStream>>>,
}

impl Blackhole {
    /// Where it is.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Blackhole {
    fn drop(&mut self) {
        self._queue.iter().for_each(JoinHandle::abort);
    }
}

/// A listener whose queue is full and that never accepts: the system drops what else comes.
pub async fn blackhole() -> Blackhole {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket
        .bind((Ipv4Addr::LOCALHOST, 0).into())
        .expect("loopback takes a listener");
    let listener = socket.listen(0).expect("loopback takes a listener");
    let address = listener.local_addr().expect("a listener has an address");
    let fill = |_| tokio::spawn(async move { TcpSocket::new_v4()?.connect(address).await });
    let queue: Vec<_> = (0..4).map(fill).collect();
    // The queue is full once an attempt is still open while another got in.
    while !queue.iter().any(JoinHandle::is_finished) {
        tokio::task::yield_now().await;
    }
    Blackhole {
        address,
        _listener: listener,
        _queue: queue,
    }
}
