//! What the fuzzer bends, and the world around it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The pieces that attacks on URL parsers are made of.
pub(super) const PIECES: &[&str] = &[
    "http://",
    "https://",
    "ws://",
    "ftp://",
    "file:///",
    "gopher://",
    "//",
    "\\\\",
    "/",
    "@",
    ":",
    "#",
    "?",
    "%",
    "%00",
    "%2e",
    "%2f",
    "%40",
    "%31",
    "%252e",
    "..",
    "/../",
    ":0",
    ":22",
    ":80",
    ":443",
    ":6379",
    ":65535",
    ":65536",
    ":080",
    "127.0.0.1",
    "127.1",
    "0",
    "0x7f.1",
    "0177.0.0.1",
    "2130706433",
    "0x7f000001",
    "169.254.169.254",
    "10.0.0.1",
    "100.64.0.1",
    "192.168.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "1.1.1.1",
    "[::]",
    "[::1]",
    "[::ffff:10.0.0.1]",
    "[64:ff9b::a00:1]",
    "[2002:7f00:1::]",
    "[fe80::1%25eth0]",
    "[fd00::1]",
    "[2606:4700::1111]",
    "[",
    "]",
    "localhost",
    "LOCALHOST.",
    "shop.example",
    "a.shop.example",
    "db.internal",
    "metadata.google.internal",
    "svc.cluster.local",
    "printer.local",
    "x.onion",
    "x.arpa",
    "127.0.0.1.nip.io",
    "shop.example.",
    ".",
    "user:pw@",
    "user@",
    "a@b@",
    "１２７",
    "。",
    "．",
    "｡",
    "①",
    "ⓛ",
    "\u{ad}",
    "\u{200b}",
    "\u{200d}",
    "\u{2060}",
    "\u{feff}",
    "ß",
    "ü",
    "xn--",
    "xn--bcher-kva",
    "\t",
    "\n",
    "\r",
    " ",
    "\0",
    "\u{7f}",
    "\u{85}",
    "\u{2028}",
];

pub(super) fn seeds() -> Vec<String> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/data/address-policy.jsonl"
    );
    let text = std::fs::read_to_string(path).unwrap();
    let cases = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let inputs = cases.filter_map(|case| {
        let input = case["input"].as_str()?.to_owned();
        match case["kind"].as_str()? {
            "url" => Some(input),
            "addr" if input.contains(':') => Some(format!("http://[{input}]/")),
            "addr" => Some(format!("http://{input}/")),
            _ => None,
        }
    });
    let seeds: Vec<String> = inputs.collect();
    assert!(seeds.len() > 100);
    seeds
}

/// By arithmetic of its own, not by the tables: an address that no user may reach.
pub(super) fn is_inside(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_inside_v4(ip),
        IpAddr::V6(ip) => {
            let [a, b, c, ..] = ip.segments();
            let embedded = Ipv4Addr::from((u32::from(b) << 16) | u32::from(c));
            a & 0xE000 != 0x2000
                || (a == 0x2001 && b == 0x0DB8)
                || (a == 0x2001 && b == 0)
                || (a == 0x2002 && is_inside_v4(embedded))
        }
    }
}

fn is_inside_v4(ip: Ipv4Addr) -> bool {
    let [a, b, ..] = ip.octets();
    ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_broadcast()
        || ip.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && b & 0xC0 == 64)
        || (a == 198 && b & 0xFE == 18)
}

/// An answer to every question: an address that the name itself decides, half of them inside.
pub(super) fn answer(question: &[u8]) -> Option<Vec<u8>> {
    let end = 12 + question.get(12..)?.iter().position(|byte| *byte == 0)? + 5;
    let asked = question.get(12..end)?;
    let mut hasher = DefaultHasher::new();
    asked.to_ascii_lowercase().hash(&mut hasher);
    let chance = hasher.finish();
    let v4 = match chance % 8 {
        0 => Ipv4Addr::LOCALHOST,
        1 => Ipv4Addr::new(10, 0, 0, 1),
        2 => Ipv4Addr::new(169, 254, 169, 254),
        3 => Ipv4Addr::from_bits((chance >> 32) as u32),
        _ => Ipv4Addr::new(1, 1, 1, 1),
    };
    let data = match asked.get(asked.len() - 3)? {
        28 if chance & 16 == 0 => v4.to_ipv6_mapped().octets().to_vec(),
        28 => Ipv6Addr::new(0x2606, 0x4700, 0, 0, 0, 0, 0, 0x1111)
            .octets()
            .to_vec(),
        _ => v4.octets().to_vec(),
    };
    let mut out = question.get(..2)?.to_vec();
    out.extend([0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
    out.extend(asked);
    out.extend([
        0xC0,
        12,
        0,
        *asked.get(asked.len() - 3)?,
        0,
        1,
        0,
        0,
        0,
        0,
        0,
    ]);
    out.push(u8::try_from(data.len()).ok()?);
    out.extend(data);
    Some(out)
}
