//! A way out for tests: loopback allowed, a DNS server of one's own, an authority of one's own.

use std::net::SocketAddr;

use domain::target::AddressPolicy;
use egress::{Egress, EgressConfig};

use crate::Ca;

/// A way out that allows loopback, asks `dns` and trusts `ca`.
pub fn way_out(dns: Option<SocketAddr>, ca: Option<&Ca>) -> Egress {
    with_policy(AddressPolicy::SelfHosted, dns, ca)
}

/// The same with a policy.
pub fn with_policy(policy: AddressPolicy, dns: Option<SocketAddr>, ca: Option<&Ca>) -> Egress {
    made(policy, dns.as_slice(), ca, None)
}

/// A way out that allows loopback and has these resolvers.
pub fn asking(resolvers: &[SocketAddr]) -> Egress {
    made(AddressPolicy::SelfHosted, resolvers, None, None)
}

/// A way out that allows loopback and so many looks a second to one address.
pub fn with_budget(looks: u32) -> Egress {
    made(AddressPolicy::SelfHosted, &[], None, Some(looks))
}

fn made(
    policy: AddressPolicy,
    resolvers: &[SocketAddr],
    ca: Option<&Ca>,
    target_budget: Option<u32>,
) -> Egress {
    // Without a DNS server of its own a test must not ask anyone: port 9 discards.
    let nobody = SocketAddr::from(([127, 0, 0, 1], 9));
    Egress::new(EgressConfig {
        policy,
        dns_servers: match resolvers {
            [] => vec![nobody],
            all => all.to_vec(),
        },
        target_budget,
        extra_roots_pem: ca.map(|ca| ca.root_pem().into_bytes()),
        user_agent: "Watchbell/1 (+http://localhost/bot)".to_owned(),
    })
    .expect("a way out")
}
