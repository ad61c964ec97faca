//! Fire drills: an incident that nobody has, told as a real one is, to see who answers and how fast.
//!
//! It goes through one round of the whole policy, whoever answers: an answer is written down and stops
//! nothing. It touches no state of its monitor and no uptime, and ends by itself when nothing is left to tell.

use std::collections::HashSet;

use domain::check::{Failure, FailureClass, Phase};
use domain::contact::Channel;
use domain::delivery::Event;
use domain::ids::{AccountId, IncidentId, MonitorId};
use domain::incident::{
    Actor, Confidence, Diagnosis, Incident, ResolvedReason, TimelineEntry, VoteSummary,
};
use domain::words;
use jiff::{SignedDuration, Timestamp};
use sqlx::{PgConnection, PgPool};
use store::incidents::drills;
use store::{Secrets, deliveries};

use crate::record::Scene;
use crate::tell::{self, Message};
use crate::{By, Result, commands, escalation, opening, timeline};

/// How long after its last message somebody may still answer.
const ANSWER_WITHIN: SignedDuration = SignedDuration::from_mins(15);
/// A drill of a policy with long waits ends all the same.
const AT_MOST: SignedDuration = SignedDuration::from_hours(24);
/// Rows in one sweep.
const BATCH: u32 = 100;
/// The kind of an answer in the timeline.
const ANSWERED: &str = "answered";

/// Someone who answered a drill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// As people read it.
    pub name: String,
    /// When.
    pub at: Timestamp,
    /// After its begin.
    pub after: SignedDuration,
}

/// What came of asking for a drill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drilled {
    /// It has begun.
    Begun(IncidentId),
    /// Another one goes on: one at a time.
    GoesOn(IncidentId),
    /// The account has no such monitor.
    NotFound,
}

/// Tells everyone who would be told of an outage of the monitor, step by step. The caller holds the account's
/// lock.
pub async fn begin_drill(
    connection: &mut PgConnection,
    secrets: &Secrets,
    (account, monitor): (AccountId, MonitorId),
    by: &By,
    now: Timestamp,
) -> Result<Drilled> {
    if let Some(open) = drills::find_open(connection, account).await? {
        return Ok(Drilled::GoesOn(open));
    }
    let Some(found) = store::monitors::find(connection, secrets, account, monitor).await? else {
        return Ok(Drilled::NotFound);
    };
    let scene = Scene {
        account_id: account,
        monitor_id: monitor,
        spec: found.spec,
        now,
    };
    let (id, short) = opening::named(connection, &scene).await?;
    let incident = incident(&scene, (id, short));
    store::incidents::insert(connection, &incident).await?;
    let text = "A fire drill: nothing is down, and everyone is told as if it were.".to_owned();
    timeline::add(connection, account, id, ("note", text), (&by.actor, now)).await?;
    escalation::begin(connection, secrets, &scene, &incident).await?;
    commands::note(connection, account, by, "incident.drilled", (id, now)).await?;
    Ok(Drilled::Begun(id))
}

fn incident(scene: &Scene, (id, short): (IncidentId, String)) -> Incident {
    let message = "This is a fire drill: nothing is down.";
    let diagnosis = Diagnosis {
        cause: "fire_drill".to_owned(),
        confidence: Confidence::Certain,
        attribution: None,
        sentence: format!("{message} It asks who answers, and how fast."),
        technical: String::new(),
        evidence: Vec::new(),
        next_steps: Vec::new(),
        rule: "fire_drill".to_owned(),
    };
    Incident {
        id,
        account_id: scene.account_id,
        monitor_id: scene.monitor_id,
        short,
        severity: scene.spec.severity(),
        first_failure_at: scene.now,
        confirmed_at: scene.now,
        acknowledged_at: None,
        acknowledged_by: None,
        resolved_at: None,
        resolved_reason: None,
        resolved_confirmed_at: None,
        failure: Failure::new(FailureClass::ConnectTimeout, Phase::Connect, message),
        attribution: None,
        diagnosis: Some(diagnosis),
        vote: VoteSummary::default(),
        last_good_at: None,
        test: true,
        address: None,
        group_id: None,
        version: 1,
    }
}

/// Writes down that someone answered; the same person twice is once.
pub(crate) async fn answer(
    connection: &mut PgConnection,
    drill: &Incident,
    by: &By,
    now: Timestamp,
) -> Result<()> {
    let (account, id) = (drill.account_id, drill.id);
    // Two answers of one person at once would both be the first.
    store::incidents::lock(connection, account, id).await?;
    let entries = store::incidents::events::list(connection, account, id).await?;
    let has_answered = |entry: &TimelineEntry| entry.kind == ANSWERED && entry.actor == by.actor;
    if !drill.is_open() || entries.iter().any(has_answered) {
        return Ok(());
    }
    let after = words::duration(now.duration_since(drill.first_failure_at));
    let text = format!("{} answered after {after}.", by.actor.name);
    timeline::add(connection, account, id, (ANSWERED, text), (&by.actor, now)).await?;
    commands::note(connection, account, by, "incident.answered", (id, now)).await
}

/// Who answered, in order.
pub fn drill_answers(drill: &Incident, timeline: &[TimelineEntry]) -> Vec<Answer> {
    let answered = timeline.iter().filter(|entry| entry.kind == ANSWERED);
    answered
        .map(|entry| Answer {
            name: entry.actor.name.clone(),
            at: entry.at,
            after: entry.at.duration_since(drill.first_failure_at),
        })
        .collect()
}

/// Ends a drill. Who was told hears it by what costs nothing; programs close what they opened.
pub(crate) async fn end(
    connection: &mut PgConnection,
    (account, id): (AccountId, IncidentId),
    by: &Actor,
    now: Timestamp,
) -> Result<()> {
    let Some(drill) = store::incidents::lock(connection, account, id).await? else {
        return Ok(());
    };
    if !drill.is_open() {
        return Ok(());
    }
    store::incidents::close(connection, account, id, ResolvedReason::Manual, (now, now)).await?;
    let entries = store::incidents::events::list(connection, account, id).await?;
    let text = match drill_answers(&drill, &entries).len() {
        0 => "The fire drill is over. Nobody answered.".to_owned(),
        1 => "The fire drill is over. 1 person answered.".to_owned(),
        n => format!("The fire drill is over. {n} people answered."),
    };
    timeline::add(connection, account, id, ("resolved", text), (by, now)).await?;
    let closed = store::incidents::find(connection, account, id).await?;
    escalation::end(connection, closed.as_ref().unwrap_or(&drill), now).await?;
    deliveries::skip_later(connection, account, id, "the drill was over", now).await?;
    let opened = Event::IncidentOpened;
    let told = deliveries::list_told(connection, account, id, opened).await?;
    let costs = |channel| matches!(channel, Channel::Sms | Channel::Voice);
    let paid = told.iter().filter(|one| costs(one.channel));
    let except: HashSet<_> = paid.map(|one| one.contact_id).collect();
    let message = Message::of_incident(Event::IncidentResolved, account, id, drill.monitor_id);
    tell::tell_those_told(connection, &message, id, &except, now).await?;
    store::changes::notify(connection, account, "incident", id).await?;
    Ok(())
}

/// Ends the drills that are over; the failure of one stops no other.
pub async fn end_drills(pool: &PgPool, now: Timestamp) -> Result<usize> {
    let before = |span| now.saturating_sub(span).unwrap_or(Timestamp::MIN);
    let mut connection = pool.acquire().await?;
    let times = (before(ANSWER_WITHIN), before(AT_MOST));
    let over = drills::list_over(&mut connection, times, BATCH).await?;
    drop(connection);
    let mut ended = 0;
    for one in over {
        match end_in_transaction(pool, one, now).await {
            Ok(()) => ended += 1,
            Err(error) => {
                tracing::error!(incident.id = %one.1, %error, "a fire drill does not end")
            }
        }
    }
    Ok(ended)
}

async fn end_in_transaction(
    pool: &PgPool,
    of: (AccountId, IncidentId),
    now: Timestamp,
) -> Result<()> {
    let mut transaction = store::begin(pool).await?;
    end(&mut transaction, of, &Actor::system(), now).await?;
    transaction.commit().await?;
    Ok(())
}
