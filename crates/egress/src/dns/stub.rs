//! Which servers are asked, in which order, how often.

use std::net::SocketAddr;
use std::str::FromStr as _;
use std::time::Duration;

use hickory_resolver::proto::op::{Message, Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, RecordType};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::resolve::Family;

use super::DnsFailure;
use super::answer::{Found, Reading, check_code, read};
use super::exchange::{self, Checks};
use super::servers::{Servers, Source};

/// How long each round waits for a server.
pub(super) const ROUNDS: [Duration; 3] = [
    Duration::from_millis(1_500),
    Duration::from_millis(2_500),
    Duration::from_secs(4),
];
/// How long the other address family may lag behind the first that answered.
const STRAGGLER: Duration = Duration::from_millis(250);
/// How long another server may take to contradict a denial, and how many are asked.
const SECOND_OPINION: Duration = Duration::from_secs(1);
const OPINIONS: usize = 2;
/// How long a server may take to show that it lives.
const CONTROL: Duration = Duration::from_secs(1);

/// Whose word is taken.
#[derive(Clone, Copy)]
enum Whom<'s> {
    /// The first of all servers that knows.
    All(&'s Servers),
    /// This server's alone.
    One(SocketAddr),
}

/// Asks servers on behalf of [`crate::Egress`].
#[derive(Debug)]
pub(crate) struct Stub {
    source: Source,
}

impl Stub {
    /// Asks exactly these servers.
    pub(crate) fn of_servers(servers: Vec<SocketAddr>) -> Self {
        Self {
            source: Source::of_servers(servers),
        }
    }

    /// Asks the system's servers, and knows its hosts file and search list.
    pub(crate) fn of_system() -> Self {
        Self {
            source: Source::of_system(),
        }
    }

    /// Addresses of `name` from the hosts file and the search list as well: for names inside the
    /// operator's own network.
    pub(crate) async fn lookup_inside(
        &self,
        name: &str,
        family: Family,
        deadline: Instant,
    ) -> Result<Found, DnsFailure> {
        let servers = self.source.servers();
        let mut addresses = servers.in_hosts_file(name).unwrap_or_default();
        addresses.retain(|ip| family.has(*ip));
        if !addresses.is_empty() {
            return Ok(Found {
                addresses,
                ttl: Duration::ZERO,
            });
        }
        if !name.contains('.') {
            for suffix in &servers.search {
                let whole = format!("{name}.{suffix}");
                if let Ok(found) = self.lookup(&whole, family, deadline).await {
                    return Ok(found);
                }
            }
        }
        self.lookup(name, family, deadline).await
    }

    /// Addresses of exactly `name`; where any will do, both families in one go. A denial stands when no other server of
    /// ours knows better: one resolver that has gone wrong takes nobody's site down.
    pub(crate) async fn lookup(
        &self,
        name: &str,
        family: Family,
        deadline: Instant,
    ) -> Result<Found, DnsFailure> {
        let mut name = Name::from_str(name).map_err(|_| DnsFailure::NoAddress)?;
        name.set_fqdn(true);
        let servers = self.source.servers();
        let told = self
            .families(&name, family, Whom::All(&servers), deadline)
            .await;
        let Err(denial) = told.as_ref() else {
            return told;
        };
        if !denial.is_word() {
            return told;
        }
        for server in servers.others().into_iter().take(OPINIONS) {
            let until = deadline.min(Instant::now() + SECOND_OPINION);
            let second = self.families(&name, family, Whom::One(server), until).await;
            if second.is_ok() {
                tracing::warn!(%server, "our DNS servers disagree: one denies a name that another knows");
                return second;
            }
        }
        told
    }

    async fn families(
        &self,
        name: &Name,
        family: Family,
        whom: Whom<'_>,
        deadline: Instant,
    ) -> Result<Found, DnsFailure> {
        match family {
            Family::Any => self.both_families(name, whom, deadline).await,
            Family::V4 => self.family(name, RecordType::A, whom, deadline).await,
            Family::V6 => self.family(name, RecordType::AAAA, whom, deadline).await,
        }
    }

    async fn both_families(
        &self,
        name: &Name,
        whom: Whom<'_>,
        deadline: Instant,
    ) -> Result<Found, DnsFailure> {
        let mut v4 = std::pin::pin!(self.family(name, RecordType::A, whom, deadline));
        let mut v6 = std::pin::pin!(self.family(name, RecordType::AAAA, whom, deadline));
        let late =
            |at: Result<Result<Found, DnsFailure>, _>| at.unwrap_or(Err(DnsFailure::Timeout));
        let wait = |first: &Result<Found, DnsFailure>| match first {
            Ok(_) => deadline.min(Instant::now() + STRAGGLER),
            Err(_) => deadline,
        };
        let (v4, v6) = tokio::select! {
            first = &mut v4 => {
                let until = wait(&first);
                (first, late(timeout_at(until, v6).await))
            }
            first = &mut v6 => {
                let until = wait(&first);
                (late(timeout_at(until, v4).await), first)
            }
        };
        both(v4, v6)
    }

    async fn family(
        &self,
        name: &Name,
        record_type: RecordType,
        whom: Whom<'_>,
        deadline: Instant,
    ) -> Result<Found, DnsFailure> {
        let mut seen = Vec::new();
        let mut ask_for = name.clone();
        let mut ttl = Duration::MAX;
        loop {
            let reading = match whom {
                Whom::All(servers) => {
                    ask_servers(servers, &ask_for, record_type, &mut seen, deadline).await?
                }
                Whom::One(server) => {
                    let query = Query::query(ask_for.clone(), record_type);
                    let told = exchange::ask(server, &query, Checks::Made, deadline).await?;
                    read(&told, &ask_for, record_type, &mut seen)?
                }
            };
            match reading {
                Reading::Found(found) => {
                    return Ok(Found {
                        ttl: found.ttl.min(ttl),
                        ..found
                    });
                }
                Reading::Alias(target, alias_ttl) => {
                    ttl = ttl.min(alias_ttl);
                    ask_for = target;
                }
            }
        }
    }

    /// The first answer of our servers that is one; a second and third round only for silence. A
    /// denial stands when no other server of ours knows the name.
    pub(super) async fn ask_for_records(
        &self,
        name: &Name,
        record_type: RecordType,
        checks: Checks,
        deadline: Instant,
    ) -> Result<Message, DnsFailure> {
        let query = Query::query(name.clone(), record_type);
        let servers = self.source.servers();
        let told = ask_in_turn(&servers, &query, checks, deadline).await?;
        if told.metadata.response_code != ResponseCode::NXDomain {
            return Ok(told);
        }
        for server in servers.others().into_iter().take(OPINIONS) {
            let until = deadline.min(Instant::now() + SECOND_OPINION);
            if let Ok(second) = exchange::ask(server, &query, checks, until).await
                && second.metadata.response_code == ResponseCode::NoError
            {
                return Ok(second);
            }
        }
        Ok(told)
    }

    /// The server at `index`, in the order in which they were named.
    pub(crate) fn server(&self, index: usize) -> Option<SocketAddr> {
        self.source.servers().nth(index)
    }

    /// How many servers there are.
    pub(crate) fn count(&self) -> usize {
        self.source.servers().count()
    }

    /// Whether it is our own resolver that is dead: every server of ours fails in the same way for
    /// the root, which a living resolver knows.
    pub(crate) async fn is_dead(&self, failure: DnsFailure, deadline: Instant) -> bool {
        let until = deadline.min(Instant::now() + CONTROL);
        let mut asked = JoinSet::new();
        for (_, server) in self.source.servers().in_order() {
            asked.spawn(is_server_dead(server, failure, until));
        }
        while let Some(dead) = asked.join_next().await {
            if matches!(dead, Ok(false)) {
                return false;
            }
        }
        self.source.read_again();
        true
    }
}

/// Whether this one fails in the same way for the root.
pub(crate) async fn is_server_dead(
    server: SocketAddr,
    failure: DnsFailure,
    deadline: Instant,
) -> bool {
    let until = deadline.min(Instant::now() + CONTROL);
    let root = Query::query(Name::root(), RecordType::NS);
    let told = exchange::ask(server, &root, Checks::Made, until).await;
    fails_alike(&told, failure)
}

/// Asks each server in turn until one gives an answer.
async fn ask_in_turn(
    servers: &Servers,
    query: &Query,
    checks: Checks,
    deadline: Instant,
) -> Result<Message, DnsFailure> {
    let mut worst = DnsFailure::Timeout;
    for patience in ROUNDS {
        for (_, server) in servers.in_order() {
            let now = Instant::now();
            if now >= deadline {
                return Err(worst);
            }
            let told = exchange::ask(server, query, checks, deadline.min(now + patience)).await;
            match told.and_then(|message| check_code(&message).map(|()| message)) {
                Ok(message) => return Ok(message),
                Err(DnsFailure::Timeout) => {}
                Err(failure) => worst = failure,
            }
        }
        if worst != DnsFailure::Timeout {
            break;
        }
    }
    Err(worst)
}

/// Asks each server in turn until one knows; a second and third round only for silence.
async fn ask_servers(
    servers: &Servers,
    name: &Name,
    record_type: RecordType,
    seen: &mut Vec<Name>,
    deadline: Instant,
) -> Result<Reading, DnsFailure> {
    let query = Query::query(name.clone(), record_type);
    let mut worst = DnsFailure::Timeout;
    for patience in ROUNDS {
        let mut silent = false;
        for (index, server) in servers.in_order() {
            let now = Instant::now();
            if now >= deadline {
                return Err(worst);
            }
            let until = deadline.min(now + patience);
            let told = exchange::ask(server, &query, Checks::Made, until).await;
            if silent && told.is_ok() {
                servers.prefer(index);
            }
            silent |= matches!(told, Err(DnsFailure::Timeout));
            let mut chain = seen.clone();
            match told.and_then(|message| read(&message, name, record_type, &mut chain)) {
                Ok(reading) => {
                    *seen = chain;
                    return Ok(reading);
                }
                Err(DnsFailure::Timeout) => {}
                Err(
                    failure @ (DnsFailure::Servfail
                    | DnsFailure::Refused
                    | DnsFailure::ServerError
                    | DnsFailure::Malformed),
                ) => worst = failure,
                Err(final_word) => return Err(final_word),
            }
        }
        if worst != DnsFailure::Timeout {
            break;
        }
    }
    Err(worst)
}

/// Whether the answer about the root shows the same trouble as `failure`. Silence always does.
fn fails_alike(told: &Result<Message, DnsFailure>, failure: DnsFailure) -> bool {
    match told.as_ref().map(|message| message.metadata.response_code) {
        Ok(ResponseCode::NoError | ResponseCode::NXDomain) => false,
        Ok(ResponseCode::ServFail) => failure == DnsFailure::Servfail,
        Ok(ResponseCode::Refused) => failure == DnsFailure::Refused,
        Ok(_) => failure == DnsFailure::ServerError,
        Err(DnsFailure::Malformed) => failure == DnsFailure::Malformed,
        Err(_) => true,
    }
}

/// One answer of two families. An address found wins; then what is most certain.
fn both(v4: Result<Found, DnsFailure>, v6: Result<Found, DnsFailure>) -> Result<Found, DnsFailure> {
    match (v4, v6) {
        (Ok(v4), Ok(v6)) => Ok(Found {
            addresses: [v4.addresses, v6.addresses].concat(),
            ttl: v4.ttl.min(v6.ttl),
        }),
        (Ok(found), Err(_)) | (Err(_), Ok(found)) => Ok(found),
        (Err(DnsFailure::Nxdomain), Err(DnsFailure::Nxdomain)) => Err(DnsFailure::Nxdomain),
        (
            Err(DnsFailure::Nxdomain | DnsFailure::NoAddress),
            Err(DnsFailure::Nxdomain | DnsFailure::NoAddress),
        ) => Err(DnsFailure::NoAddress),
        // One family says "none", the other failed: the failure is what there is to report.
        (Err(DnsFailure::Nxdomain | DnsFailure::NoAddress), Err(failure)) => Err(failure),
        (Err(failure), Err(_)) => Err(failure),
    }
}
