//! From a host to addresses that may be dialed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use domain::check::FailureClass;
use domain::monitor::blocks::RecordType;
use domain::target::{AddressPolicy, Host, TargetRefusal, check_ip};
use tokio::time::Instant;

use crate::dns::{DnsFailure, Of, is_server_dead};
use crate::{CheckedAddr, Egress};

/// Addresses of a host, all of them judged, IPv4 first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// Never empty.
    pub addresses: Vec<CheckedAddr>,
    /// A server was asked just now; otherwise the answer was still good, or none was needed.
    pub fresh: bool,
}

/// The family of addresses that is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Family {
    /// Both, asked for together.
    #[default]
    Any,
    /// A records alone.
    V4,
    /// AAAA records alone.
    V6,
}

impl Family {
    /// Whether an address is of it.
    pub const fn has(self, ip: IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::V4 => ip.is_ipv4(),
            Self::V6 => ip.is_ipv6(),
        }
    }
}

/// Whose word about the records of a name is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whom {
    /// Our own resolvers': the first that knows.
    Ours,
    /// Theirs, told not to check signatures (the CD bit, RFC 4035, 3.2.2).
    Unchecked,
    /// One of them alone, the first being 0.
    Resolver(usize),
    /// This server's.
    Server(CheckedAddr),
}

/// Why a host has no address that may be dialed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct ResolveError {
    /// What happened.
    pub kind: ResolveErrorKind,
    /// Our own resolver is dead; this says nothing about the name.
    pub ours: bool,
}

/// What happened to a resolution.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each variant's sentence says what it is")]
pub enum ResolveErrorKind {
    #[error("the name does not exist in DNS (NXDOMAIN)")]
    Nxdomain,
    #[error("the name has neither an A nor an AAAA record")]
    NoAddress,
    #[error("the DNS server answers SERVFAIL")]
    Servfail,
    #[error("the DNS server answers REFUSED")]
    Refused,
    #[error("the DNS server answers with an error")]
    ServerError,
    #[error("no answer from DNS within the time")]
    Timeout,
    #[error("the answer of the DNS server cannot be read")]
    Malformed,
    #[error("the aliases (CNAME) of the name go in a circle")]
    CnameLoop,
    #[error("the aliases (CNAME) of the name are too many in a row: more than 16")]
    CnameChain,
    /// The sentence names no address that came out of DNS: it may be of the inside.
    #[error("the name leads to an address that is not allowed here")]
    Blocked(TargetRefusal),
    #[error("this address {0}")]
    BlockedLiteral(TargetRefusal),
}

impl ResolveError {
    /// The failure it is for a monitor.
    pub const fn class(&self) -> FailureClass {
        match self.kind {
            ResolveErrorKind::Nxdomain => FailureClass::DnsNxdomain,
            ResolveErrorKind::NoAddress => FailureClass::DnsNoAddress,
            ResolveErrorKind::Servfail => FailureClass::DnsServfail,
            ResolveErrorKind::Refused => FailureClass::DnsRefused,
            ResolveErrorKind::ServerError => FailureClass::DnsServerError,
            ResolveErrorKind::Timeout => FailureClass::DnsTimeout,
            ResolveErrorKind::Malformed => FailureClass::DnsMalformed,
            ResolveErrorKind::CnameLoop | ResolveErrorKind::CnameChain => {
                FailureClass::DnsCnameLoop
            }
            ResolveErrorKind::Blocked(_) | ResolveErrorKind::BlockedLiteral(_) => {
                FailureClass::TargetRefused
            }
        }
    }

    /// The address policy refuses the target.
    pub const fn is_refused(&self) -> bool {
        matches!(
            self.kind,
            ResolveErrorKind::Blocked(_) | ResolveErrorKind::BlockedLiteral(_)
        )
    }

    const fn of(kind: ResolveErrorKind) -> Self {
        Self { kind, ours: false }
    }
}

impl From<DnsFailure> for ResolveErrorKind {
    fn from(failure: DnsFailure) -> Self {
        match failure {
            DnsFailure::Nxdomain => Self::Nxdomain,
            DnsFailure::NoAddress => Self::NoAddress,
            DnsFailure::Servfail => Self::Servfail,
            DnsFailure::Refused => Self::Refused,
            DnsFailure::ServerError => Self::ServerError,
            DnsFailure::Malformed => Self::Malformed,
            DnsFailure::CnameLoop => Self::CnameLoop,
            DnsFailure::CnameChain => Self::CnameChain,
            DnsFailure::Timeout => Self::Timeout,
        }
    }
}

impl Egress {
    /// Resolves `host` and judges every address by the policy; one refused address refuses all.
    /// `fresh` asks anew even while an earlier answer is still good.
    pub async fn resolve(
        &self,
        host: &Host,
        port: u16,
        fresh: bool,
        deadline: Instant,
    ) -> Result<Resolution, ResolveError> {
        self.resolve_family(host, port, (Family::Any, fresh), deadline)
            .await
    }

    /// The same with addresses of one family alone: only that family is asked for, so that its
    /// absence is what DNS says.
    pub async fn resolve_family(
        &self,
        host: &Host,
        port: u16,
        (family, fresh): (Family, bool),
        deadline: Instant,
    ) -> Result<Resolution, ResolveError> {
        let policy = self.inner.policy;
        let (addresses, fresh) = self
            .addresses(host, (family, fresh), policy, deadline)
            .await?;
        let refused = |refusal| match host {
            Host::Ip(_) => ResolveError::of(ResolveErrorKind::BlockedLiteral(refusal)),
            Host::Name(_) => ResolveError::of(ResolveErrorKind::Blocked(refusal)),
        };
        for ip in &addresses {
            check_ip(*ip, policy).map_err(refused)?;
        }
        Ok(resolution(&addresses, port, fresh))
    }

    /// Resolves a host that the operator configured: no policy, and names of the inside are known.
    pub(crate) async fn resolve_operators(
        &self,
        host: &Host,
        port: u16,
        deadline: Instant,
    ) -> Result<Resolution, ResolveError> {
        let policy = AddressPolicy::SelfHosted;
        let (addresses, fresh) = self
            .addresses(host, (Family::Any, false), policy, deadline)
            .await?;
        Ok(resolution(&addresses, port, fresh))
    }

    /// The records of `name`, as `whom` tells them. Nothing of the answer is dialed; it is what the owner
    /// of the monitor asked to see.
    pub async fn query(
        &self,
        name: &str,
        wanted: RecordType,
        whom: Whom,
        deadline: Instant,
    ) -> Result<Vec<String>, ResolveError> {
        let left = deadline.saturating_duration_since(Instant::now());
        let (of, until) = match whom {
            Whom::Ours => (Of::Ours, deadline - control_time(left)),
            Whom::Unchecked => (Of::OursUnchecked, deadline - control_time(left)),
            Whom::Resolver(index) => {
                let server = self.inner.stub.server(index);
                let server = server.ok_or(ResolveError {
                    kind: ResolveErrorKind::Timeout,
                    ours: true,
                })?;
                (Of::Server(server), deadline - control_time(left))
            }
            Whom::Server(server) => (Of::Server(server.socket_addr()), deadline),
        };
        match self.inner.stub.records(name, wanted, of, until).await {
            Ok(records) => Ok(records),
            Err(failure) => Err(ResolveError {
                kind: failure.into(),
                ours: match (whom, of) {
                    (Whom::Server(_), _) => false,
                    (_, Of::Server(server)) => {
                        !failure.is_word() && is_server_dead(server, failure, deadline).await
                    }
                    _ => self.is_ours(failure, deadline).await,
                },
            }),
        }
    }

    /// How many resolvers of our own there are, for [`Whom::Resolver`].
    pub fn resolvers(&self) -> usize {
        self.inner.stub.count()
    }

    /// Whether any of our name servers answers at all: for `doctor` and for the self-check.
    pub async fn resolver_answers(&self, deadline: Instant) -> bool {
        !self.inner.stub.is_dead(DnsFailure::Timeout, deadline).await
    }

    async fn addresses(
        &self,
        host: &Host,
        (family, fresh): (Family, bool),
        policy: AddressPolicy,
        deadline: Instant,
    ) -> Result<(Vec<IpAddr>, bool), ResolveError> {
        let known = |mut addresses: Vec<IpAddr>| {
            addresses.retain(|ip| family.has(*ip));
            match addresses.is_empty() {
                true => Err(ResolveError::of(ResolveErrorKind::NoAddress)),
                false => Ok((addresses, false)),
            }
        };
        let name = match host {
            Host::Ip(ip) => return known(vec![*ip]),
            Host::Name(_) if host.is_localhost() => {
                return known(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
            }
            Host::Name(name) => name,
        };
        let inside = policy == AddressPolicy::SelfHosted;
        let key = key(name, family, inside);
        if !fresh && let Some(addresses) = self.inner.cache.get(&key, Instant::now()) {
            return Ok((addresses, false));
        }
        // Apart: whoever has a remembered answer, or needs none, does not carry the exchange along.
        let asked = Box::pin(self.ask(name, (family, inside), &key, deadline)).await?;
        Ok((asked, true))
    }

    async fn ask(
        &self,
        name: &str,
        (family, inside): (Family, bool),
        key: &str,
        deadline: Instant,
    ) -> Result<Vec<IpAddr>, ResolveError> {
        let stub = &self.inner.stub;
        let until = deadline - control_time(deadline.saturating_duration_since(Instant::now()));
        let found = match inside {
            true => stub.lookup_inside(name, family, until).await,
            false => stub.lookup(name, family, until).await,
        };
        match found {
            Ok(found) => {
                self.inner.cache.put(key, &found, Instant::now());
                Ok(found.addresses)
            }
            Err(failure) => {
                self.inner.cache.forget(key);
                let ours = self.is_ours(failure, deadline).await;
                Err(ResolveError {
                    kind: failure.into(),
                    ours,
                })
            }
        }
    }

    async fn is_ours(&self, failure: DnsFailure, deadline: Instant) -> bool {
        !failure.is_word() && self.inner.stub.is_dead(failure, deadline).await
    }
}

/// The operator's view of a name must never answer a user's question.
fn key(name: &str, family: Family, inside: bool) -> String {
    let family = match family {
        Family::Any => "",
        Family::V4 => "v4 ",
        Family::V6 => "v6 ",
    };
    let view = if inside { "inside " } else { "" };
    format!("{view}{family}{name}")
}

/// Time kept back from a lookup to ask whether our resolver lives: at most a second.
fn control_time(left: Duration) -> Duration {
    (left / 4).min(Duration::from_secs(1))
}

fn resolution(addresses: &[IpAddr], port: u16, fresh: bool) -> Resolution {
    let addresses = addresses
        .iter()
        .map(|ip| CheckedAddr::judged(*ip, port))
        .collect();
    Resolution { addresses, fresh }
}
