//! Calls: what is answered to a key, what follows when a call ends, and going on to the next step of a
//! policy before its time.

use domain::alert::escalation;
use domain::alert::voice::call::{Act, Heard, Standing, turn};
use domain::alert::voice::{self, Script};
use domain::delivery::{DeliveryState, Event};
use domain::ids::{AccountId, DeliveryId, IncidentId};
use domain::incident::{Actor, ActorKind, Incident};
use domain::telephony::CallStatus;
use domain::words;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sqlx::PgConnection;
use store::calls::{self, Call, Outcome, Turn};
use store::deliveries::claim;
use store::{changes, escalations, wallets};

use crate::{By, Result, acknowledge, timeline};

/// What the provider asks: who or what answered a call, or which key was pressed.
#[derive(Debug, Clone, Copy)]
pub struct CallTurn<'a> {
    /// The provider's name for the call.
    pub provider_id: &'a str,
    /// Its word.
    pub heard: Heard,
}

/// What the provider reports of a call.
#[derive(Debug, Clone, Copy)]
pub struct CallEnd<'a> {
    /// The provider's name for the call.
    pub provider_id: &'a str,
    /// Its word.
    pub status: CallStatus,
}

/// What is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Sentences in order.
    pub say: Vec<String>,
    /// A key is waited for.
    pub asks: bool,
}

/// Answers one turn of a call; `None` when the account has no such call. The same turn twice is answered
/// alike and does nothing more.
pub async fn answer_call(
    connection: &mut PgConnection,
    (account, delivery): (AccountId, DeliveryId),
    asked: &CallTurn<'_>,
    now: Timestamp,
) -> Result<Option<Said>> {
    let Some(call) = calls::lock(connection, account, delivery).await? else {
        return Ok(None);
    };
    if !is_its_own(&call, asked.provider_id) {
        return Ok(None);
    }
    calls::set_provider_id(connection, &call, asked.provider_id, now).await?;
    reply(connection, &call, asked.heard, now).await.map(Some)
}

/// What a key of a call in the local outbox does: the same as on a telephone.
pub async fn press_key(
    connection: &mut PgConnection,
    (account, delivery): (AccountId, DeliveryId),
    heard: Heard,
    now: Timestamp,
) -> Result<Option<Said>> {
    match calls::lock(connection, account, delivery).await? {
        Some(call) => reply(connection, &call, heard, now).await.map(Some),
        None => Ok(None),
    }
}

/// A call that has its name from the provider belongs to that name alone.
fn is_its_own(call: &Call, provider_id: &str) -> bool {
    call.provider_id
        .as_deref()
        .is_none_or(|known| known == provider_id)
}

async fn reply(
    connection: &mut PgConnection,
    call: &Call,
    heard: Heard,
    now: Timestamp,
) -> Result<Said> {
    let account = call.account_id;
    let zone = store::accounts::find(connection, account)
        .await?
        .map_or(TimeZone::UTC, |account| words::zone(&account.timezone));
    // The incident's row orders this with whoever else takes it or goes on.
    let incident = match call.incident_id {
        Some(id) => store::incidents::lock(connection, account, id).await?,
        None => None,
    };
    let by = by(connection, call).await?;
    let told = told(connection, call).await?;
    // Of several, those that nobody has say where the call stands.
    let free = told
        .iter()
        .find(|one| one.acknowledged_at.is_none() && one.is_open());
    let standing = standing(free.or(incident.as_ref()), &by);
    let answer = turn(&call.script, heard, standing, &zone);
    let mut say = answer.say;
    match (answer.act, call.incident_id) {
        (Act::Take, Some(id)) => {
            acknowledge(connection, account, id, &by, now).await?;
            for one in told.iter().filter(|one| one.id != id) {
                acknowledge(connection, account, one.id, &by, now).await?;
            }
            calls::set_outcome(connection, call, Outcome::Taken, None).await?;
        }
        (Act::PassOn, Some(id)) => {
            let next = pass_on(connection, call, (id, &by), now).await?;
            say = vec![voice::passed_on(&next)];
        }
        (Act::LeftMessage, Some(id)) => leave_message(connection, call, (id, &by), now).await?,
        _ => {}
    }
    let turn = Turn {
        key: match heard {
            Heard::Key(key) => Some(key),
            Heard::Person | Heard::Machine => None,
        },
        said: say.join(" "),
    };
    calls::add_turn(connection, call, &turn, now).await?;
    changes::notify(connection, account, "delivery", call.delivery_id).await?;
    Ok(Said {
        say,
        asks: answer.asks,
    })
}

/// The incidents that a call about several tells of; none where it tells of one.
async fn told(connection: &mut PgConnection, call: &Call) -> Result<Vec<Incident>> {
    if !call.script.all {
        return Ok(Vec::new());
    }
    let (account, id) = (call.account_id, call.delivery_id);
    let listed = store::incidents::groups::list_of_message(connection, account, id).await?;
    let mut told = Vec::with_capacity(listed.len());
    for one in listed {
        told.extend(store::incidents::find(connection, account, one.incident_id).await?);
    }
    Ok(told)
}

/// A machine has the message, which is as good as nobody.
async fn leave_message(
    connection: &mut PgConnection,
    call: &Call,
    (incident, by): (IncidentId, &By),
    now: Timestamp,
) -> Result<()> {
    if !calls::set_outcome(connection, call, Outcome::Machine, None).await? {
        return Ok(());
    }
    let why = why(Outcome::Machine, &by.actor.name);
    after_a_call(connection, call, (incident, &why), now).await
}

/// The person at the number.
async fn by(connection: &mut PgConnection, call: &Call) -> Result<By> {
    let contact = store::contacts::find(connection, call.account_id, call.contact_id).await?;
    let name = contact.map_or_else(|| "someone".to_owned(), |contact| contact.name);
    Ok(By {
        contact_id: Some(call.contact_id),
        ..By::actor(Actor {
            kind: ActorKind::Contact,
            name,
        })
    })
}

fn standing<'i>(incident: Option<&'i Incident>, by: &By) -> Standing<'i> {
    let Some(incident) = incident else {
        return Standing::Open;
    };
    if let Some(to) = incident.resolved_at {
        return Standing::Over {
            from: incident.first_failure_at,
            to,
        };
    }
    match (&incident.acknowledged_by, incident.acknowledged_at) {
        (Some(actor), Some(_)) if *actor == by.actor => Standing::Own,
        (Some(actor), Some(at)) => Standing::Taken {
            by: &actor.name,
            at,
        },
        _ => Standing::Open,
    }
}

/// Key 3. Pressed twice, it names the same again.
async fn pass_on(
    connection: &mut PgConnection,
    call: &Call,
    (incident, by): (IncidentId, &By),
    now: Timestamp,
) -> Result<Vec<String>> {
    if let Some(told) = &call.passed_to {
        return Ok(told.clone());
    }
    let why = format!("{} passed it on.", by.actor.name);
    let next = go_on_with_all(connection, call, (incident, &why), now).await?;
    calls::set_outcome(connection, call, Outcome::PassedOn, Some(&next)).await?;
    Ok(next)
}

/// The next step of the incident's policy is told at once, and those after it sooner by as much. Returns
/// whom it tells by name; nobody where it is over, somebody has it, or no step is left.
pub async fn go_on(
    connection: &mut PgConnection,
    (account, incident): (AccountId, IncidentId),
    why: &str,
    now: Timestamp,
) -> Result<Vec<String>> {
    let Some(found) = store::incidents::lock(connection, account, incident).await? else {
        return Ok(Vec::new());
    };
    if !found.is_open() || found.acknowledged_at.is_some() {
        return Ok(Vec::new());
    }
    if let Some(stored) = escalations::lock(connection, account, incident).await? {
        let rule = (escalation::go_on as _, why);
        let names = crate::escalation::go(connection, &found, &stored, rule, now).await?;
        if names.is_empty() {
            let entry = ("note", timeline::step_told(why, &[]));
            let by = (&Actor::system(), now);
            timeline::add(connection, account, incident, entry, by).await?;
            changes::notify(connection, account, "incident", incident).await?;
        }
        return Ok(names);
    }
    // Opened before there were escalations: the messages of later steps are planned already.
    let brought = store::deliveries::bring_forward(connection, account, incident, now).await?;
    let mut names: Vec<String> = Vec::new();
    for one in brought {
        jobs::enqueue_delivery(connection, one.channel, account, one.id, None).await?;
        if !names.contains(&one.contact_name) {
            names.push(one.contact_name);
        }
    }
    let entry = ("note", timeline::step_told(why, &names));
    timeline::add(
        connection,
        account,
        incident,
        entry,
        (&Actor::system(), now),
    )
    .await?;
    changes::notify(connection, account, "incident", incident).await?;
    Ok(names)
}

/// Nobody took it in this call: the next step, unless another call about the same incident still may.
async fn after_a_call(
    connection: &mut PgConnection,
    call: &Call,
    (incident, why): (IncidentId, &str),
    now: Timestamp,
) -> Result<()> {
    let account = call.account_id;
    if calls::another_goes_on(connection, account, incident, call.delivery_id, now).await? {
        return Ok(());
    }
    go_on_with_all(connection, call, (incident, why), now).await?;
    Ok(())
}

/// Goes on with the incident of a call, and with all others that it told of.
async fn go_on_with_all(
    connection: &mut PgConnection,
    call: &Call,
    (incident, why): (IncidentId, &str),
    now: Timestamp,
) -> Result<Vec<String>> {
    let account = call.account_id;
    let mut names = go_on(connection, (account, incident), why, now).await?;
    for one in told(connection, call).await? {
        if one.id == incident {
            continue;
        }
        for name in go_on(connection, (account, one.id), why, now).await? {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    Ok(names)
}

/// Takes the provider's word about where a call stands; false when the account has no such call. Words
/// may come twice, out of order, and before the send's own result.
pub async fn end_call(
    connection: &mut PgConnection,
    (account, delivery): (AccountId, DeliveryId),
    word: &CallEnd<'_>,
    now: Timestamp,
) -> Result<bool> {
    let Some(call) = calls::lock(connection, account, delivery).await? else {
        return Ok(false);
    };
    if !is_its_own(&call, word.provider_id) {
        return Ok(false);
    }
    calls::set_provider_id(connection, &call, word.provider_id, now).await?;
    if word.status == CallStatus::OnItsWay || call.ended_at.is_some() {
        return Ok(true);
    }
    let outcome = outcome(&call, word.status);
    calls::end(connection, &call, outcome, now).await?;
    let claimed = call.claimed();
    if outcome.is_unheard() {
        wallets::refund(connection, account, (delivery, "Call not answered"), now).await?;
        let reason = outcome.sentence().trim_end_matches('.').to_lowercase();
        let instead = claim::plan_fallback(
            connection,
            &claimed,
            (&reason, Some(&call.script.alert)),
            now,
        )
        .await?;
        let mut instead = instead.unwrap_or_default();
        let untold = (DeliveryState::Failed, reason.as_str());
        for part in claim::storm::mark_untold(connection, &claimed, untold, now).await? {
            let planned = claim::plan_fallback(connection, &part, (&reason, None), now).await?;
            instead.extend(planned.unwrap_or_default());
        }
        for (id, channel) in instead {
            jobs::enqueue_delivery(connection, channel, account, id, None).await?;
        }
    } else {
        wallets::settle(connection, account, (delivery, "Call answered"), now).await?;
    }
    if let (Some(incident), Event::IncidentOpened | Event::IncidentEscalated, true) =
        (call.incident_id, call.event, outcome.goes_on())
    {
        // A machine has been gone on from when it answered.
        if call.outcome != Some(Outcome::Machine) {
            let who = by(connection, &call).await?.actor.name;
            let why = why(outcome, &who);
            after_a_call(connection, &call, (incident, &why), now).await?;
        }
    }
    for (id, channel) in claim::wake_held(connection, &claimed, now).await? {
        jobs::enqueue_delivery(connection, channel, account, id, None).await?;
    }
    changes::notify(connection, account, "delivery", delivery).await?;
    Ok(true)
}

/// How a call ended. One that was answered and never asked us what to say was heard by nobody.
fn outcome(call: &Call, status: CallStatus) -> Outcome {
    match (status, call.outcome) {
        (CallStatus::Busy, _) => Outcome::Busy,
        (CallStatus::NoAnswer, _) => Outcome::NoAnswer,
        (CallStatus::Failed, _) => Outcome::Failed,
        (CallStatus::Completed | CallStatus::OnItsWay, Some(decided)) => decided,
        (CallStatus::Completed | CallStatus::OnItsWay, None) => {
            match (call.answered_at, &call.script) {
                (None, _) => Outcome::Failed,
                (Some(_), Script { asks: true, .. }) => Outcome::NoKey,
                (Some(_), _) => Outcome::Heard,
            }
        }
    }
}

fn why(outcome: Outcome, who: &str) -> String {
    match outcome {
        Outcome::NoAnswer => format!("{who} did not answer the call."),
        Outcome::Busy => format!("The line to {who} was busy."),
        Outcome::NoKey => format!("{who} answered the call and pressed no key."),
        Outcome::Machine => format!("An answering machine took the call to {who}."),
        _ => format!("The call to {who} was not connected."),
    }
}
