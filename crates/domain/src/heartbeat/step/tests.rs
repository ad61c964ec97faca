use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::heartbeat::Rhythm;

const HOUR: i64 = 3_600;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// Hourly, ten minutes of grace.
fn hourly() -> HeartbeatTarget {
    HeartbeatTarget {
        rhythm: Rhythm::Period(Duration::from_secs(3_600)),
        grace: Duration::from_secs(600),
    }
}

fn ping(tail: &str, second: i64, rid: Option<u128>) -> Ping {
    Ping {
        action: if tail.is_empty() {
            Action::SUCCESS
        } else {
            Action::parse(tail).unwrap()
        },
        rid: rid.map(Uuid::from_u128),
        began_at: None,
        at: at(second),
    }
}

struct Job {
    beat: Beat,
    state: MonitorState,
    target: HeartbeatTarget,
    effects: Vec<Effect>,
}

impl Job {
    fn new() -> Self {
        Self {
            beat: Beat::default(),
            state: MonitorState::new(at(0)),
            target: hourly(),
            effects: Vec::new(),
        }
    }

    fn take(&mut self, ping: &Ping) -> &mut Self {
        let taken = take(&self.beat, &self.state, &self.target, ping);
        self.apply(taken)
    }

    fn says(&mut self, tail: &str, second: i64) -> &mut Self {
        self.take(&ping(tail, second, None))
    }

    fn apply(&mut self, taken: Taken) -> &mut Self {
        self.beat = taken.beat;
        self.state = taken.step.state;
        self.effects.extend(taken.step.effects);
        self
    }

    fn sweep(&mut self, second: i64, lost: &[Lost]) -> &mut Self {
        if self.beat.due_at.is_none_or(|due| due > at(second)) {
            return self;
        }
        let zone = (&TimeZone::UTC, at(second));
        match overdue(&self.beat, &self.state, &self.target, lost, zone) {
            Overdue::Nothing => self,
            Overdue::Wait(until) => {
                assert!(until > at(second));
                self.beat.due_at = Some(until);
                self
            }
            Overdue::Decided(taken) => self.apply(*taken),
        }
    }

    fn opened(&self) -> usize {
        let open = |effect: &&Effect| matches!(effect, Effect::Open { .. });
        self.effects.iter().filter(open).count()
    }

    fn closed(&self) -> usize {
        let close = |effect: &&Effect| matches!(effect, Effect::Close { .. });
        self.effects.iter().filter(close).count()
    }
}

fn gap(from: i64, until: i64) -> Lost {
    Lost {
        from: at(from),
        until: at(until),
    }
}

#[test]
fn before_the_first_one_nothing_is_late() {
    let mut job = Job::new();
    job.sweep(1_000 * HOUR, &[]);
    assert_eq!(job.state.observed, Observed::Pending);
    job.says("log", HOUR).sweep(1_000 * HOUR, &[]);
    assert_eq!(
        job.state.observed,
        Observed::Pending,
        "a note is no heartbeat"
    );
}

#[test]
fn missed_after_the_grace_and_up_at_the_next_one() {
    let mut job = Job::new();
    job.says("", 0).sweep(HOUR + 599, &[]);
    assert_eq!(job.state.observed, Observed::Up);
    job.sweep(HOUR + 600, &[]);
    assert_eq!(
        (job.state.observed, job.state.since, job.opened()),
        (Observed::Down, at(HOUR), 1)
    );
    let failure = job.state.failure.clone().unwrap();
    assert_eq!(failure.class, FailureClass::HeartbeatMissed);
    assert_eq!(
        failure.message,
        "A heartbeat was expected at 2027-01-15T09:00:00Z and had not come 10 min later."
    );
    assert_eq!(words::cause(&failure, None), "no heartbeat since 08:00");
    job.sweep(100 * HOUR, &[]);
    assert_eq!(job.opened(), 1, "it is told once");
    job.says("", 2 * HOUR);
    assert_eq!(
        (job.state.observed, job.closed(), job.beat.expected_at),
        (Observed::Up, 1, Some(at(3 * HOUR)))
    );
}

#[test]
fn a_failure_is_told_at_once_and_a_success_ends_it_at_once() {
    let mut job = Job::new();
    job.says("fail", 10);
    assert_eq!((job.state.observed, job.opened()), (Observed::Down, 1));
    assert_eq!(
        words::cause(job.state.failure.as_ref().unwrap(), None),
        "job reports failure"
    );
    job.says("137", 20).says("137", 30);
    let changes = job
        .effects
        .iter()
        .filter(|effect| matches!(effect, Effect::CauseChanged { .. }));
    assert_eq!((changes.count(), job.opened()), (1, 1));
    assert_eq!(
        words::cause(job.state.failure.as_ref().unwrap(), None),
        "job reports failure (exit 137)"
    );
    job.sweep(500 * HOUR, &[]).says("0", 500 * HOUR);
    assert_eq!((job.state.observed, job.closed()), (Observed::Up, 1));
}

#[test]
fn a_closed_incident_stays_closed_until_it_was_up_once() {
    let mut job = Job::new();
    job.says("fail", 10);
    job.state.quiet_until_up = true;
    job.says("1", 20);
    assert_eq!(job.opened(), 1);
    job.says("", 30).says("1", 40);
    assert_eq!(job.opened(), 2);
}

#[test]
fn a_run_that_does_not_end_is_missed() {
    let mut job = Job::new();
    job.says("start", 0);
    assert_eq!(job.state.observed, Observed::Pending);
    job.sweep(599, &[]).sweep(600, &[]);
    assert_eq!((job.state.observed, job.opened()), (Observed::Down, 1));
    assert_eq!(
        job.state.failure.as_ref().unwrap().message,
        "The run that began at 2027-01-15T08:00:00Z had not ended 10 min later."
    );
    job.says("", 900);
    assert_eq!(
        (job.state.observed, job.beat.last_duration, job.beat.run),
        (Observed::Up, Some(SignedDuration::from_secs(900)), None)
    );
}

#[test]
fn overlapping_runs_are_told_apart() {
    let mut job = Job::new();
    job.take(&ping("start", 0, Some(1)));
    job.take(&ping("start", 100, Some(2)));
    let other = Ping {
        began_at: Some(at(0)),
        ..ping("", 150, Some(1))
    };
    job.take(&other);
    assert_eq!(job.beat.last_duration, Some(SignedDuration::from_secs(150)));
    assert_eq!(
        job.beat.run.and_then(|run| run.rid),
        Some(Uuid::from_u128(2)),
        "the second one still runs"
    );
    job.take(&ping("", 160, Some(2)));
    assert_eq!(
        (job.beat.last_duration, job.beat.run),
        (Some(SignedDuration::from_secs(60)), None)
    );
    job.take(&ping("start", 200, Some(3))).says("", 230);
    assert_eq!(
        (job.beat.last_duration, job.beat.run),
        (None, None),
        "a success without an id ends whatever runs"
    );
    job.take(&ping("start", 300, Some(4)))
        .take(&ping("fail", 310, Some(5)));
    assert_eq!(job.beat.run, None, "a failure too");
}

#[test]
fn lost_time_is_added_to_the_grace() {
    // Long before the time, so that nothing of this one can be lost.
    let mut job = Job::new();
    job.says("", 0)
        .sweep(HOUR + 600, &[gap(100, 200), gap(5 * HOUR, 6 * HOUR)]);
    assert_eq!(job.state.observed, Observed::Down);
    assert_eq!(
        deadline(
            at(0),
            SignedDuration::from_secs(60),
            &[gap(10, 30)],
            at(100)
        ),
        at(80)
    );
}

#[test]
fn what_may_have_been_lost_is_unknown_and_told_when_the_next_one_is_missed() {
    let mut job = Job::new();
    let lost = [gap(HOUR - 100, HOUR + 500)];
    job.says("", 0).sweep(HOUR + 600, &lost);
    assert_eq!(job.state.observed, Observed::Up, "the grace is longer");
    job.sweep(HOUR + 1_100, &lost);
    assert_eq!(
        (job.state.observed, job.opened()),
        (Observed::Unknown, 0),
        "nobody is blamed"
    );
    assert_eq!(job.beat.expected_at, Some(at(2 * HOUR)));
    job.sweep(2 * HOUR + 599, &lost);
    assert_eq!(job.opened(), 0);
    job.sweep(2 * HOUR + 600, &lost);
    assert_eq!((job.state.observed, job.opened()), (Observed::Down, 1));
}

#[test]
fn unknown_ends_with_the_next_heartbeat() {
    let mut job = Job::new();
    let lost = [gap(HOUR - 100, HOUR + 500)];
    job.says("", 0)
        .sweep(HOUR + 1_100, &lost)
        .says("", 2 * HOUR);
    assert_eq!(
        (job.state.observed, job.opened(), job.closed()),
        (Observed::Up, 0, 0)
    );
    // The end of a run may be lost as well.
    job.says("start", 2 * HOUR + 10)
        .sweep(2 * HOUR + 700, &[gap(2 * HOUR + 20, 2 * HOUR + 60)]);
    assert_eq!(
        (job.state.observed, job.beat.run),
        (Observed::Unknown, None)
    );
    assert_eq!(job.beat.due_at, Some(at(3 * HOUR + 600)));
}

#[test]
fn a_long_outage_of_ours_skips_what_it_hid() {
    let mut job = Job::new();
    let lost = [gap(HOUR / 2, 10 * HOUR)];
    job.says("", 0).sweep(10 * HOUR + 60, &lost);
    assert_eq!((job.state.observed, job.opened()), (Observed::Up, 0));
    job.sweep(10 * HOUR + 600, &lost);
    assert_eq!((job.state.observed, job.opened()), (Observed::Unknown, 0));
    assert!(job.beat.expected_at > Some(at(10 * HOUR)));
}

#[test]
fn after_a_pause_the_wait_begins_anew() {
    let mut job = Job::new();
    assert_eq!(rearm(&job.beat, &job.target, at(50)), Beat::default());
    job.says("", 0).says("start", 10);
    let beat = rearm(&job.beat, &job.target, at(50 * HOUR));
    assert_eq!(
        (beat.expected_at, beat.due_at, beat.run),
        (Some(at(51 * HOUR)), Some(at(51 * HOUR + 600)), None)
    );
}

#[test]
fn nobody_is_late_by_a_rule_that_was_not_there() {
    let mut job = Job::new();
    job.says("", 0);
    let mut shorter = hourly();
    shorter.rhythm = Rhythm::Period(Duration::from_secs(60));
    shorter.grace = Duration::from_secs(60);
    let beat = reschedule(&job.beat, &shorter, at(1_000));
    assert_eq!(beat.due_at, Some(at(1_120)));
    let mut longer = hourly();
    longer.grace = Duration::from_secs(1_200);
    let beat = reschedule(&job.beat, &longer, at(1_000));
    assert_eq!(
        beat.due_at,
        Some(at(HOUR + 1_200)),
        "still from the last one"
    );
}

#[test]
fn what_matters_gets_through_the_limit() {
    let mut job = Job::new();
    let matters =
        |job: &Job, tail: &str| super::matters(&job.beat, &job.state, &ping(tail, 99, None));
    assert!(matters(&job, "") && matters(&job, "fail") && matters(&job, "start"));
    assert!(!matters(&job, "log"));
    job.says("", 0);
    assert!(!matters(&job, "") && matters(&job, "fail"));
    job.says("start", 1);
    assert!(matters(&job, "") && !matters(&job, "start"));
    job.says("fail", 2);
    assert!(matters(&job, "") && !matters(&job, "7"));
}

proptest! {
    /// Whatever is said and swept in whatever order: an incident is opened only while none is open and
    /// closed only while one is, and a status without a wait is down, pending or unknown.
    #[test]
    fn opens_and_closes_take_turns(steps in proptest::collection::vec((0_usize..6, 1_i64..2_000), 1..60)) {
        let mut job = Job::new();
        let mut now = 0;
        let mut open = 0_i32;
        for (what, pause) in steps {
            now += pause;
            let before = job.effects.len();
            match ["", "start", "fail", "log", "3", "sweep"][what] {
                "sweep" => job.sweep(now, &[]),
                tail => job.says(tail, now),
            };
            for effect in &job.effects[before..] {
                match effect {
                    Effect::Open { first_failure_at, .. } => {
                        open += 1;
                        prop_assert!(*first_failure_at <= at(now));
                    }
                    Effect::Close { .. } => open -= 1,
                    _ => {}
                }
                prop_assert!(open == 0 || open == 1);
            }
            prop_assert_eq!(open == 1, job.state.observed == Observed::Down);
            prop_assert!(job.state.since <= at(now));
            if job.state.observed == Observed::Up {
                prop_assert!(job.beat.due_at.is_some());
            }
        }
    }

    /// No outage of ours, wherever it lies and however long it is, makes a punctual job late.
    #[test]
    fn a_punctual_job_is_never_blamed(from in 0_i64..20_000, long in 1_i64..40_000) {
        let mut job = Job::new();
        let lost = [gap(from, from + long)];
        let until = from + long + 3 * HOUR;
        for second in (0..until).step_by(5) {
            let heard = !(from..from + long).contains(&second);
            if second % HOUR == 0 && heard {
                job.says("", second);
            }
            if heard && !(from..from + long + 60).contains(&second) {
                job.sweep(second, if second >= from { &lost } else { &[] });
            }
        }
        prop_assert_eq!(job.opened(), 0);
    }
}
