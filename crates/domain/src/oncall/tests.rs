use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::ids::{ContactId, UserId};

const ZONES: [&str; 7] = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/Sao_Paulo",
    "Africa/Casablanca",
    "UTC",
];

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn person(number: u128) -> Participant {
    Participant::Member(UserId::from_uuid(uuid::Uuid::from_u128(number)))
}

fn layer(people: &[u128], (count, unit): (u32, ShiftUnit), start: &str) -> Layer {
    Layer {
        participants: people.iter().copied().map(person).collect(),
        shift_unit: unit,
        shift_count: count,
        local_start: start.parse().unwrap(),
        times: None,
    }
}

fn schedule(timezone: &str, layers: Vec<Layer>) -> Schedule {
    Schedule {
        members: None,
        id: ScheduleId::generate(),
        name: "Night".into(),
        timezone: timezone.into(),
        layers,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
        version: 1,
    }
}

fn times(days: &[Day], from: &str, to: &str) -> Times {
    Times {
        days: days.to_vec(),
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
    }
}

fn stand_in(number: u128, from: &str, to: &str) -> Override {
    Override {
        id: OverrideId::generate(),
        participant: person(number),
        starts_at: at(from),
        ends_at: at(to),
        created_at: Timestamp::UNIX_EPOCH,
    }
}

/// Each shift as person, begin and end in the schedule's zone, and whether somebody stands in.
fn told(schedule: &Schedule, overrides: &[Override], from: &str, to: &str) -> Vec<String> {
    let zone = TimeZone::get(&schedule.timezone).unwrap();
    let local = |at: Timestamp| at.to_zoned(zone.clone()).strftime("%d %H:%M").to_string();
    shifts(schedule, overrides, at(from), at(to))
        .into_iter()
        .map(|shift| {
            let who = (1..10).find(|number| person(*number) == shift.who).unwrap();
            let mark = if shift.is_override() {
                " stands in"
            } else {
                ""
            };
            format!("{who}: {} to {}{mark}", local(shift.from), local(shift.to))
        })
        .collect()
}

#[test]
fn turns_of_a_week_go_round() {
    let night = schedule(
        "Europe/Berlin",
        vec![layer(&[1, 2, 3], (1, ShiftUnit::Week), "2026-11-02T09:00")],
    );
    assert_eq!(
        told(&night, &[], "2026-11-01T00:00:00Z", "2026-11-24T00:00:00Z"),
        [
            "1: 02 09:00 to 09 09:00",
            "2: 09 09:00 to 16 09:00",
            "3: 16 09:00 to 23 09:00",
            "1: 23 09:00 to 24 01:00",
        ]
    );
    // Before the start there is nobody, and at a handover the next one.
    for (moment, who) in [
        ("2026-11-02T07:59:59Z", None),
        ("2026-11-02T08:00:00Z", Some(1)),
        ("2026-11-09T07:59:59.999999999Z", Some(1)),
        ("2026-11-09T08:00:00Z", Some(2)),
    ] {
        assert_eq!(
            on_call(&night, &[], at(moment)),
            who.map(person),
            "{moment}"
        );
    }
}

#[rstest]
#[case::spring("Europe/Berlin", "09:00", "2026-03-27T08:00:00Z", [24, 23, 24])]
#[case::autumn("Europe/Berlin", "09:00", "2026-10-23T07:00:00Z", [24, 25, 24])]
#[case::new_york("America/New_York", "00:00", "2026-10-31T04:00:00Z", [24, 25, 24])]
#[case::no_change("Asia/Kathmandu", "00:00", "2026-10-24T18:15:00Z", [24, 24, 24])]
fn a_turn_of_a_day_is_as_long_as_its_day(
    #[case] zone: &str,
    #[case] time: &str,
    #[case] from: &str,
    #[case] hours: [i64; 3],
) {
    let start = format!("2026-01-01T{time}");
    let day = schedule(zone, vec![layer(&[1, 2], (1, ShiftUnit::Day), &start)]);
    let from = at(from);
    let found = shifts(&day, &[], from, from + SignedDuration::from_hours(24 * 5));
    let lengths: Vec<i64> = found
        .iter()
        .map(|shift| shift.to.duration_since(shift.from).as_hours())
        .take(3)
        .collect();
    assert_eq!(lengths, hours);
}

#[test]
fn half_an_hour_of_lord_howe() {
    let day = schedule(
        "Australia/Lord_Howe",
        vec![layer(&[1, 2], (1, ShiftUnit::Day), "2026-01-01T00:00")],
    );
    let minutes = |from: &str| {
        let found = shifts(
            &day,
            &[],
            at(from),
            at(from) + SignedDuration::from_hours(30),
        );
        found[0].to.duration_since(found[0].from).as_mins()
    };
    // Clocks go back half an hour on 5 April 2026, and forward on 4 October.
    assert_eq!(minutes("2026-04-04T13:00:00Z"), 24 * 60 + 30);
    assert_eq!(minutes("2026-10-03T13:30:00Z"), 24 * 60 - 30);
}

#[test]
fn a_handover_in_a_gap_is_just_after_it_and_of_two_the_first() {
    let night = schedule(
        "Europe/Berlin",
        vec![layer(&[1, 2], (1, ShiftUnit::Day), "2026-01-01T02:30")],
    );
    let handovers = |from: &str, to: &str| -> Vec<String> {
        let found = shifts(&night, &[], at(from), at(to));
        found[1..]
            .iter()
            .map(|shift| shift.from.to_string())
            .collect()
    };
    assert_eq!(
        handovers("2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z"),
        ["2026-03-29T01:00:00Z"]
    );
    assert_eq!(
        handovers("2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z"),
        ["2026-10-25T00:30:00Z"]
    );
}

#[test]
fn times_of_the_week_leave_gaps() {
    use Day::{Fr, Mo, Sa, Su, Th, Tu, We};
    let mut office = layer(&[1, 2], (1, ShiftUnit::Week), "2026-11-02T00:00");
    office.times = Some(vec![times(&[Mo, Tu, We, Th, Fr], "09:00", "17:00")]);
    let mut weekend = layer(&[3], (1, ShiftUnit::Week), "2026-11-02T00:00");
    weekend.times = Some(vec![
        times(&[Fr], "22:00", "06:00"),
        times(&[Sa, Su], "00:00", "00:00"),
    ]);
    let both = schedule("Europe/Berlin", vec![office, weekend]);
    let (from, to) = ("2026-11-04T23:00:00Z", "2026-11-09T09:00:00Z");
    assert_eq!(
        told(&both, &[], from, to),
        [
            "1: 05 09:00 to 05 17:00",
            "1: 06 09:00 to 06 17:00",
            "3: 06 22:00 to 09 00:00",
            "2: 09 09:00 to 09 10:00",
        ]
    );
    let found = shifts(&both, &[], at(from), at(to));
    let nobody: Vec<String> = gaps(&found, at(from), at(to))
        .into_iter()
        .map(|gap| format!("{} to {}", gap.from, gap.to))
        .collect();
    assert_eq!(
        nobody,
        [
            "2026-11-04T23:00:00Z to 2026-11-05T08:00:00Z",
            "2026-11-05T16:00:00Z to 2026-11-06T08:00:00Z",
            "2026-11-06T16:00:00Z to 2026-11-06T21:00:00Z",
            "2026-11-08T23:00:00Z to 2026-11-09T08:00:00Z",
        ]
    );
}

#[test]
fn a_later_layer_covers_an_earlier_and_an_override_all() {
    let mut high = layer(&[2], (1, ShiftUnit::Day), "2026-11-01T00:00");
    high.times = Some(vec![times(&[Day::Tu], "10:00", "12:00")]);
    let low = layer(&[1], (1, ShiftUnit::Day), "2026-11-01T00:00");
    let both = schedule("UTC", vec![low, high]);
    let mut overrides = vec![
        stand_in(3, "2026-11-03T11:00:00Z", "2026-11-03T14:00:00Z"),
        stand_in(4, "2026-11-03T13:00:00Z", "2026-11-03T15:00:00Z"),
    ];
    overrides[1].created_at = at("2026-11-01T00:00:00Z");
    let told = |overrides: &[Override]| {
        told(
            &both,
            overrides,
            "2026-11-03T00:00:00Z",
            "2026-11-04T00:00:00Z",
        )
    };
    assert_eq!(
        told(&[]),
        [
            "1: 03 00:00 to 03 10:00",
            "2: 03 10:00 to 03 12:00",
            "1: 03 12:00 to 04 00:00"
        ]
    );
    let with = [
        "1: 03 00:00 to 03 10:00",
        "2: 03 10:00 to 03 11:00",
        "3: 03 11:00 to 03 13:00 stands in",
        "4: 03 13:00 to 03 15:00 stands in",
        "1: 03 15:00 to 04 00:00",
    ];
    assert_eq!(told(&overrides), with);
    overrides.reverse();
    assert_eq!(told(&overrides), with, "in whatever order they are kept");
}

#[test]
fn who_is_on_call_until_when_and_who_is_next() {
    let mut office = layer(&[1, 2], (1, ShiftUnit::Week), "2026-11-02T00:00");
    office.times = Some(vec![times(&[Day::Mo, Day::Fr], "09:00", "17:00")]);
    let office = schedule("UTC", vec![office]);
    let alone = schedule(
        "UTC",
        vec![layer(&[1], (1, ShiftUnit::Day), "2026-11-02T00:00")],
    );
    let said = |schedule: &Schedule, overrides: &[Override], moment: &str| {
        let now = now(schedule, overrides, at(moment));
        let until = now.until.map(|until| until.to_string());
        let next = now.next.map(|next| (next.who, next.from.to_string()));
        (now.who, until, next)
    };
    let when = |text: &str| Some(text.to_owned());
    assert_eq!(
        said(&office, &[], "2026-11-06T10:00:00Z"),
        (
            Some(person(1)),
            when("2026-11-06T17:00:00Z"),
            Some((person(2), "2026-11-09T09:00:00Z".to_owned()))
        )
    );
    assert_eq!(
        said(&office, &[], "2026-11-07T10:00:00Z"),
        (
            None,
            when("2026-11-09T09:00:00Z"),
            Some((person(2), "2026-11-09T09:00:00Z".to_owned()))
        )
    );
    assert_eq!(
        said(&alone, &[], "2026-11-07T10:00:00Z"),
        (Some(person(1)), None, None)
    );
    let lunch = [stand_in(2, "2026-11-07T10:00:00Z", "2026-11-07T11:00:00Z")];
    assert!(now(&alone, &lunch, lunch[0].starts_at).is_override);
    assert_eq!(
        said(&alone, &lunch, "2026-11-07T10:30:00Z").1,
        when("2026-11-07T11:00:00Z")
    );
}

#[test]
fn turns_are_kept_apart_for_a_calendar() {
    let alone = schedule(
        "UTC",
        vec![layer(&[1], (1, ShiftUnit::Day), "2026-11-01T09:00")],
    );
    let rota = Rota::new(&alone, &[]);
    let (from, to) = (at("2026-11-01T00:00:00Z"), at("2026-11-04T00:00:00Z"));
    assert_eq!(rota.shifts(from, to).len(), 1);
    let turns = rota.turns(from, to);
    assert_eq!(turns.len(), 3);
    assert!(
        turns
            .iter()
            .all(|turn| turn.to.duration_since(turn.from) <= rota.longest_turn())
    );
}

#[test]
fn who_is_gone_leaves_their_layers() {
    let mut two = schedule(
        "UTC",
        vec![
            layer(&[1, 2, 1], (1, ShiftUnit::Day), "2026-11-01T09:00"),
            layer(&[1], (1, ShiftUnit::Day), "2026-11-01T09:00"),
        ],
    );
    assert!(!two.forget(person(3)));
    assert!(two.forget(person(1)));
    assert_eq!(two.layers.len(), 1);
    assert_eq!(two.layers[0].participants, [person(2)]);
    assert!(two.forget(person(2)));
    assert_eq!(on_call(&two, &[], at("2026-11-02T09:00:00Z")), None);
}

#[test]
fn a_schedule_is_read_as_it_was_written() {
    let mut one = layer(&[1], (2, ShiftUnit::Week), "2026-11-02T09:00");
    one.participants
        .push(Participant::Contact(ContactId::generate()));
    one.times = Some(vec![times(&[Day::Mo], "09:00", "17:30")]);
    let text = serde_json::to_value(&one).unwrap();
    assert_eq!(
        text["times"],
        serde_json::json!([{"days": ["MO"], "from": "09:00", "to": "17:30"}])
    );
    assert_eq!(serde_json::from_value::<Layer>(text).unwrap(), one);
    for wrong in ["9:00", "09:00:30", "24:00", "noon"] {
        let text = serde_json::json!({"days": ["MO"], "from": wrong, "to": "10:00"});
        assert!(serde_json::from_value::<Times>(text).is_err(), "{wrong}");
    }
    assert!(
        "mon_01kaq3v6zjfvcrmb3b5w9b7t2e"
            .parse::<Participant>()
            .is_err()
    );
}

#[test]
fn what_is_wrong_is_named() {
    let now = at("2026-11-22T13:00:00Z");
    let good = layer(&[1], (1, ShiftUnit::Week), "2026-11-02T09:00");
    let pointers = |schedule: &Schedule| -> Vec<String> {
        let errors = schedule.validate(now);
        errors.into_iter().map(|error| error.pointer).collect()
    };
    assert!(pointers(&schedule("Europe/Berlin", vec![good.clone()])).is_empty());
    let mut wrong = schedule("Mars", Vec::new());
    wrong.name = String::new();
    assert_eq!(pointers(&wrong), ["/name", "/timezone", "/layers"]);
    let mut bad = good.clone();
    bad.participants.clear();
    bad.shift_count = 27;
    bad.local_start = "1999-01-01T09:00:30".parse().unwrap();
    bad.times = Some(vec![
        times(&[], "09:00", "10:00"),
        times(&[Day::Mo, Day::Mo], "09:00", "10:00"),
    ]);
    assert_eq!(
        pointers(&schedule("UTC", vec![good.clone(), bad])),
        [
            "/layers/1/participants",
            "/layers/1/shift_count",
            "/layers/1/local_start",
            "/layers/1/local_start",
            "/layers/1/times/0/days",
            "/layers/1/times/1/days/1",
        ]
    );
    let mut empty = good;
    empty.times = Some(Vec::new());
    assert_eq!(pointers(&schedule("UTC", vec![empty])), ["/layers/0/times"]);

    let pointer = |from, to| {
        stand_in(1, from, to)
            .validate(now)
            .pop()
            .map(|error| error.pointer)
    };
    assert_eq!(
        pointer("2026-11-22T10:00:00Z", "2026-11-22T14:00:00Z"),
        None
    );
    for (from, to, field) in [
        ("2026-11-23T00:00:00Z", "2026-11-23T00:00:00Z", "/ends_at"),
        ("2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z", "/ends_at"),
        ("2026-11-23T00:00:00Z", "2027-03-23T00:00:00Z", "/ends_at"),
        ("2036-11-23T00:00:00Z", "2036-11-24T00:00:00Z", "/starts_at"),
    ] {
        assert_eq!(pointer(from, to).as_deref(), Some(field));
    }
}

fn any_layer() -> impl Strategy<Value = Layer> {
    let unit = prop_oneof![
        Just(ShiftUnit::Hour),
        Just(ShiftUnit::Day),
        Just(ShiftUnit::Week)
    ];
    let time = (0_i8..24, 0_i8..60).prop_map(|(hour, minute)| Time::constant(hour, minute, 0, 0));
    let one = (
        prop::sample::subsequence(Day::ALL.to_vec(), 1..=7),
        time.clone(),
        time.clone(),
    )
        .prop_map(|(days, from, to)| Times { days, from, to });
    let times = prop::option::of(prop::collection::vec(one, 1..3));
    (
        prop::collection::vec(1_u128..5, 1..4),
        unit,
        1_u32..30,
        time,
        0_i64..400,
        times,
    )
        .prop_map(|(people, unit, count, time, back, times)| Layer {
            participants: people.into_iter().map(person).collect(),
            shift_unit: unit,
            shift_count: count.min(unit.most()),
            local_start: (jiff::civil::date(2026, 3, 1).to_datetime(time))
                .checked_sub(SignedDuration::from_hours(24 * back - 24 * 30))
                .unwrap(),
            times,
        })
}

fn any_overrides() -> impl Strategy<Value = Vec<Override>> {
    let one = (1_u128..5, 0_i64..40_000, 1_i64..5_000, 0_i64..9).prop_map(
        |(who, from, minutes, made)| {
            let starts_at = at("2026-03-10T00:00:00Z") + SignedDuration::from_mins(from);
            Override {
                id: OverrideId::generate(),
                participant: person(who),
                starts_at,
                ends_at: starts_at + SignedDuration::from_mins(minutes),
                created_at: Timestamp::from_second(made).unwrap(),
            }
        },
    );
    prop::collection::vec(one, 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Shifts follow one another without overlap, with the gaps they cover the range, and at any moment
    /// the shift that contains it has whoever is on call.
    #[test]
    fn shifts_are_who_is_on_call(
        zone in prop::sample::select(ZONES.to_vec()),
        layers in prop::collection::vec(any_layer(), 1..4),
        overrides in any_overrides(),
        autumn in any::<bool>(),
        days in 1_i64..35,
        moments in prop::collection::vec(0.0..1.0_f64, 30),
    ) {
        let mut rota = schedule(zone, layers);
        let mut overrides = overrides;
        if autumn {
            // Around the other change of clocks; in Casablanca both changes are in spring.
            for layer in &mut rota.layers {
                layer.local_start = layer.local_start.checked_add(SignedDuration::from_hours(24 * 210)).unwrap();
            }
            for one in &mut overrides {
                one.starts_at += SignedDuration::from_hours(24 * 210);
                one.ends_at += SignedDuration::from_hours(24 * 210);
            }
        }
        let shift = SignedDuration::from_hours(if autumn { 24 * 210 } else { 0 });
        let from = at("2026-03-07T12:34:56Z") + shift;
        let to = from + SignedDuration::from_hours(24 * days);
        let found = shifts(&rota, &overrides, from, to);
        let nobody = gaps(&found, from, to);
        let mut parts: Vec<(Timestamp, Timestamp)> = found.iter().map(|one| (one.from, one.to)).collect();
        parts.extend(nobody.iter().map(|gap| (gap.from, gap.to)));
        parts.sort_unstable();
        prop_assert_eq!(parts.first().map(|part| part.0), Some(from));
        prop_assert_eq!(parts.last().map(|part| part.1), Some(to));
        for pair in parts.windows(2) {
            prop_assert_eq!(pair[0].1, pair[1].0);
        }
        prop_assert!(parts.iter().all(|(from, to)| from < to));
        let length = to.duration_since(from).as_secs_f64();
        let mut moments: Vec<Timestamp> = moments
            .iter()
            .map(|share| from + SignedDuration::from_secs_f64(share * length))
            .collect();
        moments.extend(parts.iter().map(|part| part.0));
        moments.extend(parts.iter().map(|part| part.1 - SignedDuration::from_nanos(1)));
        for moment in moments {
            let there = found.iter().find(|one| one.contains(moment)).map(|one| one.who);
            prop_assert_eq!(on_call(&rota, &overrides, moment), there, "{}", moment);
        }
    }

    /// Between two handovers of one layer lies its length, but for a change of clocks.
    #[test]
    fn handovers_are_local_times(zone in prop::sample::select(ZONES.to_vec()), of in any_layer()) {
        let of = Layer { times: None, participants: vec![person(1), person(2)], ..of };
        let rota = schedule(zone, vec![of.clone()]);
        let tz = TimeZone::get(zone).unwrap();
        let from = tz.to_timestamp(of.local_start).unwrap() + SignedDuration::from_hours(400);
        let rota = Rota::new(&rota, &[]);
        for turn in rota.turns(from, from + SignedDuration::from_hours(24 * 20)).iter().skip(1) {
            let local = tz.to_datetime(turn.from);
            let since = local.duration_since(of.local_start).as_secs();
            let off = since.rem_euclid(of.shift_unit.seconds() * i64::from(of.shift_count));
            let changes = tz.preceding(turn.from + SignedDuration::from_nanos(1)).next();
            let is_change = changes.is_some_and(|change| change.timestamp() == turn.from);
            prop_assert!(off == 0 || is_change, "{local} {off}");
        }
    }
}
