//! Where a request comes from.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use http::HeaderMap;
use http::request::Parts;

use crate::config::WebConfig;
use crate::state::AppState;

/// The client's address: the peer, or what trusted proxies say, read from the right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientIp(pub IpAddr);

impl ClientIp {
    /// The network that limits count by: an IPv4 address or an IPv6 /64, which one customer holds.
    pub fn network(self) -> String {
        match self.0 {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => match address.to_ipv4_mapped() {
                Some(mapped) => mapped.to_string(),
                None => {
                    let [a, b, c, d, ..] = address.segments();
                    format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
                }
            },
        }
    }
}

impl FromRequestParts<AppState> for ClientIp {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        let peer = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map(|info| info.0.ip());
        Ok(Self(resolve(
            peer.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            &parts.headers,
            &state.config,
        )))
    }
}

/// Walks `X-Forwarded-For` from the right for as long as the speaker is a trusted proxy.
fn resolve(peer: IpAddr, headers: &HeaderMap, config: &WebConfig) -> IpAddr {
    let mut speaker = peer.to_canonical();
    let named: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    for text in named.into_iter().rev() {
        if !config.trusts(speaker) {
            break;
        }
        // A hop that we cannot read is not trusted to name the one before it.
        let Ok(address) = text.trim().parse::<IpAddr>() else {
            break;
        };
        speaker = address.to_canonical();
    }
    speaker
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::config;

    #[test]
    fn only_trusted_proxies_are_believed_and_from_the_right() {
        let mut config = config("https://watchbell.example");
        config.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        let ask = |peer: &str, forwarded: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-for", forwarded.parse().unwrap());
            resolve(peer.parse().unwrap(), &headers, &config).to_string()
        };
        assert_eq!(
            ask("198.51.100.1", "203.0.113.9"),
            "198.51.100.1",
            "a stranger cannot name itself"
        );
        assert_eq!(ask("10.0.0.1", "203.0.113.9"), "203.0.113.9");
        assert_eq!(
            ask("10.0.0.1", "192.0.2.66, 203.0.113.9"),
            "203.0.113.9",
            "the left is the client's own claim"
        );
        assert_eq!(
            ask("10.0.0.1", "192.0.2.66, 203.0.113.9, 10.0.0.2"),
            "203.0.113.9"
        );
        assert_eq!(ask("10.0.0.1", "garbage"), "10.0.0.1");
        assert_eq!(ask("::ffff:10.0.0.1", "2001:db8::1"), "2001:db8::1");
    }

    #[test]
    fn an_ipv6_customer_is_a_64() {
        let of = |text: &str| ClientIp(text.parse().unwrap()).network();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("203.0.113.9"), "203.0.113.9");
    }
}
