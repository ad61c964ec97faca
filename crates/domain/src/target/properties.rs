//! What holds for every text and every address, in the manner of a fuzzer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::AddressPolicy::{Hosted, SelfHosted};
use super::*;

/// Says by arithmetic of its own, not by the tables, what is public IPv4.
fn is_plainly_inside(ip: Ipv4Addr) -> bool {
    ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_broadcast()
        || ip.is_documentation()
        || ip.octets()[0] == 0
        || ip.octets()[0] >= 240
        || (ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64)
}

/// Texts made of the pieces that attacks on URL parsers are made of.
fn hostile_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("http://".to_owned()),
        Just("https:".to_owned()),
        Just("127.0.0.1".to_owned()),
        Just("0x7f.1".to_owned()),
        Just("169.254.169.254".to_owned()),
        Just("localhost".to_owned()),
        Just("[::ffff:10.0.0.1]".to_owned()),
        Just("[::1]".to_owned()),
        Just("shop.example".to_owned()),
        Just("%31".to_owned()),
        Just("１２７".to_owned()),
        Just("。".to_owned()),
        Just("\u{ad}".to_owned()),
        "[@:/\\\\?#.%&;0-9a-fxX\\[\\] \t\r\n]{1,4}",
        any::<u32>().prop_map(|n| n.to_string()),
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_text_passes_as_an_inside_address(text in hostile_text()) {
        for candidate in [text.clone(), format!("http://{text}"), complete_url(&text)] {
            if let Ok(url) = TargetUrl::parse(&candidate, Hosted) {
                match url.host() {
                    Host::Ip(IpAddr::V4(ip)) => prop_assert!(!is_plainly_inside(*ip), "{candidate}"),
                    Host::Ip(IpAddr::V6(ip)) => {
                        prop_assert!(ip.segments()[0] & 0xe000 == 0x2000, "{candidate}");
                    }
                    Host::Name(name) => {
                        prop_assert!(name.contains('.') && !url.host().is_localhost(), "{candidate}");
                        prop_assert!(name.parse::<IpAddr>().is_err(), "{candidate}");
                    }
                }
                prop_assert!(matches!(url.url().scheme(), "http" | "https"));
                prop_assert!(url.url().username().is_empty() && url.url().password().is_none());
            }
        }
    }

    #[test]
    fn a_guarded_url_reads_the_same_twice(text in hostile_text()) {
        if let Ok(url) = TargetUrl::parse(&format!("http://shop.example/{text}"), Hosted) {
            let again = TargetUrl::parse(url.as_str(), Hosted).unwrap();
            prop_assert_eq!(again.host(), url.host());
            prop_assert_eq!(again.port(), url.port());
        }
    }

    #[test]
    fn every_spelling_of_an_inside_ipv4_is_refused(ip: u32) {
        let ip = Ipv4Addr::from_bits(ip);
        if is_plainly_inside(ip) {
            let [a, b, c, d] = ip.octets();
            let mapped = ip.to_ipv6_mapped();
            for host in [
                ip.to_string(),
                ip.to_bits().to_string(),
                format!("{:#x}", ip.to_bits()),
                format!("{a:#o}.{b}.{c}.{d}").replace("0o", "0"),
                format!("{a}.{}", ip.to_bits() & 0x00ff_ffff),
                format!("{ip}."),
                format!("[{mapped}]"),
                format!("[64:ff9b::{:x}:{:x}]", mapped.segments()[6], mapped.segments()[7]),
                format!("[2002:{:x}:{:x}::]", mapped.segments()[6], mapped.segments()[7]),
            ] {
                let text = format!("http://{host}/");
                prop_assert!(TargetUrl::parse(&text, Hosted).is_err(), "{}", text);
            }
            prop_assert!(check_ip(ip.into(), Hosted).is_err());
        }
    }

    #[test]
    fn only_global_unicast_ipv6_is_dialed(bits: u128) {
        let ip = Ipv6Addr::from_bits(bits);
        if bits >> 125 != 1 {
            prop_assert!(check_ip(ip.into(), Hosted).is_err());
        }
        prop_assert!(check_ip(ip.into(), SelfHosted).is_ok());
    }

    #[test]
    fn completion_never_panics_and_is_stable(text in hostile_text()) {
        let once = complete_url(&text);
        if TargetUrl::parse(&once, Hosted).is_ok() {
            prop_assert_eq!(complete_url(&once), once);
        }
        for url in complete_urls(&text) {
            prop_assert!(!url.is_empty() && !url.contains(char::is_whitespace));
        }
    }

    #[test]
    fn host_guard_never_panics(text in hostile_text()) {
        if let Ok(host) = TargetHost::parse(&text, Hosted)
            && let Host::Ip(ip) = host.host()
        {
            prop_assert!(check_ip(*ip, Hosted).is_ok());
        }
    }

    #[test]
    fn headers_that_pass_can_be_sent(name: String, value: String) {
        if check_header(&name, &value, Hosted).is_ok() {
            prop_assert!(http::HeaderName::from_bytes(name.as_bytes()).is_ok());
            prop_assert!(http::HeaderValue::from_str(&value).is_ok());
        }
    }
}
