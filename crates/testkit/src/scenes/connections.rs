//! Names, addresses, connections.

use std::net::IpAddr;

use domain::check::verdict::VerdictKind::Unknown;
use domain::check::{FailureClass as C, Phase};

use super::{HTTP, Scene, Stage};
use crate::Script;
use crate::dns::Answer;

const SHOP: &str = r#"{"url": "http://shop.example/"}"#;
const RECORD: &str = r#"{"kind": "dns", "host": "shop.example", "record": "MX"}"#;
const EXPECTED: &str = r#"{"kind": "dns", "host": "shop.example", "record": "A", "expected": ["192.0.2.1"], "dns": {"server": "127.0.0.1:PORT"}}"#;

fn name(name: &'static str, answer: Answer, class: C) -> Scene {
    Scene::new(name, SHOP, Stage::Names(vec![("shop.example", answer)])).is(class, Phase::Dns)
}

/// Aliases one after another, more than anyone follows.
fn long_chain() -> Stage {
    const NAMES: [&str; 24] = [
        "shop.example",
        "a1.example",
        "a2.example",
        "a3.example",
        "a4.example",
        "a5.example",
        "a6.example",
        "a7.example",
        "a8.example",
        "a9.example",
        "b1.example",
        "b2.example",
        "b3.example",
        "b4.example",
        "b5.example",
        "b6.example",
        "b7.example",
        "b8.example",
        "b9.example",
        "c1.example",
        "c2.example",
        "c3.example",
        "c4.example",
        "c5.example",
    ];
    let aliases = NAMES.windows(2).filter_map(|pair| match pair {
        [from, to] => Some((*from, Answer::Alias((*to).to_owned()))),
        _ => None,
    });
    Stage::Names(aliases.collect())
}

#[expect(
    clippy::too_many_lines,
    reason = "a table with an entry for each scene"
)]
pub(super) fn scenes() -> Vec<Scene> {
    let loopback = Answer::Addresses(vec![IpAddr::from([127, 0, 0, 1])]);
    vec![
        name("no such name", Answer::NXDOMAIN, C::DnsNxdomain),
        name("DNS server fails", Answer::SERVFAIL, C::DnsServfail),
        name("DNS server refuses", Answer::REFUSED, C::DnsRefused),
        name(
            "DNS server knows not how",
            Answer::Code(4),
            C::DnsServerError,
        ),
        name("name without address", Answer::Empty, C::DnsNoAddress),
        name("DNS answer of noise", Answer::Garbage, C::DnsMalformed),
        name(
            "alias of itself",
            Answer::Alias("shop.example".to_owned()),
            C::DnsCnameLoop,
        ),
        Scene::new("chain of 24 aliases", SHOP, long_chain()).is(C::DnsCnameLoop, Phase::Dns),
        name(
            "name server is silent about the name",
            Answer::Silence,
            C::DnsTimeout,
        )
        .within(std::time::Duration::from_millis(2_100)),
        Scene::new("our own resolver is dead", SHOP, Stage::SilentNames)
            .is(C::DnsTimeout, Phase::Dns)
            .means(Unknown)
            .waits(),
        name("giant DNS answer", Answer::Giant, C::ConnectRefused)
            .is(C::ConnectRefused, Phase::Connect),
        Scene::new(
            "record that is missing",
            RECORD,
            Stage::Names(vec![("shop.example", Answer::Empty)]),
        )
        .is(C::DnsWrongAnswer, Phase::Dns),
        Scene::new(
            "record with another value",
            EXPECTED,
            Stage::Names(vec![("shop.example", loopback.clone())]),
        )
        .is(C::DnsWrongAnswer, Phase::Dns),
        Scene::new(
            "giant answer to a dns monitor",
            EXPECTED,
            Stage::Names(vec![("shop.example", Answer::Giant)]),
        )
        .is(C::DnsWrongAnswer, Phase::Dns),
        Scene::new(
            "name server of the owner is silent",
            EXPECTED,
            Stage::Names(vec![("shop.example", Answer::Silence)]),
        )
        .is(C::DnsTimeout, Phase::Dns)
        .waits(),
        Scene::new(
            "name leads inside",
            SHOP,
            Stage::Names(vec![("shop.example", loopback.clone())]),
        )
        .is(C::TargetRefused, Phase::Dns)
        .means(Unknown)
        .hosted(),
        Scene::new(
            "public name leads inside now",
            SHOP,
            Stage::Names(vec![("shop.example", loopback)]),
        )
        .is(C::DnsWrongAnswer, Phase::Dns)
        .hosted()
        .was_public(),
        Scene::new("nothing listens", HTTP, Stage::Closed).is(C::ConnectRefused, Phase::Connect),
        Scene::new("connection attempts vanish", HTTP, Stage::Blackhole)
            .is(C::ConnectTimeout, Phase::Connect)
            .waits(),
        Scene::new(
            "no way to a group address",
            r#"{"kind": "tcp", "host": "224.0.0.1", "port": 80}"#,
            Stage::Closed,
        )
        .is(C::NetworkUnreachable, Phase::Connect),
        Scene::new(
            "reset after the request",
            HTTP,
            Stage::Plain(Script::request().reset()),
        )
        .is(C::ConnectionReset, Phase::FirstByte),
    ]
}
