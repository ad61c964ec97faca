//! Questions and their answers.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::check::{Failure, FailureClass, Observation, Verdict, VerdictKind};

/// One thing to ask.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// The look itself, again.
    Again,
    /// The look itself once more, after all other questions.
    AgainLater,
    /// The page with a query that no cache has an answer for.
    PastCaches,
    /// HEAD where the monitor asks GET, and the reverse.
    OtherMethod,
    /// http where the monitor asks https, and the reverse.
    OtherScheme,
    /// A small file that most servers have or at least refuse well: `/robots.txt`.
    NeutralPath,
    /// The look itself at this one of the target's addresses.
    At(IpAddr),
    /// The look itself at the server behind the target, past what stands in front.
    Origin(String),
    /// Echo requests.
    Ping(IpAddr),
    /// Whether a connection to another usual port is taken or refused.
    Port(IpAddr, u16),
    /// The name servers of this domain.
    NameServers(String),
    /// The target's addresses, as this name server knows them.
    NameServer(String),
    /// The same as this one of our own resolvers knows them, the first being 0. Which it is stays ours.
    Resolver(u8),
    /// The same as our resolvers tell them unchecked, the signatures of DNSSEC left aside.
    Unchecked,
}

impl Question {
    /// The one address that is asked, if the question is about one.
    pub const fn pinned(&self) -> Option<IpAddr> {
        match self {
            Self::At(ip) => Some(*ip),
            _ => None,
        }
    }

    /// Put to those who keep names, and not to the target: it costs the target nothing.
    pub const fn is_of_names(&self) -> bool {
        matches!(
            self,
            Self::NameServers(_) | Self::NameServer(_) | Self::Resolver(_) | Self::Unchecked
        )
    }

    /// The monitor's own rules decide on the answer.
    pub const fn is_the_look(&self) -> bool {
        matches!(
            self,
            Self::Again | Self::AgainLater | Self::PastCaches | Self::At(_)
        )
    }
}

/// What came of a question: no more than the rules need. All text is the target's and hostile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// What the look comes to.
    pub verdict: VerdictKind,
    /// What broke.
    pub failure: Option<Failure>,
    /// Status of the answer.
    pub status: Option<u16>,
    /// Its `server` header.
    pub server: Option<String>,
    /// It came out of a cache, as its headers say.
    pub cached: bool,
    /// Where the first redirect leads.
    pub location: Option<String>,
    /// What was connected to.
    pub address: Option<IpAddr>,
    /// What the name resolved to.
    pub resolved: Vec<IpAddr>,
    /// What DNS answered.
    pub records: Vec<String>,
    /// From begin to end, microseconds.
    pub total_us: u64,
    /// What is wrong with the certificate that was shown, also where nobody judged it.
    #[serde(default)]
    pub certificate: Option<FailureClass>,
}

/// Characters kept of a header.
const VALUE: usize = 120;
/// Addresses and records kept.
const MOST: usize = 16;

impl Outcome {
    /// What a look saw, and how it was judged.
    pub fn of(seen: &Observation, verdict: &Verdict) -> Self {
        let header = |name: &str| seen.http.as_ref().and_then(|http| http.header(name));
        let short = |text: &str| text.chars().take(VALUE).collect::<String>();
        let hit = |name: &str| header(name).is_some_and(|v| v.to_ascii_lowercase().contains("hit"));
        let old = header("age").is_some_and(|age| age.trim().parse::<u64>().is_ok_and(|s| s > 0));
        Self {
            verdict: verdict.kind,
            failure: verdict.failure.clone().or_else(|| seen.failure.clone()),
            status: seen.http.as_ref().map(|http| http.status),
            server: header("server").map(short),
            cached: old
                || ["x-cache", "cf-cache-status", "x-cache-status"]
                    .into_iter()
                    .any(hit),
            location: seen.redirects.first().map(|hop| short(&hop.to)),
            address: seen.address.map(|address| address.ip()),
            resolved: seen.resolved.iter().copied().take(MOST).collect(),
            records: seen
                .records
                .iter()
                .flatten()
                .take(MOST)
                .map(|text| short(text))
                .collect(),
            total_us: seen.total_us,
            certificate: seen.tls.as_ref().and_then(|tls| tls.problem),
        }
    }

    /// The class of what broke.
    pub fn class(&self) -> Option<FailureClass> {
        self.failure.as_ref().map(|failure| failure.class)
    }

    /// The server answers, and not with an error of its own.
    pub fn answers_well(&self) -> bool {
        self.status.is_some_and(|status| status < 500)
    }

    /// Something on the other side took or refused the connection: the machine is on.
    pub fn shows_life(&self) -> bool {
        self.verdict.is_good() || self.class() == Some(FailureClass::ConnectRefused)
    }
}

/// A question, who asked, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Where from.
    pub region: String,
    /// What was asked.
    pub question: Question,
    /// What came of it.
    pub outcome: Outcome,
}

/// All answers of one incident, of all regions that have finished. What failed through our own fault
/// is not among them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Battery {
    /// In the order in which they came, region by region.
    pub findings: Vec<Finding>,
}

impl Battery {
    /// The answers to one question, from wherever it was asked.
    pub fn to<'b>(&'b self, question: &'b Question) -> impl Iterator<Item = &'b Outcome> {
        let asked = self.findings.iter();
        asked
            .filter(move |finding| finding.question == *question)
            .map(|finding| &finding.outcome)
    }
}
