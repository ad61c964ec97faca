//! Reading one answer: its code, its chain of aliases, its addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, RecordType};

use super::DnsFailure;

/// Addresses, and how long they may be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) ttl: Duration,
}

/// What an answer says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    Found(Found),
    /// The chain ends at a name this server told us nothing about: ask for that one.
    Alias(Name, Duration),
}

/// Reads the answer to `name`. `seen` holds the names of the chain so far.
pub(crate) fn read(
    message: &Message,
    name: &Name,
    record_type: RecordType,
    seen: &mut Vec<Name>,
) -> Result<Reading, DnsFailure> {
    check_code(message)?;
    let mut at = name.clone();
    let mut ttl = u32::MAX;
    loop {
        if seen.contains(&at) {
            return Err(DnsFailure::CnameLoop);
        }
        if seen.len() > MAX_CHAIN {
            return Err(DnsFailure::CnameChain);
        }
        seen.push(at.clone());
        let here = message.answers.iter().filter(|record| record.name == at);
        let mut addresses = Vec::new();
        let mut alias = None;
        for record in here {
            match &record.data {
                RData::A(a) if record_type == RecordType::A => addresses.push(a.0.into()),
                RData::AAAA(a) if record_type == RecordType::AAAA => addresses.push(a.0.into()),
                RData::CNAME(target) => alias = Some(target.0.clone()),
                _ => continue,
            }
            ttl = ttl.min(record.ttl);
        }
        let ttl_so_far = Duration::from_secs(ttl.into());
        if !addresses.is_empty() {
            return Ok(Reading::Found(Found {
                addresses,
                ttl: ttl_so_far,
            }));
        }
        match alias {
            // Loopback without a query (RFC 6761), also for those who follow an alias; the policy judges it.
            Some(target) if is_localhost(&target) => {
                let loopback: IpAddr = match record_type {
                    RecordType::AAAA => Ipv6Addr::LOCALHOST.into(),
                    _ => Ipv4Addr::LOCALHOST.into(),
                };
                return Ok(Reading::Found(Found {
                    addresses: vec![loopback],
                    ttl: ttl_so_far,
                }));
            }
            Some(target) => at = target,
            None if message.metadata.response_code == ResponseCode::NXDomain => {
                return Err(DnsFailure::Nxdomain);
            }
            None if at == *name => return Err(DnsFailure::NoAddress),
            None => {
                seen.pop();
                return Ok(Reading::Alias(at, ttl_so_far));
            }
        }
    }
}

fn is_localhost(name: &Name) -> bool {
    name.iter()
        .next_back()
        .is_some_and(|label| label.eq_ignore_ascii_case(b"localhost"))
}

/// The failure that an answer's code is.
pub(super) fn check_code(message: &Message) -> Result<(), DnsFailure> {
    match message.metadata.response_code {
        // A chain may end in NXDOMAIN at its last name; the code is that of the end.
        ResponseCode::NoError | ResponseCode::NXDomain => Ok(()),
        ResponseCode::ServFail => Err(DnsFailure::Servfail),
        ResponseCode::Refused => Err(DnsFailure::Refused),
        _ => Err(DnsFailure::ServerError),
    }
}

/// Aliases followed before a chain counts as endless.
pub(super) const MAX_CHAIN: usize = 16;

#[cfg(test)]
mod tests {
    use std::str::FromStr as _;

    use hickory_resolver::proto::op::OpCode;
    use hickory_resolver::proto::rr::Record;
    use hickory_resolver::proto::rr::rdata::{A, CNAME};
    use proptest::prelude::*;

    use super::*;

    fn name(index: usize) -> Name {
        Name::from_str(&format!("n{index}.example.")).unwrap()
    }

    proptest! {
        /// Whatever aliases point at whatever, reading ends, and finds only what the chain reaches.
        #[test]
        fn every_web_of_aliases_ends(
            aliases in prop::collection::vec((0..8_usize, 0..8_usize), 0..12),
            addresses in prop::collection::vec(0..8_usize, 0..3),
        ) {
            let mut message = Message::response(1, OpCode::Query);
            for (from, to) in &aliases {
                let data = RData::CNAME(CNAME(name(*to)));
                message.add_answer(Record::from_rdata(name(*from), 60, data));
            }
            for at in &addresses {
                let data = RData::A(A::new(192, 0, 2, u8::try_from(*at).unwrap()));
                message.add_answer(Record::from_rdata(name(*at), 30, data));
            }
            let mut seen = Vec::new();
            match read(&message, &name(0), RecordType::A, &mut seen) {
                Ok(Reading::Found(found)) => {
                    let end = seen.last().unwrap();
                    prop_assert!(addresses.iter().any(|at| name(*at) == *end));
                    prop_assert_eq!(found.ttl, Duration::from_secs(30));
                }
                Ok(Reading::Alias(end, _)) => prop_assert!(end != name(0)),
                Err(DnsFailure::CnameLoop | DnsFailure::NoAddress) => {}
                Err(other) => prop_assert!(false, "{:?}", other),
            }
        }

        #[test]
        fn no_bytes_break_the_reader(bytes: Vec<u8>) {
            if let Ok(message) = Message::from_vec(&bytes) {
                let _ = read(&message, &name(0), RecordType::A, &mut Vec::new());
            }
        }
    }
}
