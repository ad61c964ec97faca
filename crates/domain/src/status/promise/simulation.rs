//! A timetable in one and in three regions, played through in simulated time.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::super::*;
use super::{Case, Chance};
use crate::check::{Failure, FailureClass, Phase, Verdict, VerdictKind};
use crate::monitor::settings::ConfirmPolicy;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    Slot,
    Recheck,
    Vote,
}

enum Event {
    Slot(usize, i64),
    Recheck(usize),
    Vote(usize),
    /// A look of the timetable has ended.
    Ended(usize, usize),
    Result(usize, Cause, Box<Look>),
}

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + milliseconds).unwrap()
}

fn milliseconds(at: Timestamp) -> i64 {
    at.as_millisecond() - 1_800_000_000_000
}

/// A look of the timetable or a recheck, from its start until its result goes to be recorded.
struct Running {
    number: usize,
    cause: Cause,
    look: Look,
    chance: Chance,
    ended: bool,
    lost: bool,
}

/// One region's worker: its vote, what it knows of the state, the rechecks that it plans, and the looks
/// under way in the order of their start, in which their results are recorded.
struct Worker {
    vote: RegionVote,
    settled: bool,
    rechecks: Vec<(i64, usize)>,
    running: Vec<Running>,
    recorded_until: i64,
}

/// What was announced, and when.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub opened: Option<(i64, i64)>,
    pub closed: Option<(i64, i64)>,
}

pub(super) struct Simulation<'c> {
    case: &'c Case,
    queue: BTreeMap<(i64, usize), Event>,
    workers: Vec<Worker>,
    voters: Vec<String>,
    state: MonitorState,
    made: usize,
    looks: usize,
    failing: usize,
    told: Told,
}

impl<'c> Simulation<'c> {
    fn push(&mut self, when: i64, event: Event) -> (i64, usize) {
        self.made += 1;
        self.queue.insert((when, self.made), event);
        (when, self.made)
    }

    /// A look begins: when it ends and what it says.
    fn look(&mut self, region: usize, cause: Cause, due: i64) {
        let chance = self.case.chances[self.looks % self.case.chances.len()];
        self.looks += 1;
        let Case {
            timeout,
            outage: (from, to),
            overlap_fails,
            ..
        } = *self.case;
        let begin = due + chance.late;
        let good_end = begin + chance.took.min(timeout);
        let inside = (from..to).contains(&begin);
        let meets = inside || (begin..=good_end).contains(&from);
        let bad_end = if chance.hangs {
            begin + timeout
        } else {
            begin.max(from) + 20
        };
        let fails = if overlap_fails {
            meets
        } else {
            inside && bad_end < to
        };
        let (kind, end) = if fails {
            (VerdictKind::Down, bad_end)
        } else if inside {
            // It hung until the outage was over.
            (VerdictKind::Up, good_end.max(to))
        } else {
            (VerdictKind::Up, good_end)
        };
        let failure = fails.then(|| Failure::new(FailureClass::ConnectTimeout, Phase::Connect, ""));
        let look = Look {
            region: self.voters[region].clone(),
            at: at(begin),
            finished_at: at(end),
            verdict: Verdict {
                kind,
                failure,
                attribution: None,
                reason: None,
            },
            config_version: 1,
        };
        self.failing += usize::from(fails);
        let lost = fails && self.case.lost == Some(self.failing);
        if cause == Cause::Recheck {
            self.keep_distance(region, begin);
        }
        if cause == Cause::Vote {
            if !lost {
                self.push(
                    end + chance.delay,
                    Event::Result(region, cause, Box::new(look)),
                );
            }
            return;
        }
        let number = self.looks;
        let running = &mut self.workers[region].running;
        let place = running.partition_point(|other| other.look.at < look.at);
        let under_way = Running {
            number,
            cause,
            look,
            chance,
            ended: false,
            lost,
        };
        running.insert(place, under_way);
        self.push(end, Event::Ended(region, number));
    }

    /// The rechecks after one that has begun keep their distance from its start.
    fn keep_distance(&mut self, region: usize, begin: i64) {
        let mut earliest = begin + 3_000;
        for index in 0..self.workers[region].rechecks.len() {
            let planned = self.workers[region].rechecks[index];
            if planned.0 >= earliest {
                break;
            }
            self.queue.remove(&planned);
            self.workers[region].rechecks[index] = self.push(earliest, Event::Recheck(region));
            earliest += 3_000;
        }
    }

    /// Results go to be recorded in the order in which their looks began.
    fn ended(&mut self, region: usize, number: usize, now: i64) {
        let running = &mut self.workers[region].running;
        for look in running.iter_mut().filter(|look| look.number == number) {
            look.ended = true;
        }
        let waiting = running.iter().position(|look| !look.ended);
        let ready: Vec<Running> = running.drain(..waiting.unwrap_or(running.len())).collect();
        for Running {
            cause,
            look,
            chance,
            ..
        } in ready.into_iter().filter(|look| !look.lost)
        {
            let recorded = (now + chance.delay).max(self.workers[region].recorded_until);
            self.workers[region].recorded_until = recorded;
            let result = |look: &Look| Event::Result(region, cause, Box::new(look.clone()));
            self.push(recorded, result(&look));
            if chance.twice {
                self.push(recorded + 700, result(&look));
            }
        }
    }

    /// A slot whose monitor is still being looked at for the one before is skipped.
    fn slot(&mut self, region: usize, now: i64) {
        let mut running = self.workers[region].running.iter();
        if !running.any(|look| look.cause == Cause::Slot) {
            self.look(region, Cause::Slot, now);
        }
    }

    /// The record transaction, and what its worker learns from it.
    fn take_in(&mut self, region: usize, cause: Cause, look: &Look, now: i64) {
        let worker = &mut self.workers[region];
        if worker.settled && look.verdict.kind == VerdictKind::Up && cause == Cause::Slot {
            return;
        }
        let (vote, rechecks) = advance(&worker.vote, look, &ConfirmPolicy::default());
        let counted = vote != worker.vote;
        worker.vote = vote;
        let votes: Vec<RegionVote> = self.workers.iter().map(|w| w.vote.clone()).collect();
        let Step { state, effects } = step(&self.state, &votes, &self.voters, at(now));
        self.state = state;
        let worker = &mut self.workers[region];
        worker.settled = self.state.observed == Observed::Up
            && !self.state.confirming
            && worker.vote.verdict == Some(VerdictKind::Up);
        if counted {
            let looked_at = worker.vote.looked_at;
            let began = |run: &Running| (run.cause == Cause::Recheck).then_some(run.look.at);
            let under_way: Vec<Timestamp> = worker.running.iter().filter_map(began).collect();
            let under_way: Vec<Timestamp> = under_way
                .into_iter()
                .filter(|began| *began > looked_at)
                .collect();
            for planned in std::mem::take(&mut worker.rechecks) {
                self.queue.remove(&planned);
            }
            for when in rechecks.less(&under_way) {
                let planned = self.push(milliseconds(when).max(now), Event::Recheck(region));
                self.workers[region].rechecks.push(planned);
            }
        }
        for effect in effects {
            self.follow(effect, now);
        }
    }

    fn follow(&mut self, effect: Effect, now: i64) {
        match effect {
            Effect::AskRegions(asked) => {
                for name in asked {
                    let region = self.voters.iter().position(|voter| *voter == name).unwrap();
                    // Requests are polled every second.
                    self.push(now + 1_000, Event::Vote(region));
                }
            }
            Effect::Open {
                first_failure_at, ..
            } => {
                assert_eq!(self.told.opened, None, "one outage is announced once");
                self.told.opened = Some((now, milliseconds(first_failure_at)));
            }
            Effect::Close { recovered_at } => {
                self.told.closed = Some((now, milliseconds(recovered_at)));
            }
            Effect::Changed { .. } | Effect::CauseChanged { .. } => {}
        }
    }

    pub(super) fn run(case: &'c Case) -> Told {
        let voters: Vec<String> = (0..case.regions).map(|n| format!("r{n}")).collect();
        let worker = |name: &String| Worker {
            vote: RegionVote {
                verdict: Some(VerdictKind::Up),
                ..RegionVote::none(name.clone())
            },
            settled: true,
            rechecks: Vec::new(),
            running: Vec::new(),
            recorded_until: 0,
        };
        let mut simulation = Self {
            case,
            queue: BTreeMap::new(),
            workers: voters.iter().map(worker).collect(),
            voters,
            state: MonitorState {
                observed: Observed::Up,
                ever_up: true,
                ..MonitorState::new(at(0))
            },
            made: 0,
            looks: 0,
            failing: 0,
            told: Told::default(),
        };
        for region in 0..case.regions {
            let turn = case.interval * i64::try_from(region).unwrap()
                / i64::try_from(case.regions).unwrap();
            simulation.push((case.phase + turn) % case.interval, Event::Slot(region, 0));
        }
        let end = case.outage.1 + 3 * case.interval + 60_000;
        while let Some(((now, _), event)) = simulation.queue.pop_first() {
            if now > end {
                break;
            }
            match event {
                Event::Slot(region, slot) => {
                    simulation.slot(region, now);
                    simulation.push(now + case.interval, Event::Slot(region, slot + 1));
                }
                Event::Recheck(region) => {
                    simulation.workers[region].rechecks.remove(0);
                    simulation.look(region, Cause::Recheck, now);
                }
                Event::Vote(region) => simulation.look(region, Cause::Vote, now),
                Event::Ended(region, number) => simulation.ended(region, number, now),
                Event::Result(region, cause, look) => {
                    simulation.take_in(region, cause, &look, now);
                }
            }
        }
        simulation.told
    }
}
