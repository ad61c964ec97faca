//! Addresses that the hosted service does not dial.
//!
//! The tables hold every block of the IANA special-purpose registries (IPv4 and IPv6), multicast,
//! and the metadata services that live outside of them. Of IPv6 only the global unicast block is
//! dialed at all: what is mapped, translated or tunnelled into IPv6 is IPv4 by another name.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{AddressPolicy, TargetRefusal};

const PRIVATE: &str = "a private address";
const LOOPBACK: &str = "a loopback address";
const LINK_LOCAL: &str = "a link-local address";
const METADATA: &str = "a cloud metadata address";
const SPECIAL: &str = "an address reserved for special use";
const MULTICAST: &str = "a multicast address";
const EMBEDDED: &str = "an IPv4 address in IPv6 clothing";

type Block4 = (Ipv4Addr, u8, &'static str);
type Block6 = (Ipv6Addr, u8, &'static str);

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8, kind: &'static str) -> Block4 {
    (Ipv4Addr::new(a, b, c, d), prefix, kind)
}

const fn v6(head: [u16; 3], prefix: u8, kind: &'static str) -> Block6 {
    (
        Ipv6Addr::new(head[0], head[1], head[2], 0, 0, 0, 0, 0),
        prefix,
        kind,
    )
}

/// Metadata services first, so that the sentence names them.
const REFUSED_V4: &[Block4] = &[
    v4(169, 254, 169, 254, 32, METADATA),
    v4(169, 254, 170, 2, 32, METADATA),
    v4(169, 254, 170, 23, 32, METADATA),
    v4(100, 100, 100, 200, 32, METADATA),
    v4(192, 0, 0, 192, 32, METADATA),
    v4(168, 63, 129, 16, 32, METADATA),
    v4(0, 0, 0, 0, 8, SPECIAL),
    v4(10, 0, 0, 0, 8, PRIVATE),
    v4(100, 64, 0, 0, 10, PRIVATE),
    v4(127, 0, 0, 0, 8, LOOPBACK),
    v4(169, 254, 0, 0, 16, LINK_LOCAL),
    v4(172, 16, 0, 0, 12, PRIVATE),
    v4(192, 0, 0, 0, 24, SPECIAL),
    v4(192, 0, 2, 0, 24, SPECIAL),
    v4(192, 31, 196, 0, 24, SPECIAL),
    v4(192, 52, 193, 0, 24, SPECIAL),
    v4(192, 88, 99, 0, 24, SPECIAL),
    v4(192, 168, 0, 0, 16, PRIVATE),
    v4(192, 175, 48, 0, 24, SPECIAL),
    v4(198, 18, 0, 0, 15, SPECIAL),
    v4(198, 51, 100, 0, 24, SPECIAL),
    v4(203, 0, 113, 0, 24, SPECIAL),
    v4(224, 0, 0, 0, 4, MULTICAST),
    v4(240, 0, 0, 0, 4, SPECIAL),
];

/// The block out of which public IPv6 addresses are given.
const GLOBAL_UNICAST: Block6 = v6([0x2000, 0, 0], 3, "");

/// Refused inside of [`GLOBAL_UNICAST`]. `2001::/23` holds Teredo, benchmarking, ORCHID and AMT.
const REFUSED_GLOBAL: &[Block6] = &[
    v6([0x2001, 0, 0], 23, SPECIAL),
    v6([0x2001, 0xdb8, 0], 32, SPECIAL),
    v6([0x2002, 0, 0], 16, EMBEDDED),
    v6([0x2620, 0x4f, 0x8000], 48, SPECIAL),
    v6([0x3ffe, 0, 0], 16, SPECIAL),
    v6([0x3fff, 0, 0], 20, SPECIAL),
];

/// Names for what lies outside of it; all of that is refused.
const NAMED_V6: &[Block6] = &[
    (Ipv6Addr::LOCALHOST, 128, LOOPBACK),
    (
        Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x254),
        128,
        METADATA,
    ),
    (
        Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x254),
        128,
        METADATA,
    ),
    (Ipv6Addr::UNSPECIFIED, 128, SPECIAL),
    (Ipv6Addr::UNSPECIFIED, 64, EMBEDDED),
    v6([0x64, 0xff9b, 0], 32, EMBEDDED),
    v6([0xfc00, 0, 0], 7, PRIVATE),
    v6([0xfe80, 0, 0], 10, LINK_LOCAL),
    v6([0xfec0, 0, 0], 10, PRIVATE),
    v6([0xff00, 0, 0], 8, MULTICAST),
];

/// Judges one address: a literal, or what a name resolved to.
pub fn check_ip(ip: IpAddr, policy: AddressPolicy) -> Result<(), TargetRefusal> {
    match policy {
        AddressPolicy::SelfHosted => Ok(()),
        AddressPolicy::Hosted => match special_kind(ip) {
            Some(kind) => Err(TargetRefusal::Address(ip, kind)),
            None => Ok(()),
        },
    }
}

/// What kind of special address it is; `None` for a public one.
pub fn special_kind(ip: IpAddr) -> Option<&'static str> {
    match ip {
        IpAddr::V4(ip) => REFUSED_V4
            .iter()
            .find(|block| holds_v4(block, ip))
            .map(|(_, _, kind)| *kind),
        IpAddr::V6(ip) if holds_v6(&GLOBAL_UNICAST, ip) => REFUSED_GLOBAL
            .iter()
            .find(|block| holds_v6(block, ip))
            .map(|(_, _, kind)| *kind),
        IpAddr::V6(ip) => Some(
            NAMED_V6
                .iter()
                .find(|block| holds_v6(block, ip))
                .map_or(SPECIAL, |(_, _, kind)| *kind),
        ),
    }
}

fn holds_v4((network, prefix, _): &Block4, ip: Ipv4Addr) -> bool {
    (network.to_bits() ^ ip.to_bits()).leading_zeros() >= u32::from(*prefix)
}

fn holds_v6((network, prefix, _): &Block6, ip: Ipv6Addr) -> bool {
    (network.to_bits() ^ ip.to_bits()).leading_zeros() >= u32::from(*prefix)
}
