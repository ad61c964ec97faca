//! A UDP server that answers as told.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// A UDP port on loopback.
#[derive(Debug)]
pub struct Datagrams {
    address: SocketAddr,
    received: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Datagrams {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Datagrams {
    /// Sends the answer that `answer` gives for the nth datagram, counted from 0; nothing for `None`.
    pub async fn start(answer: impl Fn(usize, &[u8]) -> Option<Vec<u8>> + Send + 'static) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("loopback takes a socket");
        let address = socket.local_addr().expect("a socket has an address");
        let received = Arc::new(AtomicUsize::new(0));
        let count = received.clone();
        let task = tokio::spawn(async move {
            let mut buffer = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                let n = count.fetch_add(1, Ordering::SeqCst);
                if let Some(answer) = answer(n, &buffer[..length]) {
                    let _ = socket.send_to(&answer, from).await;
                }
            }
        });
        Self {
            address,
            received,
            task,
        }
    }

    /// Its port.
    pub const fn port(&self) -> u16 {
        self.address.port()
    }

    /// Datagrams received so far.
    pub fn received(&self) -> usize {
        self.received.load(Ordering::SeqCst)
    }
}
