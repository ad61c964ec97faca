//! Where a name leads, as its name servers and our resolvers tell it.

use std::net::IpAddr;

use super::scene::{Scene, is_bad};
use super::{Outcome, Question};
use crate::check::FailureClass;

/// What its name servers said.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct NameServers<'s> {
    /// They know an address.
    pub know: Vec<&'s str>,
    /// They say that there is none.
    pub deny: Vec<&'s str>,
    /// They refuse, or fail.
    pub fail: Vec<&'s str>,
    /// They say nothing.
    pub silent: Vec<&'s str>,
}

impl NameServers<'_> {
    pub(super) const fn asked(&self) -> usize {
        self.know.len() + self.deny.len() + self.fail.len() + self.silent.len()
    }
}

impl<'s> Scene<'s> {
    pub(super) fn name_servers(&self) -> NameServers<'s> {
        use FailureClass as C;
        let mut all = NameServers::default();
        for finding in &self.battery.findings {
            let Question::NameServer(name) = &finding.question else {
                continue;
            };
            // Where not even its own name leads anywhere it was not asked.
            if finding.outcome.address.is_none() {
                continue;
            }
            let list = match finding.outcome.class() {
                None => &mut all.know,
                Some(C::DnsNxdomain | C::DnsNoAddress) => &mut all.deny,
                Some(C::DnsTimeout) => &mut all.silent,
                Some(_) => &mut all.fail,
            };
            if !list.contains(&name.as_str()) {
                list.push(name);
            }
        }
        all
    }

    /// The domain that has name servers, if one of those asked about has.
    pub(super) fn zone(&self) -> Option<&'s str> {
        self.battery
            .findings
            .iter()
            .find_map(|finding| match &finding.question {
                Question::NameServers(zone) if !finding.outcome.records.is_empty() => {
                    Some(zone.as_str())
                }
                _ => None,
            })
    }

    /// The topmost domain that was asked about, and it does not exist.
    pub(super) fn missing_domain(&self) -> Option<&'s str> {
        let asked = self.battery.findings.iter().rev();
        let mut topmost = asked.filter_map(|finding| match &finding.question {
            Question::NameServers(zone) => Some((zone.as_str(), &finding.outcome)),
            _ => None,
        });
        let (zone, outcome) = topmost.next()?;
        (self.zone().is_none() && outcome.class() == Some(FailureClass::DnsNxdomain))
            .then_some(zone)
    }

    /// Whether our resolvers were asked one by one, and some of them know it while others do not.
    pub(super) fn resolvers_differ(&self) -> bool {
        let all = self.resolvers();
        all.iter().any(|said| said.verdict.is_good()) && all.iter().any(|said| is_bad(said))
    }

    /// Every resolver refuses it with SERVFAIL, and tells it where it need not check the signatures
    /// (the CD bit, RFC 4035, 3.2.2).
    pub(super) fn signatures_fail(&self) -> bool {
        let all = self.resolvers();
        let refused = |said: &&Outcome| said.class() == Some(FailureClass::DnsServfail);
        self.is_good(&Question::Unchecked) && !all.is_empty() && all.iter().all(refused)
    }

    /// The resolvers get no answer even where they need not check it.
    pub(super) fn fails_unchecked(&self) -> bool {
        let all = self.outcomes(|q| *q == Question::Unchecked);
        !all.is_empty() && all.iter().all(|said| is_bad(said))
    }

    /// Its name servers, each of them, still name the address of the last good look and none of those
    /// that others are led to.
    pub(super) fn is_still_meant(&self, old: IpAddr) -> bool {
        let all = self.outcomes(|q| matches!(q, Question::NameServer(_)));
        let astray = self.resolved();
        let mut named = all.iter().map(|said| addresses(said)).peekable();
        named.peek().is_some()
            && named.all(|ips| ips.contains(&old) && !ips.iter().any(|ip| astray.contains(ip)))
    }

    fn resolvers(&self) -> Vec<&'s Outcome> {
        self.outcomes(|q| matches!(q, Question::Resolver(_)))
    }
}

fn addresses(outcome: &Outcome) -> Vec<IpAddr> {
    let records = outcome.records.iter();
    records.filter_map(|record| record.parse().ok()).collect()
}
