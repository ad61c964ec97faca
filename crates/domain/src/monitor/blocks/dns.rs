//! Record types of a `dns` monitor, and when an answer is the expected one.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::words;
use serde::{Deserialize, Serialize};

words! {
    /// The type of record that is asked for.
    RecordType {
        /// IPv4 addresses.
        A "A",
        /// IPv6 addresses.
        Aaaa "AAAA",
        /// The name that this one stands for.
        Cname "CNAME",
        /// Mail servers, `10 mail.example`.
        Mx "MX",
        /// Name servers.
        Ns "NS",
        /// Texts.
        Txt "TXT",
        /// Start of authority, seven fields.
        Soa "SOA",
        /// Who may issue certificates, `0 issue "ca.example"`.
        Caa "CAA",
        /// Servers of a service, `10 5 5060 sip.example`.
        Srv "SRV",
    }
}

words! {
    /// How the expected values are compared with the answer, in any order.
    DnsMatch {
        /// Each expected value is among the answers.
        Contains "contains",
        /// The answers are exactly the expected values.
        Equals "equals",
    }
}

impl RecordType {
    /// A value in the one form in which it is compared: addresses as they are printed, names in
    /// lower case without the dot at their end, one blank between fields.
    pub fn normal(self, value: &str) -> String {
        let value = value.trim();
        let fields = || value.split_whitespace();
        let name = |name: &str| name.trim_end_matches('.').to_ascii_lowercase();
        match self {
            Self::A => printed::<Ipv4Addr>(value),
            Self::Aaaa => printed::<Ipv6Addr>(value),
            Self::Txt => unquoted(value).to_owned(),
            Self::Caa => {
                let mut parts = value.splitn(3, char::is_whitespace);
                let (flags, tag) = (parts.next(), parts.next());
                let rest = unquoted(parts.next().unwrap_or_default().trim());
                let head = [flags, tag].into_iter().flatten();
                let head: Vec<String> = head.map(str::to_ascii_lowercase).collect();
                format!("{} \"{rest}\"", head.join(" "))
            }
            Self::Cname | Self::Ns | Self::Mx | Self::Srv | Self::Soa => {
                fields().map(name).collect::<Vec<_>>().join(" ")
            }
        }
    }

    /// Why `value` can never be in an answer of this type; `None` when it can.
    pub fn complaint(self, value: &str) -> Option<&'static str> {
        let count = value.split_whitespace().count();
        match self {
            Self::A if value.trim().parse::<Ipv4Addr>().is_err() => {
                Some("must be an IPv4 address such as 203.0.113.7")
            }
            Self::Aaaa if value.trim().parse::<Ipv6Addr>().is_err() => {
                Some("must be an IPv6 address such as 2001:db8::7")
            }
            Self::Cname | Self::Ns if count != 1 => Some("must be one name"),
            Self::Mx if !(1..=2).contains(&count) => {
                Some("must be a name, or a preference and a name such as 10 mail.example")
            }
            Self::Srv if count != 1 && count != 4 => Some(
                "must be a name, or priority, weight, port and name such as 10 5 5060 sip.example",
            ),
            Self::Soa if count != 7 => Some(
                "must be the seven fields: name server, mailbox, serial, refresh, retry, expire, minimum",
            ),
            Self::Caa if count < 3 => {
                Some("must be flags, tag and value such as 0 issue \"ca.example\"")
            }
            _ => None,
        }
    }

    /// Whether an answer's value is the expected one. Of mail servers and services the name alone
    /// will do.
    fn is(self, expected: &str, found: &str) -> bool {
        if expected == found {
            return true;
        }
        let name_alone = matches!(self, Self::Mx | Self::Srv) && !expected.contains(' ');
        name_alone && found.rsplit(' ').next() == Some(expected)
    }

    /// What is wrong with an answer, in one sentence; `None` when it is the expected one.
    pub fn mismatch(
        self,
        matching: DnsMatch,
        expected: &[String],
        found: &[String],
    ) -> Option<String> {
        let expected: Vec<String> = expected.iter().map(|value| self.normal(value)).collect();
        let found: Vec<String> = found.iter().map(|value| self.normal(value)).collect();
        let missing = expected
            .iter()
            .find(|wanted| !found.iter().any(|value| self.is(wanted, value)));
        if let Some(missing) = missing {
            let shown = shown(&found);
            return Some(format!("{missing} is not among the answers ({shown})"));
        }
        let extra = found
            .iter()
            .find(|value| !expected.iter().any(|wanted| self.is(wanted, value)));
        match (matching, extra) {
            (DnsMatch::Equals, Some(extra)) => {
                Some(format!("{extra} is among the answers and not expected"))
            }
            _ => None,
        }
    }
}

fn printed<T: std::str::FromStr + ToString>(value: &str) -> String {
    value
        .parse::<T>()
        .map_or_else(|_| value.to_owned(), |address| address.to_string())
}

fn unquoted(value: &str) -> &str {
    value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(value)
}

/// The first answers in at most some 120 characters.
fn shown(found: &[String]) -> String {
    if found.is_empty() {
        return "none".to_owned();
    }
    let mut out = String::new();
    for (n, value) in found.iter().enumerate() {
        if out.len() > 100 {
            out.push_str(&format!(" and {} more", found.len() - n));
            break;
        }
        if n > 0 {
            out.push_str(", ");
        }
        out.extend(value.chars().take(80));
    }
    out
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn list(values: &[&str]) -> Vec<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    #[rstest]
    #[case(RecordType::A, &["192.0.2.1"], &["192.0.2.2", "192.0.2.1"], true, false)]
    #[case(RecordType::A, &["192.0.2.1", "192.0.2.2"], &["192.0.2.2", "192.0.2.1"], true, true)]
    #[case(RecordType::A, &["192.0.2.3"], &["192.0.2.2"], false, false)]
    #[case(RecordType::Aaaa, &["2001:DB8:0::1"], &["2001:db8::1"], true, true)]
    #[case(RecordType::Cname, &["Shop.Example."], &["shop.example"], true, true)]
    #[case(RecordType::Mx, &["mail.example"], &["10 mail.example."], true, true)]
    #[case(RecordType::Mx, &["20 mail.example"], &["10 mail.example."], false, false)]
    #[case(RecordType::Txt, &["\"v=spf1 -all\""], &["x", "v=spf1 -all"], true, false)]
    #[case(RecordType::Txt, &["V=spf1 -all"], &["v=spf1 -all"], false, false)]
    #[case(RecordType::Caa, &["0 issue ca.example"], &["0 issue \"ca.example\""], true, true)]
    #[case(RecordType::Srv, &["10 5 5060 sip.example"], &["10 5 5060 sip.example."], true, true)]
    #[case(RecordType::Ns, &["a.example"], &[], false, false)]
    #[case(RecordType::Ns, &[], &["a.example"], true, false)]
    fn answers(
        #[case] record: RecordType,
        #[case] expected: &[&str],
        #[case] found: &[&str],
        #[case] contains: bool,
        #[case] equals: bool,
    ) {
        let (expected, found) = (list(expected), list(found));
        let good = |matching| record.mismatch(matching, &expected, &found).is_none();
        assert_eq!(good(DnsMatch::Contains), contains);
        assert_eq!(good(DnsMatch::Equals), equals);
    }

    #[rstest]
    #[case(RecordType::A, "2001:db8::1", true)]
    #[case(RecordType::A, "192.0.2.1", false)]
    #[case(RecordType::Aaaa, "192.0.2.1", true)]
    #[case(RecordType::Mx, "10 mail.example", false)]
    #[case(RecordType::Mx, "10 mail example", true)]
    #[case(RecordType::Cname, "a b", true)]
    #[case(RecordType::Soa, "1", true)]
    #[case(RecordType::Caa, "0 issue", true)]
    #[case(RecordType::Srv, "10 5 sip.example", true)]
    #[case(RecordType::Txt, "anything at all", false)]
    fn impossible_values(#[case] record: RecordType, #[case] value: &str, #[case] refused: bool) {
        assert_eq!(record.complaint(value).is_some(), refused);
    }
}
