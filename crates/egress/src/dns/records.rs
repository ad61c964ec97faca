//! Records of any type, as a `dns` monitor asks for them.

use std::net::SocketAddr;
use std::str::FromStr as _;

use domain::monitor::blocks::RecordType as Wanted;
use hickory_resolver::proto::op::{Message, Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use tokio::time::Instant;

use super::DnsFailure;
use super::answer::{MAX_CHAIN, check_code};
use super::exchange::{self, Checks};
use super::stub::{ROUNDS, Stub};

/// The values of the records at the end of the chain of aliases; none where the name has none of
/// that type.
type Records = Vec<String>;

/// What one answer says.
enum Reading {
    Records(Records),
    /// The chain ends at a name this server told us nothing about.
    Alias(Name),
}

/// Whose word about records is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    /// The first of our own servers that knows.
    Ours,
    /// The same, told not to check signatures.
    OursUnchecked,
    /// This server's alone.
    Server(SocketAddr),
}

impl Stub {
    /// The records of exactly `name`.
    pub(crate) async fn records(
        &self,
        name: &str,
        wanted: Wanted,
        of: Of,
        deadline: Instant,
    ) -> Result<Records, DnsFailure> {
        let mut at = Name::from_str(name).map_err(|_| DnsFailure::Nxdomain)?;
        at.set_fqdn(true);
        let record_type = hickory(wanted);
        let mut seen = Vec::new();
        loop {
            let message = match of {
                Of::Server(server) => ask_one(server, &at, record_type, deadline).await?,
                Of::Ours => {
                    self.ask_for_records(&at, record_type, Checks::Made, deadline)
                        .await?
                }
                Of::OursUnchecked => {
                    self.ask_for_records(&at, record_type, Checks::Disabled, deadline)
                        .await?
                }
            };
            match read(&message, &at, record_type, &mut seen)? {
                Reading::Records(records) => return Ok(records),
                Reading::Alias(target) => at = target,
            }
        }
    }
}

/// Asks one server again while it is silent.
async fn ask_one(
    server: SocketAddr,
    name: &Name,
    record_type: RecordType,
    deadline: Instant,
) -> Result<Message, DnsFailure> {
    let query = Query::query(name.clone(), record_type);
    let mut failure = DnsFailure::Timeout;
    for patience in ROUNDS {
        let now = Instant::now();
        if now >= deadline {
            break;
        }
        match exchange::ask(server, &query, Checks::Made, deadline.min(now + patience)).await {
            Err(DnsFailure::Timeout) => failure = DnsFailure::Timeout,
            told => return told,
        }
    }
    Err(failure)
}

const fn hickory(wanted: Wanted) -> RecordType {
    match wanted {
        Wanted::A => RecordType::A,
        Wanted::Aaaa => RecordType::AAAA,
        Wanted::Cname => RecordType::CNAME,
        Wanted::Mx => RecordType::MX,
        Wanted::Ns => RecordType::NS,
        Wanted::Txt => RecordType::TXT,
        Wanted::Soa => RecordType::SOA,
        Wanted::Caa => RecordType::CAA,
        Wanted::Srv => RecordType::SRV,
    }
}

fn read(
    message: &Message,
    name: &Name,
    record_type: RecordType,
    seen: &mut Vec<Name>,
) -> Result<Reading, DnsFailure> {
    check_code(message)?;
    let mut at = name.clone();
    loop {
        if seen.contains(&at) {
            return Err(DnsFailure::CnameLoop);
        }
        if seen.len() > MAX_CHAIN {
            return Err(DnsFailure::CnameChain);
        }
        seen.push(at.clone());
        let (mut records, mut alias) = (Vec::new(), None);
        for record in message.answers.iter().filter(|record| record.name == at) {
            if record.record_type() == record_type {
                records.push(value(&record.data));
            } else if let RData::CNAME(target) = &record.data {
                alias = Some(target.0.clone());
            }
        }
        if !records.is_empty() {
            return Ok(Reading::Records(records));
        }
        match alias {
            Some(target) => at = target,
            None if message.metadata.response_code == ResponseCode::NXDomain => {
                return Err(DnsFailure::Nxdomain);
            }
            None if at == *name => return Ok(Reading::Records(records)),
            None => {
                seen.pop();
                return Ok(Reading::Alias(at));
            }
        }
    }
}

/// A record's value as zone files write it; of a text the strings put together, and no more of
/// anything than a person reads.
fn value(data: &RData) -> String {
    let text = match data {
        RData::TXT(texts) => {
            let bytes: Vec<u8> = texts
                .txt_data
                .iter()
                .flat_map(|part| part.to_vec())
                .collect();
            String::from_utf8_lossy(&bytes).into_owned()
        }
        other => other.to_string(),
    };
    text.chars().take(1_000).collect()
}
