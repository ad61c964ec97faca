//! How often one address is looked at, over all accounts.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Addresses remembered before those that are idle are forgotten.
const SWEEP_AT: usize = 65_536;

/// Looks booked ahead.
const MOST_AHEAD: Duration = Duration::from_secs(1);

/// The address was looked at too often in this second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the budget of this address is spent for {} ms", retry_after.as_millis())]
pub struct OverBudget {
    /// When the next look at it is free.
    pub retry_after: Duration,
}

/// A second's worth of looks may come at once; after that they are evenly spaced.
#[derive(Debug)]
pub(crate) struct Budget {
    spacing: Option<Duration>,
    free_at: Mutex<HashMap<IpAddr, Instant>>,
}

impl Budget {
    pub(crate) fn new(looks_per_second: Option<u32>) -> Self {
        let spacing = looks_per_second.map(|n| Duration::from_secs(1) / n.max(1));
        Self {
            spacing,
            free_at: Mutex::new(HashMap::new()),
        }
    }

    pub(crate) fn try_spend(&self, ip: IpAddr, now: Instant) -> Result<(), OverBudget> {
        self.book(ip, now, MOST_AHEAD)
    }

    /// The same for what can wait: half of the room is left to those who cannot.
    pub(crate) fn try_spend_spare(&self, ip: IpAddr, now: Instant) -> Result<(), OverBudget> {
        self.book(ip, now, MOST_AHEAD / 2)
    }

    fn book(&self, ip: IpAddr, now: Instant, most: Duration) -> Result<(), OverBudget> {
        let Some(spacing) = self.spacing else {
            return Ok(());
        };
        let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
        if free_at.len() >= SWEEP_AT {
            free_at.retain(|_, at| *at > now);
        }
        let booked = free_at.get(&ip).copied().unwrap_or(now).max(now) + spacing;
        let ahead = booked - now;
        if ahead > most {
            return Err(OverBudget {
                retry_after: ahead - most,
            });
        }
        free_at.insert(ip, booked);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holds_the_budget_and_no_more() {
        let budget = Budget::new(Some(20));
        let ip = IpAddr::from([192, 0, 2, 1]);
        let start = Instant::now();
        let spent = (0..100)
            .filter(|_| budget.try_spend(ip, start).is_ok())
            .count();
        assert_eq!(spent, 20);
        assert!(
            budget
                .try_spend(IpAddr::from([192, 0, 2, 2]), start)
                .is_ok()
        );
        let over = budget.try_spend(ip, start).unwrap_err();
        assert_eq!(over.retry_after, Duration::from_millis(50));
        assert!(budget.try_spend(ip, start + over.retry_after).is_ok());
        let later = start + Duration::from_secs(60);
        assert_eq!(
            (0..100)
                .filter(|_| budget.try_spend(ip, later).is_ok())
                .count(),
            20
        );
    }

    #[test]
    fn what_can_wait_leaves_half_of_the_room() {
        let budget = Budget::new(Some(20));
        let ip = IpAddr::from([192, 0, 2, 1]);
        let now = Instant::now();
        let spare = || budget.try_spend_spare(ip, now).is_ok();
        assert_eq!((0..100).filter(|_| spare()).count(), 10);
        let urgent = (0..100).filter(|_| budget.try_spend(ip, now).is_ok());
        assert_eq!(urgent.count(), 10);
        assert!(!spare());
    }

    #[test]
    fn no_budget_no_limit() {
        let budget = Budget::new(None);
        let now = Instant::now();
        assert!((0..1_000).all(|_| budget.try_spend(IpAddr::from([192, 0, 2, 1]), now).is_ok()));
    }

    #[test]
    fn idle_addresses_are_forgotten() {
        let budget = Budget::new(Some(1));
        let now = Instant::now();
        for n in 0..u32::try_from(SWEEP_AT).unwrap() {
            budget
                .try_spend(std::net::Ipv4Addr::from_bits(n).into(), now)
                .unwrap();
        }
        budget
            .try_spend(IpAddr::from([192, 0, 2, 1]), now + Duration::from_secs(2))
            .unwrap();
        assert_eq!(budget.free_at.lock().unwrap().len(), 1);
    }
}
