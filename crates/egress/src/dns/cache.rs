//! Answers that are still good. Failures are never kept: the next look asks again.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Found;

/// No answer is kept longer, whatever its TTL: a changed address must be noticed.
const LONGEST: Duration = Duration::from_secs(300);
/// Names kept before the expired ones are dropped, and then all.
const MOST: usize = 50_000;

#[derive(Debug, Default)]
pub(crate) struct Cache {
    answers: Mutex<HashMap<String, (Vec<IpAddr>, Instant)>>,
}

impl Cache {
    pub(crate) fn get(&self, name: &str, now: Instant) -> Option<Vec<IpAddr>> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers
            .get(name)
            .filter(|(_, until)| *until > now)
            .map(|(found, _)| found.clone())
    }

    pub(crate) fn put(&self, name: &str, found: &Found, now: Instant) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= MOST {
            answers.retain(|_, (_, until)| *until > now);
        }
        if answers.len() >= MOST {
            answers.clear();
        }
        let until = now + found.ttl.min(LONGEST);
        answers.insert(name.to_owned(), (found.addresses.clone(), until));
    }

    pub(crate) fn forget(&self, name: &str) {
        self.answers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_lives_for_its_ttl_and_never_over_five_minutes() {
        let cache = Cache::default();
        let now = Instant::now();
        let addresses = vec![IpAddr::from([192, 0, 2, 1])];
        let found = |seconds| Found {
            addresses: addresses.clone(),
            ttl: Duration::from_secs(seconds),
        };
        cache.put("a", &found(30), now);
        assert_eq!(
            cache.get("a", now + Duration::from_secs(29)),
            Some(addresses.clone())
        );
        assert_eq!(cache.get("a", now + Duration::from_secs(30)), None);
        cache.put("a", &found(0), now);
        assert_eq!(cache.get("a", now), None);
        cache.put("a", &found(86_400), now);
        assert_eq!(cache.get("a", now + Duration::from_secs(301)), None);
        cache.put("a", &found(60), now);
        cache.forget("a");
        assert_eq!(cache.get("a", now), None);
    }
}
