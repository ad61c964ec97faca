//! The kinds to choose from, as the form names them.

use domain::monitor::Kind;

/// One kind of monitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// The kind.
    pub kind: Kind,
    /// Its name.
    pub name: &'static str,
    /// One line of what it does.
    pub line: &'static str,
    /// An example of its address.
    pub example: &'static str,
}

const fn choice(
    kind: Kind,
    name: &'static str,
    line: &'static str,
    example: &'static str,
) -> Choice {
    Choice {
        kind,
        name,
        line,
        example,
    }
}

/// All of them, what most people want first.
pub const CHOICES: [Choice; 11] = [
    choice(
        Kind::Http,
        "Website or API",
        "Status, text, JSON, certificate",
        "shop.example",
    ),
    choice(
        Kind::Heartbeat,
        "Heartbeat",
        "A job calls us when it is done",
        "",
    ),
    choice(
        Kind::Tls,
        "Certificate",
        "Of any port, with STARTTLS too",
        "shop.example",
    ),
    choice(
        Kind::Domain,
        "Domain",
        "When its registration ends",
        "shop.example",
    ),
    choice(
        Kind::Dns,
        "DNS record",
        "The answer is as expected",
        "shop.example",
    ),
    choice(
        Kind::Ping,
        "Ping",
        "Replies, loss, round trip",
        "203.0.113.7",
    ),
    choice(
        Kind::Tcp,
        "TCP port",
        "It connects, and answers",
        "db.shop.example",
    ),
    choice(
        Kind::Udp,
        "UDP port",
        "It answers what you send",
        "game.shop.example",
    ),
    choice(
        Kind::Smtp,
        "Mail server",
        "SMTP, with its encryption",
        "mail.shop.example",
    ),
    choice(
        Kind::Websocket,
        "WebSocket",
        "It opens, a message comes",
        "wss://shop.example/socket",
    ),
    choice(
        Kind::Grpc,
        "gRPC",
        "The standard health service",
        "api.shop.example",
    ),
];

/// The entry of a kind, by its word.
pub fn choice_of(word: &str) -> Choice {
    CHOICES
        .into_iter()
        .find(|choice| choice.kind.as_str() == word)
        .unwrap_or(CHOICES[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_can_be_chosen() {
        for kind in Kind::ALL {
            assert_eq!(choice_of(kind.as_str()).kind, *kind);
        }
    }
}
