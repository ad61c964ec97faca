//! Chains that were found good: the same bytes need not be judged twice.
//!
//! To judge a chain is to check three signatures and to read three certificates, each time with the same
//! result. What is remembered holds for the very bytes, the very name and the roots of this process, while
//! every certificate of the chain is in its time. The handshake itself is always done in full, and its
//! signature checked: that the server has the key is never taken from memory. What was found bad is never
//! remembered.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::tls::CertificateFacts;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};

/// Chains of each generation. An entry is about 2 KiB.
const MOST: usize = 16_384;

/// A chain, the name it was shown for, and what was stapled to it, shortened (SHA-256).
pub(super) type Key = [u8; 32];

/// A good chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Good {
    /// What people read about it.
    pub facts: Arc<[CertificateFacts]>,
}

impl Good {
    /// Every certificate of it is in its time.
    fn is_current(&self, now: UnixTime) -> bool {
        let Ok(now) = i64::try_from(now.as_secs()) else {
            return false;
        };
        let in_time = |facts: &CertificateFacts| {
            (facts.not_before.as_second()..=facts.not_after.as_second()).contains(&now)
        };
        !self.facts.is_empty() && self.facts.iter().all(in_time)
    }
}

/// Two generations: what was asked for in neither of them is forgotten.
#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Key, Good>,
    old: HashMap<Key, Good>,
}

/// The good chains of a process.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<Generations>);

/// What a chain is remembered by.
pub(super) fn key(
    end_entity: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    name: &ServerName<'_>,
    staple: &[u8],
) -> Key {
    let mut digest = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    let mut part = |bytes: &[u8]| {
        // Lengths, so that no two chains are the same bytes.
        digest.update(&(bytes.len() as u64).to_be_bytes());
        digest.update(bytes);
    };
    part(name.to_str().as_bytes());
    part(staple);
    part(end_entity);
    intermediates
        .iter()
        .for_each(|certificate| part(certificate));
    let mut key = Key::default();
    key.copy_from_slice(digest.finish().as_ref());
    key
}

impl Known {
    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The chain, if it was found good and still is.
    pub(super) fn get(&self, key: &Key, now: UnixTime) -> Option<Good> {
        let mut generations = self.lock();
        let found = match generations.young.get(key) {
            Some(good) => good.clone(),
            None => {
                let good = generations.old.remove(key)?;
                generations.put(*key, good.clone());
                good
            }
        };
        drop(generations);
        found.is_current(now).then_some(found)
    }

    /// Remembers one that was found good.
    pub(super) fn put(&self, key: Key, good: Good) {
        self.lock().put(key, good);
    }
}

impl Generations {
    fn put(&mut self, key: Key, good: Good) {
        if self.young.len() >= MOST {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, good);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;

    fn good(from: i64, to: i64) -> Good {
        let facts = CertificateFacts {
            subject: "shop.example".to_owned(),
            issuer: "An authority".to_owned(),
            not_before: Timestamp::from_second(from).unwrap(),
            not_after: Timestamp::from_second(to).unwrap(),
            serial: "01".to_owned(),
            fingerprint: "00".to_owned(),
            names: Vec::new(),
            key: "EC 256".to_owned(),
        };
        Good {
            facts: [facts].into(),
        }
    }

    fn at(second: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(second))
    }

    fn of(leaf: &[u8], above: &[&[u8]], name: &str, staple: &[u8]) -> Key {
        let der = |bytes: &[u8]| CertificateDer::from(bytes.to_vec());
        let above: Vec<_> = above.iter().map(|bytes| der(bytes)).collect();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        key(&der(leaf), &above, &name, staple)
    }

    #[test]
    fn it_is_good_for_its_time_alone() {
        let known = Known::default();
        let (short, long) = (
            of(b"a", &[], "a.example", b""),
            of(b"b", &[], "a.example", b""),
        );
        known.put(short, good(100, 200));
        known.put(long, good(0, 900));
        assert_eq!(known.get(&short, at(99)), None);
        assert!(known.get(&short, at(100)).is_some() && known.get(&short, at(200)).is_some());
        assert_eq!(known.get(&short, at(201)), None);
        assert!(known.get(&long, at(201)).is_some());
    }

    #[test]
    fn a_chain_of_which_nothing_can_be_read_is_never_good() {
        let known = Known::default();
        let key = of(b"a", &[], "a.example", b"");
        known.put(key, Good { facts: [].into() });
        assert_eq!(known.get(&key, at(1)), None);
    }

    #[test]
    fn every_byte_the_name_and_the_staple_count() {
        let keys = [
            of(b"leaf", &[b"above"], "a.example", b""),
            of(b"leaf", &[b"above"], "b.example", b""),
            of(b"leaf", &[b"abovf"], "a.example", b""),
            of(b"lea", &[b"fabove"], "a.example", b""),
            of(b"leaf", &[], "a.example", b""),
            of(b"leaf", &[b"above"], "a.example", b"x"),
            of(b"leaf", &[b"ab", b"ove"], "a.example", b""),
        ];
        let different: std::collections::HashSet<_> = keys.iter().collect();
        assert_eq!(different.len(), keys.len());
    }

    #[test]
    fn it_is_bounded_and_keeps_what_is_asked_for() {
        let known = Known::default();
        let mine = of(b"mine", &[], "a.example", b"");
        known.put(mine, good(0, 900));
        for n in 0..5 * MOST {
            let key = of(&n.to_be_bytes(), &[], "a.example", b"");
            known.put(key, good(0, 900));
            if n % 1_000 == 0 {
                assert!(known.get(&mine, at(1)).is_some(), "after {n}");
            }
        }
        let held = known.lock();
        assert!(held.young.len() + held.old.len() <= 2 * MOST);
    }
}
