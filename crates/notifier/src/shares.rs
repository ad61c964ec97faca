//! A share of each queue for every account, so that one account's backlog does not hold the others.
//!
//! An account sends a few messages at once. What comes beyond waits here, ids only, and is taken up by
//! the account's own sends as they end; the queue's other slots stay free for others. What does not fit
//! here either is left to the sweeper.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

const AT_ONCE: usize = 4;
const WAITING: usize = 1_000;

/// Who sends, and who waits.
#[derive(Debug)]
pub(crate) struct Shares<K, T> {
    accounts: Mutex<HashMap<K, Share<T>>>,
}

#[derive(Debug)]
struct Share<T> {
    running: usize,
    waiting: VecDeque<T>,
}

impl<K, T> Default for Shares<K, T> {
    fn default() -> Self {
        Self {
            accounts: Mutex::new(HashMap::new()),
        }
    }
}

impl<K: Eq + Hash + Clone, T: PartialEq> Shares<K, T> {
    /// Takes a place for `work`: the work back when there is one, nothing when it waits or is left out.
    pub(crate) fn enter(&self, account: &K, work: T) -> Option<T> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let share = accounts.entry(account.clone()).or_insert_with(|| Share {
            running: 0,
            waiting: VecDeque::new(),
        });
        if share.running < AT_ONCE {
            share.running += 1;
            return Some(work);
        }
        if share.waiting.len() < WAITING && !share.waiting.contains(&work) {
            share.waiting.push_back(work);
        }
        None
    }

    /// Ends one work: the account's next, or nothing, and then the place is free.
    pub(crate) fn next(&self, account: &K) -> Option<T> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let share = accounts.get_mut(account)?;
        if let Some(work) = share.waiting.pop_front() {
            return Some(work);
        }
        share.running -= 1;
        if share.running == 0 {
            accounts.remove(account);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_takes_its_share_and_no_more() {
        let shares = Shares::default();
        let entered: Vec<Option<u32>> = (0..6).map(|work| shares.enter(&"busy", work)).collect();
        assert_eq!(entered, [Some(0), Some(1), Some(2), Some(3), None, None]);
        assert_eq!(
            shares.enter(&"other", 9),
            Some(9),
            "another account is not held up"
        );
        assert_eq!(
            [
                shares.next(&"busy"),
                shares.next(&"busy"),
                shares.next(&"busy")
            ],
            [Some(4), Some(5), None]
        );
        assert_eq!(shares.enter(&"busy", 7), Some(7), "a place is free again");
    }

    #[test]
    fn what_waits_already_does_not_wait_twice_and_no_queue_is_endless() {
        let shares = Shares::default();
        for work in 0..AT_ONCE {
            shares.enter(&(), work);
        }
        for work in 0..2 * WAITING {
            shares.enter(&(), 100 + work);
            shares.enter(&(), 100);
        }
        let drained = std::iter::from_fn(|| shares.next(&())).count();
        assert_eq!(drained, WAITING);
        assert!((1..AT_ONCE).all(|_| shares.next(&()).is_none()));
        assert!(shares.accounts.lock().unwrap().is_empty());
    }
}
