//! Whether a provider is worth asking: one that keeps failing is passed over for a while, so that not
//! every message waits for it, and then tried with one message.

use jiff::{SignedDuration, Timestamp};

/// Failures in a row after which a provider is passed over.
const TOLERATED: u32 = 2;
/// The first pause; each further failure doubles it.
const FIRST_PAUSE_SECONDS: i64 = 30;
/// The longest.
const LONGEST_PAUSE_SECONDS: i64 = 300;
/// How long one message that tries a failing provider keeps the others away: a whole send.
const TRIAL_SECONDS: i64 = 20;

/// What is remembered of one provider.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Circuit {
    failures: u32,
    closed_until: Option<Timestamp>,
}

impl Circuit {
    /// The provider may be asked now. When its pause is over, the first who asks tries it for all.
    pub fn admits(&mut self, now: Timestamp) -> bool {
        match self.closed_until {
            None => true,
            Some(until) if now < until => false,
            Some(_) => {
                self.closed_until = Some(now + SignedDuration::from_secs(TRIAL_SECONDS));
                true
            }
        }
    }

    /// It answered as it should.
    pub fn worked(&mut self) {
        *self = Self::default();
    }

    /// It failed through no fault of the message.
    pub fn failed(&mut self, now: Timestamp) {
        self.failures = self.failures.saturating_add(1);
        if self.failures < TOLERATED {
            return;
        }
        let doublings = (self.failures - TOLERATED).min(4);
        let pause = (FIRST_PAUSE_SECONDS << doublings).min(LONGEST_PAUSE_SECONDS);
        self.closed_until = Some(now + SignedDuration::from_secs(pause));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn one_failure_is_no_habit() {
        let mut circuit = Circuit::default();
        circuit.failed(at(0));
        assert!(circuit.admits(at(0)));
        circuit.worked();
        circuit.failed(at(1));
        assert!(circuit.admits(at(1)));
    }

    #[test]
    fn it_is_passed_over_and_tried_again_by_one() {
        let mut circuit = Circuit::default();
        circuit.failed(at(0));
        circuit.failed(at(0));
        assert!(!circuit.admits(at(29)));
        assert!(circuit.admits(at(30)), "one tries");
        assert!(!circuit.admits(at(31)), "the others wait for it");
        circuit.failed(at(31));
        assert!(!circuit.admits(at(90)));
        assert!(circuit.admits(at(91)), "the pause has doubled");
        circuit.worked();
        assert!(circuit.admits(at(92)) && circuit.admits(at(92)));
    }

    #[test]
    fn a_trial_that_never_ends_keeps_nobody_away_for_ever() {
        let mut circuit = Circuit::default();
        circuit.failed(at(0));
        circuit.failed(at(0));
        assert!(circuit.admits(at(30)));
        assert!(circuit.admits(at(50)));
    }

    #[test]
    fn pauses_end_at_five_minutes() {
        let mut circuit = Circuit::default();
        for _ in 0..50 {
            circuit.failed(at(0));
        }
        assert!(!circuit.admits(at(299)));
        assert!(circuit.admits(at(300)));
    }
}
