use super::*;
use crate::check::{FailureClass, Phase};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn vote(region: &str, verdict: VerdictKind) -> RegionVote {
    let bad = verdict == VerdictKind::Down;
    RegionVote {
        verdict: Some(verdict),
        failure: bad.then(|| Failure::new(FailureClass::ConnectRefused, Phase::Connect, "refused")),
        first_failure_at: bad.then(|| at(60)),
        confirmed_by: 3,
        looked_at: at(66),
        ..RegionVote::none(region)
    }
}

fn regions(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn up() -> MonitorState {
    MonitorState {
        observed: Observed::Up,
        ever_up: true,
        ..MonitorState::new(at(0))
    }
}

use VerdictKind::{Blocked, Degraded, Down, Unknown, Up};

#[test]
fn a_lone_region_opens_and_closes() {
    let opened = step(&up(), &[vote("a", Down)], &regions(&["a"]), at(67));
    assert_eq!(
        (opened.state.observed, opened.state.since),
        (Observed::Down, at(60))
    );
    assert!(
        matches!(opened.effects[0], Effect::Open { first_failure_at, looks: 3, .. } if first_failure_at == at(60))
    );
    let again = step(&opened.state, &[vote("a", Down)], &regions(&["a"]), at(120));
    assert_eq!(again.effects, []);
    let good = RegionVote {
        recovered_at: Some(at(180)),
        ..vote("a", Up)
    };
    let closed = step(&opened.state, &[good], &regions(&["a"]), at(186));
    assert_eq!(
        closed.effects[0],
        Effect::Close {
            recovered_at: at(180)
        }
    );
    assert_eq!(closed.state.since, at(180));
}

#[test]
fn down_needs_a_strict_majority() {
    let three = regions(&["a", "b", "c"]);
    let one = step(
        &up(),
        &[vote("a", Down), vote("b", Up), vote("c", Up)],
        &three,
        at(70),
    );
    assert_eq!(one.state.observed, Observed::Partial);
    assert!(
        !one.effects
            .iter()
            .any(|effect| matches!(effect, Effect::Open { .. }))
    );
    let two = step(
        &up(),
        &[vote("a", Down), vote("b", Down), vote("c", Up)],
        &three,
        at(70),
    );
    assert_eq!(two.state.observed, Observed::Down);
    let half = step(
        &up(),
        &[vote("a", Down), vote("b", Up)],
        &regions(&["a", "b"]),
        at(70),
    );
    assert_eq!(half.state.observed, Observed::Partial);
}

#[test]
fn the_silent_are_asked_before_anything_is_said() {
    let asked = step(
        &up(),
        &[vote("a", Down)],
        &regions(&["a", "b", "c"]),
        at(70),
    );
    assert_eq!(asked.state.observed, Observed::Up);
    assert_eq!(asked.effects, [Effect::AskRegions(regions(&["b", "c"]))]);
}

#[test]
fn our_blindness_neither_opens_nor_closes() {
    let blind = step(&up(), &[vote("a", Unknown)], &regions(&["a"]), at(70));
    assert_eq!(blind.state.observed, Observed::Unknown);
    let down = step(&up(), &[vote("a", Down)], &regions(&["a"]), at(70)).state;
    let still = step(&down, &[vote("a", Unknown)], &regions(&["a"]), at(80));
    assert_eq!(
        (still.state.observed, still.effects),
        (Observed::Down, vec![])
    );
}

#[test]
fn blocked_and_slow_are_not_down() {
    assert_eq!(
        step(&up(), &[vote("a", Blocked)], &regions(&["a"]), at(70))
            .state
            .observed,
        Observed::Blocked
    );
    assert_eq!(
        step(&up(), &[vote("a", Degraded)], &regions(&["a"]), at(70))
            .state
            .observed,
        Observed::Degraded
    );
}

#[test]
fn a_new_cause_is_noted_once() {
    let down = step(&up(), &[vote("a", Down)], &regions(&["a"]), at(70)).state;
    let mut other = vote("a", Down);
    other.failure =
        Some(Failure::new(FailureClass::HttpStatus, Phase::FirstByte, "502").with_detail("502"));
    let changed = step(&down, &[other.clone()], &regions(&["a"]), at(130));
    assert!(
        matches!(&changed.effects[..], [Effect::CauseChanged { failure, .. }] if failure.class == FailureClass::HttpStatus)
    );
    assert_eq!(
        step(&changed.state, &[other], &regions(&["a"]), at(190)).effects,
        []
    );
}

#[test]
fn after_a_manual_resolve_it_stays_quiet_until_up() {
    let quiet = MonitorState {
        quiet_until_up: true,
        observed: Observed::Unknown,
        ..up()
    };
    let down = step(&quiet, &[vote("a", Down)], &regions(&["a"]), at(70));
    assert!(
        !down
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::Open { .. }))
    );
    let up_again = step(&down.state, &[vote("a", Up)], &regions(&["a"]), at(130));
    assert!(!up_again.state.quiet_until_up);
}

#[test]
fn the_others_are_asked_as_soon_as_one_suspects_and_not_twice() {
    let suspects = |region: &str| RegionVote {
        candidate: Some(crate::status::Candidate {
            kind: Down,
            since: at(60),
            seen_at: at(60),
            looks: 1,
            last_at: at(60),
        }),
        looked_at: at(60),
        ..vote(region, Up)
    };
    let old = |region: &str| RegionVote {
        looked_at: at(5),
        ..vote(region, Up)
    };
    let voters = regions(&["a", "b", "c"]);
    let asked = step(&up(), &[suspects("a"), old("b")], &voters, at(60));
    assert_eq!(asked.effects, [Effect::AskRegions(regions(&["b", "c"]))]);
    assert_eq!(
        (asked.state.observed, asked.state.confirming),
        (Observed::Up, true)
    );
    let answered = [suspects("a"), vote("b", Up), suspects("c")];
    assert_eq!(step(&up(), &answered, &voters, at(66)).effects, []);
    let alone = step(&up(), &[suspects("a")], &regions(&["a"]), at(60));
    assert_eq!(alone.effects, []);
}
