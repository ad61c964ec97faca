//! What proves a contact: a code that is typed back, or a test message that arrives.

use domain::account::EmailAddress;
use domain::contact::{Contact, Hook, Way, code};
use domain::delivery::AccountMessage;
use domain::ids::{ContactId, DeliveryId};
use domain::words;
use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;
use store::account_messages::NewAccountMessage;
use store::contacts::CodeOutcome;
use store::unconfirmed;

use super::{find, note};
use crate::auth::challenge::seconds_until;
use crate::state::AppState;
use crate::throttle::{self, Limit};
use crate::usecases::{Caller, UseCaseError, UseCaseResult};

/// Why nothing is sent to an address.
pub const NOT_WANTED: &str =
    "The owner of this address asked not to be written to. Only they can take that back.";
/// How long a webhook's old secret signs beside the new one.
pub const OLD_SECRET_FOR: SignedDuration = SignedDuration::from_hours(24);

/// Sends a hook the test message that proves it, within the limits of codes: whoever may name a URL
/// must not have it called as often as they like.
pub(super) async fn send_proof(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    (contact, hook): (&Contact, &Hook),
) -> UseCaseResult<Option<DeliveryId>> {
    let address = match hook {
        Hook::Url { url, .. } => url.clone(),
        Hook::Service(service) => serde_json::to_string(service).unwrap_or_default(),
    };
    let key = state.secrets.keyed_hash("contacts.url", &address);
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
pub(super) async fn send_code(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    contact: &Contact,
) -> UseCaseResult<()> {
    take_proof(connection, state, caller, &contact.address).await?;
    let account = store::accounts::find(connection, caller.account_id)
        .await?
        .ok_or(UseCaseError::NotFound)?;
    let by_mail = contact.channel.way() == Way::Mail;
    if by_mail {
        take_mail(connection, state, caller, (contact, &account.timezone)).await?;
    }
    let digits = code::from_random(store::secrets::random_u32());
    let valid_for = match by_mail {
        true => code::VALID_FOR_BY_MAIL,
        false => code::VALID_FOR,
    };
    let expires_at =
        caller.now + SignedDuration::try_from(valid_for).unwrap_or(SignedDuration::from_mins(10));
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

/// Takes the one mail a day that an address gets before it has confirmed, whoever asks.
async fn take_mail(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    (contact, timezone): (&Contact, &str),
) -> UseCaseResult<()> {
    let address = EmailAddress::parse(&contact.address).map_err(UseCaseError::internal)?;
    if unconfirmed::is_blocked(connection, &state.secrets, &address).await? {
        return Err(UseCaseError::conflict(Some("/address"), NOT_WANTED));
    }
    let Some(next) = unconfirmed::take(connection, &state.secrets, &address, caller.now).await?
    else {
        return Ok(());
    };
    let asked =
        store::contacts::find_code_sent_at(connection, caller.account_id, contact.id).await?;
    let counts = match code::still_good_by_mail(asked, caller.now) {
        true => " The code we sent still counts.",
        false => "",
    };
    let when = words::moment(next, &words::zone(timezone));
    Err(UseCaseError::TooSoon {
        retry_after: seconds_until(next, caller.now),
        detail: format!(
            "An address that has not confirmed gets one mail a day, whoever asks for it, and this one had its mail.{counts} The next can be sent from {when}."
        ),
    })
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
        if contact.channel.way() == Way::Mail {
            let address = EmailAddress::parse(&contact.address).map_err(UseCaseError::internal)?;
            unconfirmed::clear(connection, &state.secrets, &address).await?;
        }
        if contact.channel.is_phone() {
            store::wallets::grant_welcome(connection, caller.account_id, caller.now).await?;
        }
        note(connection, caller, "contact.verified", &contact).await?;
    }
    Ok(outcome)
}

/// Gives a webhook another secret, which is shown now and never again. The one before it goes on signing
/// for [`OLD_SECRET_FOR`].
pub async fn renew_secret(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    id: ContactId,
) -> UseCaseResult<(Contact, String)> {
    let contact = find(connection, caller, id).await?;
    let secret = store::secrets::random_signing_secret();
    let of = (caller.account_id, id);
    let times = (caller.now, caller.now + OLD_SECRET_FOR);
    let hooks = store::contacts::hooks::renew_secret;
    if !hooks(connection, &state.secrets, of, &secret, times).await? {
        return Err(UseCaseError::conflict(
            None,
            "Only a webhook has a secret that signs.",
        ));
    }
    note(connection, caller, "contact.secret_renewed", &contact).await?;
    Ok((contact, secret))
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
        let hook =
            store::contacts::hooks::find(connection, &state.secrets, account, id, caller.now)
                .await?
                .ok_or(UseCaseError::NotFound)?;
        let test = send_proof(connection, state, caller, (&contact, &hook)).await?;
        return Ok((contact, test));
    }
    // To wait a minute is no help where the next mail goes in a day.
    if contact.channel.way() != Way::Mail {
        let sent_at = store::contacts::find_code_sent_at(connection, account, id).await?;
        wait_between(sent_at, caller.now)?;
    }
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
