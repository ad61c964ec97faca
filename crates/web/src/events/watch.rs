//! Which monitors are on somebody's screen, and one query a second that asks for their looks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::ids::{AccountId, MonitorId};
use jiff::Timestamp;

/// The most monitors that are asked for at once, over all streams of the process.
const MOST: usize = 2_000;

type Counts = HashMap<MonitorId, Watched>;

#[derive(Debug)]
struct Watched {
    account: AccountId,
    streams: usize,
    latest: Option<Timestamp>,
}

/// The monitors on screen.
#[derive(Debug, Clone, Default)]
pub struct Screen(Arc<Mutex<Counts>>);

/// Keeps monitors on the screen until it is dropped.
#[derive(Debug)]
pub struct Watch {
    screen: Screen,
    ids: Vec<MonitorId>,
}

impl Screen {
    /// Puts monitors of an account on the screen. The caller has seen that they are the account's; a
    /// monitor of another account would be asked for under the wrong one and never be found.
    pub fn watch(&self, account: AccountId, ids: impl IntoIterator<Item = MonitorId>) -> Watch {
        let mut counts = self.lock();
        let mut kept = Vec::new();
        for id in ids {
            if counts.len() >= MOST && !counts.contains_key(&id) {
                continue;
            }
            let watched = counts.entry(id).or_insert(Watched {
                account,
                streams: 0,
                latest: None,
            });
            if watched.account == account {
                watched.streams += 1;
                kept.push(id);
            }
        }
        drop(counts);
        Watch {
            screen: self.clone(),
            ids: kept,
        }
    }

    /// All that are on screen.
    pub fn all(&self) -> Vec<(AccountId, MonitorId)> {
        self.lock()
            .iter()
            .map(|(id, watched)| (watched.account, *id))
            .collect()
    }

    /// Notes the latest looks; gives those that are news, by account. The first answer for a monitor is
    /// no news: its page has just been rendered.
    pub fn news(
        &self,
        latest: impl IntoIterator<Item = (MonitorId, Timestamp)>,
    ) -> HashMap<AccountId, Vec<MonitorId>> {
        let mut counts = self.lock();
        let mut news: HashMap<AccountId, Vec<MonitorId>> = HashMap::new();
        for (id, at) in latest {
            let Some(watched) = counts.get_mut(&id) else {
                continue;
            };
            if watched.latest.is_some_and(|known| at > known) {
                news.entry(watched.account).or_default().push(id);
            }
            watched.latest = watched.latest.max(Some(at));
        }
        news
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut counts = self.screen.lock();
        for id in &self.ids {
            if let Some(watched) = counts.get_mut(id) {
                watched.streams = watched.streams.saturating_sub(1);
                if watched.streams == 0 {
                    counts.remove(id);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_monitor_is_watched_while_a_stream_shows_it() {
        let screen = Screen::default();
        let (account, id) = (AccountId::generate(), MonitorId::generate());
        let first = screen.watch(account, [id]);
        let second = screen.watch(account, [id]);
        drop(first);
        assert_eq!(screen.all(), [(account, id)]);
        drop(second);
        assert_eq!(screen.all(), []);
    }

    #[test]
    fn only_later_looks_are_news() {
        let screen = Screen::default();
        let (account, id) = (AccountId::generate(), MonitorId::generate());
        let _watch = screen.watch(account, [id]);
        assert!(
            screen.news([(id, at(10))]).is_empty(),
            "the page shows that one already"
        );
        assert!(screen.news([(id, at(10))]).is_empty());
        assert_eq!(
            screen.news([(id, at(70))]),
            HashMap::from([(account, vec![id])])
        );
        assert!(screen.news([(MonitorId::generate(), at(80))]).is_empty());
    }

    #[test]
    fn another_account_cannot_ride_along() {
        let screen = Screen::default();
        let (mine, stranger, id) = (
            AccountId::generate(),
            AccountId::generate(),
            MonitorId::generate(),
        );
        let _watch = screen.watch(mine, [id]);
        let _other = screen.watch(stranger, [id]);
        assert_eq!(screen.all(), [(mine, id)]);
    }
}
