//! The server behind what visitors reach, as its owner names it: `host`, `host:port`, an address, or an
//! address with a port.

use std::fmt;

use super::url::check_port;
use super::{AddressPolicy, Host, TargetHost, TargetRefusal};

/// Bytes of an origin's text, at most: a name and a port.
pub const MAX_ORIGIN: usize = 260;

/// The server behind a CDN, a balancer or a proxy, and its port where that is not the URL's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    host: Host,
    port: Option<u16>,
}

impl Origin {
    /// Reads what a user wrote and judges it by `policy`.
    pub fn parse(text: &str, policy: AddressPolicy) -> Result<Self, TargetRefusal> {
        if text.len() > MAX_ORIGIN {
            return Err(TargetRefusal::TooLong(MAX_ORIGIN));
        }
        let (host, port) = split(text)?;
        let host = TargetHost::parse(host, policy)?.into_host();
        if let Some(port) = port {
            check_port(port, policy)?;
        }
        Ok(Self { host, port })
    }

    /// The host to resolve.
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// The port that is connected to in the place of the URL's.
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// What `curl --connect-to ::` takes: without a port, that of the URL stays.
    pub fn connect_to(&self) -> String {
        let port = self.port.map(|port| port.to_string()).unwrap_or_default();
        format!("{}:{port}", self.host.bracketed())
    }
}

/// As it is kept and compared: two ways to write one origin are one.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.host.bracketed()),
            None => self.host.fmt(f),
        }
    }
}

/// Host and port. More than one colon without brackets is an address of IPv6, and has no port.
fn split(text: &str) -> Result<(&str, Option<u16>), TargetRefusal> {
    let number = |digits: &str| {
        let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        let port = digits.parse().ok().filter(|_| is_number);
        port.ok_or(TargetRefusal::Malformed(
            "the port is not a number up to 65535",
        ))
    };
    if let Some(end) = text.rfind(']') {
        let (host, rest) = text.split_at(end + 1);
        return match rest.strip_prefix(':') {
            Some(digits) => Ok((host, Some(number(digits)?))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err(TargetRefusal::Malformed("only a host and a port")),
        };
    }
    match text.split_once(':') {
        Some((host, digits)) if !digits.contains(':') => Ok((host, Some(number(digits)?))),
        _ => Ok((text, None)),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("203.0.113.7", None)]
    #[case("8.8.8.8", Some("8.8.8.8"))]
    #[case("8.8.8.8:8443", Some("8.8.8.8:8443"))]
    #[case("[2606:4700::1111]:8443", Some("[2606:4700::1111]:8443"))]
    #[case("[2606:4700::1111]", Some("2606:4700::1111"))]
    #[case("2606:4700::1111", Some("2606:4700::1111"))]
    #[case("Origin.Shop.Example.", Some("origin.shop.example"))]
    #[case("origin.shop.example:8080", Some("origin.shop.example:8080"))]
    #[case("origin.shop.example:", None)]
    #[case("origin.shop.example:0", None)]
    #[case("origin.shop.example:+80", None)]
    #[case("origin.shop.example:65536", None)]
    #[case("origin.shop.example:6379", None)]
    #[case("origin.shop.example:80/x", None)]
    #[case("user@origin.shop.example", None)]
    #[case("https://origin.shop.example", None)]
    #[case("[2606:4700::1111]x", None)]
    #[case("10.0.0.1", None)]
    #[case("[::1]:80", None)]
    #[case("169.254.169.254", None)]
    #[case("2130706433", None)]
    #[case("localhost:8080", None)]
    #[case("backend", None)]
    #[case("db.internal", None)]
    #[case("", None)]
    fn origins_of_the_hosted_service(#[case] text: &str, #[case] wanted: Option<&str>) {
        let read = Origin::parse(text, AddressPolicy::Hosted).ok();
        let shown = read.as_ref().map(ToString::to_string);
        assert_eq!(shown.as_deref(), wanted);
        if let Some(shown) = shown {
            assert_eq!(Origin::parse(&shown, AddressPolicy::Hosted).ok(), read);
        }
    }

    #[rstest]
    #[case("10.0.0.1", "10.0.0.1:")]
    #[case("10.0.0.1:8080", "10.0.0.1:8080")]
    #[case("backend", "backend:")]
    #[case("[fd00::1]:8080", "[fd00::1]:8080")]
    #[case("fd00::1", "[fd00::1]:")]
    fn at_home_every_origin_is_allowed(#[case] text: &str, #[case] connects: &str) {
        let read = Origin::parse(text, AddressPolicy::SelfHosted).unwrap();
        assert_eq!(read.connect_to(), connects);
    }
}
