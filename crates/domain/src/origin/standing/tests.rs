use rstest::rstest;

use super::*;
use crate::check::Phase;

fn at(hours: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + hours * 3_600).unwrap()
}

fn missing() -> Answer {
    Answer::Missing("It is not there.".to_owned())
}

fn silent() -> Answer {
    Answer::Silent("Nobody answers.".to_owned())
}

fn is_proven() -> Standing {
    proven(&Standing::new(at(0)), &Answer::Found(How::File), at(0))
}

fn bad(class: C, detail: &str) -> Looked {
    Looked::Bad(Failure::new(class, Phase::FirstByte, "it failed").with_detail(detail))
}

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn nothing_is_looked_at_before_its_proof() {
    let new = Standing::new(at(0));
    assert_eq!((new.prove_at, new.look_at), (at(0), None));
    for answer in [missing(), silent()] {
        let next = proven(&new, &answer, at(1));
        assert_eq!((next.state, next.look_at), (State::Unproven, None));
        assert_eq!((next.prove_at, next.asked_at), (at(25), Some(at(1))));
        assert!(next.why.is_some());
        assert_eq!(looked(&next, &Looked::Good, MINUTE, at(2)), (next, false));
    }
    let next = proven(&new, &Answer::Found(How::Dns), at(1));
    assert_eq!(
        (next.state, next.proven),
        (State::Proven, Some((at(1), How::Dns)))
    );
    assert_eq!((next.look_at, next.prove_at), (Some(at(1)), at(25)));
}

#[test]
fn a_proof_that_is_gone_is_lost_after_three_askings() {
    let mut standing = is_proven();
    for hour in 1..=2 {
        standing = proven(&standing, &missing(), at(hour));
        assert_eq!(
            (standing.state, standing.prove_at),
            (State::Proven, at(hour + 1))
        );
    }
    // It is back: the count begins anew.
    standing = proven(&standing, &Answer::Found(How::File), at(3));
    assert_eq!(standing.misses, 0);
    for hour in 4..=6 {
        assert_eq!(standing.state, State::Proven);
        standing = proven(&standing, &missing(), at(hour));
    }
    assert_eq!((standing.state, standing.look_at), (State::Lost, None));
    let again = proven(&standing, &Answer::Found(How::File), at(7));
    assert_eq!((again.state, again.look_at), (State::Proven, Some(at(7))));
}

#[test]
fn an_origin_that_is_down_keeps_its_proof_for_a_week() {
    let mut standing = is_proven();
    for hour in 1..7 * 24 {
        standing = proven(&standing, &silent(), at(hour));
        assert_eq!(standing.state, State::Proven, "{hour}");
    }
    assert_eq!(proven(&standing, &silent(), at(7 * 24)).state, State::Lost);
}

#[rstest]
#[case(10, 300)]
#[case(60, 300)]
#[case(120, 600)]
#[case(86_400, 432_000)]
fn an_origin_is_looked_at_less_often(#[case] interval: u64, #[case] wanted: u64) {
    let interval = Duration::from_secs(interval);
    assert_eq!(every(interval), Duration::from_secs(wanted));
    let (next, _) = looked(&is_proven(), &Looked::Good, interval, at(1));
    let wait = next.look_at.unwrap().duration_since(at(1));
    assert_eq!(wait.as_secs(), i64::try_from(wanted).unwrap());
}

#[rstest]
#[case(bad(C::HttpStatus, "502"), true)]
#[case(bad(C::ConnectRefused, ""), true)]
#[case(bad(C::HttpTimeout, "10 s"), true)]
// It is there and does not want strangers.
#[case(bad(C::HttpStatus, "403"), false)]
#[case(bad(C::BlockedByWaf, "Cloudflare"), false)]
#[case(bad(C::TlsClientCertRequired, ""), false)]
fn three_failing_looks_are_told_once(#[case] failing: Looked, #[case] is_told: bool) {
    let (mut standing, _) = looked(&is_proven(), &Looked::Good, MINUTE, at(1));
    let mut told = Vec::new();
    for hour in 2..8 {
        let (next, tell) = looked(&standing, &failing, MINUTE, at(hour));
        standing = next;
        if tell {
            told.push(hour);
            standing.told_at = Some(at(hour));
        }
    }
    assert_eq!(told, if is_told { vec![4] } else { vec![] });
    assert_eq!(standing.failing_since, Some(at(2)));
    let (well, _) = looked(&standing, &Looked::Good, MINUTE, at(9));
    assert_eq!((well.failing, well.told_at, well.failure), (0, None, None));
}

/// A firewall that lets nobody in but the CDN looks like an origin that is dead, and is none.
#[test]
fn an_origin_that_never_answered_us_is_not_called_dead() {
    let mut standing = is_proven();
    for hour in 1..9 {
        let (next, tell) = looked(&standing, &bad(C::ConnectTimeout, ""), MINUTE, at(hour));
        assert!(!tell);
        standing = next;
    }
    let (next, tell) = looked(&standing, &Looked::Nothing, MINUTE, at(9));
    assert_eq!((next.failing, tell), (8, false));
}
