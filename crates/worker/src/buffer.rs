//! Looks that wait to be stored. Bounded: when the database is gone for too long, the oldest good
//! looks are dropped first and the gap is remembered.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use domain::check::VerdictKind;
use domain::monitor::schedule;
use jiff::Timestamp;
use store::checks::Owned;

use crate::clock::later;

/// A gap in what a shard will have stored: from, to.
pub(crate) type Gaps = BTreeMap<i16, (Timestamp, Timestamp)>;

/// Looks that wait, oldest first.
#[derive(Debug)]
pub(crate) struct Buffer {
    good: VecDeque<Owned>,
    other: VecDeque<Owned>,
    rows: usize,
    age: Duration,
    gaps: Gaps,
}

impl Buffer {
    pub(crate) fn new(rows: usize, age: Duration) -> Self {
        Self {
            good: VecDeque::new(),
            other: VecDeque::new(),
            rows: rows.max(1),
            age,
            gaps: Gaps::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.good.len() + self.other.len()
    }

    /// Adds a look, and returns those that had to go for it.
    pub(crate) fn push(&mut self, look: Owned, now: Timestamp) -> Vec<Owned> {
        if look.check.verdict == VerdictKind::Up {
            &mut self.good
        } else {
            &mut self.other
        }
        .push_back(look);
        self.bound(now)
    }

    /// Takes up to `most` looks, those that are not good first.
    pub(crate) fn take(&mut self, most: usize) -> Vec<Owned> {
        let others = self.other.len().min(most);
        let goods = self.good.len().min(most - others);
        self.other
            .drain(..others)
            .chain(self.good.drain(..goods))
            .collect()
    }

    /// Puts back what could not be stored, in front.
    pub(crate) fn put_back(&mut self, looks: Vec<Owned>, now: Timestamp) -> Vec<Owned> {
        for look in looks.into_iter().rev() {
            if look.check.verdict == VerdictKind::Up {
                &mut self.good
            } else {
                &mut self.other
            }
            .push_front(look);
        }
        self.bound(now)
    }

    /// The gaps made since the last call.
    pub(crate) fn take_gaps(&mut self) -> Gaps {
        std::mem::take(&mut self.gaps)
    }

    /// Puts gaps back that could not be stored.
    pub(crate) fn put_back_gaps(&mut self, gaps: Gaps) {
        for (shard, (from, to)) in gaps {
            self.widen(shard, from, to);
        }
    }

    fn bound(&mut self, now: Timestamp) -> Vec<Owned> {
        let mut dropped = Vec::new();
        while self
            .good
            .front()
            .is_some_and(|look| later(look.check.at, self.age) < now)
            || self.len() > self.rows
        {
            let Some(look) = self.good.pop_front().or_else(|| self.other.pop_front()) else {
                break;
            };
            let at = look.check.slot.unwrap_or(look.check.at);
            self.widen(schedule::shard(look.monitor_id), at, at);
            dropped.push(look);
        }
        dropped
    }

    fn widen(&mut self, shard: i16, from: Timestamp, to: Timestamp) {
        let gap = self.gaps.entry(shard).or_insert((from, to));
        *gap = (gap.0.min(from), gap.1.max(to));
    }
}

#[cfg(test)]
mod tests {
    use domain::check::{Check, Observation, Verdict};
    use domain::ids::{AccountId, MonitorId};
    use proptest::prelude::*;

    use super::*;

    fn look(kind: VerdictKind, second: i64) -> Owned {
        let at = Timestamp::from_second(1_800_000_000 + second).unwrap();
        let monitor_id = MonitorId::generate();
        let verdict = Verdict {
            kind,
            ..Verdict::up()
        };
        let check = Check::on_timetable(monitor_id, "local", at, &Observation::begin(at), &verdict);
        Owned {
            account_id: AccountId::generate(),
            monitor_id,
            check,
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn good_looks_go_first_and_leave_a_gap() {
        let mut buffer = Buffer::new(3, Duration::from_secs(600));
        let failing = look(VerdictKind::Down, 0);
        buffer.push(failing.clone(), at(0));
        let first = look(VerdictKind::Up, 1);
        buffer.push(first.clone(), at(1));
        buffer.push(look(VerdictKind::Up, 2), at(2));
        let dropped = buffer.push(look(VerdictKind::Up, 3), at(3));
        assert_eq!(dropped, std::slice::from_ref(&first));
        assert_eq!(buffer.len(), 3);
        let shard = schedule::shard(first.monitor_id);
        assert_eq!(buffer.take_gaps(), Gaps::from([(shard, (at(1), at(1)))]));
        assert_eq!(buffer.take(1), [failing]);
    }

    #[test]
    fn after_ten_minutes_good_looks_are_given_up_and_failing_ones_kept() {
        let mut buffer = Buffer::new(1000, Duration::from_secs(600));
        buffer.push(look(VerdictKind::Up, 0), at(0));
        buffer.push(look(VerdictKind::Down, 0), at(0));
        let dropped = buffer.push(look(VerdictKind::Up, 601), at(601));
        assert_eq!(dropped.len(), 1);
        assert_eq!(buffer.len(), 2);
    }

    proptest! {
        #[test]
        fn it_is_bounded_and_loses_nothing_silently(kinds in proptest::collection::vec(any::<bool>(), 0..60), rows in 1_usize..20) {
            let mut buffer = Buffer::new(rows, Duration::from_secs(600));
            let mut dropped = 0;
            for (second, good) in kinds.iter().enumerate() {
                let second = i64::try_from(second).unwrap();
                let kind = if *good { VerdictKind::Up } else { VerdictKind::Down };
                dropped += buffer.push(look(kind, second), at(second)).len();
                prop_assert!(buffer.len() <= rows);
            }
            let taken = buffer.take(3);
            let count = taken.len();
            dropped += buffer.put_back(taken, at(100)).len();
            prop_assert!(count <= 3);
            prop_assert_eq!(buffer.len() + dropped, kinds.len());
        }
    }
}
