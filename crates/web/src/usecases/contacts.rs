//! Contacts: made, proven by a code, changed, tested, removed.

use domain::account::EmailAddress;
use domain::contact::{Channel, Contact, PhoneNumber, code};
use domain::delivery::AccountMessage;
use domain::ids::ContactId;
use domain::monitor::validate::FieldError;
use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;
use store::account_messages::NewAccountMessage;
use store::audit;
pub use store::contacts::CodeOutcome;

use super::monitors::lock_account;
use super::{Caller, PlanLimit, Resource, UseCaseError, UseCaseResult};
use crate::state::AppState;
use crate::throttle::{self, Limit};

/// A contact to be made.
#[derive(Debug, Clone)]
pub struct NewContact {
    /// How it is reached.
    pub kind: Channel,
    /// What its owner calls it; the address when left out.
    pub name: Option<String>,
    /// Mail address or phone number as typed.
    pub address: String,
    /// The default policy includes it.
    pub in_default: bool,
}

/// What may be changed of a contact.
#[derive(Debug, Clone, Default)]
pub struct ContactChange {
    /// Its name.
    pub name: Option<String>,
    /// Whether the default policy includes it.
    pub in_default: Option<bool>,
}

/// Kinds of contact that can be added on this server.
pub fn is_available(state: &AppState, kind: Channel) -> bool {
    match kind {
        Channel::Email => state.config.email_available,
        Channel::Sms => state.config.sms_available,
    }
}

/// Makes a contact and sends it a code.
pub async fn create(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    new: NewContact,
) -> UseCaseResult<Contact> {
    let (address, canonical) = checked_address(state, &new)?;
    let name = new.name.unwrap_or_else(|| address.clone());
    check_name(&name)?;
    let plan = lock_account(connection, caller).await?;
    let used = store::contacts::count(connection, caller.account_id).await?;
    PlanLimit::check(Resource::Contacts, plan, used, 1)?;
    let contact = Contact {
        id: ContactId::generate(),
        channel: new.kind,
        name,
        address,
        verified_at: None,
        in_default: new.in_default,
        disabled_reason: None,
        created_at: caller.now,
    };
    store::contacts::insert(connection, caller.account_id, &contact, &canonical)
        .await
        .map_err(|error| {
            if error.constraint() == Some(store::contacts::ADDRESS_KEY) {
                UseCaseError::conflict(
                    Some("/address"),
                    "A contact with this address exists already.",
                )
            } else {
                error.into()
            }
        })?;
    send_code(connection, state, caller, &contact).await?;
    note(connection, caller, "contact.created", &contact).await?;
    Ok(contact)
}

fn checked_address(state: &AppState, new: &NewContact) -> UseCaseResult<(String, String)> {
    if !is_available(state, new.kind) {
        return Err(UseCaseError::field(
            "/kind",
            "not_available",
            "is not set up on this server",
        ));
    }
    let wrong = |message: String| UseCaseError::field("/address", "invalid", message);
    match new.kind {
        Channel::Email => {
            let address =
                EmailAddress::parse(&new.address).map_err(|error| wrong(error.to_string()))?;
            Ok((address.as_str().to_owned(), address.canonical()))
        }
        Channel::Sms => {
            let number =
                PhoneNumber::parse(&new.address).map_err(|error| wrong(error.to_string()))?;
            Ok((number.as_str().to_owned(), number.as_str().to_owned()))
        }
    }
}

fn check_name(name: &str) -> UseCaseResult<()> {
    domain::monitor::validate::check_line("/name", name, 200)
        .map_err(|error: FieldError| UseCaseError::Invalid(vec![error]))
}

/// Sends a fresh code, within the limits of the address, the account and the network.
async fn send_code(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    contact: &Contact,
) -> UseCaseResult<()> {
    let account = caller.account_id.to_string();
    let keys: [(Limit, &str); 3] = [
        (throttle::CONTACT_CODE_ADDRESS, &contact.address),
        (throttle::CONTACT_CODE_ACCOUNT, &account),
        (throttle::CONTACT_CODE_NETWORK, &caller.network),
    ];
    for (limit, key) in keys {
        if let Some(retry_after) =
            throttle::take_within(connection, state, limit, key, caller.now).await?
        {
            return Err(UseCaseError::TooSoon {
                retry_after,
                detail: "Too many codes were sent. Nothing was sent now.".to_owned(),
            });
        }
    }
    let account = store::accounts::find(connection, caller.account_id)
        .await?
        .ok_or(UseCaseError::NotFound)?;
    let digits = code::from_random(store::secrets::random_u32());
    let expires_at = caller.now
        + SignedDuration::try_from(code::VALID_FOR).unwrap_or(SignedDuration::from_mins(10));
    let hash = code_hash(state, contact.id, &digits);
    store::contacts::set_code(
        connection,
        caller.account_id,
        contact.id,
        &hash,
        (caller.now, expires_at),
    )
    .await?;
    let message = NewAccountMessage {
        user_id: None,
        account_id: Some(caller.account_id),
        channel: contact.channel,
        address: contact.address.clone(),
        message: AccountMessage::ContactCode {
            code: digits,
            account: account.name,
        },
        expires_at: Some(expires_at),
    };
    incidents::write_message(connection, &state.secrets, &message, caller.now)
        .await
        .map_err(UseCaseError::internal)
}

fn code_hash(state: &AppState, id: ContactId, digits: &str) -> Vec<u8> {
    state
        .secrets
        .keyed_hash("contacts.code", &format!("{id}:{digits}"))
}

/// Judges a code. Commit whatever the outcome: the try counts.
pub async fn verify(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    id: ContactId,
    typed: &str,
) -> UseCaseResult<CodeOutcome> {
    let contact = find(connection, caller, id).await?;
    if contact.verified_at.is_some() && contact.disabled_reason.is_none() {
        return Ok(CodeOutcome::Right);
    }
    let Some(digits) = code::typed(typed) else {
        return Err(UseCaseError::field(
            "/code",
            "invalid",
            "must be six digits",
        ));
    };
    let hash = code_hash(state, id, &digits);
    let outcome =
        store::contacts::try_code(connection, caller.account_id, id, &hash, caller.now).await?;
    if outcome == CodeOutcome::Right {
        if contact.channel == Channel::Sms {
            store::wallets::grant_welcome(connection, caller.account_id, caller.now).await?;
        }
        note(connection, caller, "contact.verified", &contact).await?;
    }
    Ok(outcome)
}

/// Sends another code, at the earliest 60 seconds after the last.
pub async fn resend(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    id: ContactId,
) -> UseCaseResult<Contact> {
    store::contacts::lock(connection, caller.account_id, id).await?;
    let contact = find(connection, caller, id).await?;
    if contact.is_usable() {
        return Err(UseCaseError::conflict(
            None,
            "The contact is proven already.",
        ));
    }
    let sent_at = store::contacts::find_code_sent_at(connection, caller.account_id, id).await?;
    wait_between(sent_at, caller.now)?;
    send_code(connection, state, caller, &contact).await?;
    Ok(contact)
}

fn wait_between(sent_at: Option<Timestamp>, now: Timestamp) -> UseCaseResult<()> {
    match code::resend_in(sent_at, now) {
        None => Ok(()),
        Some(retry_after) => Err(UseCaseError::TooSoon {
            retry_after,
            detail: format!("A code was just sent. Another can be sent in {retry_after} s."),
        }),
    }
}

/// Changes name and membership of the default policy.
pub async fn update(
    connection: &mut PgConnection,
    caller: &Caller,
    id: ContactId,
    change: ContactChange,
) -> UseCaseResult<Contact> {
    store::contacts::lock(connection, caller.account_id, id).await?;
    let before = find(connection, caller, id).await?;
    let contact = Contact {
        name: change.name.unwrap_or_else(|| before.name.clone()),
        in_default: change.in_default.unwrap_or(before.in_default),
        ..before.clone()
    };
    if contact == before {
        return Ok(contact);
    }
    check_name(&contact.name)?;
    store::contacts::update(connection, caller.account_id, &contact, caller.now).await?;
    note(connection, caller, "contact.updated", &contact).await?;
    Ok(contact)
}

/// Removes a contact. Monitors that named it forget it; one that named nobody else uses the default
/// policy again.
pub async fn delete(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    id: ContactId,
) -> UseCaseResult<()> {
    // The account before its rows: policies are changed under its lock.
    lock_account(connection, caller).await?;
    store::contacts::lock(connection, caller.account_id, id).await?;
    let contact = find(connection, caller, id).await?;
    for monitor_id in store::monitors::list_ids_naming(connection, caller.account_id, id).await? {
        super::monitors::respec(connection, state, caller, monitor_id, |spec| {
            let mut left = spec.contact_ids.take().unwrap_or_default();
            left.retain(|one| *one != id);
            spec.contact_ids = (!left.is_empty()).then_some(left);
        })
        .await?;
    }
    super::policies::forget_contact(connection, caller, id).await?;
    store::contacts::delete(connection, caller.account_id, id).await?;
    note(connection, caller, "contact.deleted", &contact).await
}

/// Sends a test message to a proven contact, at most one a minute.
pub async fn test(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    id: ContactId,
) -> UseCaseResult<Contact> {
    let contact = find(connection, caller, id).await?;
    if !contact.is_usable() {
        return Err(UseCaseError::conflict(
            None,
            "The contact must be proven first; only then anything else is sent to it.",
        ));
    }
    if let Some(retry_after) = throttle::take_within(
        connection,
        state,
        throttle::CONTACT_TEST,
        &id.to_string(),
        caller.now,
    )
    .await?
    {
        return Err(UseCaseError::TooSoon {
            retry_after,
            detail: format!("A test was just sent. Another can be sent in {retry_after} s."),
        });
    }
    incidents::test_contact(connection, caller.account_id, &contact, caller.now).await?;
    note(connection, caller, "contact.tested", &contact).await?;
    Ok(contact)
}

async fn find(
    connection: &mut PgConnection,
    caller: &Caller,
    id: ContactId,
) -> UseCaseResult<Contact> {
    store::contacts::find(connection, caller.account_id, id)
        .await?
        .ok_or(UseCaseError::NotFound)
}

async fn note(
    connection: &mut PgConnection,
    caller: &Caller,
    action: &str,
    contact: &Contact,
) -> UseCaseResult<()> {
    let entry = audit::Entry {
        account_id: caller.account_id,
        actor: &caller.actor,
        action,
        subject: contact.id.to_string(),
        details: serde_json::json!({ "kind": contact.channel.as_str() }),
        at: caller.now,
    };
    Ok(audit::insert(connection, &entry).await?)
}
