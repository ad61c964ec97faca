//! Mail submission to the operator's relay: lettre's protocol over our own dialed stream.

mod relay;
mod stream;

use std::time::Duration;

use lettre::address::Envelope;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, AsyncTokioStream, Certificate, CertificateStore, TlsParameters,
};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use tokio::time::{Instant, timeout_at};

pub use relay::{RelayError, RelayTls, SmtpRelay};

use crate::{ConnectError, Egress, ResolveError, Trusted};

/// No single command waits longer, however late the deadline of the whole is.
const COMMAND: Duration = Duration::from_secs(10);

/// Why a mail was not handed over.
#[derive(Debug, thiserror::Error)]
pub enum SmtpError {
    /// The relay's name has no address.
    #[error("the mail relay's name: {0}")]
    Resolve(#[source] ResolveError),
    /// The relay cannot be reached.
    #[error("the mail relay: {0}")]
    Connect(#[source] ConnectError),
    /// TLS is required and did not come about.
    #[error("the mail relay's TLS: {0}")]
    Tls(String),
    /// The relay answered "not now" (4xx).
    #[error("the mail relay asks to try later: {0}")]
    Transient(String),
    /// The relay refused (5xx).
    #[error("the mail relay refuses: {0}")]
    Permanent(String),
    /// The relay does not speak SMTP as agreed.
    #[error("the mail relay breaks the protocol: {0}")]
    Protocol(String),
    /// The relay, or something on the way, ended the connection before the message was handed over.
    #[error("the mail relay broke the connection off")]
    Cut,
    /// Silence before the message was handed over whole.
    #[error("the mail relay does not answer")]
    Timeout,
    /// The message was sent and the answer is missing: it may have been accepted.
    #[error("the mail relay took the message and did not answer")]
    Ambiguous,
}

impl SmtpError {
    /// The relay may have accepted the message.
    pub const fn is_ambiguous(&self) -> bool {
        matches!(self, Self::Ambiguous)
    }

    /// The same message will be refused again.
    pub const fn is_permanent(&self) -> bool {
        matches!(self, Self::Permanent(_))
    }

    fn of(error: &lettre::transport::smtp::Error) -> Self {
        if error.is_permanent() {
            Self::Permanent(error.to_string())
        } else if error.is_transient() {
            Self::Transient(error.to_string())
        } else if error.is_tls() {
            Self::Tls(error.to_string())
        } else if std::error::Error::source(error).is_some_and(|cause| cause.is::<std::io::Error>())
        {
            Self::Cut
        } else {
            Self::Protocol(error.to_string())
        }
    }
}

/// A session with the relay: greeted, encrypted as configured, logged in.
pub struct SmtpConnection {
    session: AsyncSmtpConnection,
}

impl std::fmt::Debug for SmtpConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SmtpConnection")
    }
}

/// Opens a session, address after address, until `deadline`.
pub async fn connect(
    egress: &Egress,
    relay: &Trusted<SmtpRelay>,
    deadline: Instant,
) -> Result<SmtpConnection, SmtpError> {
    let relay = relay.get();
    let found = egress
        .resolve_operators(relay.host(), relay.port(), deadline)
        .await
        .map_err(SmtpError::Resolve)?;
    let mut last = SmtpError::Timeout;
    for (tried, addr) in found.addresses.iter().enumerate() {
        let share = deadline.saturating_duration_since(Instant::now())
            / u32::try_from(found.addresses.len() - tried).unwrap_or(1);
        match egress.connect(*addr, Instant::now() + share).await {
            Ok(stream) => return open(egress, relay, stream, deadline).await,
            Err(error) => last = SmtpError::Connect(error),
        }
    }
    Err(last)
}

async fn open(
    egress: &Egress,
    relay: &SmtpRelay,
    stream: tokio::net::TcpStream,
    deadline: Instant,
) -> Result<SmtpConnection, SmtpError> {
    let hello = ClientId::default();
    let stream: Box<dyn AsyncTokioStream> = match relay.tls() {
        RelayTls::Implicit => Box::new(stream::encrypt(egress, relay, stream, deadline).await?),
        RelayTls::StartTls | RelayTls::None => Box::new(stream),
    };
    let greeted = AsyncSmtpConnection::connect_with_transport(stream, &hello);
    let mut session = command(greeted, deadline).await?;
    if relay.tls() == RelayTls::StartTls {
        if !session.can_starttls() {
            return Err(SmtpError::Tls(
                "it does not offer STARTTLS; use smtps://, or ?tls=none inside your own network"
                    .to_owned(),
            ));
        }
        let parameters = tls_parameters(egress, relay)?;
        command(session.starttls(parameters, &hello), deadline)
            .await
            .map_err(|error| SmtpError::Tls(error.to_string()))?;
    }
    if let Some((username, password)) = relay.login() {
        let credentials = Credentials::new(username.to_owned(), password.to_owned());
        let mechanisms = [Mechanism::Plain, Mechanism::Login];
        command(session.auth(&mechanisms, &credentials), deadline).await?;
    }
    Ok(SmtpConnection { session })
}

impl SmtpConnection {
    /// Hands one message over; answers with the relay's reply. After an error the session is done.
    pub async fn send(
        &mut self,
        envelope: &Envelope,
        message: &[u8],
        deadline: Instant,
    ) -> Result<String, SmtpError> {
        let mail = Mail::new(
            envelope.from().cloned(),
            self.mail_parameters(envelope, message)?,
        );
        command(self.session.command(mail), deadline).await?;
        for to in envelope.to() {
            command(
                self.session.command(Rcpt::new(to.clone(), Vec::new())),
                deadline,
            )
            .await?;
        }
        command(self.session.command(Data), deadline).await?;
        // From here on silence may come before or after the message's last byte was taken.
        match timeout_at(deadline, self.session.message(message)).await {
            Ok(Ok(reply)) => Ok(reply.message().collect::<Vec<_>>().join(" ")),
            Ok(Err(error)) if error.is_permanent() || error.is_transient() => {
                Err(SmtpError::of(&error))
            }
            Ok(Err(_)) | Err(_) => Err(SmtpError::Ambiguous),
        }
    }

    fn mail_parameters(
        &self,
        envelope: &Envelope,
        message: &[u8],
    ) -> Result<Vec<MailParameter>, SmtpError> {
        let offered = |extension| self.session.server_info().supports_feature(extension);
        let mut parameters = Vec::new();
        let mut addresses = envelope.from().into_iter().chain(envelope.to());
        if addresses.any(|address| !AsRef::<str>::as_ref(address).is_ascii()) {
            if !offered(Extension::SmtpUtfEight) {
                let why = "it does not take addresses outside of ASCII (SMTPUTF8)";
                return Err(SmtpError::Permanent(why.to_owned()));
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        if !message.is_ascii() {
            if !offered(Extension::EightBitMime) {
                let why = "it does not take messages outside of ASCII (8BITMIME)";
                return Err(SmtpError::Permanent(why.to_owned()));
            }
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        Ok(parameters)
    }

    /// Says goodbye; a relay that does not answer is left.
    pub async fn quit(mut self) {
        let _ = tokio::time::timeout(Duration::from_secs(2), self.session.quit()).await;
    }
}

async fn command<T>(
    step: impl Future<Output = Result<T, lettre::transport::smtp::Error>>,
    deadline: Instant,
) -> Result<T, SmtpError> {
    match timeout_at(deadline.min(Instant::now() + COMMAND), step).await {
        Ok(told) => told.map_err(|error| SmtpError::of(&error)),
        Err(_) => Err(SmtpError::Timeout),
    }
}

fn tls_parameters(egress: &Egress, relay: &SmtpRelay) -> Result<TlsParameters, SmtpError> {
    let failed = |error: lettre::transport::smtp::Error| SmtpError::Tls(error.to_string());
    let mut builder = TlsParameters::builder(relay.host().to_string())
        .certificate_store(CertificateStore::WebpkiRoots);
    for root in egress.extra_roots() {
        builder =
            builder.add_root_certificate(Certificate::from_der(root.to_vec()).map_err(failed)?);
    }
    builder.build_rustls().map_err(failed)
}
