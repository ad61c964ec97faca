use super::*;
use crate::check::{FailureClass, Phase};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn look(second: i64, kind: VerdictKind) -> Look {
    let failure =
        (!kind.is_good()).then(|| Failure::new(FailureClass::HttpStatus, Phase::FirstByte, "502"));
    Look {
        region: "local".into(),
        at: at(second),
        finished_at: at(second),
        verdict: Verdict {
            kind,
            failure,
            attribution: None,
            reason: None,
        },
        config_version: 1,
    }
}

fn run(looks: &[(i64, VerdictKind)]) -> (RegionVote, Rechecks) {
    let confirm = ConfirmPolicy::default();
    looks.iter().fold(
        (RegionVote::none("local"), Rechecks::none()),
        |(vote, _), (second, kind)| advance(&vote, &look(*second, *kind), &confirm),
    )
}

use VerdictKind::{Degraded, Down, Unknown, Up};

#[test]
fn a_first_good_look_is_believed() {
    let (vote, rechecks) = run(&[(0, Up)]);
    assert_eq!(vote.verdict, Some(Up));
    assert_eq!(rechecks.at, []);
}

#[test]
fn down_takes_three_looks_over_six_seconds() {
    let (vote, rechecks) = run(&[(0, Up), (60, Down)]);
    assert_eq!(vote.verdict, Some(Up));
    assert_eq!(rechecks.at, [at(63), at(66)]);
    let (vote, rechecks) = run(&[(0, Up), (60, Down), (63, Down)]);
    assert_eq!(vote.verdict, Some(Up));
    assert_eq!(rechecks.at, [at(66)]);
    let (vote, rechecks) = run(&[(0, Up), (60, Down), (63, Down), (66, Down)]);
    assert_eq!(
        (vote.verdict, vote.first_failure_at, vote.confirmed_by),
        (Some(Down), Some(at(60)), 3)
    );
    assert_eq!(rechecks.at, []);
}

#[test]
fn a_good_look_in_between_starts_over() {
    let (vote, _) = run(&[(0, Up), (60, Down), (63, Up), (120, Down), (123, Down)]);
    assert_eq!(vote.verdict, Some(Up));
    assert_eq!(
        vote.candidate.as_ref().map(|c| (c.since, c.looks)),
        Some((at(120), 2))
    );
    let (vote, _) = run(&[
        (0, Up),
        (60, Down),
        (63, Up),
        (120, Down),
        (123, Down),
        (126, Down),
    ]);
    assert_eq!(vote.first_failure_at, Some(at(120)));
}

#[test]
fn our_own_trouble_neither_confirms_nor_clears() {
    let (vote, _) = run(&[(0, Up), (60, Down), (63, Unknown), (66, Down)]);
    assert_eq!(vote.verdict, Some(Up));
    let (vote, _) = run(&[(0, Up), (60, Down), (63, Unknown), (66, Down), (69, Down)]);
    assert_eq!(vote.verdict, Some(Down));
}

#[test]
fn recovery_is_symmetric_and_slow_counts_as_good() {
    let outage = [(0, Up), (60, Down), (63, Down), (66, Down)];
    let with = |more: &[(i64, VerdictKind)]| run(&[&outage[..], more].concat()).0;
    assert_eq!(with(&[(120, Up), (123, Up)]).verdict, Some(Down));
    let vote = with(&[(120, Up), (123, Degraded), (126, Up)]);
    assert_eq!((vote.verdict, vote.recovered_at), (Some(Up), Some(at(120))));
    assert_eq!(
        with(&[(120, Up), (123, Down), (126, Up), (129, Up)]).verdict,
        Some(Down)
    );
}

#[test]
fn late_and_doubled_looks_change_nothing() {
    let (vote, _) = run(&[
        (0, Up),
        (60, Down),
        (60, Down),
        (60, Down),
        (57, Down),
        (63, Down),
    ]);
    assert_eq!(vote.candidate.map(|c| c.looks), Some(2));
}

#[test]
fn a_hanging_look_moves_the_next_one_behind_its_end() {
    let mut slow = look(60, Down);
    slow.finished_at = at(70);
    let (vote, rechecks) = advance(&run(&[(0, Up)]).0, &slow, &ConfirmPolicy::default());
    assert_eq!(rechecks.at, [at(70), at(76)]);
    // Neither does the third wait for the end of the second.
    let mut second = look(70, Down);
    second.finished_at = at(80);
    let (vote, rechecks) = advance(&vote, &second, &ConfirmPolicy::default());
    assert_eq!(rechecks.at, [at(80)]);
    assert_eq!(rechecks.less(&[at(76)]), [], "it is under way");
    let mut third = look(76, Down);
    third.finished_at = at(86);
    let (vote, rechecks) = advance(&vote, &third, &ConfirmPolicy::default());
    assert_eq!((vote.verdict, rechecks.at), (Some(Down), Vec::new()));
}

#[test]
fn rechecks_are_spread_over_the_time_the_policy_wants() {
    let confirm = ConfirmPolicy {
        rechecks: 4,
        over: Duration::from_secs(60),
    };
    let up = run(&[(0, Up)]).0;
    let (vote, rechecks) = advance(&up, &look(60, Down), &confirm);
    assert_eq!(rechecks.at, [at(75), at(90), at(105), at(120)]);
    let (vote, rechecks) = advance(&vote, &look(75, Down), &confirm);
    assert_eq!(rechecks.at, [at(90), at(105), at(120)]);
    // Our own trouble in between costs a look, and no more.
    let (_, rechecks) = advance(&vote, &look(90, Unknown), &confirm);
    assert_eq!(rechecks.at, [at(105), at(120), at(123)]);
}

#[test]
fn looks_under_way_take_the_place_of_the_next_but_an_early_one_never_of_the_last() {
    let (_, rechecks) = run(&[(0, Up), (60, Down)]);
    let left = |under_way: &[Timestamp]| rechecks.clone().less(under_way);
    assert_eq!(left(&[]), [at(63), at(66)]);
    assert_eq!(left(&[at(63)]), [at(66)]);
    assert_eq!(left(&[at(61), at(63), at(65)]), [at(66)]);
    assert_eq!(left(&[at(63), at(66)]), []);
    assert_eq!(left(&[at(66)]), [at(66)]);
    assert_eq!(Rechecks::none().less(&[at(63)]), []);
}

#[test]
fn no_rechecks_and_no_span_decide_at_once() {
    let confirm = ConfirmPolicy {
        rechecks: 0,
        over: Duration::ZERO,
    };
    let (vote, _) = advance(&run(&[(0, Up)]).0, &look(60, Down), &confirm);
    assert_eq!(vote.verdict, Some(Down));
}

fn span(from: i64, to: Option<i64>) -> BlindInterval {
    BlindInterval {
        started_at: at(from),
        ended_at: to.map(at),
    }
}

#[test]
fn what_was_believed_to_be_seen_while_blind_is_forgotten() {
    let (suspect, _) = run(&[(0, Up), (60, Down), (63, Down)]);
    assert_eq!(after_blind(suspect.clone(), &[]), suspect);
    assert_eq!(
        after_blind(suspect.clone(), &[span(10, Some(60))]),
        suspect,
        "it was over before"
    );
    assert_eq!(
        after_blind(suspect.clone(), &[span(64, Some(90))]),
        suspect,
        "it began after"
    );
    for blind in [span(60, Some(61)), span(10, Some(90)), span(10, None)] {
        let forgotten = after_blind(suspect.clone(), &[blind]);
        assert_eq!(
            (
                &forgotten.candidate,
                &forgotten.failure,
                forgotten.first_failure_at
            ),
            (&None, &None, None)
        );
        let confirm = ConfirmPolicy::default();
        let (next, rechecks) = advance(&forgotten, &look(90, Down), &confirm);
        assert_eq!(
            (next.first_failure_at, rechecks.at),
            (Some(at(90)), vec![at(93), at(96)])
        );
    }
}

#[test]
fn a_suspect_from_before_the_cut_is_confirmed_anew_and_keeps_its_beginning() {
    let (mut vote, _) = run(&[(0, Up), (60, Down), (63, Down)]);
    let blind = [span(62, Some(900))];
    let once = after_blind(vote.clone(), &blind);
    assert_eq!(
        once.candidate.as_ref().map(|c| (c.looks, c.since)),
        Some((1, at(60)))
    );
    for second in [905, 908] {
        assert_eq!(vote.verdict, Some(Up));
        // As it is done: before every look.
        let seen = after_blind(vote, &blind);
        vote = advance(&seen, &look(second, Down), &ConfirmPolicy::default()).0;
    }
    assert_eq!(
        (vote.verdict, vote.first_failure_at),
        (Some(Down), Some(at(60)))
    );
}

#[test]
fn a_recovery_seen_while_blind_is_confirmed_anew() {
    let (down, _) = run(&[
        (0, Up),
        (60, Down),
        (63, Down),
        (66, Down),
        (120, Up),
        (123, Up),
    ]);
    let held = after_blind(down, &[span(119, Some(200))]);
    assert_eq!(
        (held.verdict, &held.candidate, held.first_failure_at),
        (Some(Down), &None, Some(at(60)))
    );
}
