//! TLS handshakes: facts recorded whatever happens, and failures told apart.

mod facts;
mod failure;
mod known;
mod old;
mod problem;
mod recorder;
mod staple;
mod words;

use std::sync::Arc;

use domain::check::{Failure, Phase};
use domain::target::Host;
use domain::tls::TlsFacts;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ProtocolVersion, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::look::{Look, Step};
use crate::wire::{Log, Tap};
use recorder::{Presented, Recorder};

/// What all handshakes share.
#[derive(Debug, Clone)]
pub(crate) struct Tls {
    verifier: Arc<WebPkiServerVerifier>,
    trusted: Arc<problem::Trusted>,
    known: Arc<known::Known>,
    /// Offers HTTP/2 and HTTP/1.1.
    web: Arc<ClientConfig>,
    /// Offers no application protocol.
    plain: Arc<ClientConfig>,
}

impl Tls {
    pub(crate) fn new(roots: Arc<RootCertStore>) -> Result<Self, crate::ProberError> {
        let provider = Arc::new(provider());
        let trusted = Arc::new(problem::Trusted::of(&roots));
        let known = Arc::new(known::Known::default());
        let verifier =
            WebPkiServerVerifier::builder_with_provider(roots, provider.clone()).build()?;
        let mut plain = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Recorder::new(
                verifier.clone(),
                known.clone(),
            )))
            .with_no_client_auth();
        // Each look is a visitor that was never here before.
        plain.resumption = rustls::client::Resumption::disabled();
        let mut web = plain.clone();
        web.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self {
            verifier,
            trusted,
            known,
            web: Arc::new(web),
            plain: Arc::new(plain),
        })
    }

    fn recording(&self, web: bool) -> (ClientConfig, Arc<Recorder>) {
        let recorder = Arc::new(Recorder::new(self.verifier.clone(), self.known.clone()));
        let mut config = if web {
            (*self.web).clone()
        } else {
            (*self.plain).clone()
        };
        let verifier: Arc<dyn ServerCertVerifier> = recorder.clone();
        config.dangerous().set_certificate_verifier(verifier);
        config.client_auth_cert_resolver = recorder.clone();
        (config, recorder)
    }
}

/// Offers AES-128 before AES-256, as browsers do: a server that follows the client then hashes the
/// handshake with SHA-256, for which processors have instructions, and not with SHA-384.
fn provider() -> CryptoProvider {
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    provider.cipher_suites.sort_by_key(|suite| {
        use rustls::CipherSuite as C;
        match suite.suite() {
            C::TLS13_AES_128_GCM_SHA256 => 0,
            suite if suite.as_str().is_some_and(|name| name.starts_with("TLS13")) => 1,
            C::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
            | C::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => 2,
            _ => 3,
        }
    });
    provider
}

/// How a handshake is to be done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    /// Application protocols for HTTP are offered.
    pub web: bool,
    /// A bad certificate ends the look.
    pub verify: bool,
}

/// A stream that is ready for use, and what its server asked for.
pub(crate) struct Shaken {
    pub stream: TlsStream<Tap<TcpStream>>,
    /// HTTP/2 was agreed on.
    pub http2: bool,
    /// The server asked for a certificate of ours; it may yet refuse us.
    pub wants_certificate: bool,
}

/// Shakes hands over `stream`, which is connected to `host`.
pub(crate) async fn shake(
    look: &mut Look<'_>,
    stream: TcpStream,
    host: &Host,
    manner: Manner,
) -> Step<Shaken> {
    look.enter(Phase::Tls);
    let name = server_name(host)?;
    let (config, recorder) = look.prober.tls().recording(manner.web);
    let trusted = look.prober.tls().trusted.clone();
    let log = Log::default();
    let tapped = Tap::new(stream, log.clone());
    match TlsConnector::from(Arc::new(config))
        .connect(name, tapped)
        .await
    {
        Ok(stream) => {
            let presented = recorder.take_presented();
            let (_, session) = stream.get_ref();
            let found = problem::problem(&presented, &host.to_string(), &trusted);
            let mut facts = self::facts(&presented);
            let is_read = facts.chain.len() == presented.chain.len();
            if let (Some(key), None, None, true) =
                (presented.key, &found, &presented.verdict, is_read)
            {
                let good = known::Good {
                    facts: facts.chain.clone(),
                };
                look.prober.tls().known.put(key, good);
            }
            facts.version = session.protocol_version().map(version);
            facts.cipher = session
                .negotiated_cipher_suite()
                .and_then(|suite| suite.suite().as_str().map(str::to_owned));
            let alpn = session
                .alpn_protocol()
                .map(|alpn| String::from_utf8_lossy(alpn).into_owned());
            let http2 = alpn.as_deref() == Some("h2");
            facts.alpn = alpn;
            facts.problem = found.as_ref().map(|(class, _)| *class);
            // The first certificate is that of the owner's own name; one further on takes its place
            // only by being bad.
            if look.seen.tls.is_none() || facts.problem.is_some() {
                look.seen.tls = Some(facts);
            }
            match found.filter(|_| manner.verify) {
                Some((class, message)) => Err(Failure::new(class, Phase::Tls, message)),
                None => Ok(Shaken {
                    stream,
                    http2,
                    wants_certificate: presented.wants_certificate,
                }),
            }
        }
        Err(error) => {
            let presented = recorder.take_presented();
            let found = problem::problem(&presented, &host.to_string(), &trusted);
            let mut failure = failure::classify(&error, &log.snapshot(), &presented);
            let mut facts = self::facts(&presented);
            // Every other client would have stopped at the certificate.
            if let Some((class, message)) = found.filter(|_| manner.verify) {
                failure = Failure::new(class, Phase::Tls, message);
            } else if failure::may_be_ours(failure.class) {
                facts.version = Box::pin(ask_in_old_words(look, host, &mut failure)).await;
            }
            facts.problem = Some(failure.class);
            look.seen.tls = Some(facts);
            Err(failure)
        }
    }
}

fn server_name(host: &Host) -> Step<ServerName<'static>> {
    match host {
        Host::Ip(ip) => Ok(ServerName::from(*ip)),
        Host::Name(name) => ServerName::try_from(name.clone()).map_err(|_| {
            let message = format!("{name} is not a name that TLS can ask for");
            Failure::new(
                domain::check::FailureClass::TlsHostnameMismatch,
                Phase::Tls,
                message,
            )
        }),
    }
}

fn facts(presented: &Presented) -> TlsFacts {
    TlsFacts {
        version: None,
        cipher: None,
        alpn: None,
        chain: match &presented.good {
            Some(good) => good.facts.clone(),
            None => presented.chain.iter().filter_map(facts::facts).collect(),
        },
        problem: None,
    }
}

fn version(version: ProtocolVersion) -> String {
    match version {
        ProtocolVersion::TLSv1_3 => "TLS 1.3".to_owned(),
        ProtocolVersion::TLSv1_2 => "TLS 1.2".to_owned(),
        other => format!("{other:?}"),
    }
}

/// Time for the second hello: it must not use up what the look has left.
const OLD_HELLO: std::time::Duration = std::time::Duration::from_secs(2);

/// Asks a server that refused our hello what it would speak, if time is left for that.
async fn ask_in_old_words(look: &Look<'_>, host: &Host, failure: &mut Failure) -> Option<String> {
    let left = crate::wire::time_left(look).min(OLD_HELLO);
    let address = look.connected?;
    let egress = look.prober.egress();
    let ask = async {
        let until = tokio::time::Instant::now() + left;
        let stream = egress.connect(address, until).await.ok()?;
        old::offered(stream, host.name()).await
    };
    let offered = tokio::time::timeout(left, ask).await.ok()??;
    if offered.version != "TLS 1.2" {
        failure.class = domain::check::FailureClass::TlsProtocolVersion;
        failure.message = format!(
            "the server speaks {} at most, browsers want TLS 1.2 or later",
            offered.version
        );
    } else if offered.is_outdated() {
        failure
            .message
            .push_str("; offered older ones, it takes TLS 1.2 with an outdated cipher");
    } else {
        failure
            .message
            .push_str("; it takes TLS 1.2 from an older client");
    }
    Some(offered.version.to_owned())
}

/// The failure behind an error that came after the handshake, if a TLS alert is behind it.
pub(crate) fn refusal(error: &std::io::Error, wants_certificate: bool) -> Option<Failure> {
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(rustls::Error::AlertReceived(alert)) => Some(late_alert(*alert, wants_certificate)),
        _ => None,
    }
}

/// An alert that came after the handshake was over for us.
pub(crate) fn late_alert(alert: rustls::AlertDescription, wants_certificate: bool) -> Failure {
    failure::by_alert(
        alert,
        &Presented {
            wants_certificate,
            ..Presented::default()
        },
    )
}

pub(crate) use failure::is_reset;
