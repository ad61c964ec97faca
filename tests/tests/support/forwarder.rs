//! One address for a database that moves, as an operator's HAProxy gives it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// Takes connections and hands them on; it ends when it is dropped.
pub struct Forwarder {
    /// Where it listens.
    pub address: SocketAddr,
    target: Arc<Mutex<Option<SocketAddr>>>,
    connections: Arc<Mutex<JoinSet<()>>>,
    task: JoinHandle<()>,
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Forwarder {
    /// Starts one at an address of this machine.
    pub async fn start_on(ip: Ipv4Addr, target: SocketAddr) -> Self {
        let listener = TcpListener::bind((ip, 0)).await.expect("a port");
        let address = listener.local_addr().expect("a port");
        let target = Arc::new(Mutex::new(Some(target)));
        let connections = Arc::new(Mutex::new(JoinSet::new()));
        let task = tokio::spawn(forward(listener, target.clone(), connections.clone()));
        Self {
            address,
            target,
            connections,
            task,
        }
    }

    /// From now on goes there; `None`: nowhere. What is connected is cut.
    pub fn set_target(&self, target: Option<SocketAddr>) {
        *self.target.lock().expect("no panic") = target;
        self.connections.lock().expect("no panic").abort_all();
    }
}

async fn forward(
    listener: TcpListener,
    target: Arc<Mutex<Option<SocketAddr>>>,
    connections: Arc<Mutex<JoinSet<()>>>,
) {
    while let Ok((mut here, _)) = listener.accept().await {
        let Some(address) = *target.lock().expect("no panic") else {
            continue;
        };
        let mut all = connections.lock().expect("no panic");
        while all.try_join_next().is_some() {}
        all.spawn(async move {
            if let Ok(mut there) = TcpStream::connect(address).await {
                let _ended = copy_bidirectional(&mut here, &mut there).await;
            }
        });
    }
}
