//! The published promise, held against simulated timetables of one and of three regions: an outage
//! shorter than six seconds is never announced, one longer than interval + 10 s + 2 x time-out always
//! is, its beginning is right, and its end is found alike. Looks begin late, end late, and are recorded
//! out of order, twice, or not at all.

mod simulation;

use proptest::prelude::*;

use simulation::{Simulation, Told};

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
        500..60_000_i64,
        0..60_000_i64,
        prop::option::weighted(0.3, 1..4_usize),
    );
    (shape, prop::collection::vec(chance(), 8..24)).prop_flat_map(
        move |((interval, timeout, from, lost), chances)| {
            let timeout = timeout.min(interval - 500);
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
    let slack = if case.lost.is_some() {
        case.promised()
    } else {
        0
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
        closed <= to + case.promised(),
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
