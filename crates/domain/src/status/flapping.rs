//! A target that goes down and comes back again and again is one incident, not twenty pages.

use jiff::{SignedDuration, Timestamp};

/// So many outages within [`WITHIN`] are flapping.
pub const OUTAGES: usize = 4;
/// How far back outages count.
pub const WITHIN: SignedDuration = SignedDuration::from_mins(30);
/// A flapping target has recovered when it was not down for so long.
pub const STEADY: SignedDuration = SignedDuration::from_mins(10);

/// What is to become of an incident whose target has recovered at `recovered_at`; `outages` are the
/// begins of its outages, the present one included. `None`: it ends. Otherwise it stays open, at least
/// until then, and so many outages are the reason.
pub fn stays_open(outages: &[Timestamp], recovered_at: Timestamp) -> Option<(Timestamp, usize)> {
    let since = begins(recovered_at);
    let counted = outages.iter().filter(|begun| **begun > since).count();
    (counted >= OUTAGES).then(|| (steady_at(recovered_at), counted))
}

/// Outages that began after this count for a recovery at `recovered_at`.
pub fn begins(recovered_at: Timestamp) -> Timestamp {
    recovered_at
        .saturating_sub(WITHIN)
        .unwrap_or(Timestamp::MIN)
}

/// When a target that has not been down since then has recovered, however often it was before.
pub fn steady_at(since: Timestamp) -> Timestamp {
    since.saturating_add(STEADY).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minute * 60).unwrap()
    }

    #[rstest]
    #[case::a_first_outage(&[0], 5, None)]
    #[case::three_are_three(&[0, 5, 10], 12, None)]
    #[case::the_fourth_in_half_an_hour(&[0, 5, 10, 15], 20, Some((30, 4)))]
    #[case::the_first_was_too_long_ago(&[0, 20, 25, 30], 31, None)]
    #[case::on_and_on(&[0, 5, 10, 15, 20, 25], 29, Some((39, 6)))]
    fn how_often_is_too_often(
        #[case] outages: &[i64],
        #[case] recovered: i64,
        #[case] until: Option<(i64, usize)>,
    ) {
        let outages: Vec<_> = outages.iter().map(|minute| at(*minute)).collect();
        let until = until.map(|(minute, count)| (at(minute), count));
        assert_eq!(stays_open(&outages, at(recovered)), until);
    }
}
