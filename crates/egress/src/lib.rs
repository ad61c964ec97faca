//! The only crate that dials out: resolver, address policy, dialer, and clients on top of them.
//!
//! # The path of an outside connection
//!
//! 1. What a user wrote becomes a [`domain::target::TargetUrl`] or [`domain::target::TargetHost`].
//! 2. [`Egress::resolve`] turns its host into [`CheckedAddr`]s: one resolution, A and AAAA, and the
//!    whole answer is refused if the policy refuses one address of it. Literals are judged too.
//! 3. [`Egress::connect`] dials a [`CheckedAddr`]; [`Egress::datagrams`], [`Egress::ping`] and
//!    [`Egress::query`] send datagrams to one. There is no other way out, and nothing but step 2
//!    makes a [`CheckedAddr`], so a name cannot resolve to something else in between.
//!
//! The operator's own settings (mail relay, provider) are [`Trusted`] and skip the policy.
//!
//! ```no_run
//! # use std::time::Duration;
//! # use domain::target::{AddressPolicy, TargetHost};
//! # use tokio::time::Instant;
//! # async fn example(egress: egress::Egress) -> Result<(), Box<dyn std::error::Error>> {
//! let deadline = Instant::now() + Duration::from_secs(10);
//! let host = TargetHost::parse("shop.example", egress.policy())?;
//! let found = egress.resolve(host.host(), 443, false, deadline).await?;
//! for addr in &found.addresses {
//!     egress.try_spend(addr)?;
//!     let stream = egress.connect(*addr, deadline).await?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # To add another outside connection
//!
//! Take an [`Egress`], do the three steps, and speak your protocol over the stream. Do not give a
//! host name, or a URL with an address in it, to a library that dials by itself. A library that
//! insists on dialing gets a resolver built on step 2, has proxies and redirects switched off, and
//! its literals judged before the call: see [`http`]. What the operator configured is wrapped in
//! `app::config` with [`Trusted::from_operator_configuration`]; nothing else may call that.
//!
//! # What users can steer, and what guards it (the `surface` cases of the address policy)
//!
//! | surface | guard |
//! |---|---|
//! | webhook URL; server of Mattermost, Matrix, ntfy, Gotify | [`http::UserClient`], which takes a `TargetUrl` |
//! | Slack, Teams, Discord, Google Chat URL | the same, and the channel pins the host's suffix on a dot, https only |
//! | redirect hop | `TargetUrl::join` judges each hop, then `resolve` and `connect` anew; [`http`] follows none |
//! | tcp, udp, ping, tls, smtp, grpc monitor host | `TargetHost`, then `resolve`; datagrams and echo requests go to a [`CheckedAddr`] too |
//! | websocket monitor URL | `TargetUrl`, as for http |
//! | server to ask of a dns monitor | `TargetHost`, then `resolve`, then [`Egress::query`] asks that address |
//! | a customer's own SMTP server | not offered; [`smtp`] takes a [`Trusted`] relay only |
//! | custom domain of a status page | names are asked for in DNS, not dialed; `TargetHost` refuses anything but labels |
//! | logo or favicon by URL, OIDC discovery, import of a URL or sitemap | not offered; would be [`http::UserClient`] |
//! | AIA, OCSP and CRL URLs in a certificate | never fetched |
//! | RDAP servers and their redirects, WHOIS referrals | each a `TargetUrl` or `TargetHost`, then `resolve` and `connect` |
//! | MX, SRV, HTTPS, SVCB targets and address hints | shown by a dns monitor, never dialed |
//! | Alt-Svc | never followed |
//! | proxy variables of the environment | [`http`] switches proxies off; nothing else reads them |
//! | browser or screenshot checks | not offered; need a network namespace of their own |
//! | "test" buttons, one-off checks | the same three steps: there is no other way to dial |
//! | PATCH and bulk | each look judges the stored text again; validation at writing is a courtesy |

mod addr;
mod budget;
mod connect;
mod datagram;
mod dns;
pub mod http;
mod resolve;
pub mod smtp;
mod tls;
mod trusted;

use std::net::SocketAddr;
use std::sync::Arc;

use domain::target::AddressPolicy;

pub use addr::CheckedAddr;
pub use budget::OverBudget;
pub use connect::ConnectError;
pub use datagram::PingError;
pub use resolve::{Family, Resolution, ResolveError, ResolveErrorKind, Whom};
pub use trusted::Trusted;

/// What [`Egress`] is made from; read from the environment by `app::config` alone.
#[derive(Debug, Clone)]
pub struct EgressConfig {
    /// Which addresses users may name.
    pub policy: AddressPolicy,
    /// Resolvers to ask; empty for those of the system.
    pub dns_servers: Vec<SocketAddr>,
    /// Looks a second to one address over all accounts; `None` for no limit.
    pub target_budget: Option<u32>,
    /// Certificate authorities besides the public ones, PEM.
    pub extra_roots_pem: Option<Vec<u8>>,
    /// How we introduce ourselves.
    pub user_agent: String,
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// The file of extra certificate authorities is unusable.
    #[error("the extra certificate authorities cannot be read as PEM: {0}")]
    Roots(String),
}

/// The way out. Cheap to clone; all clones share cache and budget.
#[derive(Debug, Clone)]
pub struct Egress {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    policy: AddressPolicy,
    user_agent: String,
    stub: dns::Stub,
    cache: dns::Cache,
    budget: budget::Budget,
    tls: tls::Roots,
}

impl Egress {
    /// Reads the system's resolver configuration where `config` names none.
    pub fn new(config: EgressConfig) -> Result<Self, EgressError> {
        let stub = match config.dns_servers.is_empty() {
            true => dns::Stub::of_system(),
            false => dns::Stub::of_servers(config.dns_servers),
        };
        Ok(Self {
            inner: Arc::new(Inner {
                policy: config.policy,
                user_agent: config.user_agent,
                stub,
                cache: dns::Cache::default(),
                budget: budget::Budget::new(config.target_budget),
                tls: tls::Roots::read(config.extra_roots_pem.as_deref())?,
            }),
        })
    }

    /// The policy that binds what users name.
    pub fn policy(&self) -> AddressPolicy {
        self.inner.policy
    }

    /// How we introduce ourselves.
    pub fn user_agent(&self) -> &str {
        &self.inner.user_agent
    }

    /// Public certificate authorities and those of the operator.
    pub fn root_store(&self) -> Arc<rustls::RootCertStore> {
        self.inner.tls.store()
    }

    /// The operator's certificate authorities alone.
    pub fn extra_roots(&self) -> &[rustls::pki_types::CertificateDer<'static>] {
        self.inner.tls.extra()
    }

    /// Counts a look at `addr` against the budget of that address. What is over it is put off and
    /// counted, never judged.
    pub fn try_spend(&self, addr: &CheckedAddr) -> Result<(), OverBudget> {
        self.inner
            .budget
            .try_spend(addr.ip(), tokio::time::Instant::now())
    }

    /// The same for what is of use and can be left out: half of the room of an address stays free for
    /// those who decide whether it is down.
    pub fn try_spend_spare(&self, addr: &CheckedAddr) -> Result<(), OverBudget> {
        self.inner
            .budget
            .try_spend_spare(addr.ip(), tokio::time::Instant::now())
    }
}
