use proptest::prelude::*;

use super::*;
use crate::alert::Step;
use crate::ids::ContactId;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn steps(delays: &[u32]) -> Recipients {
    let step = |delay: &u32| Step {
        delay_seconds: *delay,
        contact_ids: vec![ContactId::generate()],
        ..Step::default()
    };
    Recipients::Steps(delays.iter().map(step).collect())
}

const fn facts(reaches: &dyn Fn(usize, Timestamp) -> Reached) -> Facts<'_> {
    Facts {
        is_waiting: true,
        maintenance_until: None,
        reaches,
    }
}

const fn somebody(is_reached: bool) -> Reached {
    if is_reached {
        Reached::Somebody
    } else {
        Reached::Nobody
    }
}

/// Wakes it whenever it wants to be until it is over: what was told, with the round, the step and when.
fn run(mut escalation: Escalation, facts: &Facts<'_>) -> Vec<(u32, usize, i64)> {
    let mut told = Vec::new();
    let mut now = escalation.since;
    for _ in 0..1_000 {
        let step = advance(&escalation, facts, now);
        for effect in step.effects {
            match effect {
                Effect::Tell(cursor) => told.push((cursor.round, cursor.step, now.as_second())),
                Effect::Remind(number) => {
                    told.push((number, usize::MAX, now.as_second()));
                }
                Effect::Later(_) => {}
            }
        }
        escalation = step.escalation;
        let again = advance(&escalation, facts, now);
        assert_eq!((again.effects, again.next_at), (Vec::new(), step.next_at));
        let Some(next) = step.next_at else {
            return told;
        };
        assert!(next > now);
        now = next;
    }
    panic!("it does not end");
}

fn begun(delays: &[u32], repeat: u32) -> Escalation {
    Escalation::begin(steps(delays), (repeat, None), at(0))
}

#[test]
fn steps_are_told_in_order_each_after_its_wait() {
    let all = |_, _| Reached::Somebody;
    assert_eq!(
        run(begun(&[30, 180, 0, 600], 0), &facts(&all)),
        [(0, 0, 30), (0, 1, 210), (0, 2, 210), (0, 3, 810)]
    );
    assert_eq!(run(begun(&[0], 0), &facts(&all)), [(0, 0, 0)]);
    assert_eq!(run(begun(&[], 3), &facts(&all)), []);
}

#[test]
fn rounds_have_a_wait_between_them() {
    let all = |_, _| Reached::Somebody;
    assert_eq!(
        run(begun(&[0, 60], 2), &facts(&all)),
        [
            (0, 0, 0),
            (0, 1, 60),
            (1, 0, 360),
            (1, 1, 420),
            (2, 0, 720),
            (2, 1, 780)
        ]
    );
    assert_eq!(
        run(begun(&[900], 1), &facts(&all)),
        [(0, 0, 900), (1, 0, 1800)]
    );
}

#[test]
fn a_step_that_reaches_nobody_is_passed_over_without_its_wait() {
    let not =
        |steps: &'static [usize]| move |step: usize, _: Timestamp| somebody(!steps.contains(&step));
    assert_eq!(
        run(begun(&[30, 180, 600], 0), &facts(&not(&[0]))),
        [(0, 1, 30), (0, 2, 630)]
    );
    assert_eq!(
        run(begun(&[0, 180, 600], 1), &facts(&not(&[1]))),
        [(0, 0, 0), (0, 2, 600), (1, 0, 900), (1, 2, 1500)]
    );
    assert_eq!(run(begun(&[0, 180], 2), &facts(&not(&[0, 1]))), []);
}

#[test]
fn whoever_can_be_reached_by_then_is_told() {
    // The last contact is proven a minute after the outage.
    let later = |step: usize, when: Timestamp| somebody(step == 0 || when >= at(60));
    assert_eq!(
        run(begun(&[0, 120], 0), &facts(&later)),
        [(0, 0, 0), (0, 1, 120)]
    );
    // The middle one becomes reachable while the third, with a longer wait, was to be told in its place.
    let mut escalation = begun(&[0, 120, 300], 0);
    let (without, with) = (
        |step: usize, _: Timestamp| somebody(step != 1),
        |_, _| Reached::Somebody,
    );
    let first = advance(&escalation, &facts(&without), at(0));
    assert_eq!(first.next_at, Some(at(300)));
    escalation = first.escalation;
    let then = advance(&escalation, &facts(&with), at(300));
    assert_eq!(then.effects, [Effect::Tell(Cursor { round: 0, step: 1 })]);
    assert_eq!(then.next_at, Some(at(600)));
}

/// A contact whose quiet hours end then.
fn until(end: i64) -> impl Fn(Timestamp) -> Reached {
    move |when| match when < at(end) {
        true => Reached::Later(at(end)),
        false => Reached::Somebody,
    }
}

#[test]
fn a_step_in_quiet_hours_is_passed_over_while_another_reaches_somebody() {
    let quiet = |steps: &'static [usize], end| {
        move |step: usize, when: Timestamp| match steps.contains(&step) {
            true => until(end)(when),
            false => Reached::Somebody,
        }
    };
    assert_eq!(
        run(begun(&[30, 180, 600], 0), &facts(&quiet(&[0], 9_000))),
        [(0, 1, 30), (0, 2, 630)]
    );
    assert_eq!(
        run(begun(&[0, 180, 600], 0), &facts(&quiet(&[1], 9_000))),
        [(0, 0, 0), (0, 2, 600)]
    );
    // Nobody else is left: the last one is told, and its messages wait.
    assert_eq!(
        run(begun(&[0, 180], 0), &facts(&quiet(&[1], 9_000))),
        [(0, 0, 0), (0, 1, 180)]
    );
    assert_eq!(
        run(begun(&[0, 180], 0), &facts(&quiet(&[0, 1], 9_000))),
        [(0, 0, 0), (0, 1, 180)]
    );
    // The other one would be told after the quiet hours are over: no reason to wait for it.
    assert_eq!(
        run(begun(&[0, 180, 600], 0), &facts(&quiet(&[1], 400))),
        [(0, 0, 0), (0, 1, 180), (0, 2, 780)]
    );
    // A round to come reaches the first one again, and nobody is forgotten in the last.
    assert_eq!(
        run(begun(&[0, 600], 1), &facts(&quiet(&[1], 9_000))),
        [(0, 0, 0), (1, 0, 300), (1, 1, 900)]
    );
}

#[test]
fn who_is_passed_over_hears_of_it_at_the_end_of_their_quiet_hours() {
    let cursor = |step| Cursor { round: 0, step };
    let quiet = |steps: &'static [usize]| {
        move |step: usize, when: Timestamp| match steps.contains(&step) {
            true => until(9_000)(when),
            false => Reached::Somebody,
        }
    };
    // The middle one sleeps, the last one is told in its place.
    let first = advance(&begun(&[0, 60, 60], 0), &facts(&quiet(&[1])), at(0));
    assert_eq!(first.effects, [Effect::Tell(cursor(0))]);
    let then = advance(&first.escalation, &facts(&quiet(&[1])), at(60));
    let later = [Effect::Later(cursor(1)), Effect::Tell(cursor(2))];
    assert_eq!(then.effects, later);
    // The same when it goes on before its time.
    let early = go_on(&first.escalation, &facts(&quiet(&[1])), at(5));
    assert_eq!(early.effects, later);
    // Nobody else is left: it is told, and its messages wait by themselves.
    let last = advance(&begun(&[0], 0), &facts(&quiet(&[0])), at(0));
    assert_eq!(last.effects, [Effect::Tell(cursor(0))]);
}

#[test]
fn a_person_who_passes_it_on_is_held_by_nothing() {
    let cursor = |step| Effect::Tell(Cursor { round: 0, step });
    let all = |_, _| Reached::Somebody;
    let mut first = advance(&begun(&[0, 300, 300], 0), &facts(&all), at(0)).escalation;
    first.snoozed_until = Some(at(9_000));
    assert!(go_on(&first, &facts(&all), at(10)).effects.is_empty());
    let passed = pass_on(&first, &facts(&all), at(10));
    assert_eq!(passed.effects, [cursor(1)]);
    assert_eq!(passed.escalation.snoozed_until, None);
    assert_eq!(passed.next_at, Some(at(310)));
    let waits = Facts {
        maintenance_until: Some(at(1_000)),
        ..facts(&all)
    };
    let passed = pass_on(&first, &waits, at(10));
    assert_eq!(
        (passed.effects, passed.next_at),
        (vec![cursor(1)], Some(at(1_000)))
    );
    // Only sleepers are left of the round, though a further one begins with somebody who does not sleep.
    let asleep = |step: usize, when: Timestamp| match step {
        0 => Reached::Somebody,
        _ => until(9_000)(when),
    };
    let first = advance(&begun(&[0, 300, 300], 1), &facts(&asleep), at(0)).escalation;
    assert!(go_on(&first, &facts(&asleep), at(10)).effects.is_empty());
    assert_eq!(
        pass_on(&first, &facts(&asleep), at(10)).effects,
        [cursor(1)]
    );
    // Of two that are left, the one who does not sleep.
    let one = |step: usize, when: Timestamp| match step {
        1 => until(9_000)(when),
        _ => Reached::Somebody,
    };
    let first = advance(&begun(&[0, 300, 300], 0), &facts(&one), at(0)).escalation;
    assert_eq!(
        pass_on(&first, &facts(&one), at(10)).effects.last(),
        Some(&cursor(2))
    );
    // Nobody is left, or somebody has it: the snooze stays, and nothing is told.
    let mut last = advance(&begun(&[0], 0), &facts(&all), at(0)).escalation;
    last.snoozed_until = Some(at(9_000));
    let passed = pass_on(&last, &facts(&all), at(10));
    assert_eq!(
        (passed.effects.len(), passed.escalation.snoozed_until),
        (0, Some(at(9_000)))
    );
    let taken = Facts {
        is_waiting: false,
        ..facts(&all)
    };
    assert!(pass_on(&first, &taken, at(10)).effects.is_empty());
}

#[test]
fn somebody_who_has_it_ends_it_and_so_does_its_end() {
    let all = |_, _| Reached::Somebody;
    let first = advance(&begun(&[0, 60], 3), &facts(&all), at(0));
    let taken = Facts {
        is_waiting: false,
        ..facts(&all)
    };
    let then = advance(&first.escalation, &taken, at(60));
    assert_eq!((then.effects.len(), then.next_at), (0, None));
    assert_eq!(
        advance(&then.escalation, &facts(&all), at(99)).next_at,
        None
    );
    assert!(go_on(&first.escalation, &taken, at(5)).effects.is_empty());
}

#[test]
fn a_snooze_and_maintenance_delay() {
    let all = |_, _| Reached::Somebody;
    let mut escalation = advance(&begun(&[0, 60, 60], 0), &facts(&all), at(0)).escalation;
    escalation.snoozed_until = Some(at(900));
    let coming = escalation.coming(&facts(&all), at(10)).unwrap();
    assert_eq!((coming.cursor.step, coming.at), (1, at(900)));
    let waits = Facts {
        maintenance_until: Some(at(1_000)),
        ..facts(&all)
    };
    let held = advance(&escalation, &waits, at(60));
    assert_eq!((held.effects.len(), held.next_at), (0, Some(at(1_000))));
    assert!(go_on(&escalation, &facts(&all), at(60)).effects.is_empty());
    let over = advance(&held.escalation, &facts(&all), at(1_000));
    assert_eq!(over.effects, [Effect::Tell(Cursor { round: 0, step: 1 })]);
    assert_eq!(over.next_at, Some(at(1_060)));
}

#[test]
fn going_on_early_moves_the_rest_forward() {
    let all = |_, _| Reached::Somebody;
    let first = advance(&begun(&[0, 300, 0, 600], 1), &facts(&all), at(0)).escalation;
    let early = go_on(&first, &facts(&all), at(40));
    let cursor = |step| Effect::Tell(Cursor { round: 0, step });
    assert_eq!(early.effects, [cursor(1), cursor(2)]);
    assert_eq!(early.next_at, Some(at(640)));
    // Nobody is after the last one; the next round comes at its time.
    let last = go_on(&early.escalation, &facts(&all), at(50));
    assert_eq!(
        (last.effects, last.next_at),
        (vec![cursor(3)], Some(at(350)))
    );
    let none = go_on(&last.escalation, &facts(&all), at(60));
    assert_eq!((none.effects, none.next_at), (Vec::new(), Some(at(350))));
}

#[test]
fn reminders_come_at_their_time_and_end() {
    let all = |_, _| Reached::Somebody;
    let escalation = Escalation::begin(steps(&[0]), (0, Some(300)), at(0));
    let told = run(escalation.clone(), &facts(&all));
    assert_eq!(told.len(), 1 + 24);
    assert_eq!(told[1], (1, usize::MAX, 300));
    assert_eq!(told[24], (24, usize::MAX, 7_200));
    // Who was late reminds once.
    let late = advance(&escalation, &facts(&all), at(5_000));
    assert_eq!(late.effects.len(), 2);
    assert_eq!(late.next_at, Some(at(5_300)));
}

proptest! {
    #[test]
    fn no_step_is_lost_or_doubled_and_order_is_kept(
        delays in prop::collection::vec(0u32..2_000, 1..8), repeat in 0u32..5, deaf in any::<u8>(), late in 0i64..400,
    ) {
        let reaches = |step: usize, _: Timestamp| somebody(deaf & (1 << step) == 0);
        let facts = facts(&reaches);
        let told = run(begun(&delays, repeat), &facts);
        let expected: Vec<(u32, usize)> = (0..=repeat)
            .flat_map(|round| (0..delays.len()).map(move |step| (round, step)))
            .filter(|(_, step)| reaches(*step, at(0)) == Reached::Somebody)
            .collect();
        prop_assert_eq!(told.iter().map(|(round, step, _)| (*round, *step)).collect::<Vec<_>>(), expected.clone());
        prop_assert!(told.windows(2).all(|two| two[0].2 <= two[1].2));
        // Whoever wakes it late tells the same, and never two rounds at once.
        let (mut escalation, mut now, mut again) = (begun(&delays, repeat), at(0), Vec::new());
        loop {
            let step = advance(&escalation, &facts, now);
            let rounds: Vec<u32> = step.effects.iter().filter_map(|one| match one {
                Effect::Tell(cursor) => Some(cursor.round),
                Effect::Later(_) | Effect::Remind(_) => None,
            }).collect();
            prop_assert!(rounds.windows(2).all(|two| two[0] == two[1]));
            again.extend(step.effects.iter().filter_map(|one| match one {
                Effect::Tell(cursor) => Some((cursor.round, cursor.step)),
                Effect::Later(_) | Effect::Remind(_) => None,
            }));
            escalation = step.escalation;
            match step.next_at {
                Some(next) => now = next + SignedDuration::from_secs(late),
                None => break,
            }
        }
        prop_assert_eq!(again, expected);
    }

    #[test]
    fn going_on_early_loses_and_doubles_nothing(
        delays in prop::collection::vec(0u32..2_000, 1..8), repeat in 0u32..3, early in prop::collection::vec(any::<bool>(), 1..60),
    ) {
        let reaches = |_: usize, _: Timestamp| Reached::Somebody;
        let facts = facts(&reaches);
        let (mut escalation, mut now, mut told) = (begun(&delays, repeat), at(0), Vec::new());
        let mut presses = early.into_iter();
        loop {
            let hurried = presses.next().unwrap_or(false);
            let step = if hurried { go_on(&escalation, &facts, now) } else { advance(&escalation, &facts, now) };
            told.extend(step.effects.iter().filter_map(|one| match one {
                Effect::Tell(cursor) => Some((cursor.round, cursor.step)),
                Effect::Later(_) | Effect::Remind(_) => None,
            }));
            escalation = step.escalation;
            match step.next_at {
                Some(next) if !hurried => now = next,
                Some(_) => now += SignedDuration::from_secs(1),
                None => break,
            }
        }
        let expected: Vec<(u32, usize)> = (0..=repeat)
            .flat_map(|round| (0..delays.len()).map(move |step| (round, step)))
            .collect();
        prop_assert_eq!(told, expected);
    }

    #[test]
    fn quiet_hours_keep_nobody_from_being_told(
        delays in prop::collection::vec(0u32..2_000, 1..6), repeat in 0u32..3,
        ends in prop::collection::vec(0i64..9_000, 6), deaf in any::<u8>(),
    ) {
        let reaches = |step: usize, when: Timestamp| match deaf & (1 << step) == 0 {
            true => until(ends[step])(when),
            false => Reached::Nobody,
        };
        let told = run(begun(&delays, repeat), &facts(&reaches));
        prop_assert!(told.windows(2).all(|two| (two[0].0, two[0].1) < (two[1].0, two[1].1) && two[0].2 <= two[1].2));
        let can_hear = (0..delays.len()).filter(|step| deaf & (1 << step) == 0);
        // Somebody hears of it as soon as anybody could, or after the waits of the policy.
        let heard = told.iter().map(|(_, step, when)| (*when).max(ends[*step])).min();
        let first = can_hear.map(|step| ends[step]).min();
        prop_assert_eq!(heard.is_some(), first.is_some());
        if let (Some(heard), Some(first)) = (heard, first) {
            let waits: i64 = delays.iter().map(|delay| i64::from(*delay)).sum::<i64>() + 300;
            let wait = waits * i64::from(repeat + 1);
            prop_assert!(heard <= first + wait, "heard {heard}, first {first}");
        }
    }
}
