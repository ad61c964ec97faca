//! Egress over real sockets on loopback: name servers, web servers and mail relays of our own.

#![expect(clippy::unwrap_used, reason = "tests")]

mod connect;
mod dns_server;
mod fuzz;
mod http;
mod query;
mod resolve;
mod smtp;
mod tls_server;

use std::net::SocketAddr;
use std::time::Duration;

use domain::target::{AddressPolicy, Host, TargetHost};
use egress::{Egress, EgressConfig};
use tokio::time::Instant;

/// An egress that asks `servers`.
fn egress(policy: AddressPolicy, servers: &[SocketAddr]) -> Egress {
    with_roots(policy, servers, None)
}

fn with_roots(policy: AddressPolicy, servers: &[SocketAddr], roots: Option<String>) -> Egress {
    Egress::new(EgressConfig {
        policy,
        dns_servers: servers.to_vec(),
        target_budget: None,
        extra_roots_pem: roots.map(String::into_bytes),
        user_agent: "Watchbell/1 (+http://localhost/bot)".to_owned(),
    })
    .unwrap()
}

fn host(text: &str) -> Host {
    TargetHost::parse(text, AddressPolicy::SelfHosted)
        .unwrap()
        .into_host()
}

fn within(milliseconds: u64) -> Instant {
    Instant::now() + Duration::from_millis(milliseconds)
}
