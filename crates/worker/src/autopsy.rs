//! Closer looks at what has just failed: a fixed set of questions, bounded in number and time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::check::{FailureClass, Observation, VerdictKind, redact};
use domain::incident::Incident;
use domain::incident::diagnosis::autopsy::{
    Finding, History, Outcome, Question, expectation, plan, target,
};
use domain::monitor::{Settings, Target};
use futures::stream::{self, StreamExt as _};
use metrics::{counter, histogram};
use probe::{Prober, Whom};
use store::autopsies::{self, Wanted};
use store::monitors::timetable;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::look;
use crate::metrics as names;
use crate::plan::Plan;
use crate::rounds;
use crate::scrub::{scrub, scrub_observation};
use crate::shared::Shared;

const POLL: Duration = Duration::from_secs(1);
/// All questions of one incident and region together.
const WITHIN: Duration = Duration::from_millis(4_500);
/// One of them.
const ONE: Duration = Duration::from_secs(4);
/// The look again, where it was not answered in its whole time: whether others are answered tells more.
const AFTER_SILENCE: Duration = Duration::from_secs(2);
/// Less time than this is left: nothing is asked any more. Who had no time to answer was not silent.
const LEAST: Duration = Duration::from_secs(1);
/// An address without room is asked again after no less than this.
const SHORTEST_WAIT: Duration = Duration::from_millis(50);
/// Questions that run at once, all at one target.
const AT_ONCE: usize = 4;
/// Incidents that are looked at closer at once; more wait, and in a storm the last are left out.
const ROOM: usize = 16;
/// Name servers of a domain that are asked.
const NAME_SERVERS: usize = 3;

pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let room = Arc::new(Semaphore::new(ROOM));
    let called = (POLL, &shared.examined);
    let round = || start_open(&shared, &room);
    rounds::run(
        "failures that are to be looked at closer",
        called,
        &stop,
        round,
    )
    .await;
}

async fn start_open(shared: &Arc<Shared>, room: &Arc<Semaphore>) -> store::Result<()> {
    let free = room.available_permits();
    // Blind, every answer would be about us.
    if free == 0 || shared.canaries.is_blind() {
        return Ok(());
    }
    let mut connection = shared.pool.acquire().await?;
    let (region, worker) = (&shared.config.region, &shared.config.worker_id);
    let limit = i64::try_from(free).unwrap_or(i64::MAX);
    let taken = autopsies::claim(&mut connection, region, worker, shared.now(), limit).await?;
    drop(connection);
    for wanted in taken {
        let Ok(permit) = room.clone().acquire_owned().await else {
            return Ok(());
        };
        let shared = shared.clone();
        shared.clone().tasks.spawn(async move {
            if let Err(error) = examine(&shared, &wanted).await {
                tracing::warn!(error = &*error, "a failure could not be looked at closer");
            }
            drop(permit);
            shared.examined.notify_one();
        });
    }
    Ok(())
}

type Outcomes = Result<(), Box<dyn std::error::Error + Send + Sync>>;

async fn examine(shared: &Arc<Shared>, wanted: &Wanted) -> Outcomes {
    let (account, incident) = (wanted.account_id, wanted.incident_id);
    let mut connection = shared.pool.acquire().await?;
    let region = &shared.config.region;
    let key = (account, wanted.monitor_id);
    let found = timetable::find_scheduled(&mut connection, &shared.secrets, region, key).await?;
    let case = incidents::case_of(&mut connection, account, incident).await?;
    drop(connection);
    let findings = match (found, case) {
        (Some(scheduled), Some((incident, history))) => {
            let plan = Plan::of(&scheduled, region);
            let battery = Questions::new(shared, &plan);
            battery
                .ask_all(&incident, &history, wanted.most.into())
                .await
        }
        // Paused, deleted, or moved to another region meanwhile.
        _ => Vec::new(),
    };
    let now = shared.now();
    let is_new =
        incidents::record_findings(&shared.pool, (account, incident), region, &findings, now)
            .await?;
    counter!(names::EXAMINED, "new" => if is_new { "true" } else { "false" }).increment(1);
    let took = now.duration_since(wanted.wanted_at).as_secs_f64();
    histogram!(names::EXAMINED_AFTER).record(took.max(0.0));
    Ok(())
}

/// The questions that are put to one target.
struct Questions<'q> {
    shared: &'q Shared,
    plan: &'q Plan,
    prober: Prober,
    until: Instant,
    /// The most time for the look again.
    again: Duration,
    findings: Mutex<Vec<Finding>>,
}

impl<'q> Questions<'q> {
    fn new(shared: &'q Shared, plan: &'q Plan) -> Self {
        Self {
            shared,
            plan,
            prober: shared.prober.yielding(),
            until: Instant::now() + WITHIN,
            again: ONE,
            findings: Mutex::default(),
        }
    }

    fn settings(&self) -> &Settings {
        &self.plan.settings
    }

    async fn ask_all(
        mut self,
        incident: &Incident,
        history: &History,
        most: usize,
    ) -> Vec<Finding> {
        let class = incident.failure.class;
        if is_silence(class) {
            self.again = AFTER_SILENCE;
        }
        let asked = self.ask(Question::Again).await;
        let seen = asked.unwrap_or_else(|| Observation::begin(self.shared.now()));
        let costs = 1 + seen.redirects.len();
        let most = most.saturating_sub(costs);
        let mut planned = plan(self.settings(), class, (&seen, history), most);
        planned.retain(|question| *question != Question::AgainLater && self.can_ask(question));
        let (zones, planned): (Vec<_>, Vec<_>) = planned
            .into_iter()
            .partition(|question| matches!(question, Question::NameServers(_)));
        let others: Vec<_> = planned
            .into_iter()
            .map(|question| self.ask(question))
            .collect();
        let others = stream::iter(others);
        let others = others.buffer_unordered(AT_ONCE).count();
        tokio::join!(others, self.ask_name_servers(zones));
        if most > costs {
            self.ask(Question::AgainLater).await;
        }
        let findings = self.findings.into_inner();
        findings.unwrap_or_else(PoisonError::into_inner)
    }

    /// No more resolvers can be compared than there are.
    fn can_ask(&self, question: &Question) -> bool {
        match question {
            Question::Resolver(nth) => usize::from(*nth) < self.prober.resolvers(),
            _ => true,
        }
    }

    /// The nearest domain that has name servers, and these for the name itself.
    async fn ask_name_servers(&self, zones: Vec<Question>) {
        for zone in zones {
            let Some(seen) = self.ask(zone).await else {
                continue;
            };
            let names = seen.records.unwrap_or_default();
            if names.is_empty() {
                continue;
            }
            let asked = names.into_iter().take(NAME_SERVERS).map(|name| {
                let name = name.trim_end_matches('.').to_owned();
                self.ask(Question::NameServer(name))
            });
            let asked = stream::iter(asked.collect::<Vec<_>>());
            asked.buffer_unordered(NAME_SERVERS).count().await;
            return;
        }
    }

    /// One look; where the address has no room at the moment, after a while, and in the end not at all.
    async fn look(&self, asked: &Target, question: &Question) -> Option<Observation> {
        loop {
            let left = self.until.saturating_duration_since(Instant::now());
            if left < LEAST {
                return None;
            }
            let most = match question {
                Question::Again => self.again,
                _ => ONE,
            };
            let timeout = self.settings().timeout.min(most).min(left);
            let now = self.shared.now();
            let seen = match (question, question.pinned()) {
                (Question::Origin(origin), _) => {
                    self.prober.look_behind(asked, origin, timeout, now).await
                }
                _ if let (Some(whom), Target::Dns(dns)) = (whom(question), asked) => {
                    self.prober.ask(dns, whom, timeout, now).await
                }
                (_, Some(ip)) => self.prober.look_at(asked, ip, timeout, now).await,
                (_, None) => {
                    let names = probe::Names::Asked;
                    self.prober.look(asked, timeout, names, now).await
                }
            };
            match seen.put_off {
                Some(wait) => tokio::time::sleep(wait.max(SHORTEST_WAIT)).await,
                None => return Some(seen),
            }
        }
    }

    /// Asks one; what fails through our own fault, or is refused to us by our own rules, says nothing.
    async fn ask(&self, question: Question) -> Option<Observation> {
        let nonce = uuid::Uuid::new_v4().simple().to_string();
        let asked = target(self.settings(), &question, &nonce)?;
        let seen = self.look(&asked, &question).await?;
        if seen.our_fault {
            return None;
        }
        let clouded = self.shared.canaries.clouds(seen.at, self.shared.now());
        let expected = expectation(self.settings(), asked);
        let (seen, verdict) = look::judge(seen, &expected, clouded);
        let refused = verdict.class() == Some(FailureClass::TargetRefused);
        if refused || verdict.kind == VerdictKind::Unknown && !is_answer(&question, &seen) {
            return None;
        }
        let seen = scrub_observation(redact::redact(seen, &self.plan.secrets()));
        let outcome = scrub(Outcome::of(&seen, &verdict));
        let finding = Finding {
            region: self.shared.config.region.clone(),
            question,
            outcome,
        };
        let mut findings = self.findings.lock().unwrap_or_else(PoisonError::into_inner);
        findings.push(finding);
        Some(seen)
    }
}

/// It took its whole time, and would again.
const fn is_silence(class: FailureClass) -> bool {
    use FailureClass as C;
    matches!(
        class,
        C::ConnectTimeout | C::TlsTimeout | C::HttpTimeout | C::BodyTimeout | C::DnsTimeout
    )
}

/// Whose word about a name is asked for. Its name servers are found although its signatures fail.
fn whom(question: &Question) -> Option<Whom> {
    match question {
        Question::Resolver(nth) => Some(Whom::Resolver(usize::from(*nth))),
        Question::Unchecked | Question::NameServers(_) => Some(Whom::Unchecked),
        _ => None,
    }
}

/// A name server that does not answer is what was asked about.
fn is_answer(question: &Question, seen: &Observation) -> bool {
    matches!(question, Question::NameServer(_)) && !seen.our_fault
}
