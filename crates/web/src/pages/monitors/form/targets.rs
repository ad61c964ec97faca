//! The address field: what people paste, made into what a kind looks at. The guard judges the result.

use domain::monitor::Kind;
use domain::target::{complete_url, complete_urls};

use super::MonitorForm;
use super::text::number;
use crate::extract::FormErrors;

/// The most addresses taken at once.
const MOST: usize = 200;

/// What one monitor looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Aim {
    /// A URL or a host; empty of a heartbeat.
    pub target: String,
    /// The port, of kinds that know ports.
    pub port: Option<u16>,
}

impl Aim {
    const fn at(target: String) -> Self {
        Self { target, port: None }
    }
}

impl MonitorForm {
    /// What stands in the address field, one for each monitor.
    pub(super) fn aims(&self, kind: Kind, one_only: bool, errors: &mut FormErrors) -> Vec<Aim> {
        match kind {
            // A heartbeat has no address of its own: the job calls ours.
            Kind::Heartbeat => vec![Aim::at(String::new())],
            _ if self.target.is_empty() => {
                errors.add("target", needed(kind));
                Vec::new()
            }
            Kind::Http => self.urls(one_only, errors),
            Kind::Websocket => vec![Aim::at(websocket_url(&self.target))],
            _ => vec![self.host(kind, errors)],
        }
    }

    fn urls(&self, one_only: bool, errors: &mut FormErrors) -> Vec<Aim> {
        let targets = complete_urls(&self.target);
        if targets.is_empty() {
            errors.add("target", needed(Kind::Http));
        } else if one_only && targets.len() > 1 {
            errors.add(
                "target",
                "A monitor looks at one address. Add another monitor for the others.",
            );
        } else if targets.len() > MOST {
            errors.add(
                "target",
                format!(
                    "At most {MOST} addresses are taken at once; these are {}.",
                    targets.len()
                ),
            );
        } else if targets.len() > 1 && !self.name.is_empty() {
            errors.add(
                "name",
                "One name cannot stand for several addresses: leave it empty, and each is called by its address.",
            );
        } else if targets.len() > 1 && !self.key.is_empty() {
            errors.add(
                "key",
                "A key stands for one monitor, and these are several addresses.",
            );
        }
        targets.into_iter().map(Aim::at).collect()
    }

    fn host(&self, kind: Kind, errors: &mut FormErrors) -> Aim {
        let (target, pasted) = host_of(&self.target);
        if !kind.has_port() {
            return Aim::at(target);
        }
        let typed: Option<u32> = number("port", &self.port, errors);
        let port = typed.map(u16::try_from).transpose();
        if port.is_err() {
            errors.add("port", "A port is a number from 1 to 65535.");
        }
        Aim {
            target,
            port: port.unwrap_or_default().or(pasted),
        }
    }
}

const fn needed(kind: Kind) -> &'static str {
    match kind {
        Kind::Http | Kind::Heartbeat => "An address is needed, such as shop.example.",
        Kind::Websocket => "An address is needed, such as wss://shop.example/socket.",
        Kind::Domain => "A domain is needed, such as shop.example.",
        Kind::Dns => "A name is needed, such as shop.example.",
        Kind::Smtp => "A host is needed, such as mail.shop.example.",
        Kind::Tcp | Kind::Ping | Kind::Tls | Kind::Grpc | Kind::Udp => {
            "A host is needed, such as shop.example or 203.0.113.7."
        }
    }
}

/// `shop.example/socket` becomes `wss://shop.example/socket`; a page's scheme becomes the socket's.
fn websocket_url(text: &str) -> String {
    let url = complete_url(text);
    match url.split_once("://") {
        Some(("https", rest)) => format!("wss://{rest}"),
        Some(("http", rest)) => format!("ws://{rest}"),
        _ => url,
    }
}

/// The host in `host`, `host:port`, `[address]:port` or a URL, and the port if one is written.
fn host_of(text: &str) -> (String, Option<u16>) {
    let bare = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = bare.split(['/', '?', '#']).next().unwrap_or_default();
    let split = match authority.strip_prefix('[') {
        Some(rest) => rest
            .split_once(']')
            .map(|(host, rest)| (host, rest.strip_prefix(':'))),
        None if authority.matches(':').count() == 1 => authority
            .split_once(':')
            .map(|(host, port)| (host, Some(port))),
        None => Some((authority, None)),
    };
    match split {
        Some((host, None)) if !host.is_empty() => (host.to_owned(), None),
        Some((host, Some(port))) if !host.is_empty() => match port.parse() {
            Ok(port) => (host.to_owned(), Some(port)),
            Err(_) => (text.to_owned(), None),
        },
        // Whatever it is, its refusal names it as it was typed.
        _ => (text.to_owned(), None),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("shop.example", "shop.example", None)]
    #[case("shop.example:5432", "shop.example", Some(5432))]
    #[case("https://shop.example/a?b", "shop.example", None)]
    #[case("tcp://shop.example:22", "shop.example", Some(22))]
    #[case("203.0.113.7", "203.0.113.7", None)]
    #[case("2001:db8::7", "2001:db8::7", None)]
    #[case("[2001:db8::7]:53", "2001:db8::7", Some(53))]
    #[case("[2001:db8::7]", "2001:db8::7", None)]
    #[case("shop.example:http", "shop.example:http", None)]
    #[case("shop.example:70000", "shop.example:70000", None)]
    #[case(":22", ":22", None)]
    #[case("[", "[", None)]
    fn a_host_is_found_in_what_is_pasted(
        #[case] text: &str,
        #[case] host: &str,
        #[case] port: Option<u16>,
    ) {
        assert_eq!(host_of(text), (host.to_owned(), port));
    }

    #[rstest]
    #[case("shop.example/socket", "wss://shop.example/socket")]
    #[case("https://shop.example/socket", "wss://shop.example/socket")]
    #[case("localhost:8080", "ws://localhost:8080/")]
    #[case("ws://shop.example/", "ws://shop.example/")]
    fn a_socket_has_its_own_scheme(#[case] text: &str, #[case] url: &str) {
        assert_eq!(websocket_url(text), url);
    }
}
