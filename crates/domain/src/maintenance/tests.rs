use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;
use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn rule(rrule: &str, local_start: &str, seconds: u32, timezone: &str) -> Rule {
    Rule {
        rrule: rrule.into(),
        local_start: local_start.parse().unwrap(),
        duration_seconds: seconds,
        timezone: timezone.into(),
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn window(schedule: Schedule) -> MaintenanceWindow {
    MaintenanceWindow {
        id: MaintenanceWindowId::generate(),
        name: "Deploy".into(),
        targets: Targets::default(),
        schedule,
        ended_at: None,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
        version: 1,
    }
}

#[rstest]
#[case::every_week("FREQ=WEEKLY;BYDAY=TU", "2026-11-24T02:00", "Europe/Berlin", "2026-11-23T00:00:00Z",
    &["2026-11-24T01:00:00Z", "2026-12-01T01:00:00Z"])]
#[case::as_a_content_line("rrule:freq=weekly;byday=tu", "2026-11-24T02:00", "UTC", "2026-11-23T00:00:00Z",
    &["2026-11-24T02:00:00Z", "2026-12-01T02:00:00Z"])]
#[case::the_start_is_an_anchor("FREQ=WEEKLY;BYDAY=TU", "2026-11-26T02:00", "UTC", "2026-11-23T00:00:00Z",
    &["2026-12-01T02:00:00Z", "2026-12-08T02:00:00Z"])]
#[case::one_that_runs("FREQ=WEEKLY;BYDAY=TU", "2026-11-24T02:00", "UTC", "2026-11-24T02:59:59Z",
    &["2026-11-24T02:00:00Z", "2026-12-01T02:00:00Z"])]
#[case::one_that_ends("FREQ=WEEKLY;BYDAY=TU", "2026-11-24T02:00", "UTC", "2026-11-24T03:00:00Z",
    &["2026-12-01T02:00:00Z", "2026-12-08T02:00:00Z"])]
#[case::second_sunday("FREQ=MONTHLY;BYDAY=2SU", "2026-01-01T04:30", "UTC", "2026-11-24T00:00:00Z",
    &["2026-12-13T04:30:00Z", "2027-01-10T04:30:00Z"])]
#[case::last_day("FREQ=MONTHLY;BYMONTHDAY=-1", "2026-01-01T23:00", "UTC", "2028-02-01T00:00:00Z",
    &["2028-02-29T23:00:00Z", "2028-03-31T23:00:00Z"])]
#[case::last_workday("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "2026-01-01T20:00", "UTC", "2026-05-01T00:00:00Z",
    &["2026-05-29T20:00:00Z", "2026-06-30T20:00:00Z"])]
#[case::every_other_week("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", "2026-11-23T06:00", "UTC", "2026-11-24T00:00:00Z",
    &["2026-12-07T06:00:00Z", "2026-12-21T06:00:00Z"])]
#[case::counted("FREQ=DAILY;COUNT=2", "2026-11-23T06:00", "UTC", "2026-11-24T00:00:00Z", &["2026-11-24T06:00:00Z"])]
#[case::until_a_day("FREQ=DAILY;UNTIL=20261124", "2026-11-23T06:00", "America/New_York", "2026-11-24T00:00:00Z",
    &["2026-11-24T11:00:00Z"])]
// 11:00 of UTC is six o'clock in New York.
#[case::until_an_instant("FREQ=DAILY;UNTIL=20261124T105959Z", "2026-11-23T06:00", "America/New_York", "2026-11-23T00:00:00Z",
    &["2026-11-23T11:00:00Z"])]
#[case::leap_day("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "2026-01-01T00:00", "UTC", "2026-01-01T00:00:00Z",
    &["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"])]
// Berlin, 29 March 2026: 02:00 to 03:00 is missing. Full length after it.
#[case::gap("FREQ=WEEKLY;BYDAY=SU", "2026-03-29T02:30", "Europe/Berlin", "2026-03-28T00:00:00Z",
    &["2026-03-29T01:00:00Z", "2026-04-05T00:30:00Z"])]
// Berlin, 25 October 2026: 02:00 to 03:00 comes twice.
#[case::overlap("FREQ=WEEKLY;BYDAY=SU", "2026-10-25T02:30", "Europe/Berlin", "2026-10-24T00:00:00Z",
    &["2026-10-25T00:30:00Z", "2026-11-01T01:30:00Z"])]
// Lord Howe changes by half an hour.
#[case::half_an_hour("FREQ=DAILY", "2026-10-04T02:10", "Australia/Lord_Howe", "2026-10-03T12:00:00Z",
    &["2026-10-03T15:30:00Z", "2026-10-04T15:10:00Z"])]
// Samoa had no 30 December 2011.
#[case::no_such_day("FREQ=DAILY", "2011-12-29T12:00", "Pacific/Apia", "2011-12-30T00:00:00Z",
    &["2011-12-30T10:00:00Z", "2011-12-30T22:00:00Z"])]
fn rules_occur(
    #[case] rrule: &str,
    #[case] start: &str,
    #[case] zone: &str,
    #[case] from: &str,
    #[case] expected: &[&str],
) {
    let rule = rule(rrule, start, 3_600, zone);
    rule.check().unwrap();
    let found = rule.occurrences(at(from), Timestamp::MAX, 2);
    let starts: Vec<String> = found.iter().map(|one| one.starts_at.to_string()).collect();
    assert_eq!(starts, expected);
    for one in found {
        assert_eq!(one.ends_at.duration_since(one.starts_at).as_secs(), 3_600);
    }
}

#[rstest]
#[case("", "FREQ")]
#[case("BYDAY=TU", "FREQ")]
#[case("FREQ=HOURLY", "FREQ=DAILY")]
#[case("FREQ=MINUTELY;INTERVAL=5", "FREQ=DAILY")]
#[case("FREQ=SECONDLY", "FREQ=DAILY")]
#[case("FREQ=DAILY;BYHOUR=1,2", "BYHOUR is none of them")]
#[case("FREQ=DAILY;BYEASTER=1", "BYEASTER is none of them")]
#[case("FREQ=DAILY;FREQ=WEEKLY", "twice")]
#[case("FREQ=DAILY;INTERVAL=0", "INTERVAL")]
#[case("FREQ=DAILY;INTERVAL=100000", "INTERVAL")]
#[case("FREQ=DAILY;UNTIL=tomorrow", "UNTIL")]
#[case("FREQ=WEEKLY;BYDAY=XX", "RFC 5545")]
#[case("FREQ=MONTHLY;BYMONTHDAY=32", "RFC 5545")]
#[case("FREQ=DAILY;COUNT=0", "")]
#[case("FREQ=DAILY\nEXDATE:20261124T020000Z", "one line")]
#[case("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "has none")]
#[case("FREQ=DAILY;INTERVAL=7;BYDAY=MO", "has none")]
#[case("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=31", "has none")]
fn rules_that_are_refused(#[case] rrule: &str, #[case] says: &str) {
    let rule = rule(rrule, "2026-11-24T02:00", 3_600, "Europe/Berlin");
    let said = rule.check().unwrap_err().to_string();
    assert!(said.contains(says) && !said.contains('\n'), "{said}");
    assert_eq!(rule.occurrences(Timestamp::MIN, Timestamp::MAX, 5), []);
}

#[test]
fn a_rule_must_not_run_into_itself() {
    let long = |seconds| {
        rule(
            "FREQ=WEEKLY;BYDAY=MO,TU",
            "2026-11-23T02:00",
            seconds,
            "UTC",
        )
    };
    assert_eq!(long(86_400).check(), Ok(()));
    assert_eq!(long(86_401).check(), Err(RuleError::Overlaps));
}

#[rstest]
#[case::years_later("2026-11-24T02:00", 5)]
#[case::begun_years_ago("2021-12-01T02:00", 5)]
fn the_next_five_are_shown(#[case] start: &str, #[case] count: usize) {
    let window = window(Schedule::Rule(rule("FREQ=DAILY", start, 60, "UTC")));
    assert_eq!(window.next(at("2026-11-24T12:00:00Z")).len(), count);
}

#[test]
fn a_window_is_scheduled_then_active_then_ended() {
    let once = Occurrence {
        starts_at: at("2026-11-24T02:00:00Z"),
        ends_at: at("2026-11-24T03:00:00Z"),
    };
    let mut window = window(Schedule::Once(once));
    let status = |window: &MaintenanceWindow, now| window.status(at(now)).as_str();
    assert_eq!(status(&window, "2026-11-24T01:59:59Z"), "scheduled");
    assert_eq!(status(&window, "2026-11-24T02:00:00Z"), "active");
    assert_eq!(status(&window, "2026-11-24T02:59:59Z"), "active");
    assert_eq!(status(&window, "2026-11-24T03:00:00Z"), "ended");
    window.ended_at = Some(at("2026-11-24T02:10:00Z"));
    assert_eq!(status(&window, "2026-11-24T02:10:00Z"), "ended");
}

#[test]
fn what_was_ended_early_ends_there_and_comes_again() {
    let mut window = window(Schedule::Rule(rule(
        "FREQ=DAILY",
        "2026-11-24T02:00",
        3_600,
        "UTC",
    )));
    window.ended_at = Some(at("2026-11-24T02:10:00Z"));
    let now = at("2026-11-24T02:10:00Z");
    assert_eq!(window.status(now), WindowStatus::Scheduled);
    assert_eq!(window.next(now)[0].starts_at, at("2026-11-25T02:00:00Z"));
    assert_eq!(window.next(now).len(), SHOWN);
    let before = window.next(at("2026-11-24T02:05:00Z"))[0];
    assert_eq!(before.ends_at, now);
}

#[test]
fn targets_are_all_or_those_named_or_tagged() {
    let (named, other) = (MonitorId::generate(), MonitorId::generate());
    let tags = vec!["prod".to_owned()];
    assert!(Targets::default().covers(other, &[]));
    let both = Targets {
        monitor_ids: Some(vec![named]),
        tags: Some(tags.clone()),
    };
    assert!(both.covers(named, &[]) && both.covers(other, &tags));
    assert!(!both.covers(other, &["test".to_owned()]));
}

#[rstest]
#[case(|w: &mut MaintenanceWindow| w.name.clear(), "/name")]
#[case(|w: &mut MaintenanceWindow| w.targets.monitor_ids = Some(vec![]), "/monitor_ids")]
#[case(|w: &mut MaintenanceWindow| w.targets.tags = Some(vec![]), "/tags")]
#[case(|w: &mut MaintenanceWindow| w.targets.tags = Some(vec![String::new()]), "/tags/0")]
#[case(|w: &mut MaintenanceWindow| w.schedule = Schedule::Once(Occurrence { starts_at: at("2026-11-24T02:00:00Z"), ends_at: at("2026-11-24T02:00:00Z") }), "/ends_at")]
#[case(|w: &mut MaintenanceWindow| w.schedule = Schedule::Once(Occurrence { starts_at: at("2026-11-24T02:00:00Z"), ends_at: at("2027-01-24T02:00:00Z") }), "/ends_at")]
#[case(|w: &mut MaintenanceWindow| w.schedule = Schedule::Once(Occurrence { starts_at: at("2126-11-24T02:00:00Z"), ends_at: at("2126-11-24T03:00:00Z") }), "/starts_at")]
#[case(|w: &mut MaintenanceWindow| w.schedule = Schedule::Rule(rule("FREQ=DAILY", "2026-11-24T02:00", 59, "UTC")), "/duration_seconds")]
#[case(|w: &mut MaintenanceWindow| w.schedule = Schedule::Rule(rule("FREQ=DAILY", "2026-11-24T02:00", 60, "Berlin")), "/timezone")]
#[case(|w: &mut MaintenanceWindow| w.schedule = Schedule::Rule(rule("FREQ=DAILY", "1926-11-24T02:00", 60, "UTC")), "/local_start")]
#[case(|w: &mut MaintenanceWindow| w.schedule = Schedule::Rule(rule("FREQ=HOURLY", "2026-11-24T02:00", 60, "UTC")), "/rrule")]
fn complaints_name_their_field(#[case] spoil: fn(&mut MaintenanceWindow), #[case] pointer: &str) {
    let now = at("2026-11-23T00:00:00Z");
    let good = rule(
        "FREQ=WEEKLY;BYDAY=TU",
        "2026-11-24T02:00",
        3_600,
        "Europe/Berlin",
    );
    let mut window = window(Schedule::Rule(good));
    assert_eq!(window.validate(now), []);
    spoil(&mut window);
    let errors = window.validate(now);
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0].pointer, pointer);
}

const ZONES: [&str; 6] = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/Santiago",
    "UTC",
];
const DAYS: [(Weekday, &str); 7] = [
    (Weekday::Monday, "MO"),
    (Weekday::Tuesday, "TU"),
    (Weekday::Wednesday, "WE"),
    (Weekday::Thursday, "TH"),
    (Weekday::Friday, "FR"),
    (Weekday::Saturday, "SA"),
    (Weekday::Sunday, "SU"),
];

/// The first instant, to the minute, at which the clock on the wall shows this time or a later one: the
/// first pass of an overlap and the end of a gap, found by watching the clock.
fn seen_on_the_wall(local: DateTime, zone: &TimeZone) -> Timestamp {
    let mut at = local.to_zoned(TimeZone::UTC).unwrap().timestamp() - 40.hours();
    while at.to_zoned(zone.clone()).datetime() < local {
        at += 1.minute();
    }
    at
}

fn starts(rule: &Rule, from: Timestamp) -> Vec<Timestamp> {
    let found = rule.occurrences(from, Timestamp::MAX, 8);
    found.iter().map(|one| one.starts_at).collect()
}

/// Days around a change of clocks, and any other.
fn days() -> impl Strategy<Value = Date> {
    let changes = [
        "2026-03-08",
        "2026-03-29",
        "2026-10-25",
        "2026-11-01",
        "2026-04-05",
        "2026-10-04",
        "2011-12-30",
        "2026-09-06",
    ];
    let near = (0..changes.len(), -4_i32..3)
        .prop_map(move |(i, days)| changes[i].parse::<Date>().unwrap() + days.days());
    let any = (0_i32..6_000).prop_map(|days| Date::constant(2011, 1, 1) + days.days());
    prop_oneof![near, any]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn weekly_rules_agree_with_the_clock_on_the_wall(
        zone in 0..ZONES.len(), first in days(), minute in 0_i8..60, hour in 0_i8..24,
        set in proptest::collection::btree_set(0..DAYS.len(), 1..4), every in 1_i32..4,
    ) {
        let tz = TimeZone::get(ZONES[zone]).unwrap();
        let start = first.at(hour, minute, 0, 0);
        let days: Vec<&str> = set.iter().map(|day| DAYS[*day].1).collect();
        let rrule = format!("FREQ=WEEKLY;INTERVAL={every};BYDAY={}", days.join(","));
        let rule = rule(&rrule, &start.to_string(), 60, ZONES[zone]);
        // Weeks begin on Monday, and the first is that of the start.
        let monday = first - i32::from(first.weekday().to_monday_zero_offset()).days();
        let mut expected = Vec::new();
        for day in 0_i32.. {
            let date = monday + day.days();
            let wanted = set.iter().any(|one| DAYS[*one].0 == date.weekday());
            if wanted && (day / 7) % every == 0 && date >= first {
                expected.push(seen_on_the_wall(date.at(hour, minute, 0, 0), &tz));
            }
            if expected.len() == 8 {
                break;
            }
        }
        prop_assert_eq!(starts(&rule, Timestamp::MIN), expected);
    }

    #[test]
    fn daily_rules_come_once_a_day_whatever_the_clock_does(
        zone in 0..ZONES.len(), first in days(), minute in 0_i8..60, hour in 0_i8..24, seconds in 60_u32..7_200,
    ) {
        let tz = TimeZone::get(ZONES[zone]).unwrap();
        let start = first.at(hour, minute, 0, 0);
        let rule = rule("FREQ=DAILY", &start.to_string(), seconds, ZONES[zone]);
        let expected: Vec<Timestamp> = (0_i32..8)
            .map(|day| seen_on_the_wall((first + day.days()).at(hour, minute, 0, 0), &tz))
            .collect();
        prop_assert_eq!(starts(&rule, Timestamp::MIN), expected.clone());
        // From within an occurrence on, and from its end on.
        let lasts = SignedDuration::from_secs(i64::from(seconds));
        prop_assert_eq!(starts(&rule, expected[0] + lasts - SignedDuration::from_nanos(1))[0], expected[0]);
        prop_assert_ne!(starts(&rule, expected[0] + lasts)[0], expected[0]);
    }

    /// No text makes it run for long, panic, or give times out of order.
    #[test]
    fn any_text_ends(text in "(FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY))?(;(INTERVAL|COUNT|BYMONTH|BYMONTHDAY|BYSETPOS)=-?[0-9]{1,3}){0,3}(;BYDAY=-?[1-5]?(MO|SU))?") {
        let rule = rule(&text, "2026-11-24T02:00", 60, "Europe/Berlin");
        let starts = starts(&rule, at("2026-11-23T00:00:00Z"));
        prop_assert!(starts.windows(2).all(|pair| pair[0] <= pair[1]));
        prop_assert_eq!(starts.is_empty() && rule.check().is_ok(), false);
    }
}
