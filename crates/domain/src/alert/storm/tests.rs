use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn at(clock: &str) -> Timestamp {
    format!("2026-11-22T{clock}Z").parse().unwrap()
}

fn sent(clocks: &[&str]) -> Vec<Timestamp> {
    clocks.iter().map(|clock| at(clock)).collect()
}

const FIVE: [&str; 5] = ["13:02:11", "13:02:11", "13:02:12", "13:02:12", "13:02:13"];

#[rstest]
#[case::nothing_before("13:02:14", &[], false, "13:02:14", Pace::Alone)]
#[case::the_fifth("13:02:14", &FIVE[..4], false, "13:02:14", Pace::Alone)]
#[case::the_sixth("13:02:14", &FIVE, false, "13:02:14", Pace::Wait { until: at("13:03:00") })]
#[case::at_the_minute("13:02:14", &FIVE, false, "13:03:00", Pace::Together)]
#[case::late("13:02:14", &FIVE, false, "13:03:07", Pace::Together)]
#[case::once_a_minute("13:02:59", &["13:02:11", "13:02:11", "13:02:12", "13:02:12", "13:03:00"], false, "13:03:01", Pace::Wait { until: at("13:04:00") })]
#[case::due_at_the_minute("13:03:00", &FIVE, false, "13:03:00", Pace::Together)]
#[case::ten_minutes_later("13:12:12", &FIVE, false, "13:12:12", Pace::Alone)]
#[case::of_a_storm("13:20:05", &[], true, "13:20:05", Pace::Wait { until: at("13:21:00") })]
#[case::of_a_storm_at_the_minute("13:20:05", &[], true, "13:21:00", Pace::Together)]
fn paces(
    #[case] due: &str,
    #[case] before: &[&str],
    #[case] in_group: bool,
    #[case] now: &str,
    #[case] expected: Pace,
) {
    let (due, now) = ((at(due), in_group), at(now));
    assert_eq!(pace(Channel::Email, due, &sent(before), now), expected);
    // A telephone rings once.
    let rings = match before.len() {
        0 => expected,
        _ => pace(Channel::Voice, (due.0, true), &sent(before), now),
    };
    let called = pace(Channel::Voice, due, &sent(before), now);
    let quiet = sent(before)
        .iter()
        .all(|at| now.duration_since(*at) >= WINDOW);
    assert_eq!(called, if quiet { expected } else { rings });
}

proptest! {
    /// However they come: none waits two minutes, a contact gets five at once and then one a minute.
    #[test]
    fn nobody_is_flooded_and_nothing_waits_long(mut due in prop::collection::vec(0_i64..1_800, 1..300)) {
        due.sort_unstable();
        let start = at("13:00:00");
        let mut waiting: Vec<(Timestamp, Timestamp)> = due
            .into_iter()
            .map(|second| (start + SignedDuration::from_secs(second), start + SignedDuration::from_secs(second)))
            .collect();
        let mut gone: Vec<Timestamp> = Vec::new();
        while !waiting.is_empty() {
            waiting.sort_by_key(|(_, next)| *next);
            let (due_at, now) = waiting.remove(0);
            match pace(Channel::Email, (due_at, false), &gone, now) {
                Pace::Alone => gone.push(now),
                Pace::Together => {
                    prop_assert!(now.duration_since(due_at) < SignedDuration::from_mins(2));
                    waiting.retain(|(due_at, _)| *due_at > now);
                    gone.push(now);
                }
                Pace::Wait { until } => {
                    prop_assert!(until > now);
                    waiting.push((due_at, until));
                }
            }
        }
        for (i, at) in gone.iter().enumerate() {
            let within = |span: SignedDuration| gone[i..].iter().filter(|other| other.duration_since(*at) < span).count();
            prop_assert!(within(WINDOW) <= ALONE + 10);
        }
    }

    #[test]
    fn what_is_shared_is_shared_by_half(keys in prop::collection::vec((0_u8..3, 0_u8..3, 0_u8..3), 1..30)) {
        let members: Vec<Member> = keys
            .iter()
            .map(|(address, host, cause)| Member {
                name: "m".into(),
                since: Timestamp::UNIX_EPOCH,
                until: None,
                cause: format!("cause {cause}"),
                host: format!("host {host}"),
                address: (*address > 0).then(|| format!("192.0.2.{address}")),
            })
            .collect();
        if let Some(found) = shared(&members) {
            let having = members.iter().filter(|member| match &found.what {
                What::Address(address) => member.address.as_ref() == Some(address),
                What::Host(host) => member.host == *host,
                What::Cause => member.cause == found.cause,
            });
            let having: Vec<&Member> = having.collect();
            prop_assert_eq!(having.len(), found.count);
            prop_assert!(found.count >= 2 && found.count * 2 >= members.len());
            prop_assert!(having.iter().any(|member| member.cause == found.cause));
        }
    }
}

#[test]
fn programs_get_every_event() {
    for program in [Channel::Webhook, Channel::PagerDuty, Channel::Opsgenie] {
        assert!(!may_share(program));
    }
    assert!(may_share(Channel::Email) && may_share(Channel::Sms) && may_share(Channel::Slack));
    for kind in [Kind::Down, Kind::Taken, Kind::Up, Kind::Notice] {
        assert!(
            kind.events()
                .iter()
                .all(|event| Kind::of(*event) == Some(kind))
        );
    }
}
