//! The server that is looked at: as little work as a server can have.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio_rustls::TlsAcceptor;

use super::chain;

/// A page of half a KiB.
const BODY: usize = 512;
/// A request is shorter.
const REQUEST: usize = 4_096;

/// What every request is answered with.
pub fn answer() -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nserver: nginx\r\ndate: Mon, 23 Nov 2026 10:00:00 GMT\r\n\
         content-type: text/html; charset=utf-8\r\ncontent-length: {BODY}\r\ncache-control: no-cache\r\n\r\n"
    );
    let mut answer = head.into_bytes();
    answer.resize(answer.len() + BODY, b'x');
    answer
}

/// Serves HTTP and HTTPS on these ports until its parent ends it. After SIGUSR1 it reads and answers nothing.
pub async fn serve(folder: &Path, http: u16, https: u16) -> anyhow::Result<()> {
    let chain = CertificateDer::pem_file_iter(folder.join(chain::CHAIN))?;
    let chain = chain.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(folder.join(chain::KEY))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let (plain, tls) = (
        TcpListener::bind(("0.0.0.0", http)).await?,
        TcpListener::bind(("0.0.0.0", https)).await?,
    );
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let answer: Arc<[u8]> = answer().into();
    let hangs = Arc::new(AtomicBool::new(false));
    let mut told = signal(SignalKind::user_defined1())?;
    loop {
        tokio::select! {
            Ok((stream, _)) = plain.accept() => {
                tokio::spawn(talk(stream, answer.clone(), hangs.clone()));
            }
            _ = told.recv() => hangs.store(true, Ordering::Relaxed),
            Ok((stream, _)) = tls.accept() => {
                let (acceptor, answer, hangs) = (acceptor.clone(), answer.clone(), hangs.clone());
                tokio::spawn(async move {
                    let _ = stream.set_nodelay(true);
                    if let Ok(stream) = acceptor.accept(stream).await {
                        talk(stream, answer, hangs).await;
                    }
                });
            }
        }
    }
}

async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    answer: Arc<[u8]>,
    hangs: Arc<AtomicBool>,
) {
    let (mut request, mut filled) = ([0; REQUEST], 0);
    loop {
        match stream
            .read(request.get_mut(filled..).unwrap_or_default())
            .await
        {
            Ok(count @ 1..) => filled += count,
            _ => return,
        }
        if request
            .get(..filled)
            .is_some_and(|all| all.ends_with(b"\r\n\r\n"))
        {
            filled = 0;
            if hangs.load(Ordering::Relaxed) {
                continue;
            }
            if stream.write_all(&answer).await.is_err() || stream.flush().await.is_err() {
                return;
            }
        }
    }
}

/// Whether it answers yet.
#[expect(clippy::disallowed_methods, reason = "the bench's own server")]
pub async fn is_up(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).await.is_ok()
}
