//! A text that somebody sent to our number: takes an incident, stops alerts, asks for help.

use domain::alert::inbound::{Command, Which};
use domain::alert::sms::reply;
use domain::incident::{Actor, ActorKind, Incident};
use domain::words;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sqlx::PgConnection;
use store::inbound::{self, Named, Told};
use store::{Secrets, audit, contacts};

use crate::{By, Result, acknowledge, tell_disabled};

/// A list stays good for "ACK 2" this long.
const LIST_LIVES: SignedDuration = SignedDuration::from_hours(24);
/// Two machines must not talk to each other for ever: an unknown word is answered once in this time.
const UNKNOWN_ONCE_IN: SignedDuration = SignedDuration::from_hours(1);
const STOPPED: &str = "its owner replied STOP";

/// A text as the provider hands it over, after its signature was verified.
#[derive(Debug, Clone, Copy)]
pub struct Inbound<'a> {
    /// The provider's id of it.
    pub provider_sid: &'a str,
    /// Who sent it, `+` and digits.
    pub number: &'a str,
    /// What it says.
    pub body: &'a str,
    /// Our public address, without a slash at its end.
    pub base: &'a str,
}

/// What is answered, and which incidents it counts.
#[derive(Debug, Default)]
struct Answer {
    text: String,
    listed: Option<Vec<Named>>,
}

impl From<String> for Answer {
    fn from(text: String) -> Self {
        Self { text, listed: None }
    }
}

/// Does what a text asks for, in all accounts whose contact the number is, and returns the answer; empty
/// where none is sent. A text that comes twice is answered the same way and does nothing more. Not in a
/// fenced transaction: a number is no account's.
pub async fn receive_text(
    connection: &mut PgConnection,
    secrets: &Secrets,
    text: &Inbound<'_>,
    now: Timestamp,
) -> Result<String> {
    let command = Command::parse(text.body);
    let kept = (text.provider_sid, text.number, command.as_str());
    if let Some(earlier) = inbound::insert(connection, kept, now).await? {
        return Ok(earlier);
    }
    let list = format!("{}/incidents", text.base);
    let answer: Answer = match command {
        Command::Acknowledge(which) => take(connection, secrets, text, which, now).await?,
        Command::Help => reply::help(&list).into(),
        // The network answers this word by itself, and would not let an answer of ours through.
        Command::Stop => {
            stop(connection, secrets, text, now).await?;
            Answer::default()
        }
        Command::Start => start(connection, text, now).await?,
        Command::Unknown => unknown(connection, text, now).await?,
    };
    let said = (answer.text.as_str(), answer.listed.as_deref());
    inbound::set_reply(connection, text.provider_sid, said).await?;
    Ok(answer.text)
}

async fn take(
    connection: &mut PgConnection,
    secrets: &Secrets,
    text: &Inbound<'_>,
    which: Which,
    now: Timestamp,
) -> Result<Answer> {
    let list = format!("{}/incidents", text.base);
    // A text about several says "Reply ACK for all".
    let which = match which {
        Which::Only if inbound::was_told_of_several(connection, text.number).await? => Which::All,
        which => which,
    };
    let told = inbound::list_told_open(connection, text.number).await?;
    let mut open = Vec::with_capacity(told.len());
    for one in told {
        let found = store::incidents::find(connection, one.account_id, one.incident_id).await?;
        open.extend(found.map(|incident| (one, incident)));
    }
    let (drills, free): (Vec<(Told, Incident)>, Vec<_>) = open
        .iter()
        .filter(|(_, incident)| incident.acknowledged_at.is_none())
        .cloned()
        .partition(|(_, incident)| incident.test);
    // What is really down comes before what only asks who answers.
    let free = if free.is_empty() { drills } else { free };
    let chosen = match which {
        Which::All => free,
        Which::Number(number) => {
            let named = listed(connection, text, &free, now).await?;
            let named = number
                .checked_sub(1)
                .and_then(|index| named.get(index).copied());
            let chosen = open
                .iter()
                .find(|(one, _)| named == Some(key(one)))
                .cloned();
            chosen.into_iter().collect()
        }
        Which::Only if free.len() > 1 => {
            let mut names = Vec::with_capacity(free.len());
            for (one, incident) in &free {
                names.push(name(connection, secrets, one, incident).await?);
            }
            return Ok(Answer {
                text: reply::several(&names, &list),
                listed: Some(free.iter().map(|(one, _)| key(one)).collect()),
            });
        }
        Which::Only if free.is_empty() => open.last().cloned().into_iter().collect(),
        Which::Only => free,
    };
    match chosen.as_slice() {
        [] => Ok(reply::nothing_open(&list).into()),
        [(one, incident)] => take_one(connection, secrets, text, (one, incident), now).await,
        all => {
            for (one, _) in all {
                acknowledge_for(connection, one, now).await?;
            }
            Ok(reply::acknowledged_all(all.len(), &list).into())
        }
    }
}

fn key(told: &Told) -> Named {
    (told.account_id, told.incident_id)
}

/// What "ACK 2" counts: the list that was sent last, or what is open now.
async fn listed(
    connection: &mut PgConnection,
    text: &Inbound<'_>,
    free: &[(Told, Incident)],
    now: Timestamp,
) -> Result<Vec<Named>> {
    let since = now.checked_sub(LIST_LIVES).unwrap_or(Timestamp::MIN);
    let sent = inbound::find_listed(connection, text.number, since).await?;
    Ok(sent.unwrap_or_else(|| free.iter().map(|(one, _)| key(one)).collect()))
}

async fn take_one(
    connection: &mut PgConnection,
    secrets: &Secrets,
    text: &Inbound<'_>,
    (one, incident): (&Told, &Incident),
    now: Timestamp,
) -> Result<Answer> {
    let name = name(connection, secrets, one, incident).await?;
    let link = format!("{}/i/{}", text.base, incident.short);
    if let (Some(by), Some(at)) = (&incident.acknowledged_by, incident.acknowledged_at) {
        let zone = store::accounts::find(connection, one.account_id)
            .await?
            .map_or(jiff::tz::TimeZone::UTC, |account| {
                words::zone(&account.timezone)
            });
        return Ok(reply::already_taken(&name, &by.name, at, &zone, &link).into());
    }
    acknowledge_for(connection, one, now).await?;
    if incident.test {
        return Ok(reply::drill_answered(&name, &link).into());
    }
    Ok(reply::acknowledged(&name, &link).into())
}

async fn acknowledge_for(connection: &mut PgConnection, one: &Told, now: Timestamp) -> Result<()> {
    let Some(contact) = contacts::find(connection, one.account_id, one.contact_id).await? else {
        return Ok(());
    };
    let by = By {
        contact_id: Some(contact.id),
        ..By::actor(Actor {
            kind: ActorKind::Contact,
            name: contact.name,
        })
    };
    acknowledge(connection, one.account_id, one.incident_id, &by, now).await?;
    Ok(())
}

async fn name(
    connection: &mut PgConnection,
    secrets: &Secrets,
    one: &Told,
    incident: &Incident,
) -> Result<String> {
    let (account, monitor) = (one.account_id, incident.monitor_id);
    let found = store::monitors::find_with_deleted(connection, secrets, account, monitor).await?;
    Ok(found.map_or_else(
        || "a deleted monitor".to_owned(),
        |monitor| monitor.settings().name,
    ))
}

async fn stop(
    connection: &mut PgConnection,
    secrets: &Secrets,
    text: &Inbound<'_>,
    now: Timestamp,
) -> Result<()> {
    for (account, contact) in inbound::list_contacts(connection, text.number).await? {
        if contacts::mark_disabled(connection, account, contact.id, STOPPED, now).await? {
            let why = (STOPPED, text.base);
            tell_disabled(connection, secrets, (account, contact.id), why, now).await?;
        }
    }
    Ok(())
}

/// Texts come again only when somebody of the account proves the number anew; that the word came is noted.
async fn start(
    connection: &mut PgConnection,
    text: &Inbound<'_>,
    now: Timestamp,
) -> Result<Answer> {
    let known = inbound::list_contacts(connection, text.number).await?;
    for (account, contact) in &known {
        let actor = Actor {
            kind: ActorKind::Contact,
            name: contact.name.clone(),
        };
        let entry = audit::Entry {
            account_id: *account,
            actor: &actor,
            action: "contact.replied_start",
            subject: contact.id.to_string(),
            details: json!({}),
            at: now,
        };
        audit::insert(connection, &entry).await?;
    }
    if known.is_empty() {
        return Ok(Answer::default());
    }
    Ok(reply::started(&format!("{}/contacts", text.base)).into())
}

async fn unknown(
    connection: &mut PgConnection,
    text: &Inbound<'_>,
    now: Timestamp,
) -> Result<Answer> {
    let known = inbound::list_contacts(connection, text.number).await?;
    let since = now.checked_sub(UNKNOWN_ONCE_IN).unwrap_or(Timestamp::MIN);
    let kind = (text.number, Command::Unknown.as_str());
    // This one is among them.
    if known.is_empty() || inbound::count_since(connection, kind, since).await? > 1 {
        return Ok(Answer::default());
    }
    Ok(reply::unknown(&format!("{}/incidents", text.base)).into())
}
