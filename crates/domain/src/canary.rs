//! Whether a worker's own way out is well, judged by canaries: anchors on the internet that some of
//! are always there. What they say decides whether a failing target is believed.
//!
//! A *round* asks every canary once. A *sitting* is as many rounds as it takes to be sure: one when
//! all answer, more when some do not, since a lost packet is no cut and a lossy line is no health.
//!
//! - A canary **counts** once it has answered from this region. One that has been silent for a day
//!   longer than another is gone, and counts no more. With none counting the self-check is off.
//! - Most of those that count must answer, else the line is **cut**.
//! - At most [`TOLERATED_LOSS`] of the looks of a sitting may fail, else the line is **lossy**. Who
//!   has been silent for long while most answered is dead, and no loss.
//! - Sight that was lost to a cut is back only after two clean rounds. On a lossy line two rounds are
//!   clean now and then by luck, so that after it takes [`ROUNDS_AFTER_LOSS`] with next to no loss.

use jiff::{SignedDuration, Timestamp};

/// A canary that is silent for this much longer than the last that answered counts no more.
pub const GONE_AFTER: SignedDuration = SignedDuration::from_hours(24);
/// Rounds of silence after which a canary is dead and its silence no loss.
pub const DEAD_AFTER: u32 = 6;
/// Looks of a sitting that may fail, in percent; packets lost now and then are repaired by TCP.
pub const TOLERATED_LOSS: usize = 15;
/// Rounds of a sitting at most, unless the line was lossy before it.
pub const MOST_ROUNDS: usize = 3;
/// Looks of a sitting that may fail, in percent, for a line that was lossy to be well again.
pub const TOLERATED_LOSS_AFTER: usize = 5;
/// Rounds it takes for a line that was lossy to be well again.
pub const ROUNDS_AFTER_LOSS: usize = 6;

/// The built-in anchors: everyday names of operators that share no network.
pub const ANCHORS: [&str; 8] = [
    "https://www.google.com/generate_204",
    "https://cp.cloudflare.com/generate_204",
    "https://www.apple.com/library/test/success.html",
    "https://www.bing.com/robots.txt",
    "https://aws.amazon.com/robots.txt",
    "https://deb.debian.org/robots.txt",
    "https://www.wikipedia.org/robots.txt",
    "https://dns.quad9.net/",
];

/// What can never answer: a name that no resolver may find (RFC 6761) and an address that is given
/// to nobody (RFC 5737). When one looks up, something on our side answers for others.
pub const KNOWN_DEAD: [&str; 2] = ["http://watchbell-canary.invalid/", "http://203.0.113.86/"];

/// Why a worker does not believe what it sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// Most canaries are silent.
    Cut,
    /// Too many looks at canaries fail.
    Loss,
}

impl Trouble {
    /// The stored word (`blind_intervals.reason`).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::Loss => "loss",
        }
    }
}

/// What a sitting has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Health {
    /// No canary counts: the self-check is off.
    Off,
    /// What is seen may be believed.
    Well,
    /// What is seen says nothing of the targets.
    Blind(Trouble),
}

/// What is known of one canary in this region.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// When it answered for the first time.
    pub first_answer_at: Option<Timestamp>,
    /// When it answered last.
    pub last_answer_at: Option<Timestamp>,
    /// When it was last silent.
    pub last_failure_at: Option<Timestamp>,
    /// Rounds of silence in a row.
    pub silent: u32,
}

impl Standing {
    /// Takes a round in.
    pub fn take_in(&mut self, answered: bool, at: Timestamp) {
        if answered {
            self.first_answer_at = self.first_answer_at.or(Some(at));
            self.last_answer_at = self.last_answer_at.max(Some(at));
            self.silent = 0;
        } else {
            self.last_failure_at = self.last_failure_at.max(Some(at));
            self.silent = self.silent.saturating_add(1);
        }
    }

    const fn is_dead(&self) -> bool {
        self.silent >= DEAD_AFTER
    }
}

/// One canary in one round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// It counts.
    pub counts: bool,
    /// It was dead before this sitting: its silence surprises nobody.
    pub dead: bool,
    /// It answered in time.
    pub answered: bool,
}

/// Which of the canaries count: those that have answered from here, but for those that have been
/// silent for a day longer than the others.
pub fn counting(standings: &[Standing]) -> Vec<bool> {
    let newest = standings.iter().filter_map(|s| s.last_answer_at).max();
    let gone =
        |last: Timestamp| newest.is_some_and(|newest| newest.duration_since(last) > GONE_AFTER);
    standings
        .iter()
        .map(|standing| standing.last_answer_at.is_some_and(|last| !gone(last)))
        .collect()
}

/// The words of a round; `before` is each canary's standing before its sitting, `after` the standing
/// that this round left it.
pub fn words(before: &[Standing], after: &[Standing], answered: &[bool]) -> Vec<Word> {
    let counts = counting(after);
    before
        .iter()
        .zip(counts)
        .zip(answered)
        .map(|((before, counts), answered)| Word {
            counts,
            dead: before.is_dead(),
            answered: *answered,
        })
        .collect()
}

/// Judges a sitting after its last round; `None`: another round is wanted. `before`: why sight was
/// lost before it, if it was.
pub fn judge(rounds: &[Vec<Word>], before: Option<Trouble>) -> Option<Health> {
    let last = rounds.last()?;
    if !last.iter().any(|word| word.counts) {
        return Some(Health::Off);
    }
    let was_lossy = before == Some(Trouble::Loss);
    let clean = rounds.iter().filter(|round| is_clean(round)).count();
    if clean == rounds.len() && !was_lossy && (clean >= 2 || before.is_none()) {
        return Some(Health::Well);
    }
    let cut = rounds.iter().filter(|round| is_cut(round)).count();
    if cut >= 2 || (cut == 1 && rounds.len() >= MOST_ROUNDS && is_cut(last)) {
        return Some(Health::Blind(Trouble::Cut));
    }
    if rounds.len() < MOST_ROUNDS {
        return None;
    }
    let tolerated = match was_lossy {
        true => TOLERATED_LOSS_AFTER,
        false => TOLERATED_LOSS,
    };
    if is_lossy(rounds, tolerated) {
        return Some(Health::Blind(Trouble::Loss));
    }
    (!was_lossy || rounds.len() >= ROUNDS_AFTER_LOSS).then_some(Health::Well)
}

/// Everyone answered of whom it was to be expected, and most of all that count.
fn is_clean(round: &[Word]) -> bool {
    !is_cut(round)
        && round
            .iter()
            .all(|word| word.answered || word.dead || !word.counts)
}

fn is_cut(round: &[Word]) -> bool {
    let counted = round.iter().filter(|word| word.counts).count();
    let answered = round
        .iter()
        .filter(|word| word.counts && word.answered)
        .count();
    answered * 2 <= counted && !(counted == 1 && answered == 1)
}

fn is_lossy(rounds: &[Vec<Word>], tolerated: usize) -> bool {
    let looks = || {
        rounds
            .iter()
            .flatten()
            .filter(|word| word.counts && !word.dead)
    };
    let failed = looks().filter(|word| !word.answered).count();
    failed * 100 > looks().count() * tolerated
}

#[cfg(test)]
mod tests;
