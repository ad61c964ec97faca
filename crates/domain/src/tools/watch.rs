//! "Watch it and mail me when it is back": when a watch is offered, when its target is back, when it stops.
//!
//! A target is looked at in rounds, each from every region. A round in which nobody could look (our own fault)
//! says nothing: it neither counts nor takes back what the round before it said.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Tool;
use crate::check::{Check, VerdictKind};
use crate::monitor::blocks::words;
use crate::words::{cause, milliseconds};

/// Between two rounds of looks at a target.
pub const ROUND: SignedDuration = SignedDuration::from_secs(60);
/// What has not answered this long after a round began does not count in it.
pub const ROUND_ENDS: SignedDuration = SignedDuration::from_secs(45);
/// Good rounds in a row that make a target back.
pub const GOOD_ROUNDS: u16 = 2;
/// How long a request waits for its confirmation.
pub const CONFIRM_WITHIN: SignedDuration = SignedDuration::from_hours(1);
/// How long a target is watched for somebody.
pub const AT_MOST: SignedDuration = SignedDuration::from_hours(24);
/// How much longer when the last round was a good one.
const ONE_MORE: SignedDuration = SignedDuration::from_mins(5);
/// How long the link works that begins a stopped watch again.
pub const AGAIN_WITHIN: SignedDuration = SignedDuration::from_hours(24 * 7);
/// How long the row of an ended watch is kept, without its address.
pub const KEPT: SignedDuration = SignedDuration::from_hours(24 * 7);
/// Open watches of one address, unconfirmed ones included.
pub const MOST_OF_ADDRESS: i64 = 3;
/// Open watches in all, unconfirmed ones included.
pub const MOST_OPEN: i64 = 5_000;
/// Targets that are looked at at once, whoever waits for them.
pub const MOST_TARGETS: i64 = 500;
/// Of these, targets of one site.
pub const MOST_OF_SITE: i64 = 30;

words! {
    /// How a watch ended.
    Outcome {
        /// The target is back, and a mail says so.
        Back "back",
        /// The target was up when the watch was confirmed, and the page said so.
        AlreadyBack "already_back",
        /// Its time was over, and a mail says so.
        Stopped "stopped",
        /// Its owner ended it.
        Ended "ended",
    }
}

/// What the regions say together in one round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Round {
    /// More than half of those that could look got a good answer.
    Good,
    /// Not more than half did.
    Bad,
    /// Nobody could look.
    Unseen,
}

const fn is_good(verdict: VerdictKind) -> Option<bool> {
    match verdict {
        VerdictKind::Up | VerdictKind::Degraded => Some(true),
        VerdictKind::Down | VerdictKind::Blocked => Some(false),
        VerdictKind::Unknown => None,
    }
}

/// Reads a round. Regions that did not answer are not in it.
pub fn round(verdicts: impl IntoIterator<Item = VerdictKind>) -> Round {
    let (mut good, mut bad) = (0_u32, 0_u32);
    for is_good in verdicts.into_iter().filter_map(is_good) {
        match is_good {
            true => good += 1,
            false => bad += 1,
        }
    }
    match (good, bad) {
        (0, 0) => Round::Unseen,
        _ if good > bad => Round::Good,
        _ => Round::Bad,
    }
}

/// Whether a result is one whose end somebody may wait for: "back" has a sense there, and it is not up.
/// What turns our looks away may be up for everybody else, and we could not tell when it is back.
pub fn is_offered(tool: Tool, verdicts: &[VerdictKind]) -> bool {
    matches!(tool, Tool::Down | Tool::Ping | Tool::Certificate)
        && verdicts.contains(&VerdictKind::Down)
        && round(verdicts.iter().copied()) == Round::Bad
}

/// Good rounds of a target so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// In a row, up to now.
    pub good_rounds: u16,
    /// When the first of them began.
    pub good_since: Option<Timestamp>,
}

impl Progress {
    /// After one more round, which began at `began`.
    #[must_use]
    pub fn after(self, round: Round, began: Timestamp) -> Self {
        match round {
            Round::Good => Self {
                good_rounds: self.good_rounds.saturating_add(1),
                good_since: self.good_since.or(Some(began)),
            },
            Round::Bad => Self::default(),
            Round::Unseen => self,
        }
    }

    /// When it came back; `None` while it is not.
    pub fn back_since(self) -> Option<Timestamp> {
        self.good_since.filter(|_| self.good_rounds >= GOOD_ROUNDS)
    }
}

/// A request is too old to be confirmed.
pub fn has_lapsed(created_at: Timestamp, now: Timestamp) -> bool {
    now >= created_at + CONFIRM_WITHIN
}

/// The time of a watch is over. What may be back at the next round is waited for a little longer.
pub fn is_over(confirmed_at: Timestamp, progress: Progress, now: Timestamp) -> bool {
    let more = match progress.good_rounds {
        0 => SignedDuration::ZERO,
        _ => ONE_MORE,
    };
    now >= confirmed_at + AT_MOST + more
}

/// What a round saw, in the words of one of its looks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Regions that got a good answer.
    pub good: u16,
    /// Regions that could look.
    pub of: u16,
    /// `HTTP 200 after 41 ms`, `error 502`: part of a sentence.
    pub what: String,
}

impl Seen {
    /// What a round saw; `None` when nobody could look.
    pub fn of<'c>(tool: Tool, checks: impl IntoIterator<Item = &'c Check>) -> Option<Self> {
        let seen: Vec<(bool, &Check)> = checks
            .into_iter()
            .filter_map(|check| Some((is_good(check.verdict)?, check)))
            .collect();
        let good = seen.iter().filter(|(is_good, _)| *is_good).count();
        let wanted = good * 2 > seen.len();
        let (_, check) = seen.iter().find(|(is_good, _)| *is_good == wanted)?;
        let number = |count| u16::try_from(count).unwrap_or(u16::MAX);
        Some(Self {
            good: number(good),
            of: number(seen.len()),
            what: what(tool, check),
        })
    }

    /// `HTTP 200 after 41 ms, from 2 of 2 regions`.
    pub fn sentence(&self) -> String {
        let (count, of) = match self.good * 2 > self.of {
            true => (self.good, self.of),
            false => (self.of - self.good, self.of),
        };
        match of {
            1 => format!("{}, from our one region", self.what),
            of => format!("{}, from {count} of {of} regions", self.what),
        }
    }
}

fn what(tool: Tool, check: &Check) -> String {
    // Whose server it is, a stranger does not know.
    if let Some(failure) = &check.failure {
        return cause(failure, None);
    }
    let after = milliseconds(check.total_us);
    match (tool, check.http_status) {
        (Tool::Certificate, _) => "a good certificate".to_owned(),
        (_, Some(status)) => format!("HTTP {status} after {after}"),
        (_, None) => format!("an answer after {after}"),
    }
}

/// What is waited for: `shop.example is back`, to stand in a sentence or to be one.
pub fn back(tool: Tool, host: &str) -> String {
    match tool {
        Tool::Ping => format!("{host} replies to ping again"),
        Tool::Certificate => format!("{host} has a good certificate again"),
        _ => format!("{host} is back"),
    }
}

/// That it did not come in the time of a watch.
pub fn not_back(tool: Tool, host: &str) -> String {
    let hours = AT_MOST.as_hours();
    match tool {
        Tool::Ping => format!("{host} does not reply to ping after {hours} hours"),
        Tool::Certificate => format!("{host} has no good certificate after {hours} hours"),
        _ => format!("{host} is not back after {hours} hours"),
    }
}

/// The host of a target, as people speak of it.
pub fn host(target: &str) -> String {
    match url::Url::parse(target) {
        Ok(url) if url.has_host() => url.host_str().unwrap_or(target).to_owned(),
        _ => target.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use VerdictKind::{Blocked, Degraded, Down, Unknown, Up};
    use jiff::ToSpan;
    use rstest::rstest;

    use super::*;
    use crate::check::{Expectation, Failure, FailureClass, HttpFacts, Observation, Phase};
    use crate::ids::CheckId;
    use crate::monitor::{MonitorSpec, Settings};

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + 60 * minute).unwrap()
    }

    #[rstest]
    #[case(&[], Round::Unseen)]
    #[case(&[Unknown, Unknown], Round::Unseen)]
    #[case(&[Up], Round::Good)]
    #[case(&[Degraded, Unknown, Unknown], Round::Good)]
    #[case(&[Up, Down], Round::Bad)]
    #[case(&[Up, Up, Down], Round::Good)]
    #[case(&[Up, Down, Down], Round::Bad)]
    #[case(&[Blocked], Round::Bad)]
    #[case(&[Up, Blocked, Unknown], Round::Bad)]
    fn most_of_those_who_could_look_decide(#[case] verdicts: &[VerdictKind], #[case] is: Round) {
        assert_eq!(round(verdicts.iter().copied()), is);
    }

    #[rstest]
    #[case(Tool::Down, &[Down], true)]
    #[case(Tool::Ping, &[Down, Unknown], true)]
    #[case(Tool::Certificate, &[Down, Up], true)]
    #[case(Tool::Down, &[Up, Up, Down], false)]
    #[case(Tool::Down, &[Up], false)]
    #[case(Tool::Down, &[Blocked], false)]
    #[case(Tool::Down, &[Unknown], false)]
    #[case(Tool::Down, &[], false)]
    #[case(Tool::Dns, &[Down], false)]
    #[case(Tool::Headers, &[Down], false)]
    fn a_watch_is_offered_where_back_has_a_sense(
        #[case] tool: Tool,
        #[case] verdicts: &[VerdictKind],
        #[case] offered: bool,
    ) {
        assert_eq!(is_offered(tool, verdicts), offered);
    }

    #[rstest]
    #[case("bb", None)]
    #[case("bg", None)]
    #[case("bgbg", None)]
    #[case("bgg", Some(1))]
    #[case("gg", Some(0))]
    #[case("gbgg", Some(2))]
    // A round of ours that saw nothing is no word of the target.
    #[case("bgug", Some(1))]
    #[case("bgubg", None)]
    #[case("uu", None)]
    fn two_good_rounds_in_a_row_are_back(#[case] rounds: &str, #[case] since: Option<i64>) {
        let progress =
            rounds
                .chars()
                .zip(0..)
                .fold(Progress::default(), |so_far, (one, minute)| {
                    let round = match one {
                        'g' => Round::Good,
                        'b' => Round::Bad,
                        _ => Round::Unseen,
                    };
                    so_far.after(round, at(minute))
                });
        assert_eq!(progress.back_since(), since.map(at));
    }

    #[test]
    fn a_watch_ends_after_a_day_and_not_between_two_good_rounds() {
        let (begun, none) = (at(0), Progress::default());
        let one = none.after(Round::Good, at(24 * 60 - 1));
        assert!(!is_over(begun, none, at(24 * 60) - 1.seconds()));
        assert!(is_over(begun, none, at(24 * 60)));
        assert!(!is_over(begun, one, at(24 * 60 + 4)));
        assert!(is_over(begun, one, at(24 * 60 + 5)), "but not for ever");
        assert!(!has_lapsed(begun, at(60) - 1.seconds()));
        assert!(has_lapsed(begun, at(60)));
    }

    fn check(seen: impl FnOnce(&mut Observation)) -> Check {
        let spec = MonitorSpec {
            url: Some("https://shop.example/".into()),
            ..MonitorSpec::default()
        };
        let mut observation = Observation::begin(at(0));
        seen(&mut observation);
        let expected = Expectation::of(&Settings::of(&spec), true, false);
        let verdict = crate::check::verdict::judge(&observation, &expected);
        Check::on_request(CheckId::generate(), "fra", &observation, &verdict)
    }

    fn answers(status: u16) -> Check {
        check(|seen| {
            seen.total_us = 41_000;
            seen.http = Some(HttpFacts {
                status,
                version: "HTTP/1.1".into(),
                ..HttpFacts::default()
            });
        })
    }

    #[test]
    fn what_was_seen_is_said_by_one_of_the_many() {
        let refused = check(|seen| {
            let class = FailureClass::ConnectRefused;
            seen.failure = Some(Failure::new(class, Phase::Connect, "refused"));
        });
        let of = |checks: &[Check]| Seen::of(Tool::Down, checks).map(|seen| seen.sentence());
        assert_eq!(of(&[]), None);
        for (checks, words) in [
            (
                vec![answers(200)],
                "HTTP 200 after 41 ms, from our one region",
            ),
            (
                vec![answers(502), answers(200), answers(200)],
                "HTTP 200 after 41 ms, from 2 of 3 regions",
            ),
            (vec![answers(502)], "error 502, from our one region"),
            (
                vec![answers(200), refused],
                "server refuses connections, from 1 of 2 regions",
            ),
        ] {
            assert_eq!(of(&checks).as_deref(), Some(words));
        }
        let good = Seen::of(Tool::Certificate, &[answers(200)]).unwrap();
        assert_eq!(good.what, "a good certificate");
    }

    #[test]
    fn targets_are_spoken_of_by_their_host() {
        for (target, name) in [
            ("https://shop.example/cart?x=1", "shop.example"),
            ("shop.example", "shop.example"),
            ("mail.shop.example:993", "mail.shop.example:993"),
            ("2606:4700:4700::1111", "2606:4700:4700::1111"),
        ] {
            assert_eq!(host(target), name);
        }
        assert_eq!(back(Tool::Down, "shop.example"), "shop.example is back");
    }
}
