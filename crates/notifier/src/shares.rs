//! Who sends next: a share of each queue for every account, and within it for every contact, so that
//! neither an account's backlog nor a contact whose mail server hangs holds up the others. Contacts that
//! are a URL share the fate of its host.
//!
//! An account has a few **places**. A send that takes longer than a moment steps aside: it goes on, and
//! its place is free for the next. A contact whose last send hung is a **suspect**: it has no place, one
//! send at a time and a lane apart. First tries go before repeats. What finds no place waits here, ids
//! only, and has not been claimed: waiting is no try. What does not fit here is left to the sweeper.
//!
//! These are rules and counters: the caller runs what it is told to start.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::ids::{AccountId, ContactId, DeliveryId};

/// A send that takes longer steps aside.
pub(crate) const STEP_ASIDE_AFTER: Duration = Duration::from_millis(500);
/// A send that took longer makes its contact a suspect, a shorter one clears it.
const HUNG_AFTER: Duration = Duration::from_secs(5);
/// Places of an account.
const PLACES: usize = 4;
/// Sends at once to one contact that is no suspect.
const PER_CONTACT: usize = 2;
/// Sends at once to suspects of an account.
const SUSPECTS_AT_ONCE: usize = 4;
/// Sends that have stepped aside, suspects among them.
const ASIDE_OF_ACCOUNT: usize = 32;
const ASIDE_OF_ALL: usize = 256;
const WAITING_OF_ACCOUNT: usize = 1_000;
const WAITING_OF_ALL: usize = 50_000;
/// Suspects remembered; the oldest is forgotten first.
const SUSPECTS: usize = 10_000;

/// What may be slow: a contact, or the host of its URL. Two that fall on one number are taken for one,
/// which costs a little time and is rare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Endpoint(u64);

impl Endpoint {
    pub(crate) fn of_contact(id: ContactId) -> Self {
        Self::of(id)
    }

    pub(crate) fn of_host(host: &str) -> Self {
        Self::of(host)
    }

    fn of(key: impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// A delivery that wants to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Work {
    pub(crate) id: DeliveryId,
    pub(crate) to: Endpoint,
    /// It was tried before.
    pub(crate) again: bool,
}

/// Who sends, who waits, and who is suspected, for one channel.
#[derive(Debug, Default)]
pub(crate) struct Shares {
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    accounts: HashMap<AccountId, Share>,
    suspects: HashMap<Endpoint, u64>,
    /// Numbers the suspects by age.
    suspected: u64,
    aside: usize,
    waiting: usize,
}

#[derive(Debug, Default)]
struct Share {
    running: Vec<Running>,
    waiting: VecDeque<Work>,
}

#[derive(Debug, Clone, Copy)]
struct Running {
    work: Work,
    lane: Lane,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    /// In one of the account's places.
    Place,
    /// It took too long for a place.
    Aside,
    /// Aside from the start.
    Suspect,
}

impl Shares {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes up a work; answers with those to start now. A work that is here already changes nothing.
    pub(crate) fn enter(&self, account: AccountId, work: Work) -> Vec<Work> {
        let mut book = self.book();
        book.queue(account, work);
        book.start(account)
    }

    /// A running work takes longer than [`STEP_ASIDE_AFTER`]: those to start in its place, or `None` when
    /// there is no room aside and it keeps its place.
    pub(crate) fn step_aside(&self, account: AccountId, id: DeliveryId) -> Option<Vec<Work>> {
        let mut book = self.book();
        book.move_aside(account, id).then(|| book.start(account))
    }

    /// A work has ended after `took`: those to start now.
    pub(crate) fn done(&self, account: AccountId, id: DeliveryId, took: Duration) -> Vec<Work> {
        let mut book = self.book();
        book.end(account, id, took);
        book.start(account)
    }

    /// Forgets what waits, and what was to start and never did.
    pub(crate) fn close(&self, account: AccountId, unstarted: &[Work]) {
        let mut book = self.book();
        let dropped = book.accounts.get_mut(&account).map_or(0, |share| {
            share.running.retain(|one| !unstarted.contains(&one.work));
            let dropped = share.waiting.len();
            share.waiting.clear();
            dropped
        });
        book.waiting -= dropped;
    }
}

impl Book {
    fn queue(&mut self, account: AccountId, work: Work) {
        let room = self.waiting < WAITING_OF_ALL;
        let share = self.accounts.entry(account).or_default();
        let known = share.running.iter().any(|one| one.work.id == work.id)
            || share.waiting.iter().any(|one| one.id == work.id);
        if known {
            return;
        }
        if room && share.waiting.len() < WAITING_OF_ACCOUNT {
            share.waiting.push_back(work);
            self.waiting += 1;
        } else if !work.again
            && let Some(repeat) = share.waiting.iter().rposition(|one| one.again)
        {
            share.waiting.remove(repeat);
            share.waiting.push_back(work);
        }
    }

    /// Moves from waiting to running all that may start.
    fn start(&mut self, account: AccountId) -> Vec<Work> {
        let mut started = Vec::new();
        let Some(share) = self.accounts.get_mut(&account) else {
            return started;
        };
        while let Some((position, lane)) = next(share, &self.suspects, self.aside) {
            let Some(work) = share.waiting.remove(position) else {
                break;
            };
            self.waiting -= 1;
            self.aside += usize::from(lane != Lane::Place);
            share.running.push(Running { work, lane });
            started.push(work);
        }
        if share.running.is_empty() && share.waiting.is_empty() {
            self.accounts.remove(&account);
        }
        started
    }

    fn move_aside(&mut self, account: AccountId, id: DeliveryId) -> bool {
        let Some(share) = self.accounts.get_mut(&account) else {
            return false;
        };
        let aside = share.aside();
        let Some(running) = share.running.iter_mut().find(|one| one.work.id == id) else {
            return false;
        };
        if running.lane != Lane::Place {
            return true;
        }
        if aside >= ASIDE_OF_ACCOUNT || self.aside >= ASIDE_OF_ALL {
            return false;
        }
        running.lane = Lane::Aside;
        self.aside += 1;
        true
    }

    fn end(&mut self, account: AccountId, id: DeliveryId, took: Duration) {
        let Some(share) = self.accounts.get_mut(&account) else {
            return;
        };
        let Some(position) = share.running.iter().position(|one| one.work.id == id) else {
            return;
        };
        let ended = share.running.swap_remove(position);
        self.aside -= usize::from(ended.lane != Lane::Place);
        if took < HUNG_AFTER {
            self.suspects.remove(&ended.work.to);
            return;
        }
        self.suspected += 1;
        self.suspects.insert(ended.work.to, self.suspected);
        if self.suspects.len() > SUSPECTS
            && let Some(oldest) = self
                .suspects
                .iter()
                .min_by_key(|(_, age)| **age)
                .map(|(contact, _)| *contact)
        {
            self.suspects.remove(&oldest);
        }
    }
}

impl Share {
    fn aside(&self) -> usize {
        self.count(|one| one.lane != Lane::Place)
    }

    fn count(&self, which: impl Fn(&Running) -> bool) -> usize {
        self.running.iter().filter(|one| which(one)).count()
    }
}

/// The waiting work that starts next, and its lane: the oldest first try that may, else the oldest
/// repeat.
fn next(share: &Share, suspects: &HashMap<Endpoint, u64>, aside: usize) -> Option<(usize, Lane)> {
    let place = share.count(|one| one.lane == Lane::Place) < PLACES;
    let apart = share.count(|one| one.lane == Lane::Suspect) < SUSPECTS_AT_ONCE
        && share.aside() < ASIDE_OF_ACCOUNT
        && aside < ASIDE_OF_ALL;
    if !place && !apart {
        return None;
    }
    let lane = |work: &Work| {
        let suspect = suspects.contains_key(&work.to);
        let at_once = if suspect { 1 } else { PER_CONTACT };
        let free = share.count(|one| one.work.to == work.to) < at_once;
        match suspect {
            _ if !free => None,
            true => apart.then_some(Lane::Suspect),
            false => place.then_some(Lane::Place),
        }
    };
    let may = |again: bool| {
        share
            .waiting
            .iter()
            .enumerate()
            .filter(|(_, work)| work.again == again)
            .find_map(|(position, work)| Some((position, lane(work)?)))
    };
    may(false).or_else(|| may(true))
}

#[cfg(test)]
mod tests;
