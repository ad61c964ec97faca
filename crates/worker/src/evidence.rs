//! Which failing looks are kept with everything they saw: the first failure, its confirmations, each
//! change of class, then one an hour; at most twenty an outage.

use std::io::Write;

use domain::check::{FailureClass, Observation, Verdict, VerdictKind, redact};
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::{SignedDuration, Timestamp};
use store::evidence::Evidence;

use crate::plan::Plan;

/// Kept of one outage in one region.
const MOST: u32 = 20;
/// Kept of one body, inflated.
const BODY: usize = 64 * 1024;

/// What has been kept of the present outage of a monitor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    count: u32,
    class: Option<FailureClass>,
    at: Option<Timestamp>,
}

impl Kept {
    /// Whether a look is to be kept, and the books for the next.
    pub(crate) fn next(self, verdict: &Verdict, confirming: bool, at: Timestamp) -> (bool, Self) {
        match verdict.kind {
            VerdictKind::Up | VerdictKind::Degraded => {
                // A recovery under confirmation is not yet the end.
                return (false, if confirming { self } else { Self::default() });
            }
            VerdictKind::Down | VerdictKind::Blocked | VerdictKind::Unknown => {}
        }
        let hour = SignedDuration::from_hours(1);
        let fresh = self.at.is_none_or(|last| at.duration_since(last) >= hour);
        let changed = self.class != verdict.class();
        let keep = self.count < MOST && (self.count == 0 || confirming || changed || fresh);
        let count = self.count + u32::from(keep);
        let last = if keep { Some(at) } else { self.at };
        (
            keep,
            Self {
                count,
                class: verdict.class(),
                at: last,
            },
        )
    }
}

/// The evidence of a look, without the owner's secrets and other people's cookies.
pub(crate) fn of(
    plan: &Plan,
    check: &domain::check::Check,
    seen: Observation,
    verdict: &Verdict,
) -> Evidence {
    let mut seen = redact::redact(seen, &plan.secrets());
    let body = seen
        .http
        .as_mut()
        .map(|http| std::mem::take(&mut http.body))
        .filter(|body| !body.is_empty());
    Evidence {
        account_id: plan.account_id,
        check_id: check.id,
        monitor_id: plan.monitor_id,
        region: check.region.clone(),
        class: verdict.class(),
        observation: seen,
        body: body.and_then(|body| gzip(&body[..body.len().min(BODY)])),
    }
}

fn gzip(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}

#[cfg(test)]
mod tests {
    use domain::check::{Failure, Phase};

    use super::*;

    fn down(class: FailureClass) -> Verdict {
        Verdict {
            kind: VerdictKind::Down,
            failure: Some(Failure::new(class, Phase::Connect, "x")),
            attribution: None,
            reason: None,
        }
    }

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minute * 60).unwrap()
    }

    #[test]
    fn the_first_its_confirmations_changes_and_one_an_hour_are_kept() {
        let refused = down(FailureClass::ConnectRefused);
        let timeout = down(FailureClass::ConnectTimeout);
        let mut kept = Kept::default();
        let mut asked = |verdict: &Verdict, confirming, minute| {
            let (keep, next) = kept.next(verdict, confirming, at(minute));
            kept = next;
            keep
        };
        assert!(asked(&refused, false, 0), "first");
        assert!(asked(&refused, true, 1), "confirmation");
        assert!(!asked(&refused, false, 2), "nothing new");
        assert!(asked(&timeout, false, 3), "another class");
        assert!(!asked(&timeout, false, 4));
        assert!(asked(&timeout, false, 63), "an hour later");
        assert!(
            !asked(&Verdict::up(), true, 64),
            "a good look is no evidence"
        );
        assert!(
            !asked(&timeout, false, 65),
            "the recovery was not confirmed"
        );
        assert!(!asked(&Verdict::up(), false, 66));
        assert!(asked(&timeout, false, 67), "a new outage");
    }

    #[test]
    fn at_most_twenty_are_kept() {
        let mut kept = Kept::default();
        let mut count = 0;
        for hour in 0..100 {
            let (keep, next) = kept.next(&down(FailureClass::ConnectRefused), true, at(hour * 60));
            kept = next;
            count += u32::from(keep);
        }
        assert_eq!(count, MOST);
    }
}
