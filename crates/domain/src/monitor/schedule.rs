//! The timetable: slot k of a monitor is at k·interval + phase since the epoch.

use std::time::Duration;

use jiff::Timestamp;

use crate::ids::MonitorId;

/// Where in its interval a monitor is looked at: bytes 8 to 16 of its id, moved by i·interval/n in
/// the i-th of its n regions, so that regions take turns.
pub fn phase(id: MonitorId, interval: Duration, region_index: u32, regions: u32) -> Duration {
    let mut tail = [0_u8; 8];
    tail.copy_from_slice(&id.uuid().as_bytes()[8..16]);
    let interval_us = u64::try_from(interval.as_micros())
        .unwrap_or(u64::MAX)
        .max(1);
    let shift = interval_us / u64::from(regions.max(1)) * u64::from(region_index);
    Duration::from_micros((u64::from_be_bytes(tail) % interval_us + shift) % interval_us)
}

/// The first slot after `after`.
pub fn next_slot(interval: Duration, phase: Duration, after: Timestamp) -> Timestamp {
    let interval_us = i64::try_from(interval.as_micros())
        .unwrap_or(i64::MAX)
        .max(1);
    let phase_us = i64::try_from(phase.as_micros()).unwrap_or(0);
    let k = (after.as_microsecond() - phase_us).div_euclid(interval_us) + 1;
    Timestamp::from_microsecond(k * interval_us + phase_us).unwrap_or(Timestamp::MAX)
}

/// The last slot at or before `at`.
pub fn slot_at(interval: Duration, phase: Duration, at: Timestamp) -> Timestamp {
    let interval_us = i64::try_from(interval.as_micros())
        .unwrap_or(i64::MAX)
        .max(1);
    let phase_us = i64::try_from(phase.as_micros()).unwrap_or(0);
    let k = (at.as_microsecond() - phase_us).div_euclid(interval_us);
    Timestamp::from_microsecond(k * interval_us + phase_us).unwrap_or(Timestamp::MIN)
}

/// The shard of a monitor: the last byte of its id.
pub fn shard(id: MonitorId) -> i16 {
    i16::from(id.uuid().as_bytes()[15])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    proptest! {
        #[test]
        fn slots_are_an_interval_apart_and_never_now(bytes: [u8; 16], seconds in 10_u64..86_400, now in 0_i64..4_000_000_000) {
            let id = MonitorId::from_uuid(Uuid::from_bytes(bytes));
            let interval = Duration::from_secs(seconds);
            let phase = phase(id, interval, 0, 1);
            let now = Timestamp::from_second(now).unwrap();
            let first = next_slot(interval, phase, now);
            let second = next_slot(interval, phase, first);
            prop_assert!(phase < interval);
            prop_assert!(first > now);
            prop_assert_eq!(second.duration_since(first).as_secs(), i64::try_from(seconds).unwrap());
            prop_assert_eq!(slot_at(interval, phase, first), first);
            prop_assert!(slot_at(interval, phase, now) <= now);
        }

        #[test]
        fn regions_divide_the_interval(bytes: [u8; 16], n in 1_u32..8) {
            let id = MonitorId::from_uuid(Uuid::from_bytes(bytes));
            let interval = Duration::from_secs(60);
            let mut phases: Vec<_> = (0..n).map(|i| phase(id, interval, i, n)).collect();
            phases.sort();
            let share = interval / n;
            for pair in phases.windows(2) {
                prop_assert!((pair[1] - pair[0]).abs_diff(share) < Duration::from_millis(1));
            }
        }
    }
}
