//! The floor: the same requests over the same connections, written by hand, with nothing around them.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{Kind, chain, target};

/// What the hand is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    /// What is looked at.
    pub kind: Kind,
    /// Its addresses, taken in turn.
    pub addresses: Vec<SocketAddr>,
    /// Looks a second.
    pub rate: f64,
    /// For so long.
    pub seconds: f64,
}

/// What it came to.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Done {
    /// Looks that saw the whole answer.
    pub looks: u64,
    /// Looks that did not.
    pub failed: u64,
    /// Processor time, seconds.
    pub cpu: f64,
}

/// The verdict on the last chain, for the same bytes. The signature of the handshake is checked each time.
#[derive(Debug)]
struct Remembering {
    inner: Arc<WebPkiServerVerifier>,
    last: Mutex<Vec<u8>>,
}

impl ServerCertVerifier for Remembering {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if **last == **end_entity {
            return Ok(ServerCertVerified::assertion());
        }
        let verified = self.inner.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        )?;
        *last = end_entity.to_vec();
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

fn client(folder: &Path) -> anyhow::Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.join(chain::ROOT))?)?;
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    // As browsers offer them, and Watchbell too.
    let first = rustls::CipherSuite::TLS13_AES_128_GCM_SHA256;
    provider
        .cipher_suites
        .sort_by_key(|suite| suite.suite() != first);
    let provider = Arc::new(provider);
    let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    let verifier = Remembering {
        inner: inner.build()?,
        last: Mutex::default(),
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

/// What Watchbell asks, byte for byte but for its name.
fn request(address: SocketAddr) -> Vec<u8> {
    format!(
        "GET / HTTP/1.1\r\nhost: {address}\r\nuser-agent: Watchbell-bench/0.1\r\n\
         accept: text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8\r\n\
         accept-encoding: gzip, deflate, br\r\n\r\n"
    )
    .into_bytes()
}

async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    to: SocketAddr,
    whole: usize,
) -> io::Result<()> {
    stream.write_all(&request(to)).await?;
    let (mut answer, mut filled) = ([0; 4_096], 0);
    while filled < whole {
        match stream
            .read(answer.get_mut(filled..).unwrap_or_default())
            .await?
        {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => filled += count,
        }
    }
    match answer.starts_with(b"HTTP/1.1 200 ") {
        true => Ok(()),
        false => Err(io::ErrorKind::InvalidData.into()),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the floor stands beside egress, not upon it"
)]
async fn look(kind: Kind, to: SocketAddr, tls: TlsConnector, whole: usize) -> io::Result<()> {
    let stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    match kind {
        Kind::Tcp => Ok(()),
        Kind::Http => talk(stream, to, whole).await,
        Kind::Https => {
            let name = ServerName::from(to.ip());
            talk(tls.connect(name, stream).await?, to, whole).await
        }
    }
}

/// Does it.
pub async fn run(folder: &Path, job: &Job) -> anyhow::Result<Done> {
    let (tls, whole) = (client(folder)?, target::answer().len());
    let mut looks = tokio::task::JoinSet::new();
    let mut done = Done {
        looks: 0,
        failed: 0,
        cpu: 0.0,
    };
    let mut tick = tokio::time::interval(Duration::from_millis(1));
    let (began, mut started) = (Instant::now(), 0_u64);
    let own = i32::try_from(std::process::id())?;
    let before = crate::cpu::of_threads(own)?;
    while began.elapsed().as_secs_f64() < job.seconds {
        tick.tick().await;
        let due = began.elapsed().as_secs_f64() * job.rate;
        while (started as f64) < due {
            let at = usize::try_from(started)? % job.addresses.len();
            let Some(to) = job.addresses.get(at).copied() else {
                break;
            };
            let limited = tokio::time::timeout(
                Duration::from_secs(10),
                look(job.kind, to, tls.clone(), whole),
            );
            looks.spawn(limited);
            started += 1;
        }
        while let Some(ended) = looks.try_join_next() {
            done.count(matches!(ended, Ok(Ok(Ok(())))));
        }
    }
    while let Some(ended) = looks.join_next().await {
        done.count(matches!(ended, Ok(Ok(Ok(())))));
    }
    done.cpu = (crate::cpu::of_threads(own)? - before).as_secs_f64();
    Ok(done)
}

impl Done {
    const fn count(&mut self, good: bool) {
        if good {
            self.looks += 1;
        } else {
            self.failed += 1;
        }
    }
}
