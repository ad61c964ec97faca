//! Everything that is known of a failure after a closer look, and the questions the rules put to it.

use std::net::IpAddr;

use super::{Battery, Finding, History, Outcome, Question};
use crate::check::{Failure, FailureClass, VerdictKind};
use crate::incident::Diagnosis;
use crate::monitor::{Settings, Target};
use crate::target::{AddressPolicy, Host, Origin};

/// Looks of the past that make a pattern, at least.
const ENOUGH: usize = 12;
/// Changes between good and bad among them that make it a mixture.
const CHANGES: usize = 4;

/// A wait that is no work: time-outs of proxies begin at about this, microseconds.
const WAITED_US: u64 = 1_000_000;
/// Two waits that differ by no more than this and a fiftieth are the same.
const SAME_WAIT_US: u64 = 50_000;

pub(super) struct Scene<'s> {
    pub first: &'s Diagnosis,
    pub failure: &'s Failure,
    pub settings: &'s Settings,
    pub battery: &'s Battery,
    pub history: &'s History,
}

/// What its addresses did when they were asked one by one.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Addresses {
    pub good: Vec<IpAddr>,
    pub bad: Vec<IpAddr>,
}

/// What an origin says when it is asked past what stands in front of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    /// It answers as its owner expects.
    Well,
    /// It does not want us. It may let in those alone who stand in front of it.
    Refuses,
    /// No connection comes about. It may be dead, or behind a firewall that lets in the same alone.
    Nothing,
    /// It answers, and badly, or takes too long.
    Fails,
    /// It answers something else than what stands in front of it: who is meant is not clear.
    Odd,
}

impl<'s> Scene<'s> {
    pub(super) const fn class(&self) -> FailureClass {
        self.failure.class
    }

    pub(super) fn cause(&self) -> &str {
        &self.first.cause
    }

    pub(super) fn outcomes(&self, wanted: impl Fn(&Question) -> bool) -> Vec<&'s Outcome> {
        let found = self.battery.findings.iter();
        found
            .filter(|finding| wanted(&finding.question))
            .map(|finding| &finding.outcome)
            .collect()
    }

    fn all(&self, question: &Question, is: impl Fn(&Outcome) -> bool) -> bool {
        let mut found = self.battery.to(question).peekable();
        found.peek().is_some() && found.all(is)
    }

    /// The look was made again, and it still failed: every time, everywhere.
    pub(super) fn still_fails(&self) -> bool {
        let again = self.outcomes(|q| matches!(q, Question::Again | Question::AgainLater));
        !again.is_empty() && again.iter().all(|outcome| is_bad(outcome))
    }

    /// It worked every time that it was made again, from everywhere.
    pub(super) fn works_again(&self) -> bool {
        let again = self.outcomes(|q| matches!(q, Question::Again | Question::AgainLater));
        again.len() > 1 && again.iter().all(|outcome| outcome.verdict.is_good())
    }

    /// A question was answered, and every answer was a good one.
    pub(super) fn is_good(&self, question: &Question) -> bool {
        self.all(question, |outcome| outcome.verdict.is_good())
    }

    /// The same of what is no look of its own: the server answers, with anything but its own error.
    pub(super) fn answers_well(&self, question: &Question) -> bool {
        self.all(question, Outcome::answers_well)
    }

    /// The same, and not with an error of anybody's.
    pub(super) fn passes(&self, question: &Question) -> bool {
        self.all(question, |outcome| {
            outcome.status.is_some_and(|status| status < 400)
        })
    }

    /// It fails there as the look failed.
    pub(super) fn fails_alike(&self, question: &Question) -> bool {
        let status = self.failure.detail.as_deref();
        self.all(question, |outcome| {
            let same = outcome.class() == Some(self.class());
            let same_status = outcome
                .status
                .is_some_and(|s| Some(s.to_string().as_str()) == status);
            match self.class() {
                FailureClass::HttpStatus => same_status,
                _ => same,
            }
        })
    }

    /// The answers of its addresses. One that worked here and failed there belongs to neither.
    pub(super) fn addresses(&self) -> Addresses {
        let mut all = Addresses::default();
        for Finding { question, .. } in &self.battery.findings {
            let Question::At(ip) = question else { continue };
            if all.good.contains(ip) || all.bad.contains(ip) {
                continue;
            }
            if self.is_good(question) {
                all.good.push(*ip);
            } else if self.all(question, is_bad) {
                all.bad.push(*ip);
            }
        }
        all
    }

    /// What the name resolves to now.
    pub(super) fn resolved(&self) -> Vec<IpAddr> {
        let mut all: Vec<IpAddr> = self
            .outcomes(Question::is_the_look)
            .into_iter()
            .flat_map(|outcome| outcome.resolved.iter().copied())
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The address of the last good look, where the name leads there no longer.
    pub(super) fn left(&self) -> Option<IpAddr> {
        let last = self.history.last_good?.address?;
        let now = self.resolved();
        (!now.is_empty() && !now.contains(&last)).then_some(last)
    }

    /// Whether the machine showed itself: by a reply to ping, or a connection taken or refused.
    pub(super) fn is_alive(&self) -> bool {
        self.nearby().iter().any(|outcome| outcome.shows_life())
    }

    /// Ping and usual ports were tried, and none of them brought a sign of life.
    pub(super) fn is_dark(&self) -> bool {
        let nearby = self.nearby();
        nearby.len() > 1 && nearby.iter().all(|outcome| !outcome.shows_life())
    }

    fn nearby(&self) -> Vec<&'s Outcome> {
        self.outcomes(|q| matches!(q, Question::Ping(_) | Question::Port(..)))
    }

    /// The first of the usual ports that takes connections.
    pub(super) fn open_port(&self) -> Option<u16> {
        self.battery
            .findings
            .iter()
            .find_map(|finding| match finding.question {
                Question::Port(_, port) if finding.outcome.verdict.is_good() => Some(port),
                _ => None,
            })
    }

    /// Regions from which it works, and from which it fails.
    pub(super) fn regions(&self) -> (Vec<&'s str>, Vec<&'s str>) {
        let (mut good, mut bad): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
        for finding in &self.battery.findings {
            let region = finding.region.as_str();
            let again = matches!(finding.question, Question::Again | Question::AgainLater);
            if !again || good.contains(&region) || bad.contains(&region) {
                continue;
            }
            let own = self.battery.findings.iter().filter(|other| {
                other.region == region
                    && matches!(other.question, Question::Again | Question::AgainLater)
            });
            let outcomes: Vec<&Outcome> = own.map(|other| &other.outcome).collect();
            if outcomes.iter().all(|outcome| outcome.verdict.is_good()) {
                good.push(region);
            } else if outcomes.iter().all(|outcome| is_bad(outcome)) {
                bad.push(region);
            }
        }
        (good, bad)
    }

    /// It failed when it was first asked again, and worked when it was asked last: what was told in
    /// between may be the recovery itself.
    pub(super) fn came_back(&self) -> bool {
        let bad = |outcome: &&Outcome| is_bad(outcome);
        self.battery
            .to(&Question::Again)
            .any(|outcome| bad(&outcome))
            && self.is_good(&Question::AgainLater)
    }

    /// The origin and what it answered; nothing where the look led there anyway.
    pub(super) fn origin(&self) -> Option<(Origin, &'s Outcome)> {
        let found = self.battery.findings.iter();
        let asked = found.filter_map(|finding| match &finding.question {
            Question::Origin(text) => Some((text, &finding.outcome)),
            _ => None,
        });
        // Where it answers one region well it is well, and the way there from another is not.
        let (text, outcome) = asked.min_by_key(|(_, outcome)| !outcome.verdict.is_good())?;
        // It was judged before it was asked.
        let origin = Origin::parse(text, AddressPolicy::SelfHosted).ok()?;
        let resolved = self.resolved();
        let own = self.settings.target.port();
        let at_same_port = origin.port().is_none_or(|port| Some(port) == own);
        let is_same = outcome.address.is_some_and(|ip| resolved.contains(&ip))
            || matches!(origin.host(), Host::Ip(ip) if resolved.contains(ip))
            || origin.host().to_string() == self.settings.target.host();
        (!is_same || !at_same_port).then_some((origin, outcome))
    }

    /// What the origin says, in a word.
    pub(super) fn origin_says(&self) -> Option<Says> {
        use FailureClass as C;
        let (origin, outcome) = self.origin()?;
        if outcome.verdict.is_good() {
            return Some(Says::Well);
        }
        let alike = self.fails_alike(&Question::Origin(origin.to_string()));
        Some(match (outcome.class(), outcome.status) {
            (Some(C::BlockedByWaf | C::TlsClientCertRequired), _)
            | (_, Some(401 | 403 | 407 | 421 | 429)) => Says::Refuses,
            (_, Some(status)) if status >= 500 || alike => Says::Fails,
            (Some(C::HttpStatus), _) => Says::Odd,
            (Some(C::HttpTimeout | C::BodyTimeout | C::BodyReset | C::BodyTruncated), _)
            | (Some(C::KeywordMissing | C::KeywordPresent | C::JsonMismatch), _) => Says::Fails,
            (Some(class), _) if class.as_str().starts_with("http") => Says::Fails,
            (Some(class), _) if class.as_str().starts_with("redirect") => Says::Odd,
            _ => Says::Nothing,
        })
    }

    /// The same request works and fails by turns, at one address: in these questions, or in the last
    /// hour. It failed before they were asked, so that a good answer alone may be the recovery; a bad
    /// one after it is none.
    pub(super) fn is_mixed(&self) -> bool {
        let same = self
            .outcomes(|q| matches!(q, Question::Again | Question::AgainLater | Question::At(_)));
        let first = same.first().and_then(|first| first.address);
        let at_one = same.iter().filter(|outcome| outcome.address == first);
        let mut fails_after = at_one.skip_while(|outcome| !outcome.verdict.is_good());
        fails_after.any(|outcome| is_bad(outcome)) || self.was_mixed()
    }

    /// In the last hour it changed between good and bad many times.
    pub(super) fn was_mixed(&self) -> bool {
        let judged: Vec<bool> = self
            .history
            .looks
            .iter()
            .filter(|look| look.kind != VerdictKind::Unknown)
            .map(|look| look.kind.is_good())
            .collect();
        let changes = judged
            .windows(2)
            .filter(|pair| pair.first() != pair.last())
            .count();
        judged.len() >= ENOUGH && changes >= CHANGES
    }

    /// How long the failing answer takes, microseconds, where it takes a good while and always the same:
    /// somebody waits for something no longer than that.
    pub(super) fn patience(&self) -> Option<u64> {
        let status = self.failure.detail.as_deref();
        let all = self.outcomes(|q| {
            let other = matches!(q, Question::NeutralPath | Question::OtherMethod);
            q.is_the_look() || other
        });
        let mut took: Vec<u64> = all
            .into_iter()
            .filter(|outcome| outcome.status.map(|s| s.to_string()).as_deref() == status)
            .map(|outcome| outcome.total_us)
            .collect();
        took.sort_unstable();
        let (&shortest, &longest) = (took.first()?, took.last()?);
        let alike = longest - shortest <= SAME_WAIT_US + shortest / 50;
        (took.len() > 1 && shortest >= WAITED_US && alike).then_some(shortest)
    }

    /// The answer that fails came out of a cache.
    pub(super) fn is_cached(&self) -> bool {
        self.all(&Question::Again, |outcome| outcome.cached)
    }

    pub(super) fn method_is(&self, method: &str) -> bool {
        matches!(&self.settings.target, Target::Http(http) if http.method == method)
    }

    pub(super) fn is_https(&self) -> bool {
        self.settings
            .target
            .url()
            .is_some_and(|url| url.starts_with("https:"))
    }
}

/// It failed, and not through our own fault.
pub(super) const fn is_bad(outcome: &Outcome) -> bool {
    matches!(outcome.verdict, VerdictKind::Down | VerdictKind::Blocked)
}
