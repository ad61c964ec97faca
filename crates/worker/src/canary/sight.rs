//! What a worker remembers of its own sight: when it was lost, when it came back, and what of that
//! is not written down yet. Pure.

use std::collections::VecDeque;

use domain::canary::{Health, Standing, Trouble};
use jiff::{SignedDuration, Timestamp};

/// Sight was lost at most this long before the sitting that found it so.
const AT_MOST_BEFORE: SignedDuration = SignedDuration::from_secs(60);
/// Sittings in a row that find loss before a blind time that began as a cut is one of loss: by chance
/// most canaries of a lossy line are silent at once.
const LOSSY_AFTER: u32 = 2;
/// Blind times remembered: a look waits no longer than these reach back.
const REMEMBERED: usize = 256;

/// A blind time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub since: Timestamp,
    pub trouble: Trouble,
    pub until: Option<Timestamp>,
}

/// What a sitting has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// It was the first.
    First,
    /// Nothing.
    None,
    /// Sight is lost.
    Lost,
    /// Sight is back.
    Back,
}

/// How the shards held are to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Now {
    Blind(Span),
    Sees(Timestamp),
}

/// What is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Times that were over before they could be written.
    pub missed: Vec<Span>,
    pub now: Now,
}

#[derive(Debug)]
pub(super) struct Sight {
    checks: bool,
    standings: Option<Vec<Standing>>,
    /// Begin and outcome of the last sitting.
    last: Option<(Timestamp, Health)>,
    last_well: Option<Timestamp>,
    /// Sittings in a row that found loss.
    lossy: u32,
    blind: Option<Span>,
    blind_written: bool,
    past: VecDeque<Span>,
    missed: Vec<Span>,
    /// Since when what is held is seen; unset before the first sitting and while blind.
    sees_since: Option<Timestamp>,
    unwritten: bool,
}

impl Sight {
    pub(super) const fn new(checks: bool) -> Self {
        Self {
            checks,
            standings: None,
            last: None,
            last_well: None,
            lossy: 0,
            blind: None,
            blind_written: false,
            past: VecDeque::new(),
            missed: Vec::new(),
            // Without canaries it sees from the beginning.
            sees_since: if checks { None } else { Some(Timestamp::MIN) },
            unwritten: false,
        }
    }

    pub(super) const fn has_standings(&self) -> bool {
        self.standings.is_some()
    }

    pub(super) fn set_standings(&mut self, standings: Vec<Standing>) {
        self.standings = Some(standings);
    }

    pub(super) fn standings(&self) -> Vec<Standing> {
        self.standings.clone().unwrap_or_default()
    }

    /// Takes a round in; the standings after it.
    pub(super) fn take_in(&mut self, answered: &[bool], at: Timestamp) -> Vec<Standing> {
        let standings = self.standings.get_or_insert_default();
        for (standing, answered) in standings.iter_mut().zip(answered) {
            standing.take_in(*answered, at);
        }
        standings.clone()
    }

    pub(super) const fn is_blind(&self) -> bool {
        self.blind.is_some()
    }

    pub(super) fn blind_since(&self) -> Option<Timestamp> {
        self.blind.map(|span| span.since)
    }

    /// Why nothing is seen, by the last sitting.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        match self.last {
            Some((_, Health::Blind(trouble))) => Some(trouble),
            _ => None,
        }
    }

    pub(super) fn is_checking(&self) -> bool {
        self.last.is_some_and(|(_, health)| health != Health::Off)
    }

    pub(super) fn last_began(&self) -> Option<Timestamp> {
        self.last.map(|(began, _)| began)
    }

    pub(super) fn health_since(&self, after: Timestamp) -> Option<Health> {
        self.last
            .filter(|(began, _)| *began >= after)
            .map(|(_, health)| health)
    }

    pub(super) fn trusts(&self, ended: Timestamp) -> bool {
        !self.checks
            || self.last_well.is_some_and(|began| began >= ended)
            || self.health_since(ended) == Some(Health::Off)
    }

    pub(super) fn clouds(&self, began: Timestamp, ended: Timestamp) -> bool {
        self.blind.is_some_and(|span| ended >= span.since)
            || self
                .past
                .iter()
                .any(|span| ended >= span.since && span.until.is_some_and(|until| began < until))
    }

    /// Ends a sitting that began then.
    pub(super) fn conclude(&mut self, health: Health, began: Timestamp) -> Change {
        let first = self.last.replace((began, health)).is_none();
        self.lossy = match health {
            Health::Blind(Trouble::Loss) => self.lossy.saturating_add(1),
            _ => 0,
        };
        match health {
            Health::Blind(trouble) if self.blind.is_none() => {
                let earliest = began.saturating_sub(AT_MOST_BEFORE).unwrap_or(began);
                let since = self.last_well.map_or(began, |well| well.max(earliest));
                let until = None;
                self.blind = Some(Span {
                    since,
                    trouble,
                    until,
                });
                self.blind_written = false;
                self.sees_since = None;
                self.unwritten = true;
                Change::Lost
            }
            Health::Blind(_) => {
                self.call_it_loss();
                Change::None
            }
            Health::Well | Health::Off => {
                if health == Health::Well {
                    self.last_well = Some(began);
                }
                let change = match self.blind.take() {
                    Some(span) => {
                        self.end(Span {
                            until: Some(began),
                            ..span
                        });
                        Change::Back
                    }
                    None if first => Change::First,
                    None => Change::None,
                };
                if change != Change::None {
                    self.sees_since = Some(began);
                    self.unwritten = true;
                }
                change
            }
        }
    }

    /// What began as a cut is told as loss once that is what is found.
    fn call_it_loss(&mut self) {
        if let Some(span) = &mut self.blind
            && span.trouble == Trouble::Cut
            && self.lossy >= LOSSY_AFTER
        {
            span.trouble = Trouble::Loss;
            self.unwritten = true;
        }
    }

    fn end(&mut self, span: Span) {
        if !self.blind_written {
            self.missed.push(span);
        }
        self.past.push_back(span);
        if self.past.len() > REMEMBERED {
            self.past.pop_front();
        }
    }

    /// More is held since `now`: it is to be written for that too.
    pub(super) fn write_again(&mut self, now: Timestamp) {
        self.sees_since = self.sees_since.map(|since| since.max(now));
        self.unwritten = true;
    }

    /// What is not written yet; `None` when all is, or nothing is known.
    pub(super) fn to_write(&self) -> Option<Wanted> {
        if !self.unwritten {
            return None;
        }
        let now = match (self.blind, self.sees_since) {
            (Some(span), _) => Now::Blind(span),
            (None, Some(since)) => Now::Sees(since),
            (None, None) => return None,
        };
        Some(Wanted {
            missed: self.missed.clone(),
            now,
        })
    }

    /// That much is written.
    pub(super) fn written(&mut self, wanted: &Wanted) {
        self.missed.retain(|span| !wanted.missed.contains(span));
        match (wanted.now, self.blind) {
            (Now::Blind(written), Some(span)) if written.since == span.since => {
                self.blind_written = true;
            }
            // It was over before that was written: it is written now, and open.
            (Now::Blind(written), _) => self.missed.retain(|span| span.since != written.since),
            (Now::Sees(_), _) => {}
        }
        if self.missed.is_empty() && self.to_write().is_none_or(|still| still.now == wanted.now) {
            self.unwritten = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CUT: Health = Health::Blind(Trouble::Cut);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn span(since: i64, until: Option<i64>) -> Span {
        Span {
            since: at(since),
            trouble: Trouble::Cut,
            until: until.map(at),
        }
    }

    #[test]
    fn a_look_is_trusted_by_a_sitting_that_began_after_it() {
        let mut sight = Sight::new(true);
        assert!(!sight.trusts(at(0)), "nothing is known yet");
        assert_eq!(sight.conclude(Health::Well, at(10)), Change::First);
        assert!(sight.trusts(at(10)) && !sight.trusts(at(11)));
        assert_eq!(sight.conclude(CUT, at(20)), Change::Lost);
        assert!(sight.trusts(at(10)), "what was well before is");
        assert!(!sight.trusts(at(15)));
        assert!(Sight::new(false).trusts(at(0)));
    }

    #[test]
    fn sight_was_lost_some_time_after_it_was_last_well() {
        let mut sight = Sight::new(true);
        sight.conclude(Health::Well, at(0));
        sight.conclude(CUT, at(20));
        assert!(!sight.clouds(at(-5), at(-1)), "it ended before");
        assert!(sight.clouds(at(-5), at(3)) && sight.clouds(at(30), at(31)));
        assert_eq!(sight.conclude(CUT, at(40)), Change::None);
        assert_eq!(sight.conclude(Health::Well, at(60)), Change::Back);
        assert!(
            sight.clouds(at(59), at(69)),
            "it began before sight was back"
        );
        assert!(!sight.clouds(at(60), at(61)));
        // Nobody sat for an hour.
        sight.conclude(CUT, at(3_660));
        assert_eq!(sight.blind_since(), Some(at(3_600)));
    }

    #[test]
    fn what_is_known_is_written_once_and_nothing_before_it_is_known() {
        let mut sight = Sight::new(true);
        sight.write_again(at(-1));
        assert_eq!(
            sight.to_write(),
            None,
            "shards were taken before the first sitting"
        );
        sight.conclude(Health::Well, at(0));
        let sees = Wanted {
            missed: vec![],
            now: Now::Sees(at(0)),
        };
        assert_eq!(sight.to_write(), Some(sees.clone()));
        sight.written(&sees);
        assert_eq!(sight.to_write(), None);
        sight.conclude(Health::Well, at(20));
        assert_eq!(sight.to_write(), None, "still well");

        sight.conclude(CUT, at(40));
        let blind = sight.to_write().unwrap();
        assert_eq!(blind.now, Now::Blind(span(20, None)));
        sight.written(&blind);
        sight.conclude(Health::Well, at(60));
        let back = sight.to_write().unwrap();
        assert_eq!(
            back,
            Wanted {
                missed: vec![],
                now: Now::Sees(at(60))
            }
        );
    }

    #[test]
    fn a_cut_that_turns_out_as_loss_is_written_as_loss() {
        const LOSS: Health = Health::Blind(Trouble::Loss);
        let mut sight = Sight::new(true);
        sight.conclude(Health::Well, at(0));
        sight.conclude(CUT, at(20));
        sight.written(&sight.to_write().unwrap());
        for (second, health) in [(22, LOSS), (24, CUT), (26, LOSS)] {
            sight.conclude(health, at(second));
            assert_eq!(sight.to_write(), None, "once is chance");
        }
        assert_eq!(sight.conclude(LOSS, at(28)), Change::None);
        let lossy = Span {
            trouble: Trouble::Loss,
            ..span(0, None)
        };
        let wanted = sight.to_write().unwrap();
        assert_eq!(wanted.now, Now::Blind(lossy));
        sight.written(&wanted);
        sight.conclude(CUT, at(30));
        assert_eq!(sight.to_write(), None, "loss it stays");
        sight.conclude(Health::Well, at(40));
        assert_eq!(
            sight.to_write().unwrap().missed,
            [],
            "it is written and open"
        );
    }

    #[test]
    fn a_blind_time_that_no_database_heard_of_is_written_afterwards() {
        let mut sight = Sight::new(true);
        sight.conclude(Health::Well, at(0));
        sight.written(&sight.to_write().unwrap());
        sight.conclude(CUT, at(20));
        sight.conclude(Health::Well, at(40));
        sight.conclude(CUT, at(60));
        let wanted = sight.to_write().unwrap();
        assert_eq!(wanted.missed, [span(0, Some(40))]);
        assert_eq!(wanted.now, Now::Blind(span(40, None)));
        sight.written(&wanted);
        assert_eq!(sight.to_write(), None);
    }

    #[test]
    fn a_blind_time_that_ended_while_it_was_written_is_ended_next() {
        let mut sight = Sight::new(true);
        sight.conclude(Health::Well, at(0));
        sight.written(&sight.to_write().unwrap());
        sight.conclude(CUT, at(20));
        let begun = sight.to_write().unwrap();
        sight.conclude(Health::Well, at(40));
        sight.written(&begun);
        assert_eq!(
            sight.to_write(),
            Some(Wanted {
                missed: vec![],
                now: Now::Sees(at(40))
            })
        );
    }
}
