use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn window(from: i64, to: i64) -> Window {
    Window {
        from: at(from),
        to: at(to),
    }
}

fn interval(from: i64, to: Option<i64>, status: Shown) -> StatusInterval {
    StatusInterval {
        started_at: at(from),
        ended_at: to.map(at),
        status,
    }
}

fn blind(from: i64, to: i64) -> BlindInterval {
    BlindInterval {
        started_at: at(from),
        ended_at: Some(at(to)),
    }
}

#[test]
fn an_outage_counts_by_time() {
    let statuses = [
        interval(0, Some(900), Shown::Up),
        interval(900, Some(1000), Shown::Down),
        interval(1000, None, Shown::Up),
    ];
    let found = over(window(0, 10_000), &statuses, &[], &[]);
    assert_eq!(
        (found.up_seconds, found.down_seconds, found.incidents),
        (9_900, 100, 1)
    );
    assert_eq!(
        (found.longest_down_seconds, found.mean_down_seconds),
        (100, 100)
    );
    assert_eq!(found.uptime, Some(0.99));
    assert_eq!(found.percent().unwrap(), "99.00 %");
    assert_eq!(
        found.sentence().unwrap(),
        "99.00 % of 2 h 46 min observed, 1 min 40 s down"
    );
}

#[test]
fn blind_time_is_taken_out_of_what_we_claim_to_have_seen() {
    let statuses = [
        interval(0, Some(500), Shown::Up),
        interval(500, None, Shown::Down),
    ];
    let found = over(
        window(0, 1000),
        &statuses,
        &[blind(400, 600), blind(450, 550)],
        &[],
    );
    assert_eq!(
        (found.up_seconds, found.down_seconds, found.unknown_seconds),
        (400, 400, 200)
    );
    assert_eq!(found.uptime, Some(0.5));
}

#[test]
fn a_pause_is_a_pause_even_while_we_are_blind() {
    let found = over(
        window(0, 100),
        &[interval(0, None, Shown::Paused)],
        &[blind(0, 50)],
        &[],
    );
    assert_eq!(
        (found.paused_seconds, found.unknown_seconds, found.uptime),
        (100, 0, None)
    );
}

#[test]
fn time_before_the_monitor_was_made_is_nothing() {
    let found = over(
        window(0, 1000),
        &[interval(900, None, Shown::Up)],
        &[blind(0, 800)],
        &[],
    );
    assert_eq!(
        (found.observed_seconds(), found.unobserved_seconds()),
        (100, 0)
    );
    assert_eq!(found.percent().unwrap(), "100 %");
}

#[rstest]
#[case(0, 1_000_000, "100 %")]
#[case(1, 1_000_000_000, "99.99 %")]
#[case(1, 3, "66.66 %")]
#[case(3, 3, "0.00 %")]
fn a_hundred_is_only_said_without_a_down_second(
    #[case] down: i64,
    #[case] of: i64,
    #[case] text: &str,
) {
    let statuses = [
        interval(0, Some(down), Shown::Down),
        interval(down, None, Shown::Up),
    ];
    assert_eq!(
        over(window(0, of), &statuses, &[], &[]).percent().unwrap(),
        text
    );
}

#[test]
fn only_where_every_region_is_blind_nobody_looked() {
    let both = blind_everywhere(&[vec![blind(0, 100), blind(200, 300)], vec![blind(50, 250)]]);
    assert_eq!(both, [blind(50, 100), blind(200, 250)]);
    assert_eq!(blind_everywhere(&[vec![blind(0, 10)], vec![]]), []);
    assert_eq!(blind_everywhere(&[]), []);
}

#[test]
fn cells_tell_down_from_unobserved() {
    let statuses = [
        interval(100, Some(150), Shown::Down),
        interval(150, None, Shown::Up),
    ];
    let found = cells((window(0, 300), 3), &statuses, &[blind(250, 300)], &[]);
    let shares: Vec<_> = found
        .iter()
        .map(|c| (c.down, c.unknown, c.observed))
        .collect();
    assert_eq!(shares, [(0.0, 0.0, 0.0), (0.5, 0.0, 1.0), (0.0, 0.5, 0.5)]);
}

fn history() -> impl Strategy<Value = Vec<StatusInterval>> {
    proptest::collection::vec((1_i64..5_000, 0_usize..9), 1..40).prop_map(|parts| {
        let mut start = 0;
        let last = parts.len() - 1;
        parts
            .into_iter()
            .enumerate()
            .map(|(index, (length, status))| {
                let from = start;
                start += length;
                interval(from, (index < last).then_some(start), Shown::ALL[status])
            })
            .collect()
    })
}

fn blindness() -> impl Strategy<Value = Vec<BlindInterval>> {
    proptest::collection::vec((0_i64..100_000, 1_i64..5_000), 0..10).prop_map(|parts| {
        parts
            .into_iter()
            .map(|(from, length)| blind(from, from + length))
            .collect()
    })
}

proptest! {
    #[test]
    fn every_second_of_the_history_is_in_one_sum(statuses in history(), blind in blindness(), from in 0_i64..50_000, length in 1_i64..100_000) {
        let window = window(from, from + length);
        let found = over(window, &statuses, &blind, &[]);
        let sum = found.observed_seconds() + found.unobserved_seconds() + found.maintenance_seconds + found.paused_seconds;
        prop_assert_eq!(sum, u64::try_from(length).unwrap(), "the last interval is open, the first starts at 0");
        prop_assert!(found.uptime.is_none_or(|share| (0.0..=1.0).contains(&share)));
        prop_assert_eq!(found.uptime.is_none(), found.observed_seconds() == 0);
    }

    #[test]
    fn a_window_is_the_sum_of_its_parts(statuses in history(), blind in blindness(), cut in 1_i64..99_999) {
        let whole = over(window(0, 100_000), &statuses, &blind, &[]);
        let parts = [over(window(0, cut), &statuses, &blind, &[]), over(window(cut, 100_000), &statuses, &blind, &[])];
        prop_assert_eq!(whole.up_seconds, parts.iter().map(|part| part.up_seconds).sum::<u64>());
        prop_assert_eq!(whole.down_seconds, parts.iter().map(|part| part.down_seconds).sum::<u64>());
        prop_assert_eq!(whole.unknown_seconds, parts.iter().map(|part| part.unknown_seconds).sum::<u64>());
    }

    #[test]
    fn blind_time_never_makes_an_outage_longer(statuses in history(), blind in blindness()) {
        let window = window(0, 100_000);
        let (seen, hidden) = (over(window, &statuses, &[], &[]), over(window, &statuses, &blind, &[]));
        prop_assert!(hidden.down_seconds <= seen.down_seconds);
        prop_assert!(hidden.up_seconds <= seen.up_seconds);
    }

    #[test]
    fn a_bar_agrees_with_the_sum(statuses in history(), blind in blindness(), count in 1_u32..90) {
        let window = window(0, 90_000);
        let whole = over(window, &statuses, &blind, &[]);
        let down: f64 = cells((window, count), &statuses, &blind, &[])
            .iter()
            .map(|cell| cell.down * cell.to.duration_since(cell.from).as_secs_f64())
            .sum();
        prop_assert!((down - f64::from(u32::try_from(whole.down_seconds).unwrap())).abs() < 1.0);
    }
}
