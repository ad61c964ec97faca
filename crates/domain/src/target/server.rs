//! A server that a user names: `host`, `host:port`, an address, or an address with a port.

use std::net::SocketAddr;

use super::{AddressPolicy, TargetHost, TargetRefusal};

/// Where name servers listen.
const DNS_PORT: u16 = 53;

/// The name server that `text` names, judged by `policy`, and its port.
pub fn server_address(
    text: &str,
    policy: AddressPolicy,
) -> Result<(TargetHost, u16), TargetRefusal> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        let host = TargetHost::parse(&address.ip().to_string(), policy)?;
        return port(address.port()).map(|port| (host, port));
    }
    match text.rsplit_once(':') {
        Some((host, number)) if !host.contains(':') => {
            let number = number.parse().unwrap_or(0);
            Ok((TargetHost::parse(host, policy)?, port(number)?))
        }
        _ => Ok((TargetHost::parse(text, policy)?, DNS_PORT)),
    }
}

fn port(port: u16) -> Result<u16, TargetRefusal> {
    match port {
        0 => Err(TargetRefusal::Malformed("the port is not a number")),
        port => Ok(port),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("192.0.2.1", None)]
    #[case("203.0.113.7:5353", None)]
    #[case("1.1.1.1", Some(("1.1.1.1", 53)))]
    #[case("1.1.1.1:5353", Some(("1.1.1.1", 5353)))]
    #[case("2606:4700:4700::1111", Some(("2606:4700:4700::1111", 53)))]
    #[case("[2606:4700:4700::1111]:54", Some(("2606:4700:4700::1111", 54)))]
    #[case("ns1.shop.example", Some(("ns1.shop.example", 53)))]
    #[case("ns1.shop.example:54", Some(("ns1.shop.example", 54)))]
    #[case("ns1.shop.example:0", None)]
    #[case("ns1.shop.example:x", None)]
    #[case("10.0.0.1", None)]
    #[case("10.0.0.1:53", None)]
    #[case("localhost:53", None)]
    #[case("https://1.1.1.1/", None)]
    #[case("", None)]
    fn servers(#[case] text: &str, #[case] wanted: Option<(&str, u16)>) {
        let found = server_address(text, AddressPolicy::Hosted).ok();
        let found = found.map(|(host, port)| (host.into_host().to_string(), port));
        assert_eq!(found, wanted.map(|(host, port)| (host.to_owned(), port)));
    }
}
