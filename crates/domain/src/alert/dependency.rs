//! What stands behind something that is down: whether an outage opens, is held, or waits for a look.

use jiff::{SignedDuration, Timestamp};

use crate::ids::MonitorId;
use crate::status::Observed;

/// Monitors that one monitor may name as what it depends on.
pub const MOST_PARENTS: usize = 10;
/// How far up dependencies are followed.
pub const MOST_LEVELS: i32 = 20;
/// How long a sure outage waits to hear whether what it depends on is down too: an alert that is late is
/// worse than one too many.
pub const WAITS: SignedDuration = SignedDuration::from_secs(20);

/// What is known of a monitor that another one depends on, by itself or by way of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ancestor {
    /// Which one.
    pub id: MonitorId,
    /// It is neither paused nor deleted.
    pub is_watched: bool,
    /// We look at it; a heartbeat cannot be asked.
    pub looks: bool,
    /// What its regions have confirmed.
    pub observed: Observed,
    /// Somebody ended its outage while it was down: it speaks for nothing until it was up.
    pub is_quiet: bool,
    /// A change is being confirmed.
    pub confirming: bool,
    /// It stands behind another one, or may: it has no message of its own to be named in.
    pub is_behind: bool,
    /// Start of the last look that did not find it down.
    pub seen_well_at: Option<Timestamp>,
}

impl Ancestor {
    fn holds(&self) -> bool {
        self.is_watched && self.observed == Observed::Down && !self.is_quiet
    }

    fn is_open_question(&self, first_failure_at: Timestamp) -> bool {
        let seen = self.seen_well_at.is_some_and(|at| at >= first_failure_at);
        self.is_watched
            && self.looks
            && self.observed != Observed::Down
            && (self.confirming || !seen)
    }
}

/// What becomes of an outage that is sure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behind {
    /// It is told.
    Open,
    /// It stands behind this one.
    Hold(MonitorId),
    /// Whether it stands behind this one is not known yet; it is told of after `until`.
    Wait {
        /// The one that is looked at.
        parent: MonitorId,
        /// When it is told of all the same.
        until: Timestamp,
    },
}

/// Decides on an outage that began with `first_failure_at` and is told of at `until` at the latest. The
/// ancestors come nearest first.
pub fn behind(
    ancestors: &[Ancestor],
    first_failure_at: Timestamp,
    until: Timestamp,
    now: Timestamp,
) -> Behind {
    let mut holders = ancestors.iter().filter(|ancestor| ancestor.holds());
    let first = holders.clone().next();
    // Whoever is behind another one himself is spoken of there, and so is what is behind him.
    if let Some(holder) = holders.find(|holder| !holder.is_behind).or(first) {
        return Behind::Hold(holder.id);
    }
    let question = ancestors
        .iter()
        .find(|ancestor| ancestor.is_open_question(first_failure_at));
    match question {
        Some(parent) if now < until => Behind::Wait {
            parent: parent.id,
            until,
        },
        _ => Behind::Open,
    }
}

/// The ancestors of whom a look is wanted when something behind them begins to fail at
/// `first_failure_at`: then it is known by the time the failure is sure.
pub fn to_look_at(ancestors: &[Ancestor], first_failure_at: Timestamp) -> Vec<MonitorId> {
    ancestors
        .iter()
        .filter(|ancestor| ancestor.is_open_question(first_failure_at) && !ancestor.confirming)
        .map(|ancestor| ancestor.id)
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn up(n: u128, seen: Option<i64>) -> Ancestor {
        Ancestor {
            id: MonitorId::from_uuid(uuid::Uuid::from_u128(n)),
            is_watched: true,
            looks: true,
            observed: Observed::Up,
            is_quiet: false,
            confirming: false,
            is_behind: false,
            seen_well_at: seen.map(at),
        }
    }

    fn down(n: u128) -> Ancestor {
        Ancestor {
            observed: Observed::Down,
            ..up(n, None)
        }
    }

    fn decide(ancestors: &[Ancestor]) -> Behind {
        behind(ancestors, at(60), at(86), at(66))
    }

    #[rstest]
    #[case::no_parents(vec![], Behind::Open)]
    #[case::parent_down(vec![down(1)], Behind::Hold(down(1).id))]
    #[case::parent_seen_well_since(vec![up(1, Some(61))], Behind::Open)]
    #[case::seen_well_at_the_same_moment(vec![up(1, Some(60))], Behind::Open)]
    #[case::not_seen_since(vec![up(1, Some(59))], Behind::Wait { parent: up(1, None).id, until: at(86) })]
    #[case::never_seen(vec![up(1, None)], Behind::Wait { parent: up(1, None).id, until: at(86) })]
    #[case::suspect(vec![Ancestor { confirming: true, ..up(1, Some(65)) }], Behind::Wait { parent: up(1, None).id, until: at(86) })]
    #[case::paused(vec![Ancestor { is_watched: false, ..down(1) }], Behind::Open)]
    #[case::ended_by_hand(vec![Ancestor { is_quiet: true, ..down(1) }], Behind::Open)]
    #[case::job_that_cannot_be_asked(vec![Ancestor { looks: false, ..up(1, None) }], Behind::Open)]
    #[case::one_of_two_is_down(vec![up(1, None), down(2)], Behind::Hold(down(2).id))]
    #[case::the_one_with_a_message(vec![Ancestor { is_behind: true, ..down(1) }, down(2)], Behind::Hold(down(2).id))]
    #[case::the_nearest_of_two(vec![down(1), down(2)], Behind::Hold(down(1).id))]
    fn an_outage_is_told_held_or_waits(#[case] ancestors: Vec<Ancestor>, #[case] expected: Behind) {
        assert_eq!(decide(&ancestors), expected);
    }

    #[test]
    fn a_look_is_wanted_of_whoever_was_not_seen_since() {
        let confirming = Ancestor {
            confirming: true,
            ..up(3, None)
        };
        let all = [up(1, Some(59)), up(2, Some(61)), confirming, down(4)];
        assert_eq!(to_look_at(&all, at(60)), [all[0].id]);
    }

    fn ancestor() -> impl Strategy<Value = Ancestor> {
        let flags = (
            any::<bool>(),
            any::<bool>(),
            any::<bool>(),
            any::<bool>(),
            any::<bool>(),
        );
        let seen = proptest::option::of(0_i64..120);
        (1_u128..50, flags, 0_usize..7, seen).prop_map(
            |(n, (is_watched, looks, is_quiet, confirming, is_behind), observed, seen)| Ancestor {
                is_watched,
                looks,
                observed: Observed::ALL[observed],
                is_quiet,
                confirming,
                is_behind,
                ..up(n, seen)
            },
        )
    }

    proptest! {
        /// Suppressed, not silent: held only behind what is down itself and was not ended by hand; told at
        /// the latest when the wait is over; told at once when nothing above is down or in question.
        #[test]
        fn nothing_is_held_for_nothing_and_nothing_waits_for_ever(
            ancestors in proptest::collection::vec(ancestor(), 0..12),
            first in 0_i64..120, until in 0_i64..200, now in 0_i64..200,
        ) {
            let decided = behind(&ancestors, at(first), at(until), at(now));
            let holders = || ancestors.iter().filter(|a| a.is_watched && !a.is_quiet && a.observed == Observed::Down);
            match decided {
                Behind::Hold(id) => prop_assert!(holders().any(|a| a.id == id)),
                Behind::Wait { parent, until: told } => {
                    prop_assert_eq!(holders().count(), 0);
                    prop_assert!(now < until);
                    prop_assert_eq!(told, at(until));
                    prop_assert!(ancestors.iter().any(|a| a.id == parent && a.is_watched && a.looks
                        && (a.confirming || a.seen_well_at.is_none_or(|seen| seen < at(first)))));
                }
                Behind::Open => {
                    prop_assert_eq!(holders().count(), 0);
                    prop_assert!(now >= until || ancestors.iter().all(|a| !a.is_watched || !a.looks
                        || a.observed == Observed::Down
                        || (!a.confirming && a.seen_well_at.is_some_and(|seen| seen >= at(first)))));
                }
            }
        }
    }
}
