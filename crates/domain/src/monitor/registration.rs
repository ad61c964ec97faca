//! When the end of a domain's registration deserves a word.

use jiff::{SignedDuration, Timestamp};

/// The lowest threshold that has been passed, days before the end; `None` when there is none yet, or
/// when the end itself has come: that is an outage and no warning.
pub fn passed(warn_days: &[u32], expires_at: Timestamp, now: Timestamp) -> Option<u32> {
    let left = expires_at.duration_since(now);
    if left <= SignedDuration::ZERO {
        return None;
    }
    let passed = warn_days.iter().copied().filter(|days| left <= span(*days));
    passed.min()
}

/// The thresholds that are still to come, highest first.
pub fn to_come(warn_days: &[u32], expires_at: Timestamp, now: Timestamp) -> Vec<u32> {
    let left = expires_at.duration_since(now);
    let mut days: Vec<u32> = warn_days.to_vec();
    days.retain(|days| span(*days) < left);
    days.sort_unstable_by(|one, other| other.cmp(one));
    days.dedup();
    days
}

fn span(days: u32) -> SignedDuration {
    SignedDuration::from_hours(i64::from(days) * 24)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(31 * 24, None, &[30, 7, 1])]
    #[case(30 * 24, Some(30), &[7, 1])]
    #[case(8 * 24, Some(30), &[7, 1])]
    #[case(7 * 24, Some(7), &[1])]
    #[case(5, Some(1), &[])]
    #[case(0, None, &[])]
    #[case(-5, None, &[])]
    fn thresholds(#[case] hours: i64, #[case] wanted: Option<u32>, #[case] next: &[u32]) {
        let days = [1, 30, 7];
        let now = Timestamp::from_second(1_800_000_000).expect("in range");
        let end = now + SignedDuration::from_hours(hours);
        assert_eq!(passed(&days, end, now), wanted);
        assert_eq!(to_come(&days, end, now), next);
    }
}
