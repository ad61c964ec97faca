//! Contacts: made, proven by a code, changed, tested, removed.

use domain::account::EmailAddress;
use domain::contact::{Channel, Contact, HookUrl, PhoneNumber, code};
use domain::delivery::AccountMessage;
use domain::ids::{ContactId, DeliveryId};
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
    /// Mail address, phone number or URL as typed.
    pub address: String,
    /// The default policy includes it.
    pub in_default: bool,
}

/// A contact that was made.
#[derive(Debug, Clone)]
pub struct Created {
    /// The contact.
    pub contact: Contact,
    /// Signs what a webhook gets; shown now and never again.
    pub secret: Option<String>,
    /// The test message that is to prove a hook; [`super::hook_tests::wait`] for it after the commit.
    pub test: Option<DeliveryId>,
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
        Channel::Webhook | Channel::Slack | Channel::Discord => true,
    }
}

/// Makes a contact and sends it what proves it: a code, or a hook a test message.
pub async fn create(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    new: NewContact,
) -> UseCaseResult<Created> {
    if new.kind.is_hook() {
        return create_hook(connection, state, caller, new).await;
    }
    let (address, canonical) = checked_address(state, &new)?;
    let name = new.name.unwrap_or_else(|| address.clone());
    check_name(&name)?;
    check_room(connection, caller, new.kind).await?;
    let contact = fresh(caller, (new.kind, new.in_default), name, address);
    store::contacts::insert(connection, caller.account_id, &contact, &canonical)
        .await
        .map_err(|error| taken(error, "/address"))?;
    send_code(connection, state, caller, &contact).await?;
    note(connection, caller, "contact.created", &contact).await?;
    Ok(Created {
        contact,
        secret: None,
        test: None,
    })
}

async fn create_hook(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    new: NewContact,
) -> UseCaseResult<Created> {
    let url = HookUrl::parse(new.kind, &new.address, state.config.address_policy)
        .map_err(|error| UseCaseError::field("/url", "invalid", error.to_string()))?;
    let name = new.name.unwrap_or_else(|| url.display());
    check_name(&name)?;
    check_room(connection, caller, new.kind).await?;
    let contact = fresh(caller, (new.kind, new.in_default), name, url.display());
    let secret = (new.kind == Channel::Webhook).then(store::secrets::random_signing_secret);
    let sealed = (&url, secret.as_deref());
    let account = caller.account_id;
    store::contacts::hooks::insert(connection, &state.secrets, account, &contact, sealed)
        .await
        .map_err(|error| taken(error, "/url"))?;
    let test = send_proof(connection, state, caller, (&contact, url.as_str())).await?;
    note(connection, caller, "contact.created", &contact).await?;
    Ok(Created {
        contact,
        secret,
        test,
    })
}

/// The plan has room for one more of this kind.
async fn check_room(
    connection: &mut PgConnection,
    caller: &Caller,
    kind: Channel,
) -> UseCaseResult<()> {
    let plan = lock_account(connection, caller).await?;
    let used = store::contacts::count(connection, caller.account_id).await?;
    PlanLimit::check(Resource::Contacts, plan, used, 1)?;
    if kind.is_hook() {
        let used = store::contacts::hooks::count(connection, caller.account_id).await?;
        PlanLimit::check(Resource::Integrations, plan, used, 1)?;
    }
    Ok(())
}

fn fresh(
    caller: &Caller,
    (channel, in_default): (Channel, bool),
    name: String,
    address: String,
) -> Contact {
    Contact {
        id: ContactId::generate(),
        channel,
        name,
        address,
        verified_at: None,
        in_default,
        disabled_reason: None,
        created_at: caller.now,
    }
}

fn taken(error: store::Error, pointer: &'static str) -> UseCaseError {
    if error.constraint() == Some(store::contacts::ADDRESS_KEY) {
        let detail = format!(
            "A contact with this {} exists already.",
            pointer.trim_start_matches('/').replace("url", "URL")
        );
        UseCaseError::conflict(Some(pointer), detail)
    } else {
        error.into()
    }
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
        Channel::Webhook | Channel::Slack | Channel::Discord => {
            Err(wrong("is no mail address or number".to_owned()))
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

/// Sends a hook the test message that proves it, within the limits of codes: whoever may name a URL
/// must not have it called as often as they like.
async fn send_proof(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    (contact, url): (&Contact, &str),
) -> UseCaseResult<Option<DeliveryId>> {
    let key = state.secrets.keyed_hash("contacts.url", url);
    let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    take_proof(connection, state, caller, &key).await?;
    Ok(incidents::test_contact(connection, caller.account_id, contact, caller.now).await?)
}

/// Counts one more code or test message to `address`.
async fn take_proof(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    address: &str,
) -> UseCaseResult<()> {
    let account = caller.account_id.to_string();
    let keys: [(Limit, &str); 3] = [
        (throttle::CONTACT_CODE_ADDRESS, address),
        (throttle::CONTACT_CODE_ACCOUNT, &account),
        (throttle::CONTACT_CODE_NETWORK, &caller.network),
    ];
    for (limit, key) in keys {
        if let Some(retry_after) =
            throttle::take_within(connection, state, limit, key, caller.now).await?
        {
            return Err(UseCaseError::TooSoon {
                retry_after,
                detail: "Too many codes and tests were sent. Nothing was sent now.".to_owned(),
            });
        }
    }
    Ok(())
}

/// Sends a fresh code, within the limits of the address, the account and the network.
async fn send_code(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    contact: &Contact,
) -> UseCaseResult<()> {
    take_proof(connection, state, caller, &contact.address).await?;
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
    if contact.channel.is_hook() {
        return Err(UseCaseError::conflict(
            None,
            "It has no code: a test message proves it. Ask for another with /resend.",
        ));
    }
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

/// Sends another code, or another test message to a hook, at the earliest 60 seconds after the last.
pub async fn resend(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    id: ContactId,
) -> UseCaseResult<(Contact, Option<DeliveryId>)> {
    store::contacts::lock(connection, caller.account_id, id).await?;
    let contact = find(connection, caller, id).await?;
    if contact.is_usable() {
        return Err(UseCaseError::conflict(
            None,
            "The contact is proven already.",
        ));
    }
    let account = caller.account_id;
    if contact.channel.is_hook() {
        take_test(connection, state, caller, id).await?;
        let hook = store::contacts::hooks::find(connection, &state.secrets, account, id)
            .await?
            .ok_or(UseCaseError::NotFound)?;
        let test = send_proof(connection, state, caller, (&contact, &hook.url)).await?;
        return Ok((contact, test));
    }
    let sent_at = store::contacts::find_code_sent_at(connection, account, id).await?;
    wait_between(sent_at, caller.now)?;
    send_code(connection, state, caller, &contact).await?;
    Ok((contact, None))
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
    take_test(connection, state, caller, id).await?;
    incidents::test_contact(connection, caller.account_id, &contact, caller.now).await?;
    note(connection, caller, "contact.tested", &contact).await?;
    Ok(contact)
}

/// Counts one more test message to a contact.
async fn take_test(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    id: ContactId,
) -> UseCaseResult<()> {
    let (limit, key) = (throttle::CONTACT_TEST, id.to_string());
    match throttle::take_within(connection, state, limit, &key, caller.now).await? {
        None => Ok(()),
        Some(retry_after) => Err(UseCaseError::TooSoon {
            retry_after,
            detail: format!("A test was just sent. Another can be sent in {retry_after} s."),
        }),
    }
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
