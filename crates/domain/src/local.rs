//! Local times in zones whose clocks change: in a gap the first instant after it, in an overlap the
//! first pass only.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// When a local time is; `None` beyond the ends of time.
pub fn instant(local: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(local).ok(),
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(local).ok(),
        AmbiguousOffset::Gap { before, .. } => {
            // By the old offset the local time is after the change.
            let beyond = before.to_timestamp(local).ok()?;
            let just_beyond = beyond.checked_add(SignedDuration::from_nanos(1)).ok()?;
            let change = zone.preceding(just_beyond).next()?;
            Some(change.timestamp())
        }
    }
}
