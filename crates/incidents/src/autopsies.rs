//! The closer look at a failure: asked for with the incident, read when it is done.

use domain::delivery::Event;
use domain::delivery::payload::Said;
use domain::ids::{AccountId, IncidentId};
use domain::incident::diagnosis::autopsy::{
    self, Battery, Finding, History, LastGood, MOST_ALL, MOST_ELSEWHERE, MOST_FIRST, Past,
};
use domain::incident::{Actor, Diagnosis, Incident};
use domain::monitor::{Kind, MonitorSpec, Settings};
use domain::origin::State;
use jiff::{SignedDuration, Timestamp};
use sqlx::{PgConnection, PgPool};
use store::autopsies::{self, Wanted};
use store::deliveries::claim::said::{self, First};

use crate::tell::{self, Message};
use crate::{Result, timeline};

/// Nobody wants to know any more why it failed a minute ago, and in a storm the first come first.
const BEGUN_WITHIN: SignedDuration = SignedDuration::from_secs(60);
/// How long what a region found waits for the others before those who were told hear of it: a contact hears once.
const SETTLES: SignedDuration = SignedDuration::from_secs(6);
/// How far back looks are read for a pattern,
const BACK: SignedDuration = SignedDuration::from_hours(1);
/// and how many of them.
const LOOKS: i64 = 120;

/// Asks for a closer look from each region that had a vote, in the transaction that opens the incident.
/// The first region may ask most, and all together no more than the target can be asked to bear.
pub(crate) async fn want(
    connection: &mut PgConnection,
    incident: &Incident,
    spec: &MonitorSpec,
    now: Timestamp,
) -> Result<()> {
    let looks = spec
        .kind()
        .is_some_and(|kind| kind.looks() && kind != Kind::Domain);
    if !looks || incident.diagnosis.is_none() || incident.test {
        return Ok(());
    }
    // One request of each region is the look itself.
    let mut left = MOST_ALL;
    for (place, line) in incident.vote.regions.iter().enumerate() {
        let most = if place == 0 {
            MOST_FIRST
        } else {
            MOST_ELSEWHERE
        }
        .min(left);
        if most == 0 {
            break;
        }
        left -= most;
        let wanted = Wanted {
            account_id: incident.account_id,
            incident_id: incident.id,
            region: line.region.clone(),
            monitor_id: incident.monitor_id,
            most: u16::try_from(most).unwrap_or(0),
            wanted_at: now,
            deadline: now.saturating_add(BEGUN_WITHIN).unwrap_or(Timestamp::MAX),
        };
        autopsies::insert(connection, &wanted).await?;
    }
    Ok(())
}

/// What is known of an incident before it is looked at closer; `None` when it is gone.
pub async fn case_of(
    connection: &mut PgConnection,
    account: AccountId,
    incident: IncidentId,
) -> Result<Option<(Incident, History)>> {
    let Some(incident) = store::incidents::find(connection, account, incident).await? else {
        return Ok(None);
    };
    let history = history(connection, &incident).await?;
    Ok(Some((incident, history)))
}

/// Keeps what a region found, and reads all that is known by now. Says whether the cause is another one
/// than before.
pub async fn record_findings(
    pool: &PgPool,
    (account, id): (AccountId, IncidentId),
    region: &str,
    findings: &[Finding],
    now: Timestamp,
) -> Result<bool> {
    let mut transaction = store::begin(pool).await?;
    let connection = &mut *transaction;
    let Some(incident) = store::incidents::lock(connection, account, id).await? else {
        return Ok(false);
    };
    if !autopsies::finish(connection, (account, id), region, findings, now).await? {
        return Ok(false);
    }
    let is_new = match again(connection, &incident).await? {
        Some(diagnosis) => told(connection, &incident, &diagnosis, now).await?,
        None => false,
    };
    transaction.commit().await?;
    Ok(is_new)
}

async fn again(connection: &mut PgConnection, incident: &Incident) -> Result<Option<Diagnosis>> {
    let (account, id) = (incident.account_id, incident.id);
    let findings = autopsies::list_findings(connection, account, id).await?;
    let first = store::incidents::find_first_diagnosis(connection, account, id).await?;
    let subject = store::states::find_subject(connection, account, incident.monitor_id).await?;
    let (Some(first), Some(subject), false) = (first, subject, findings.is_empty()) else {
        return Ok(None);
    };
    let history = history(connection, incident).await?;
    let settings = Settings::of(&subject.spec);
    let known = (&Battery { findings }, &history);
    Ok(Some(autopsy::explain(
        &first,
        &incident.failure,
        &settings,
        known,
    )))
}

async fn told(
    connection: &mut PgConnection,
    incident: &Incident,
    diagnosis: &Diagnosis,
    now: Timestamp,
) -> Result<bool> {
    let (account, id) = (incident.account_id, incident.id);
    let before = incident.diagnosis.as_ref();
    let is_new = before.is_none_or(|before| {
        (&before.cause, &before.sentence) != (&diagnosis.cause, &diagnosis.sentence)
    });
    store::incidents::set_diagnosis(connection, account, id, diagnosis, now).await?;
    follow_up(connection, incident, diagnosis, now).await?;
    if is_new {
        let text = format!("Looked closer: {}", diagnosis.sentence);
        let entry = ("note", text);
        timeline::add(connection, account, id, entry, (&Actor::system(), now)).await?;
    }
    store::changes::notify(connection, account, "incident", id).await?;
    Ok(is_new)
}

/// Who was told another cause hears of this one, after the first message and in its thread. A first message that
/// is still to be made says it by itself; of one that is being made now the claim of the follow-up knows what it
/// says, and drops the follow-up where that is the same.
async fn follow_up(
    connection: &mut PgConnection,
    incident: &Incident,
    diagnosis: &Diagnosis,
    now: Timestamp,
) -> Result<()> {
    if !incident.is_open() || incident.test {
        return Ok(());
    }
    let (account, id) = (incident.account_id, incident.id);
    let before = Said::of(incident.diagnosis.as_ref());
    let firsts = said::lock_first(connection, account, id).await?;
    let told: Vec<_> = firsts
        .into_iter()
        .filter(|(_, channel, first)| {
            channel.hears_diagnosis()
                && match first {
                    First::Busy => before.is_outdated(Some(diagnosis)),
                    First::Silent => false,
                    First::Said(said) => said.is_outdated(Some(diagnosis)),
                }
        })
        .collect();
    if told.is_empty() {
        return Ok(());
    }
    let waits = autopsies::count_open(connection, account, id, now).await? > 0;
    let not_before = match waits {
        true => now.saturating_add(SETTLES).unwrap_or(now),
        false => now,
    };
    let event = Event::IncidentDiagnosed;
    let message = Message::of_incident(event, account, id, incident.monitor_id);
    for (contact, channel, _) in told {
        let dedup_key = domain::alert::plan::dedup_key(event, &message.subject, contact);
        let when = (not_before, now);
        tell::write(connection, &message, (contact, channel), dedup_key, when).await?;
    }
    Ok(())
}

async fn history(connection: &mut PgConnection, incident: &Incident) -> Result<History> {
    let before = incident.first_failure_at;
    let since = before.saturating_sub(BACK).unwrap_or(Timestamp::MIN);
    let key = (incident.account_id, incident.monitor_id);
    let looks = store::checks::list_between(connection, key, (since, before), LOOKS).await?;
    let last_good = looks.iter().find(|(_, kind, ..)| kind.is_good());
    let (account, monitor) = key;
    let origin = store::origins::find(connection, account, monitor).await?;
    let origin = origin.filter(|stored| stored.standing.state == State::Proven);
    Ok(History {
        origin: origin.map(|stored| stored.origin),
        last_good: last_good.map(|(at, _, _, address)| LastGood {
            at: *at,
            address: *address,
        }),
        looks: looks
            .iter()
            .rev()
            .map(|(_, kind, total_us, _)| Past {
                kind: *kind,
                total_us: *total_us,
            })
            .collect(),
    })
}
