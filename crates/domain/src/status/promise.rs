//! The published promise, held against simulated timetables: an outage shorter than six seconds is
//! never announced, one longer than interval + 10 s + 2 x time-out always is. Looks begin late, end
//! late, are recorded twice and out of order.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::check::{Failure, FailureClass, Phase, Verdict, VerdictKind};
use crate::monitor::settings::ConfirmPolicy;

/// A monitor, an outage and what chance does to the looks. Times in milliseconds.
#[derive(Debug, Clone)]
struct Case {
    interval: i64,
    timeout: i64,
    phase: i64,
    outage: (i64, i64),
    /// Per look: whether a failing one hangs, how long a good one takes, how late it begins, how
    /// late its result is recorded, and whether that happens twice.
    chances: Vec<(bool, i64, i64, i64, bool)>,
    /// Who gets the benefit of the doubt when a look and the outage only overlap.
    overlap_fails: bool,
}

enum Event {
    Slot(i64),
    Recheck,
    Result(Box<Look>),
}

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + milliseconds).unwrap()
}

fn milliseconds(at: Timestamp) -> i64 {
    at.as_millisecond() - 1_800_000_000_000
}

struct Simulation<'c> {
    case: &'c Case,
    queue: BTreeMap<(i64, usize), Event>,
    vote: RegionVote,
    /// The one recheck that the worker has planned.
    recheck: Option<(i64, usize)>,
    made: usize,
    looks: usize,
}

impl<'c> Simulation<'c> {
    fn push(&mut self, when: i64, event: Event) -> (i64, usize) {
        self.made += 1;
        self.queue.insert((when, self.made), event);
        (when, self.made)
    }

    fn chance(&self) -> (bool, i64, i64, i64, bool) {
        self.case.chances[self.looks % self.case.chances.len()]
    }

    /// A look begins: when it ends and what it says.
    fn look(&mut self, due: i64) {
        let (hangs, took, late, delay, twice) = self.chance();
        self.looks += 1;
        let Case {
            timeout,
            outage: (from, to),
            overlap_fails,
            ..
        } = *self.case;
        let begin = due + late;
        let good_end = begin + took.min(timeout);
        let inside = (from..to).contains(&begin);
        let meets = inside || (begin..=good_end).contains(&from);
        let bad_end = if hangs {
            begin + timeout
        } else {
            begin.max(from) + 20
        };
        let fails = if overlap_fails {
            meets
        } else {
            inside && bad_end < to
        };
        let (kind, end) = if fails {
            (VerdictKind::Down, bad_end)
        } else {
            (VerdictKind::Up, good_end)
        };
        let failure = fails.then(|| Failure::new(FailureClass::ConnectTimeout, Phase::Connect, ""));
        let look = Look {
            region: "local".into(),
            at: at(begin),
            finished_at: at(end),
            verdict: Verdict {
                kind,
                failure,
                attribution: None,
                reason: None,
            },
            config_version: 1,
        };
        if twice {
            self.push(end + delay + 700, Event::Result(Box::new(look.clone())));
        }
        self.push(end + delay, Event::Result(Box::new(look)));
    }

    fn take_in(&mut self, look: &Look, now: i64) {
        let (vote, recheck) = advance(&self.vote, look, &ConfirmPolicy::default());
        if vote == self.vote {
            return;
        }
        self.vote = vote;
        if let Some(planned) = self.recheck.take() {
            self.queue.remove(&planned);
        }
        if let Some(when) = recheck {
            self.recheck = Some(self.push(milliseconds(when).max(now), Event::Recheck));
        }
    }

    /// When the outage was announced.
    fn run(case: &'c Case) -> Option<i64> {
        let vote = RegionVote {
            verdict: Some(VerdictKind::Up),
            ..RegionVote::none("local")
        };
        let queue = BTreeMap::new();
        let mut simulation = Self {
            case,
            queue,
            vote,
            recheck: None,
            made: 0,
            looks: 0,
        };
        simulation.push(case.phase, Event::Slot(0));
        let end = case.outage.1 + 3 * case.interval + 60_000;
        while let Some(((now, _), event)) = simulation.queue.pop_first() {
            if now > end {
                return None;
            }
            match event {
                Event::Slot(slot) => {
                    simulation.look(now);
                    simulation.push(
                        case.phase + (slot + 1) * case.interval,
                        Event::Slot(slot + 1),
                    );
                }
                Event::Recheck => {
                    simulation.recheck = None;
                    simulation.look(now);
                }
                Event::Result(look) => simulation.take_in(&look, now),
            }
            if simulation.vote.verdict == Some(VerdictKind::Down) {
                return Some(now);
            }
        }
        None
    }
}

fn case(
    length: impl Fn(i64, i64) -> std::ops::Range<i64> + Clone,
    overlap_fails: bool,
) -> impl Strategy<Value = Case> {
    let shape = (
        prop::sample::select(vec![10_000_i64, 30_000, 60_000]),
        500..10_000_i64,
        0..60_000_i64,
    );
    let chance = (
        any::<bool>(),
        1..2_500_i64,
        0..400_i64,
        0..300_i64,
        any::<bool>(),
    );
    (shape, prop::collection::vec(chance, 8..24)).prop_flat_map(
        move |((interval, timeout, from), chances)| {
            let timeout = timeout.min(interval / 2);
            let from = 100_000 + from;
            (length(interval, timeout), 0..interval).prop_map(move |(lasts, phase)| Case {
                interval,
                timeout,
                phase,
                outage: (from, from + lasts),
                chances: chances.clone(),
                overlap_fails,
            })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_shorter_than_six_seconds_is_never_announced(case in case(|_, _| 1..6_000, true)) {
        prop_assert_eq!(Simulation::run(&case), None);
    }

    #[test]
    fn what_is_longer_than_the_promise_always_is(
        case in case(|interval, timeout| {
            let promised = interval + 10_000 + 2 * timeout;
            promised..promised + 120_000
        }, false)
    ) {
        let announced = Simulation::run(&case);
        prop_assert!(announced.is_some_and(|when| when <= case.outage.1 + 1_000), "{announced:?}");
    }
}

#[test]
fn failures_that_answer_at_once_are_sure_within_ten_seconds() {
    let case = Case {
        interval: 60_000,
        timeout: 10_000,
        phase: 0,
        outage: (119_000, 600_000),
        chances: vec![(false, 50, 0, 5, false)],
        overlap_fails: false,
    };
    let announced = Simulation::run(&case).unwrap();
    assert!((126_000..=126_200).contains(&announced), "{announced}");
}
