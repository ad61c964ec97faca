//! Hosts: names and addresses, judged as text.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{AddressPolicy, TargetRefusal, check_ip};

/// Names under these lead into someone's own network, or nowhere.
const PRIVATE_SUFFIXES: &[&str] = &[
    "localhost",
    "local",
    "internal",
    "home.arpa",
    "lan",
    "svc",
    "cluster.local",
    "onion",
    "invalid",
    "arpa",
];

/// A host as one parser read it, once.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// A name in ASCII, lower case, without the dot at its end.
    Name(String),
    /// An address that was written as such.
    Ip(IpAddr),
}

impl Host {
    /// `localhost` or a name under it: loopback without a query (RFC 6761).
    pub fn is_localhost(&self) -> bool {
        matches!(self, Self::Name(name) if is_under(name, "localhost"))
    }

    /// The name, if it is one: what TLS may carry as server name.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name),
            Self::Ip(_) => None,
        }
    }

    /// As in a URL: IPv6 in brackets.
    pub fn bracketed(&self) -> String {
        match self {
            Self::Ip(IpAddr::V6(ip)) => format!("[{ip}]"),
            other => other.to_string(),
        }
    }

    /// Reads a parsed URL's host.
    pub(super) fn from_parsed(host: url::Host<&str>) -> Result<Self, TargetRefusal> {
        match host {
            url::Host::Ipv4(ip) => Ok(Self::Ip(ip.into())),
            url::Host::Ipv6(ip) => Ok(Self::Ip(ip.into())),
            url::Host::Domain(name) => domain(name),
        }
    }

    /// Judges the host by `policy`.
    pub fn check(&self, policy: AddressPolicy) -> Result<(), TargetRefusal> {
        match self {
            Self::Ip(ip) => check_ip(*ip, policy),
            Self::Name(_) if policy == AddressPolicy::SelfHosted => Ok(()),
            Self::Name(name) => check_public_name(name),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Ip(ip) => ip.fmt(f),
        }
    }
}

/// The host of a monitor that has no URL: a name or an address, no scheme, no port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TargetHost(Host);

impl TargetHost {
    /// Reads `text` and judges it by `policy`.
    pub fn parse(text: &str, policy: AddressPolicy) -> Result<Self, TargetRefusal> {
        let host = read(text)?;
        host.check(policy)?;
        Ok(Self(host))
    }

    /// The host.
    pub const fn host(&self) -> &Host {
        &self.0
    }

    /// The host, given away.
    pub fn into_host(self) -> Host {
        self.0
    }
}

fn read(text: &str) -> Result<Host, TargetRefusal> {
    if text.is_empty() {
        return Err(TargetRefusal::Empty);
    }
    if text.chars().any(is_unseen) {
        return Err(TargetRefusal::Characters);
    }
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    if let Some((address, _zone)) = bare.split_once('%') {
        let is_zone = address.parse::<Ipv6Addr>().is_ok();
        return Err(if is_zone {
            TargetRefusal::ZoneId
        } else {
            TargetRefusal::EscapedHost
        });
    }
    if let Ok(ip) = bare.parse::<Ipv6Addr>() {
        return Ok(Host::Ip(ip.into()));
    }
    if text.contains(['/', '\\', '@', '?', '#', ':', '[', ']']) {
        return Err(TargetRefusal::Malformed(
            "only the host, without scheme, port and path",
        ));
    }
    check_literal(text)?;
    match url::Host::parse(text) {
        Ok(url::Host::Domain(name)) => domain(&name),
        Ok(url::Host::Ipv4(ip)) => Ok(Host::Ip(ip.into())),
        Ok(url::Host::Ipv6(ip)) => Ok(Host::Ip(ip.into())),
        Err(_) => Err(TargetRefusal::Malformed("the host cannot be read")),
    }
}

/// Refuses what only some parsers take for an IPv4 address.
pub(super) fn check_literal(raw: &str) -> Result<(), TargetRefusal> {
    if raw.parse::<Ipv4Addr>().is_ok() || raw.starts_with('[') {
        return Ok(());
    }
    let is_number = |host: &str| {
        host.strip_suffix('.')
            .unwrap_or(host)
            .rsplit('.')
            .next()
            .is_some_and(ends_in_number)
    };
    let read_as_address = matches!(url::Host::parse(raw), Ok(url::Host::Ipv4(_)));
    if is_number(raw) || read_as_address {
        Err(TargetRefusal::NumberHost)
    } else {
        Ok(())
    }
}

fn ends_in_number(label: &str) -> bool {
    let hex = label
        .strip_prefix("0x")
        .or_else(|| label.strip_prefix("0X"));
    let all = |text: &str, digit: fn(&char) -> bool| text.chars().all(|c| digit(&c));
    (!label.is_empty() && all(label, char::is_ascii_digit))
        || hex.is_some_and(|digits| all(digits, char::is_ascii_hexdigit))
}

fn domain(name: &str) -> Result<Host, TargetRefusal> {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let letters = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if name.is_empty() || name.len() > 253 || !name.split('.').all(letters) {
        return Err(TargetRefusal::Malformed("the host is not a name"));
    }
    if name.rsplit('.').next().is_some_and(ends_in_number) {
        return Err(TargetRefusal::NumberHost);
    }
    Ok(Host::Name(name))
}

fn check_public_name(name: &str) -> Result<(), TargetRefusal> {
    if let Some(suffix) = PRIVATE_SUFFIXES
        .iter()
        .find(|suffix| is_under(name, suffix))
    {
        return Err(TargetRefusal::PrivateName(suffix));
    }
    if name.contains('.') {
        Ok(())
    } else {
        Err(TargetRefusal::SingleLabel)
    }
}

fn is_under(name: &str, suffix: &str) -> bool {
    name == suffix
        || name
            .strip_suffix(suffix)
            .is_some_and(|front| front.len() > 1 && front.ends_with('.'))
}

/// Blank, control, or a character that changes a text without being seen.
pub(super) fn is_unseen(c: char) -> bool {
    c.is_whitespace() || c.is_control() || is_invisible(c)
}

/// Soft hyphen, joiners, zero-width and direction marks, tags, variation selectors.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fff8}' | '\u{e0000}'..='\u{e0fff}')
}
