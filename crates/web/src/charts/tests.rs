use domain::report::{Cell, Point, Window};
use insta::assert_snapshot;
use jiff::{SignedDuration, Timestamp};
use rstest::rstest;

use super::frame::{Scale, p995, trim};
use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn day() -> Window {
    Window {
        from: at("2026-11-21T13:00:00Z"),
        to: at("2026-11-22T13:00:00Z"),
    }
}

fn point(hour: i64, total: f64) -> Point {
    Point {
        at: day().from + SignedDuration::from_hours(hour),
        count: 60,
        p50_ms: total,
        p95_ms: total * 1.5,
        max_ms: total * 3.0,
        phases_p50_ms: [0.05, 0.1, 0.25, 0.02, 0.48, 0.1].map(|share| Some(total * share)),
    }
}

/// Five hours, a gap of two, four hours, one of them far over the rest.
fn series() -> Series {
    let points = [
        (0, 80.0),
        (1, 90.0),
        (2, 84.0),
        (3, 120.0),
        (4, 88.0),
        (7, 100.0),
        (8, 95.0),
        (9, 92.0),
        (10, 97.0),
    ];
    Series {
        step: SignedDuration::from_hours(1),
        points: points
            .into_iter()
            .map(|(hour, total)| point(hour, total))
            .collect(),
    }
}

fn marked() -> Vec<Band> {
    vec![
        Band {
            from: at("2026-11-21T18:00:00Z"),
            to: at("2026-11-21T19:10:00Z"),
            kind: BandKind::Down,
        },
        Band {
            from: at("2026-11-21T19:10:00Z"),
            to: at("2026-11-21T20:00:00Z"),
            kind: BandKind::Unknown,
        },
    ]
}

fn berlin() -> jiff::tz::TimeZone {
    domain::words::zone("Europe/Berlin")
}

/// One element a line, so that a change of the drawing reads as a change of one line.
fn lines(svg: &str) -> String {
    svg.replace("><", ">\n<")
}

#[test]
fn a_day_is_stacked_by_phase() {
    assert_snapshot!(lines(&stacked("c", day(), &series(), &marked(), &berlin())));
}

#[test]
fn longer_windows_show_percentiles() {
    let window = Window {
        from: at("2026-11-15T13:00:00Z"),
        to: at("2026-11-22T13:00:00Z"),
    };
    assert_snapshot!(lines(&percentiles(
        "c",
        window,
        &series(),
        &marked(),
        &berlin()
    )));
}

#[test]
fn a_gap_is_never_bridged() {
    let svg = percentiles("c", day(), &series(), &[], &berlin());
    let median = svg.split("c-p50").nth(1).unwrap();
    assert_eq!(
        median.matches('M').count(),
        2,
        "two runs, two beginnings: {median}"
    );
}

#[test]
fn a_lone_step_is_a_stroke() {
    let lone = Series {
        step: SignedDuration::from_hours(1),
        points: vec![point(3, 50.0)],
    };
    assert!(percentiles("c", day(), &lone, &[], &berlin()).contains(r#"class="c-p50" d="M125 "#));
}

#[test]
fn what_is_over_the_scale_is_cut_and_named() {
    let minute = |minute: i64| Point {
        at: day().from + SignedDuration::from_mins(minute),
        ..point(0, 50.0)
    };
    let mut tall = Series {
        step: SignedDuration::from_mins(1),
        points: (0..400).map(minute).collect(),
    };
    tall.points.push(point(12, 9_000.0));
    let svg = stacked("c", day(), &tall, &[], &berlin());
    assert!(
        svg.contains(">9,000 ms</text>"),
        "the figure of the cut step is said"
    );
    assert!(
        svg.contains(">50 ms</text>") && !svg.contains(">10,000 ms</text>"),
        "the scale is that of the others"
    );
    // Near the right edge there is room on the other side alone.
    let inside = r#"x="-7" y="7" text-anchor="end">9,000 ms"#;
    assert!(!svg.contains(inside), "{svg}");
    *tall.points.last_mut().unwrap() = point(23, 9_000.0);
    let svg = stacked("c", day(), &tall, &[], &berlin());
    assert!(svg.contains(inside), "{svg}");
}

#[test]
fn an_empty_series_draws_axes_alone() {
    let none = Series {
        step: SignedDuration::from_hours(1),
        points: Vec::new(),
    };
    let svg = stacked("c", day(), &none, &[], &berlin());
    assert!(!svg.contains("<path") && svg.contains("c-axis") && !svg.contains("NaN"));
}

#[test]
fn a_row_has_a_small_line() {
    assert_snapshot!(lines(&spark(
        "s",
        day(),
        &series(),
        &marked(),
        "Median 92 ms over 24 hours, 1 h 10 min down"
    )));
}

#[test]
fn cells_fill_from_below() {
    let cell = |day: i64, down, unknown, observed| {
        let from = at("2026-11-19T23:00:00Z") + SignedDuration::from_hours(24 * day);
        Cell {
            from,
            to: from + SignedDuration::from_hours(24),
            down,
            unknown,
            maintenance: 0.0,
            observed,
        }
    };
    let cells = [
        cell(0, 0.0, 0.0, 0.0),
        cell(1, 0.0, 0.0, 1.0),
        cell(2, 0.0001, 0.0, 1.0),
        cell(3, 0.5, 0.25, 0.75),
        cell(4, 0.0, 1.0, 0.0),
    ];
    assert_snapshot!(lines(&uptime_bar(
        "u",
        &cells,
        "99.98 % of 5 days",
        &berlin()
    )));
}

#[test]
fn a_look_is_a_bar_and_a_list() {
    let phases = domain::check::Phases {
        dns: Some(1_240),
        connect: Some(8_100),
        tls: Some(21_000),
        send: Some(100),
        first_byte: Some(41_000),
        body: None,
    };
    let bar = PhaseBar::of(&phases, Some(domain::check::Phase::FirstByte));
    assert_snapshot!(lines(&format!("{}{}", phase_bar(&bar), phase_legend(&bar))));
}

#[test]
fn the_table_says_the_same() {
    let cells: Vec<Cell> = day()
        .split(24)
        .into_iter()
        .enumerate()
        .map(|(hour, part)| {
            let (down, unknown) = match hour {
                5 => (1.0, 0.0),
                6 => (1.0 / 6.0, 5.0 / 6.0),
                _ => (0.0, 0.0),
            };
            Cell {
                from: part.from,
                to: part.to,
                down,
                unknown,
                maintenance: 0.0,
                observed: 1.0 - unknown,
            }
        })
        .collect();
    let rows = table(day(), &series(), &cells, &berlin());
    let text: Vec<String> = rows
        .iter()
        .map(|row| {
            format!(
                "{} | {} | {} | {} | {} | {}",
                row.from, row.looks, row.median, row.p95, row.slowest, row.note
            )
        })
        .collect();
    assert_snapshot!(text.join("\n"));
}

#[rstest]
#[case(0.0, 1.0)]
#[case(73.0, 80.0)]
#[case(101.0, 150.0)]
#[case(9_999.0, 10_000.0)]
#[case(f64::NAN, 1.0)]
fn scales_end_on_round_figures(#[case] value: f64, #[case] max: f64) {
    assert_eq!(Scale::for_value(value, 0.0, 100.0).max_ms, max);
}

#[test]
fn ranks_and_figures() {
    assert_eq!(p995((1..=1000).map(f64::from)), 995.0);
    assert_eq!(p995(std::iter::empty()), 0.0);
    assert_eq!(
        [trim(10.0, 1), trim(0.05, 1), trim(-0.001, 1), trim(12.5, 3)],
        ["10", "0.1", "0", "12.5"]
    );
}
