//! Calls: what is answered to a key, what follows when a call ends, and going on to the next step of a
//! policy before its time.

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
use store::{Secrets, changes, wallets};

use crate::escalation::{Early, tell_early};
use crate::unreached::{Unreached, tell_stand_ins};
use crate::{By, Result, acknowledge};

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
    /// Our public address, without a slash at its end, for the notice to the owners.
    pub base: &'a str,
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
    after_a_call(connection, call, (incident, &why), now).await?;
    Ok(())
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
    let next = go_on_with_all(connection, call, (incident, &why, Early::Asked), now).await?;
    calls::set_outcome(connection, call, Outcome::PassedOn, Some(&next)).await?;
    Ok(next)
}

/// Nobody took it in this call: the next step, unless another call about the same incident still may. True when
/// somebody hears of it.
async fn after_a_call(
    connection: &mut PgConnection,
    call: &Call,
    (incident, why): (IncidentId, &str),
    now: Timestamp,
) -> Result<bool> {
    let account = call.account_id;
    if calls::another_goes_on(connection, account, incident, call.delivery_id, now).await? {
        return Ok(true);
    }
    let told = go_on_with_all(connection, call, (incident, why, Early::Unheard), now).await?;
    Ok(!told.is_empty())
}

/// Goes on with the incident of a call, and with all others that it told of.
async fn go_on_with_all(
    connection: &mut PgConnection,
    call: &Call,
    (incident, why, early): (IncidentId, &str, Early),
    now: Timestamp,
) -> Result<Vec<String>> {
    let (account, going) = (call.account_id, (why, early));
    let mut names = tell_early(connection, (account, incident), going, now).await?;
    for one in told(connection, call).await? {
        if one.id == incident {
            continue;
        }
        for name in tell_early(connection, (account, one.id), going, now).await? {
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
    secrets: &Secrets,
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
        claim::lock_event(connection, account).await?;
    } else {
        wallets::settle(connection, account, (delivery, "Call answered"), now).await?;
    }
    let mut goes_on = false;
    if let (Some(incident), Event::IncidentOpened | Event::IncidentEscalated, true) =
        (call.incident_id, call.event, outcome.goes_on())
    {
        // A machine has been gone on from when it answered.
        if call.outcome != Some(Outcome::Machine) {
            let who = by(connection, &call).await?.actor.name;
            let why = why(outcome, &who);
            goes_on = after_a_call(connection, &call, (incident, &why), now).await?;
        }
    }
    if outcome.is_unheard() {
        unheard(
            connection,
            secrets,
            (&call, outcome),
            (word.base, goes_on),
            now,
        )
        .await?;
    }
    for (id, channel) in claim::wake_held(connection, &claimed, now).await? {
        jobs::enqueue_delivery(connection, channel, account, id, None).await?;
    }
    changes::notify(connection, account, "delivery", delivery).await?;
    Ok(true)
}

/// Somebody stands in for whoever did not hear what a call had to say.
async fn unheard(
    connection: &mut PgConnection,
    secrets: &Secrets,
    (call, outcome): (&Call, Outcome),
    (base, goes_on): (&str, bool),
    now: Timestamp,
) -> Result<()> {
    let reason = outcome.sentence().trim_end_matches('.').to_lowercase();
    let claimed = call.claimed();
    let untold = (DeliveryState::Failed, reason.as_str());
    let parts = claim::storm::mark_untold(connection, &claimed, untold, now).await?;
    let alert = (&claimed, Some(call.script.alert.as_str()));
    let parts = parts.iter().map(|part| (part, None));
    for (claimed, text) in std::iter::once(alert).chain(parts) {
        let of = Unreached {
            claimed,
            reason: &reason,
            text,
            base,
        };
        tell_stand_ins(connection, secrets, &of, goes_on, now).await?;
    }
    Ok(())
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
