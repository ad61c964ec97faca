//! `/contacts`: who is told, in which state, and the form to add one.

use askama::Template;
use axum::extract::{Query, State};
use domain::alert::prices::{Prices, amount};
use domain::contact::{Channel, Contact};
use domain::delivery::DeliveryState;
use domain::ids::ContactId;
use http::StatusCode;
use serde::Deserialize;
use store::deliveries::Delivery;

use super::inputs::KindForm;
use super::kinds::{Group, groups};
use crate::error::PageResult;
use crate::extract::{ClientIp, Fields, FormErrors, Tenant};
use crate::pages::monitors::parts::{channel_icon, channel_word};
use crate::state::AppState;
use crate::usecases::contacts::{self, Created, NewContact, Reached};
use crate::usecases::{UseCaseError, UseCaseResult, hook_tests};
use crate::view::{Live, Moment, Shell, render, render_with, see_other};

#[derive(Template)]
#[template(path = "contacts/list.html")]
struct ContactsPage {
    shell: Shell,
    lines: Vec<Line>,
    errors: FormErrors,
    groups: Vec<Group>,
    form: KindForm,
    name: String,
    in_default: bool,
    call_on_recovery: bool,
    is_voice: bool,
    sms_is_free: bool,
    balance: String,
    limit: u32,
    can_edit: bool,
}

struct Line {
    id: ContactId,
    name: String,
    address: String,
    icon: &'static str,
    channel: &'static str,
    state: &'static str,
    mark: &'static str,
    reason: Option<String>,
    is_usable: bool,
    needs_code: bool,
    needs_test: bool,
    in_default: bool,
    price: Option<String>,
    last: Option<(String, Moment)>,
}

/// What has just been done, and which kind is to be added.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    done: String,
    kind: String,
}

/// Shows them.
pub async fn show(
    tenant: Tenant,
    State(state): State<AppState>,
    Query(asked): Query<Asked>,
) -> PageResult {
    let kind = Channel::parse(&asked.kind).unwrap_or(Channel::Email);
    let none = Fields::default();
    let mut page = page(&tenant, &state, FormErrors::new(), (kind, &none)).await?;
    page.shell = page
        .shell
        .notice(done_words(&asked.done).map(str::to_owned));
    render(&page)
}

/// Adds one and sends it what proves it. A webhook's secret is on the page that answers, and nowhere
/// after.
pub async fn create(
    tenant: Tenant,
    State(state): State<AppState>,
    ip: ClientIp,
    fields: Fields,
) -> PageResult {
    tenant.require_edit()?;
    let kind = kind_of(&fields);
    let errors = fields.errors();
    let read = match errors.is_empty() {
        true => KindForm::of(kind, &state, &fields).read(kind),
        false => Err(errors),
    };
    let errors = match read {
        Err(errors) => errors,
        Ok(at) => match insert(&tenant, &state, ip, (&fields, at)).await {
            Ok(created) => return made(&tenant, &state, created).await,
            Err(error) => complaints(error)?,
        },
    };
    render_with(
        StatusCode::UNPROCESSABLE_ENTITY,
        &page(&tenant, &state, errors, (kind, &fields)).await?,
    )
}

async fn insert(
    tenant: &Tenant,
    state: &AppState,
    ip: ClientIp,
    (fields, at): (&Fields, Reached),
) -> UseCaseResult<Created> {
    let new = NewContact {
        kind: kind_of(fields),
        name: fields.optional("name").map(str::to_owned),
        at,
        in_default: fields.flag("in_default"),
        call_on_recovery: fields.flag("call_on_recovery"),
        member_id: None,
        only_critical: false,
        quiet_hours: None,
    };
    let caller = tenant.caller(ip.network(), state.now());
    let mut transaction = store::tenant::begin(&state.pool, tenant.account_id()).await?;
    let created = contacts::create(&mut transaction, state, &caller, new).await?;
    transaction.commit().await?;
    Ok(created)
}

async fn made(tenant: &Tenant, state: &AppState, created: Created) -> PageResult {
    if let Some(test) = created.test {
        hook_tests::wait(state, tenant.account_id(), test).await?;
    }
    match created.secret {
        None => see_other(&format!("/contacts/{}", created.contact.id)),
        Some(secret) => {
            super::verify::show_secret(tenant, state, created.contact.id, (secret, false)).await
        }
    }
}

fn kind_of(fields: &Fields) -> Channel {
    Channel::parse(fields.text("kind")).unwrap_or(Channel::Email)
}

/// What a use case complains of, at the fields of the form.
pub(super) fn complaints(error: UseCaseError) -> Result<FormErrors, UseCaseError> {
    let Some(sentences) = error.field_sentences() else {
        return Err(error);
    };
    let mut errors = FormErrors::new();
    for (pointer, sentence) in sentences {
        let mut steps = pointer.trim_start_matches('/').split('/');
        let field = match (steps.next().unwrap_or_default(), steps.next()) {
            (_, Some(part)) => part,
            (field @ ("name" | "kind" | "code"), None) => field,
            ("address" | "url" | "", None) => "address",
            _ => "kind",
        };
        errors.add(field, sentence);
    }
    Ok(errors)
}

pub(super) fn done_words(word: &str) -> Option<&'static str> {
    Some(match word {
        "verified" => "Confirmed. It is told from now on.",
        "saved" => "Saved.",
        "tested" => "A test message is on its way.",
        "deleted" => "Deleted. Nothing is sent to it any more.",
        "soon" => "That was just done. Try again in a minute.",
        "sent" => "Another code is on its way.",
        "called" => "We call you again with another code.",
        "rings" => "The test call is on its way.",
        "tried" => "Another test message was sent.",
        _ => return None,
    })
}

async fn page(
    tenant: &Tenant,
    state: &AppState,
    errors: FormErrors,
    (kind, fields): (Channel, &Fields),
) -> PageResult<ContactsPage> {
    let account = tenant.account_id();
    let mut transaction = tenant.read(state).await?;
    let contacts = store::contacts::list(&mut transaction, account).await?;
    let balance = store::wallets::find_balance(&mut transaction, account).await?;
    let mut lines = Vec::with_capacity(contacts.len());
    for contact in &contacts {
        let last =
            store::deliveries::list_by_contact(&mut transaction, account, contact.id, 1).await?;
        lines.push(line(contact, last.first(), tenant, state));
    }
    Ok(ContactsPage {
        shell: tenant.shell("Contacts").section("contacts").live(Live {
            now: state.now().to_string(),
            zone: tenant.timezone().to_owned(),
            topics: "contact:* delivery:*".to_owned(),
            watch: String::new(),
        }),
        lines,
        groups: groups(kind, state),
        form: KindForm::of(kind, state, fields),
        name: fields.text("name").to_owned(),
        in_default: (errors.is_empty() && kind.is_default()) || fields.flag("in_default"),
        call_on_recovery: fields.flag("call_on_recovery"),
        is_voice: kind == Channel::Voice,
        errors,
        sms_is_free: state.config.outbox,
        balance: amount(balance),
        limit: tenant.plan().limits().contacts,
        can_edit: tenant.role().can_edit(),
    })
}

fn line(contact: &Contact, last: Option<&Delivery>, tenant: &Tenant, state: &AppState) -> Line {
    let (state_word, mark) = match (&contact.disabled_reason, contact.verified_at) {
        (Some(_), _) => ("Stopped", "blocked"),
        (None, None) => ("Not confirmed", "pending"),
        (None, Some(_)) => ("Confirmed", "up"),
    };
    Line {
        id: contact.id,
        name: contact.name.clone(),
        address: contact.address.clone(),
        icon: channel_icon(contact.channel),
        channel: channel_word(contact.channel),
        state: state_word,
        mark,
        reason: contact.disabled_reason.clone(),
        is_usable: contact.is_usable(),
        needs_code: !contact.is_usable()
            && !contact.channel.is_hook()
            && contact.disabled_reason.as_deref() != Some(incidents::NOT_WANTED),
        needs_test: !contact.is_usable() && contact.channel.is_hook(),
        in_default: contact.in_default,
        price: price(contact, state),
        last: last.map(|delivery| {
            (
                last_words(delivery.state),
                Moment::new(
                    delivery.accepted_at.unwrap_or(delivery.created_at),
                    tenant.zone(),
                ),
            )
        }),
    }
}

/// What one message costs; shown before the first is sent.
pub(super) fn price(contact: &Contact, state: &AppState) -> Option<String> {
    match contact.channel {
        Channel::Sms | Channel::Voice if state.config.outbox => Some("free here".to_owned()),
        channel @ (Channel::Sms | Channel::Voice) => {
            Some(match Prices::default().of(channel, &contact.address) {
                Some(price) if channel == Channel::Voice => {
                    format!("{} USD a call", amount(price.micros))
                }
                Some(price) => format!("{} USD an SMS", amount(price.micros)),
                None => "its country is not served".to_owned(),
            })
        }
        _ => None,
    }
}

fn last_words(state: DeliveryState) -> String {
    match state {
        DeliveryState::Delivered => "arrived",
        DeliveryState::Sent => "accepted",
        DeliveryState::Failed => "refused",
        DeliveryState::GivenUp => "given up",
        DeliveryState::Skipped => "not sent",
        DeliveryState::Merged => "grouped",
        DeliveryState::Superseded => "replaced",
        DeliveryState::Pending | DeliveryState::Sending | DeliveryState::Held => "on its way",
    }
    .to_owned()
}
