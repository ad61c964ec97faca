//! When a certificate deserves a word: it runs out, it was renewed, it was replaced by a worse one.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{CertificateFacts, TlsFacts};
use crate::check::FailureClass;

/// A replacement that ends earlier by less than this is a twin of another server, not a step back.
const EARLIER_BY: SignedDuration = SignedDuration::from_hours(24);
/// Text messages are for the last days only.
pub const URGENT_DAYS: u32 = 3;

/// What is remembered of a certificate between looks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// SHA-256 over the DER, hex.
    pub fingerprint: String,
    /// The verifier's word at the last look.
    pub problem: Option<FailureClass>,
    /// End of validity.
    pub not_after: Timestamp,
    /// The lowest threshold that was spoken of.
    pub warned_days: Option<u32>,
}

/// Something to say about a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// It runs out, and this threshold is the lowest that has been passed.
    Expiring {
        /// Days before the end.
        days: u32,
    },
    /// A certificate whose end had been spoken of was replaced by one that lasts.
    Renewed,
    /// What is presented now is worse than what was.
    Worse {
        /// What is wrong with it; `None`: it only ends earlier than the one before.
        problem: Option<FailureClass>,
    },
}

/// The thresholds that make sense for a certificate, highest first. For one that lives for days or
/// weeks a warning 30 days ahead would come with its issue, so those over a third of its life fall
/// away.
pub fn thresholds(warn_days: &[u32], certificate: &CertificateFacts) -> Vec<u32> {
    let life = certificate.not_after.duration_since(certificate.not_before);
    let mut kept: Vec<u32> = warn_days
        .iter()
        .copied()
        .filter(|days| *days > 0 && span(*days) <= life / 3)
        .collect();
    kept.sort_unstable_by(|one, other| other.cmp(one));
    kept.dedup();
    kept
}

/// What is to be said of the certificate that was just seen, given what is known of the one before.
///
/// Of the end each threshold is spoken of once; when several were passed unseen, only the lowest. An
/// expired one is an outage, not a warning.
pub fn judge(
    previous: Option<&Known>,
    seen: &TlsFacts,
    warn_days: &[u32],
    now: Timestamp,
) -> Vec<Notice> {
    let Some(leaf) = seen.leaf() else {
        return Vec::new();
    };
    let replaced = previous.filter(|known| known.fingerprint != leaf.fingerprint);
    let mut notices = Vec::new();
    if let Some(worse) = previous.and_then(|known| worse(known, leaf, seen.problem)) {
        notices.push(worse);
    } else if replaced
        .is_some_and(|known| known.warned_days.is_some() && leaf.not_after > known.not_after)
    {
        notices.push(Notice::Renewed);
    }
    let warned = previous
        .filter(|known| known.fingerprint == leaf.fingerprint)
        .and_then(|known| known.warned_days);
    let passed = passed(warn_days, leaf, now);
    if let Some(days) = passed.filter(|days| warned.is_none_or(|warned| *days < warned)) {
        notices.push(Notice::Expiring { days });
    }
    notices
}

/// What is to be remembered after [`judge`].
pub fn remember(
    previous: Option<&Known>,
    seen: &TlsFacts,
    warn_days: &[u32],
    now: Timestamp,
) -> Option<Known> {
    let leaf = seen.leaf()?;
    let same = previous.filter(|known| known.fingerprint == leaf.fingerprint);
    let warned = same.and_then(|known| known.warned_days);
    let passed = passed(warn_days, leaf, now);
    Some(Known {
        fingerprint: leaf.fingerprint.clone(),
        problem: seen.problem,
        not_after: leaf.not_after,
        warned_days: match (warned, passed) {
            (Some(warned), Some(passed)) => Some(warned.min(passed)),
            (one, other) => one.or(other),
        },
    })
}

/// The thresholds that are still to come, highest first.
pub fn to_come(warn_days: &[u32], certificate: &CertificateFacts, now: Timestamp) -> Vec<u32> {
    let left = certificate.not_after.duration_since(now);
    let mut days = thresholds(warn_days, certificate);
    days.retain(|days| span(*days) < left);
    days
}

fn passed(warn_days: &[u32], leaf: &CertificateFacts, now: Timestamp) -> Option<u32> {
    let left = leaf.not_after.duration_since(now);
    if left <= SignedDuration::ZERO {
        return None;
    }
    thresholds(warn_days, leaf)
        .into_iter()
        .filter(|days| left <= span(*days))
        .min()
}

fn worse(known: &Known, leaf: &CertificateFacts, problem: Option<FailureClass>) -> Option<Notice> {
    // Running out needs no replacement; the warnings and the outage speak of it.
    let ran_out = |class: &FailureClass| {
        *class == FailureClass::TlsExpired && known.fingerprint == leaf.fingerprint
    };
    match problem.filter(|class| !ran_out(class)) {
        Some(class) if known.problem != Some(class) => Some(Notice::Worse {
            problem: Some(class),
        }),
        Some(_) => None,
        None => {
            let earlier = known.not_after.duration_since(leaf.not_after) > EARLIER_BY;
            (earlier && known.fingerprint != leaf.fingerprint && problem.is_none())
                .then_some(Notice::Worse { problem: None })
        }
    }
}

fn span(days: u32) -> SignedDuration {
    SignedDuration::from_hours(i64::from(days) * 24)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::settings::DEFAULT_WARN_DAYS;

    const DAYS: [u32; 5] = DEFAULT_WARN_DAYS;

    fn day(day: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + day * 86_400).unwrap()
    }

    /// Issued on day 0, good until day `until`.
    fn seen(fingerprint: &str, until: i64, problem: Option<FailureClass>) -> TlsFacts {
        let certificate = CertificateFacts {
            subject: "shop.example".into(),
            issuer: "Let's Encrypt R11".into(),
            not_before: day(0),
            not_after: day(until),
            serial: "04:9c".into(),
            fingerprint: fingerprint.into(),
            names: vec!["shop.example".into()],
            key: "EC 256".into(),
        };
        TlsFacts {
            version: None,
            cipher: None,
            alpn: None,
            chain: vec![certificate].into(),
            problem,
        }
    }

    /// Looks day by day; what was said, on which day.
    fn follow(looks: &[(i64, TlsFacts)]) -> Vec<(i64, Notice)> {
        let mut known = None;
        let mut said = Vec::new();
        for (at, facts) in looks {
            let notices = judge(known.as_ref(), facts, &DAYS, day(*at));
            said.extend(notices.into_iter().map(|notice| (*at, notice)));
            known = remember(known.as_ref(), facts, &DAYS, day(*at));
        }
        said
    }

    fn expiring(days: u32) -> Notice {
        Notice::Expiring { days }
    }

    #[test]
    fn each_threshold_is_spoken_of_once() {
        let looks: Vec<_> = (0..=95).map(|at| (at, seen("a", 90, None))).collect();
        let said = follow(&looks);
        let wanted = [(60, 30), (76, 14), (83, 7), (87, 3), (89, 1)];
        assert_eq!(said, wanted.map(|(at, days)| (at, expiring(days))));
    }

    #[test]
    fn after_a_gap_only_the_lowest_is_spoken_of() {
        assert_eq!(follow(&[(85, seen("a", 90, None))]), [(85, expiring(7))]);
        let gap = follow(&[(61, seen("a", 90, None)), (88, seen("a", 90, None))]);
        assert_eq!(gap, [(61, expiring(30)), (88, expiring(3))]);
        assert_eq!(
            follow(&[(91, seen("a", 90, None))]),
            [],
            "expired is an outage"
        );
    }

    #[test]
    fn short_lives_have_short_warnings() {
        assert_eq!(
            thresholds(&DAYS, seen("a", 90, None).leaf().unwrap()),
            [30, 14, 7, 3, 1]
        );
        assert_eq!(
            thresholds(&DAYS, seen("a", 45, None).leaf().unwrap()),
            [14, 7, 3, 1]
        );
        assert_eq!(thresholds(&DAYS, seen("a", 6, None).leaf().unwrap()), [1]);
        assert_eq!(
            thresholds(&[1, 7, 7, 0, 400], seen("a", 90, None).leaf().unwrap()),
            [7, 1]
        );
        let looks: Vec<_> = (0..6).map(|at| (at, seen("a", 6, None))).collect();
        assert_eq!(follow(&looks), [(5, expiring(1))]);
        assert_eq!(
            to_come(&DAYS, seen("a", 90, None).leaf().unwrap(), day(80)),
            [7, 3, 1]
        );
    }

    #[test]
    fn a_renewal_is_said_once_and_only_after_a_warning() {
        let quiet = follow(&[(50, seen("a", 90, None)), (55, seen("b", 140, None))]);
        assert_eq!(quiet, []);
        let warned = follow(&[
            (70, seen("a", 90, None)),
            (71, seen("b", 160, None)),
            (72, seen("b", 160, None)),
        ]);
        assert_eq!(warned, [(70, expiring(30)), (71, Notice::Renewed)]);
    }

    #[test]
    fn a_worse_one_is_said_at_once_and_once() {
        let wrong = Some(FailureClass::TlsHostnameMismatch);
        let worse = (11, Notice::Worse { problem: wrong });
        let replaced = follow(&[
            (10, seen("a", 90, None)),
            (11, seen("b", 90, wrong)),
            (12, seen("b", 90, wrong)),
        ]);
        assert_eq!(replaced, [worse]);
        let chain = Some(FailureClass::TlsIncompleteChain);
        let lost_chain = follow(&[(10, seen("a", 90, None)), (11, seen("a", 90, chain))]);
        assert_eq!(lost_chain, [(11, Notice::Worse { problem: chain })]);
        let earlier = follow(&[
            (1, seen("a", 90, None)),
            (2, seen("b", 60, None)),
            (3, seen("a", 90, None)),
        ]);
        assert_eq!(earlier, [(2, Notice::Worse { problem: None })]);
        let first = follow(&[(10, seen("a", 90, wrong))]);
        assert_eq!(first, [], "what was never better has become no worse");
    }

    #[test]
    fn running_out_is_not_a_step_back() {
        let expired = Some(FailureClass::TlsExpired);
        let ran_out = follow(&[(89, seen("a", 90, None)), (91, seen("a", 90, expired))]);
        assert_eq!(ran_out, [(89, expiring(1))]);
        let old_one = follow(&[(91, seen("a", 180, None)), (92, seen("b", 90, expired))]);
        assert_eq!(old_one, [(92, Notice::Worse { problem: expired })]);
    }
}
