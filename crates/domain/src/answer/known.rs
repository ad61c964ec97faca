//! What is known of a target's good answers, and what in a new one is new.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Answer, Aspect, Change};
use crate::check::FailureClass;

/// Values of one side that were seen before, beside those of now: names take turns among many addresses.
const OTHERS: usize = 32;
/// A side that changes so often in a week is that way: its changes say nothing of an outage.
const RESTLESS: usize = 4;
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What is known of one side.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Of the last good answer.
    pub values: Vec<String>,
    /// Of those before, the newest last.
    pub others: Vec<String>,
    /// When it became another, the newest last.
    pub changed: Vec<Timestamp>,
}

/// What is known of a target's good answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Known(pub BTreeMap<Aspect, Memory>);

impl Memory {
    fn has(&self, aspect: Aspect, value: &str) -> bool {
        let key = key(aspect, value);
        let mut all = self.values.iter().chain(&self.others);
        all.any(|one| self::key(aspect, one) == key)
    }

    /// Whether `values` are others: nothing is left of those before, or one was never seen here.
    fn is_news(&self, aspect: Aspect, values: &[String]) -> bool {
        if values.is_empty() || self.values.is_empty() {
            return values.is_empty() != self.values.is_empty();
        }
        let stays = |value: &String| {
            let key = key(aspect, value);
            self.values.iter().any(|one| self::key(aspect, one) == key)
        };
        !values.iter().any(stays) || values.iter().any(|value| !self.has(aspect, value))
    }

    fn is_restless(&self, now: Timestamp) -> bool {
        let of_late = |at: &&Timestamp| now.duration_since(**at) < WEEK;
        self.changed.iter().filter(of_late).count() >= RESTLESS
    }

    /// Takes in what is seen now.
    fn renew(&mut self, values: &[String], now: Timestamp) {
        let gone = std::mem::replace(&mut self.values, values.to_vec());
        self.others.retain(|value| !gone.contains(value));
        self.others.extend(gone);
        self.others.retain(|value| !values.contains(value));
        let surplus = self.others.len().saturating_sub(OTHERS);
        self.others.drain(..surplus);
        self.changed.push(now);
        let surplus = self.changed.len().saturating_sub(RESTLESS);
        self.changed.drain(..surplus);
    }
}

/// Numbers in a title count messages and goals, those in an address baskets.
fn key(aspect: Aspect, value: &str) -> String {
    match aspect {
        Aspect::Title | Aspect::Leads => value
            .split(|c: char| c.is_ascii_digit())
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("0"),
        _ => value.to_owned(),
    }
}

/// What is known with a good `answer`, and what in it is new; `None` where nothing is. The first answer is no
/// change, nor is the unrest of what never rests.
pub fn remember(
    known: Option<&Known>,
    answer: &Answer,
    now: Timestamp,
) -> Option<(Known, Vec<Change>)> {
    let mut next = known.cloned().unwrap_or_default();
    let mut changes = Vec::new();
    for (aspect, values) in answer {
        match next.0.get_mut(aspect) {
            None => {
                let values = values.clone();
                let first = Memory {
                    values,
                    ..Memory::default()
                };
                next.0.insert(*aspect, first);
            }
            Some(memory) if memory.is_news(*aspect, values) && !memory.is_restless(now) => {
                changes.push(Change {
                    aspect: *aspect,
                    before: memory.values.clone(),
                    after: values.clone(),
                    at: now,
                });
                memory.renew(values, now);
            }
            Some(_) => {}
        }
    }
    (known != Some(&next)).then_some((next, changes))
}

/// What an `answer` that failed by `class` says otherwise than every good one. An error page has a status and
/// a title of its own: they, and where it leads, tell something only of a page that answers well and is another.
pub fn difference(
    known: &Known,
    answer: &Answer,
    class: FailureClass,
    now: Timestamp,
) -> Vec<Change> {
    use FailureClass as C;
    let is_page = matches!(
        class,
        C::KeywordMissing | C::KeywordPresent | C::JsonMismatch
    );
    let tells = |aspect: Aspect| match aspect {
        Aspect::Title | Aspect::Leads | Aspect::Status => is_page,
        Aspect::Addresses | Aspect::Records | Aspect::Certificate | Aspect::Server => true,
    };
    let sides = answer.iter().filter(|(aspect, values)| {
        let (aspect, values) = (**aspect, values.as_slice());
        tells(aspect) && !values.is_empty() && known.0.contains_key(&aspect)
    });
    let others = sides.filter_map(|(aspect, values)| {
        let memory = known.0.get(aspect)?;
        let unseen = values.iter().all(|value| !memory.has(*aspect, value));
        (unseen && !memory.values.is_empty() && !memory.is_restless(now)).then(|| Change {
            aspect: *aspect,
            before: memory.values.clone(),
            after: values.clone(),
            at: now,
        })
    });
    others.collect()
}
