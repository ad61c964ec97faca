//! Which name servers there are, and which of them answered last.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hickory_resolver::Hosts;
use hickory_resolver::proto::op::Query;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use tokio::time::Instant;

/// The system's configuration is read again at most this often.
const REREAD: Duration = Duration::from_secs(5);

/// Servers, and the names that only this system knows.
#[derive(Debug)]
pub(super) struct Servers {
    addresses: Vec<SocketAddr>,
    pub(super) search: Vec<Name>,
    hosts: Option<Hosts>,
    /// Index of the server that is asked first.
    first: AtomicUsize,
}

impl Servers {
    fn of(addresses: Vec<SocketAddr>) -> Self {
        Self {
            addresses,
            search: Vec::new(),
            hosts: None,
            first: AtomicUsize::new(0),
        }
    }

    /// What `resolv.conf` says; without it a server on this host, as the C library has it.
    fn of_system() -> Self {
        let read = hickory_resolver::system_conf::read_system_conf().map_err(io::Error::other);
        let (mut addresses, mut search) = (Vec::new(), Vec::new());
        match read {
            Ok((config, _)) => {
                search = config.search().to_vec();
                for server in config.name_servers() {
                    let address = SocketAddr::new(server.ip, 53);
                    if !addresses.contains(&address) {
                        addresses.push(address);
                    }
                }
            }
            Err(error) => {
                tracing::warn!(%error, "resolv.conf names no DNS server; asking 127.0.0.1")
            }
        }
        if addresses.is_empty() {
            addresses.push(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 53));
        }
        Self {
            search,
            hosts: Hosts::from_system().ok(),
            ..Self::of(addresses)
        }
    }

    /// All servers with their index, the one that answered last before the others.
    pub(super) fn in_order(&self) -> impl Iterator<Item = (usize, SocketAddr)> + '_ {
        let count = self.addresses.len();
        let first = self.first.load(Ordering::Relaxed);
        (0..count)
            .map(move |i| (first + i) % count)
            .map(|i| (i, self.addresses[i]))
    }

    /// The server at `index`, in the order in which they were named.
    pub(super) fn nth(&self, index: usize) -> Option<SocketAddr> {
        self.addresses.get(index).copied()
    }

    /// How many there are.
    pub(super) const fn count(&self) -> usize {
        self.addresses.len()
    }

    /// The servers that were not asked first.
    pub(super) fn others(&self) -> Vec<SocketAddr> {
        self.in_order()
            .skip(1)
            .map(|(_, address)| address)
            .collect()
    }

    /// The server at `index` answered while those before it kept silent.
    pub(super) fn prefer(&self, index: usize) {
        self.first.store(index, Ordering::Relaxed);
    }

    /// What the hosts file says of `name`.
    pub(super) fn in_hosts_file(&self, name: &str) -> Option<Vec<IpAddr>> {
        let hosts = self.hosts.as_ref()?;
        let name = Name::from_str(name).ok()?;
        let mut addresses = Vec::new();
        for record_type in [RecordType::A, RecordType::AAAA] {
            let query = Query::query(name.clone(), record_type);
            let Some(found) = hosts.lookup_static_host(&query) else {
                continue;
            };
            addresses.extend(
                found
                    .answers()
                    .iter()
                    .filter_map(|record| match &record.data {
                        RData::A(a) => Some(IpAddr::from(a.0)),
                        RData::AAAA(a) => Some(IpAddr::from(a.0)),
                        _ => None,
                    }),
            );
        }
        (!addresses.is_empty()).then_some(addresses)
    }
}

/// The servers of now: a host that changes its network changes its servers.
#[derive(Debug)]
pub(super) struct Source {
    now: Mutex<Arc<Servers>>,
    /// When the system's configuration was read; `None` for servers that the operator named.
    read_at: Option<Mutex<Instant>>,
}

impl Source {
    pub(super) fn of_servers(addresses: Vec<SocketAddr>) -> Self {
        Self {
            now: Mutex::new(Arc::new(Servers::of(addresses))),
            read_at: None,
        }
    }

    pub(super) fn of_system() -> Self {
        Self {
            now: Mutex::new(Arc::new(Servers::of_system())),
            read_at: Some(Mutex::new(Instant::now())),
        }
    }

    pub(super) fn servers(&self) -> Arc<Servers> {
        self.now
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Nobody answers: perhaps the system has other servers by now.
    pub(super) fn read_again(&self) {
        let Some(read_at) = &self.read_at else { return };
        let mut read_at = read_at.lock().unwrap_or_else(PoisonError::into_inner);
        if read_at.elapsed() >= REREAD {
            *read_at = Instant::now();
            let fresh = Arc::new(Servers::of_system());
            *self.now.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_that_answered_comes_first() {
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let servers = Servers::of(vec![address(1), address(2), address(3)]);
        let order = || {
            servers
                .in_order()
                .map(|(_, address)| address.port())
                .collect::<Vec<_>>()
        };
        assert_eq!(order(), [1, 2, 3]);
        servers.prefer(2);
        assert_eq!(order(), [3, 1, 2]);
    }

    #[test]
    fn the_hosts_file_is_known() {
        let mut hosts = Hosts::default();
        let file = "127.0.0.1 localhost\n192.0.2.7 nas nas.lan # storage\nfd00::7 nas\n";
        hosts.read_hosts_conf(file.as_bytes()).unwrap();
        let servers = Servers {
            hosts: Some(hosts),
            ..Servers::of(Vec::new())
        };
        let found = |name| {
            let addresses = servers.in_hosts_file(name).unwrap_or_default();
            addresses
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        assert_eq!(found("nas"), ["192.0.2.7", "fd00::7"]);
        assert_eq!(found("nas.lan"), ["192.0.2.7"]);
        assert_eq!(found("other"), Vec::<String>::new());
        assert_eq!(Servers::of(Vec::new()).in_hosts_file("nas"), None);
    }

    #[test]
    fn a_system_always_has_a_server() {
        assert!(Servers::of_system().in_order().count() > 0);
    }
}
