//! The published promise, held against simulated timetables of one and of three regions: an outage
//! shorter than six seconds is never announced, one longer than interval + 10 s + 2 x time-out always
//! is, its beginning is right, and its end is found alike. Looks begin late, end late, and are recorded
//! out of order, twice, or not at all.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::check::{Failure, FailureClass, Phase, Verdict, VerdictKind};
use crate::monitor::settings::ConfirmPolicy;

/// What chance does to a look; times in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Chance {
    /// A failing one hangs until its time-out.
    hangs: bool,
    /// How long a good one takes.
    took: i64,
    /// How late it begins.
    late: i64,
    /// How late its result is recorded.
    delay: i64,
    /// And once more.
    twice: bool,
}

/// A monitor, an outage and what chance does to the looks. Times in milliseconds.
#[derive(Debug, Clone)]
struct Case {
    regions: usize,
    interval: i64,
    timeout: i64,
    phase: i64,
    outage: (i64, i64),
    chances: Vec<Chance>,
    /// The result of this failing look is never recorded: its worker was killed.
    lost: Option<usize>,
    /// Who gets the benefit of the doubt when a look and the outage only overlap.
    overlap_fails: bool,
}

impl Case {
    fn promised(&self) -> i64 {
        self.interval + 10_000 + 2 * self.timeout
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    Slot,
    Recheck,
    Vote,
}

enum Event {
    Slot(usize, i64),
    Recheck(usize),
    Vote(usize),
    Result(usize, Cause, Box<Look>),
}

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + milliseconds).unwrap()
}

fn milliseconds(at: Timestamp) -> i64 {
    at.as_millisecond() - 1_800_000_000_000
}

/// One region's worker: its vote, what it knows of the state, and the one recheck that it plans.
struct Worker {
    vote: RegionVote,
    settled: bool,
    recheck: Option<(i64, usize)>,
}

/// What was announced, and when.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Told {
    opened: Option<(i64, i64)>,
    closed: Option<(i64, i64)>,
}

struct Simulation<'c> {
    case: &'c Case,
    queue: BTreeMap<(i64, usize), Event>,
    workers: Vec<Worker>,
    voters: Vec<String>,
    state: MonitorState,
    made: usize,
    looks: usize,
    failing: usize,
    told: Told,
}

impl<'c> Simulation<'c> {
    fn push(&mut self, when: i64, event: Event) -> (i64, usize) {
        self.made += 1;
        self.queue.insert((when, self.made), event);
        (when, self.made)
    }

    /// A look begins: when it ends and what it says.
    fn look(&mut self, region: usize, cause: Cause, due: i64) {
        let chance = self.case.chances[self.looks % self.case.chances.len()];
        self.looks += 1;
        let Case {
            timeout,
            outage: (from, to),
            overlap_fails,
            ..
        } = *self.case;
        let begin = due + chance.late;
        let good_end = begin + chance.took.min(timeout);
        let inside = (from..to).contains(&begin);
        let meets = inside || (begin..=good_end).contains(&from);
        let bad_end = if chance.hangs {
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
            region: self.voters[region].clone(),
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
        self.failing += usize::from(fails);
        if fails && self.case.lost == Some(self.failing) {
            return;
        }
        if chance.twice {
            let again = Event::Result(region, cause, Box::new(look.clone()));
            self.push(end + chance.delay + 700, again);
        }
        self.push(
            end + chance.delay,
            Event::Result(region, cause, Box::new(look)),
        );
    }

    /// The record transaction, and what its worker learns from it.
    fn take_in(&mut self, region: usize, cause: Cause, look: &Look, now: i64) {
        let worker = &mut self.workers[region];
        if worker.settled && look.verdict.kind == VerdictKind::Up && cause == Cause::Slot {
            return;
        }
        let (vote, recheck) = advance(&worker.vote, look, &ConfirmPolicy::default());
        let counted = vote != worker.vote;
        worker.vote = vote;
        let votes: Vec<RegionVote> = self.workers.iter().map(|w| w.vote.clone()).collect();
        let Step { state, effects } = step(&self.state, &votes, &self.voters, at(now));
        self.state = state;
        let worker = &mut self.workers[region];
        worker.settled = self.state.observed == Observed::Up
            && !self.state.confirming
            && worker.vote.verdict == Some(VerdictKind::Up);
        if counted {
            if let Some(planned) = worker.recheck.take() {
                self.queue.remove(&planned);
            }
            if let Some(when) = recheck {
                let planned = self.push(milliseconds(when).max(now), Event::Recheck(region));
                self.workers[region].recheck = Some(planned);
            }
        }
        for effect in effects {
            self.follow(effect, now);
        }
    }

    fn follow(&mut self, effect: Effect, now: i64) {
        match effect {
            Effect::AskRegions(asked) => {
                for name in asked {
                    let region = self.voters.iter().position(|voter| *voter == name).unwrap();
                    // Requests are polled every second.
                    self.push(now + 1_000, Event::Vote(region));
                }
            }
            Effect::Open {
                first_failure_at, ..
            } => {
                assert_eq!(self.told.opened, None, "one outage is announced once");
                self.told.opened = Some((now, milliseconds(first_failure_at)));
            }
            Effect::Close { recovered_at } => {
                self.told.closed = Some((now, milliseconds(recovered_at)));
            }
            Effect::Changed { .. } | Effect::CauseChanged { .. } => {}
        }
    }

    fn run(case: &'c Case) -> Told {
        let voters: Vec<String> = (0..case.regions).map(|n| format!("r{n}")).collect();
        let worker = |name: &String| Worker {
            vote: RegionVote {
                verdict: Some(VerdictKind::Up),
                ..RegionVote::none(name.clone())
            },
            settled: true,
            recheck: None,
        };
        let mut simulation = Self {
            case,
            queue: BTreeMap::new(),
            workers: voters.iter().map(worker).collect(),
            voters,
            state: MonitorState {
                observed: Observed::Up,
                ever_up: true,
                ..MonitorState::new(at(0))
            },
            made: 0,
            looks: 0,
            failing: 0,
            told: Told::default(),
        };
        for region in 0..case.regions {
            let turn = case.interval * i64::try_from(region).unwrap()
                / i64::try_from(case.regions).unwrap();
            simulation.push((case.phase + turn) % case.interval, Event::Slot(region, 0));
        }
        let end = case.outage.1 + 3 * case.interval + 60_000;
        while let Some(((now, _), event)) = simulation.queue.pop_first() {
            if now > end {
                break;
            }
            match event {
                Event::Slot(region, slot) => {
                    simulation.look(region, Cause::Slot, now);
                    simulation.push(now + case.interval, Event::Slot(region, slot + 1));
                }
                Event::Recheck(region) => {
                    simulation.workers[region].recheck = None;
                    simulation.look(region, Cause::Recheck, now);
                }
                Event::Vote(region) => simulation.look(region, Cause::Vote, now),
                Event::Result(region, cause, look) => {
                    simulation.take_in(region, cause, &look, now);
                }
            }
        }
        simulation.told
    }
}

fn chance() -> impl Strategy<Value = Chance> {
    (
        any::<bool>(),
        1..2_500_i64,
        0..400_i64,
        0..300_i64,
        any::<bool>(),
    )
        .prop_map(|(hangs, took, late, delay, twice)| Chance {
            hangs,
            took,
            late,
            delay,
            twice,
        })
}

fn case(
    regions: usize,
    length: impl Fn(i64, i64) -> std::ops::Range<i64> + Clone,
    overlap_fails: bool,
) -> impl Strategy<Value = Case> {
    let shape = (
        prop::sample::select(vec![10_000_i64, 30_000, 60_000]),
        500..10_000_i64,
        0..60_000_i64,
        prop::option::weighted(0.3, 1..4_usize),
    );
    (shape, prop::collection::vec(chance(), 8..24)).prop_flat_map(
        move |((interval, timeout, from, lost), chances)| {
            let timeout = timeout.min(interval / 2);
            let from = 100_000 + from;
            (length(interval, timeout), 0..interval).prop_map(move |(lasts, phase)| Case {
                regions,
                interval,
                timeout,
                phase,
                outage: (from, from + lasts),
                chances: chances.clone(),
                lost,
                overlap_fails,
            })
        },
    )
}

/// Outages from just longer than promised to two minutes longer, or so much longer again where a
/// result is lost and the next slot must make up for it.
fn long(regions: usize) -> impl Strategy<Value = Case> {
    let length = |interval: i64, timeout: i64| {
        let promised = interval + 10_000 + 2 * timeout;
        promised..promised + 120_000
    };
    case(regions, length, false).prop_map(|mut case| {
        if case.lost.is_some() {
            case.outage.1 += case.promised();
        }
        case
    })
}

fn holds(case: &Case) -> Result<(), TestCaseError> {
    let told = Simulation::run(case);
    let (from, to) = case.outage;
    // Three hanging looks of 10 s each leave the promise no room for how late each begins and the last
    // is recorded.
    let lateness = 3 * 400 + 300;
    let slack = if case.lost.is_some() {
        case.promised() + lateness
    } else {
        lateness
    };
    let Some((opened, first_failure)) = told.opened else {
        return Err(TestCaseError::fail("never announced"));
    };
    prop_assert!(
        opened <= from + case.promised() + slack,
        "announced {} ms after it began",
        opened - from
    );
    let seen_within = case.interval + case.timeout + 2_000 + slack;
    prop_assert!(
        (from..=from + seen_within).contains(&first_failure),
        "{}",
        first_failure - from
    );
    prop_assert!(opened - first_failure >= 6_000);
    let Some((closed, recovered)) = told.closed else {
        return Err(TestCaseError::fail("its end was never announced"));
    };
    prop_assert!(
        closed <= to + case.promised() + lateness,
        "closed {} ms after its end",
        closed - to
    );
    prop_assert!(recovered <= closed - 6_000);
    // A look that began within the outage and ended after it is good.
    prop_assert!(
        recovered >= to - case.timeout,
        "recovered {} ms after its end",
        recovered - to
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_500))]

    #[test]
    fn what_is_shorter_than_six_seconds_is_never_announced(case in case(1, |_, _| 1..6_000, true)) {
        prop_assert_eq!(Simulation::run(&case), Told::default());
    }

    #[test]
    fn what_is_shorter_than_six_seconds_is_never_announced_by_three(case in case(3, |_, _| 1..6_000, true)) {
        prop_assert_eq!(Simulation::run(&case), Told::default());
    }

    #[test]
    fn what_is_longer_than_the_promise_always_is(case in long(1)) {
        holds(&case)?;
    }

    #[test]
    fn what_is_longer_than_the_promise_always_is_by_three(case in long(3)) {
        holds(&case)?;
    }
}

#[test]
fn failures_that_answer_at_once_are_sure_within_ten_seconds() {
    let instant = Chance {
        hangs: false,
        took: 50,
        late: 0,
        delay: 5,
        twice: false,
    };
    let mut case = Case {
        regions: 1,
        interval: 60_000,
        timeout: 10_000,
        phase: 0,
        outage: (119_000, 600_000),
        chances: vec![instant],
        lost: None,
        overlap_fails: false,
    };
    let (announced, _) = Simulation::run(&case).opened.unwrap();
    assert!((126_000..=126_200).contains(&announced), "{announced}");
    // Three regions take turns: the next look is never further away than a third of the interval.
    case.regions = 3;
    case.outage.0 = 120_100;
    let (announced, first_failure) = Simulation::run(&case).opened.unwrap();
    assert_eq!(first_failure, 140_000);
    assert!(announced <= first_failure + 8_000, "{announced}");
}
