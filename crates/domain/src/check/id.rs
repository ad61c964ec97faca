//! The id of a look on the timetable, derived so that no row has to store it.

use jiff::Timestamp;
use uuid::Builder;

use crate::ids::{CheckId, MonitorId};

/// The id of the look of `slot` at a monitor from a region: a UUIDv8 (RFC 9562) whose first 48 bits
/// are the slot in milliseconds, so that ids sort by time, and whose rest is a hash of all three.
pub fn check_id(monitor: MonitorId, region: &str, slot: Timestamp) -> CheckId {
    let slot_us = slot.as_microsecond();
    let hash = fnv1a(
        monitor
            .uuid()
            .as_bytes()
            .iter()
            .chain(region.as_bytes())
            .chain(&slot_us.to_be_bytes())
            .copied(),
    );
    let mut bytes = hash.to_be_bytes();
    let milliseconds = u64::try_from(slot.as_millisecond())
        .unwrap_or(0)
        .to_be_bytes();
    bytes[..6].copy_from_slice(&milliseconds[2..]);
    CheckId::from_uuid(Builder::from_custom_bytes(bytes).into_uuid())
}

/// FNV-1a with 128 bits: well spread, not secret, and it never has to be.
fn fnv1a(bytes: impl Iterator<Item = u8>) -> u128 {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    bytes.fold(OFFSET, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(PRIME)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    proptest! {
        #[test]
        fn the_same_look_has_the_same_id_and_another_look_another(
            bytes: [u8; 16], micros in 0_i64..4_000_000_000_000_000, step in 1_i64..1_000_000_000,
        ) {
            let monitor = MonitorId::from_uuid(Uuid::from_bytes(bytes));
            let slot = Timestamp::from_microsecond(micros).unwrap();
            let later = Timestamp::from_microsecond(micros + step).unwrap();
            let id = check_id(monitor, "local", slot);
            prop_assert_eq!(id, check_id(monitor, "local", slot));
            prop_assert_ne!(id, check_id(monitor, "fra", slot));
            prop_assert_ne!(id, check_id(monitor, "local", later));
            prop_assert_eq!(id.uuid().get_version_num(), 8);
        }
    }

    #[test]
    fn ids_sort_by_slot() {
        let monitor = MonitorId::generate();
        let ids: Vec<_> = (0..50)
            .map(|k| {
                check_id(
                    monitor,
                    "local",
                    Timestamp::from_second(1_800_000_000 + k * 60).unwrap(),
                )
            })
            .collect();
        assert!(ids.is_sorted());
    }
}
