//! What the outages of a storm have in common.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// One outage of a storm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The monitor, as its owner calls it.
    pub name: String,
    /// When it began.
    pub since: Timestamp,
    /// When it ended.
    pub until: Option<Timestamp>,
    /// Why, as [`crate::words::cause`] says it; of a notice what it says.
    pub cause: String,
    /// The host that is looked at.
    pub host: String,
    /// The address that was connected to, without its port.
    pub address: Option<String>,
}

/// What is the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The address: likely one machine or its network.
    Address(String),
    /// The host's name.
    Host(String),
    /// How they fail.
    Cause,
}

/// What most of them share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// How many share it.
    pub count: usize,
    /// What.
    pub what: What,
    /// The commonest cause among those.
    pub cause: String,
}

/// What at least half of `members`, and at least two, share: an address before a host before a cause,
/// because it says most.
pub fn shared(members: &[Member]) -> Option<Shared> {
    let of = |key: fn(&Member) -> Option<&str>| -> Option<(usize, String)> {
        let (name, count) = commonest(members.iter().filter_map(key))?;
        (count >= 2 && count * 2 >= members.len()).then(|| (count, name.to_owned()))
    };
    let address =
        of(|member| member.address.as_deref()).map(|(count, name)| (count, What::Address(name)));
    let host = || {
        of(|member| Some(member.host.as_str()).filter(|host| !host.is_empty()))
            .map(|(count, name)| (count, What::Host(name)))
    };
    let cause = || of(|member| Some(member.cause.as_str())).map(|(count, _)| (count, What::Cause));
    let (count, what) = address.or_else(host).or_else(cause)?;
    let has = |member: &&Member| match &what {
        What::Address(address) => member.address.as_ref() == Some(address),
        What::Host(host) => member.host == *host,
        What::Cause => true,
    };
    let causes = members
        .iter()
        .filter(has)
        .map(|member| member.cause.as_str());
    let cause = commonest(causes)?.0.to_owned();
    Some(Shared { count, what, cause })
}

/// The commonest of them, the first in the alphabet of two that are.
fn commonest<'a>(names: impl Iterator<Item = &'a str>) -> Option<(&'a str, usize)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    let most = *counts.values().max()?;
    counts.into_iter().find(|(_, count)| *count == most)
}
