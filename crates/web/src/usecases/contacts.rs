//! Contacts: made, proven by a code or a test message, changed, tested, removed.

mod prove;

use domain::account::EmailAddress;
use domain::alert::policy::Target;
use domain::contact::hook::Service;
use domain::contact::{Channel, Contact, HookTarget, HookUrl, PhoneNumber, QuietHours, Way};
use domain::ids::{ContactId, DeliveryId, UserId};
use domain::monitor::validate::FieldError;
use domain::oncall::Participant;
use sqlx::PgConnection;
use store::audit;
pub use store::contacts::CodeOutcome;

pub use self::prove::{NOT_WANTED, renew_secret, resend, test, verify};
use self::prove::{send_code, send_proof};
use super::monitors::lock_account;
use super::{Caller, PlanLimit, Resource, UseCaseError, UseCaseResult};
use crate::state::AppState;

/// A contact to be made.
#[derive(Debug, Clone)]
pub struct NewContact {
    /// How it is reached.
    pub kind: Channel,
    /// What its owner calls it; the address when left out.
    pub name: Option<String>,
    /// Where, as typed.
    pub at: Reached,
    /// The default policy includes it.
    pub in_default: bool,
    /// Of a number that is called: also when the outage is over.
    pub call_on_recovery: bool,
    /// Whose it is; whoever adds it when left out.
    pub member_id: Option<UserId>,
    /// It is told of critical monitors alone.
    pub only_critical: bool,
    /// When messages to it wait.
    pub quiet_hours: Option<QuietHours>,
}

/// Where a contact is reached, as typed.
#[derive(Debug, Clone)]
pub enum Reached {
    /// A mail address, a phone number or a URL.
    Text(String),
    /// The parts of a service.
    Service(Service),
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
    /// Whether a number is also called when the outage is over.
    pub call_on_recovery: Option<bool>,
    /// Whose it is; `Some(None)` for nobody's.
    pub member_id: Option<Option<UserId>>,
    /// Whether it is told of critical monitors alone.
    pub only_critical: Option<bool>,
    /// When messages to it wait; `Some(None)` takes that off.
    pub quiet_hours: Option<Option<QuietHours>>,
}

/// Kinds of contact that can be added on this server.
pub fn is_available(state: &AppState, kind: Channel) -> bool {
    match kind.way() {
        Way::Mail => state.config.email_available,
        Way::Text => state.config.sms_available,
        Way::Call => state.config.voice_available,
        Way::Hook => true,
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
    check_recovery(new.kind, new.call_on_recovery)?;
    check_quiet(new.kind, new.quiet_hours.as_ref())?;
    let contact = Contact {
        call_on_recovery: new.call_on_recovery,
        member_id: owner(connection, caller, new.member_id).await?,
        only_critical: new.only_critical,
        quiet_hours: new.quiet_hours.clone(),
        ..fresh(caller, (new.kind, new.in_default), name, address)
    };
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
    check_recovery(new.kind, new.call_on_recovery)?;
    let target = checked_target(state, &new)?;
    let shown = target.display();
    let name = new.name.unwrap_or_else(|| shown.clone());
    check_name(&name)?;
    check_room(connection, caller, new.kind).await?;
    check_quiet(new.kind, new.quiet_hours.as_ref())?;
    let contact = Contact {
        member_id: owner(connection, caller, new.member_id).await?,
        only_critical: new.only_critical,
        quiet_hours: new.quiet_hours.clone(),
        ..fresh(caller, (new.kind, new.in_default), name, shown)
    };
    let secret = (new.kind == Channel::Webhook).then(store::secrets::random_signing_secret);
    let sealed = (&target, secret.as_deref());
    let account = caller.account_id;
    store::contacts::hooks::insert(connection, &state.secrets, account, &contact, sealed)
        .await
        .map_err(|error| taken(error, pointer(new.kind)))?;
    let test = send_proof(connection, state, caller, (&contact, &target.into())).await?;
    note(connection, caller, "contact.created", &contact).await?;
    Ok(Created {
        contact,
        secret,
        test,
    })
}

fn checked_target(state: &AppState, new: &NewContact) -> UseCaseResult<HookTarget> {
    let policy = state.config.address_policy;
    match &new.at {
        Reached::Text(text) => HookUrl::parse(new.kind, text, policy)
            .map(HookTarget::Url)
            .map_err(|error| UseCaseError::field("/url", "invalid", error.to_string())),
        Reached::Service(service) => {
            let of = pointer(service.channel());
            service.check(policy).map_err(|errors| {
                let at = |field| format!("{of}/{field}");
                let errors = errors.into_iter();
                let errors =
                    errors.map(|one| FieldError::new(at(one.field), "invalid", one.message));
                UseCaseError::Invalid(errors.collect())
            })?;
            Ok(HookTarget::Service(service.clone()))
        }
    }
}

/// The field that says where a kind is reached.
pub const fn pointer(kind: Channel) -> &'static str {
    match kind {
        Channel::Telegram => "/telegram",
        Channel::Matrix => "/matrix",
        Channel::Ntfy => "/ntfy",
        Channel::Pushover => "/pushover",
        Channel::Gotify => "/gotify",
        Channel::PagerDuty => "/pagerduty",
        Channel::Opsgenie => "/opsgenie",
        _ if kind.has_url() => "/url",
        _ => "/address",
    }
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

/// Whose a new contact is: a member's, else of whoever adds it.
async fn owner(
    connection: &mut PgConnection,
    caller: &Caller,
    wanted: Option<UserId>,
) -> UseCaseResult<Option<UserId>> {
    match wanted {
        None => Ok(caller.user_id),
        Some(id) => check_member(connection, caller, id).await.map(Some),
    }
}

async fn check_member(
    connection: &mut PgConnection,
    caller: &Caller,
    id: UserId,
) -> UseCaseResult<UserId> {
    let known = store::memberships::list_known(connection, caller.account_id, &[id]).await?;
    if known.is_empty() {
        let message = "must be a member of this account";
        return Err(UseCaseError::field("/member_id", "not_found", message));
    }
    Ok(id)
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
        call_on_recovery: false,
        member_id: caller.user_id,
        only_critical: false,
        quiet_hours: None,
        disabled_reason: None,
        created_at: caller.now,
    }
}

fn taken(error: store::Error, pointer: &'static str) -> UseCaseError {
    if error.constraint() == Some(store::contacts::ADDRESS_KEY) {
        let detail = match pointer {
            "/address" => "A contact with this address exists already.",
            "/url" => "A contact with this URL exists already.",
            _ => "A contact that leads there exists already.",
        };
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
    match (new.kind.way(), &new.at) {
        (Way::Mail, Reached::Text(text)) => {
            let address = EmailAddress::parse(text).map_err(|error| wrong(error.to_string()))?;
            Ok((address.as_str().to_owned(), address.canonical()))
        }
        (Way::Text | Way::Call, Reached::Text(text)) => {
            let number = PhoneNumber::parse(text).map_err(|error| wrong(error.to_string()))?;
            Ok((number.as_str().to_owned(), number.as_str().to_owned()))
        }
        (Way::Hook, _) | (_, Reached::Service(_)) => {
            Err(wrong("is no mail address or number".to_owned()))
        }
    }
}

/// Only a number that is called can be called again.
fn check_recovery(kind: Channel, call_on_recovery: bool) -> UseCaseResult<()> {
    if call_on_recovery && kind != Channel::Voice {
        return Err(UseCaseError::field(
            "/call_on_recovery",
            "not_applicable",
            "belongs to contacts of the kind voice",
        ));
    }
    Ok(())
}

/// A program does not sleep.
fn check_quiet(kind: Channel, hours: Option<&QuietHours>) -> UseCaseResult<()> {
    let Some(hours) = hours else { return Ok(()) };
    if kind.is_program() {
        return Err(UseCaseError::field(
            "/quiet_hours",
            "not_applicable",
            "does not belong to programs: a webhook, PagerDuty and Opsgenie get every event at once",
        ));
    }
    let wrong = hours.validate("/quiet_hours");
    if wrong.is_empty() {
        return Ok(());
    }
    Err(UseCaseError::Invalid(wrong))
}

fn check_name(name: &str) -> UseCaseResult<()> {
    domain::monitor::validate::check_line("/name", name, 200)
        .map_err(|error: FieldError| UseCaseError::Invalid(vec![error]))
}

/// Changes name, whose it is, membership of the default policy and calls on recovery.
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
        call_on_recovery: change.call_on_recovery.unwrap_or(before.call_on_recovery),
        member_id: change.member_id.unwrap_or(before.member_id),
        only_critical: change.only_critical.unwrap_or(before.only_critical),
        quiet_hours: change
            .quiet_hours
            .unwrap_or_else(|| before.quiet_hours.clone()),
        ..before.clone()
    };
    if contact == before {
        return Ok(contact);
    }
    check_name(&contact.name)?;
    check_recovery(contact.channel, contact.call_on_recovery)?;
    if contact.member_id != before.member_id
        && let Some(id) = contact.member_id
    {
        check_member(connection, caller, id).await?;
    }
    check_quiet(contact.channel, contact.quiet_hours.as_ref())?;
    store::contacts::update(connection, caller.account_id, &contact, caller.now).await?;
    if contact.quiet_hours != before.quiet_hours {
        store::contacts::wake_quiet(connection, caller.account_id, id, caller.now).await?;
    }
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
    super::policies::forget(connection, caller, Target::Contact(id)).await?;
    super::schedules::forget(connection, caller, Participant::Contact(id)).await?;
    store::contacts::delete(connection, caller.account_id, id).await?;
    note(connection, caller, "contact.deleted", &contact).await
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
