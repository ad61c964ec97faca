//! `/contacts/{id}`: one contact; while it is not proven, the field for its code or what became of its
//! test message.

use askama::Template;
use axum::extract::{Path, Query, State};
use domain::contact::{Channel, Contact, code};
use domain::delivery::Event;
use domain::ids::ContactId;
use domain::words;
use http::StatusCode;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use store::contacts::CodeOutcome;
use store::deliveries::{Attempt, Delivery};

use super::list::{complaints, done_words, price};
use super::quiet::QuietForm;
use crate::error::{PageError, PageResult};
use crate::extract::{ClientIp, Fields, FormErrors, Tenant};
use crate::pages::incidents::told::ToldLine;
use crate::pages::monitors::parts::{channel_icon, channel_word};
use crate::people::People;
use crate::state::AppState;
use crate::usecases::{UseCaseError, contacts, hook_tests};
use crate::view::{Shell, render, render_with, see_other};

/// Messages shown.
const MESSAGES: u32 = 20;

#[derive(Template)]
#[template(path = "contacts/show.html")]
struct ContactPage {
    shell: Shell,
    contact: Contact,
    icon: &'static str,
    channel: &'static str,
    is_sms: bool,
    is_voice: bool,
    is_hook: bool,
    is_webhook: bool,
    /// Of a webhook, on the page that makes it.
    secret: Option<String>,
    /// It is another one than before.
    renewed: bool,
    /// What the service said to the last test message.
    answer: Option<String>,
    price: Option<String>,
    wait: Option<String>,
    is_mail: bool,
    is_refused: bool,
    code_sent: bool,
    errors: FormErrors,
    messages: Vec<ToldLine>,
    outbox: bool,
    /// Everybody whose it can be.
    members: Vec<(String, String)>,
    /// Whose it is; empty for nobody's.
    owner: String,
    /// A person reads it, and people sleep.
    sleeps: bool,
    quiet: QuietForm,
    can_edit: bool,
}

/// What has just been done.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    done: String,
}

/// Shows it.
pub async fn show(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<ContactId>,
    Query(asked): Query<Asked>,
) -> PageResult {
    let mut page = page(&tenant, &state, id, FormErrors::new()).await?;
    page.shell = page
        .shell
        .notice(done_words(&asked.done).map(str::to_owned));
    render(&page)
}

async fn page(
    tenant: &Tenant,
    state: &AppState,
    id: ContactId,
    errors: FormErrors,
) -> PageResult<ContactPage> {
    let account = tenant.account_id();
    let people = People::read(state, account).await?;
    let mut transaction = tenant.read(state).await?;
    let contact = store::contacts::find(&mut transaction, account, id)
        .await?
        .ok_or(PageError::NotFound)?;
    let sent_at = store::contacts::find_code_sent_at(&mut transaction, account, id).await?;
    let sent = store::deliveries::list_by_contact(&mut transaction, account, id, MESSAGES).await?;
    let ids: Vec<_> = sent.iter().map(|delivery| delivery.id).collect();
    let attempts = store::deliveries::list_attempts(&mut transaction, account, &ids).await?;
    Ok(ContactPage {
        shell: tenant.shell(contact.name.clone()).section("contacts"),
        icon: channel_icon(contact.channel),
        channel: channel_word(contact.channel),
        is_sms: contact.channel == Channel::Sms,
        is_voice: contact.channel == Channel::Voice,
        is_hook: contact.channel.is_hook(),
        is_webhook: contact.channel == Channel::Webhook,
        secret: None,
        renewed: false,
        answer: answer(&sent, &attempts),
        price: price(&contact, state),
        wait: wait(contact.channel, sent_at, state.now(), &tenant.zone()),
        is_mail: contact.channel == Channel::Email,
        is_refused: contact.disabled_reason.as_deref() == Some(incidents::NOT_WANTED),
        code_sent: sent_at.is_some(),
        errors,
        messages: sent
            .iter()
            .map(|delivery| ToldLine::of(delivery, &attempts, &tenant.zone()))
            .collect(),
        outbox: state.config.outbox,
        owner: contact
            .member_id
            .map_or_else(String::new, |id| id.to_string()),
        members: people
            .members
            .iter()
            .map(|member| (member.id.to_string(), member.called().to_owned()))
            .collect(),
        sleeps: !contact.channel.is_program(),
        quiet: QuietForm::of(contact.quiet_hours.as_ref(), tenant.timezone()),
        can_edit: tenant.role().can_edit(),
        contact,
    })
}

/// When another code may be sent, unless it may be sent now.
fn wait(
    channel: Channel,
    sent_at: Option<Timestamp>,
    now: Timestamp,
    zone: &TimeZone,
) -> Option<String> {
    if channel != Channel::Email {
        return code::resend_in(sent_at, now).map(|seconds| format!("in {seconds} s"));
    }
    let next = sent_at? + SignedDuration::try_from(code::ONE_MAIL_IN).ok()?;
    (next > now).then(|| format!("from {}", words::moment(next, zone)))
}

/// What was said to the newest test message, if it was tried.
fn answer(sent: &[Delivery], attempts: &[Attempt]) -> Option<String> {
    let newest = sent.iter().find(|one| one.event == Event::ContactTest)?;
    let tries = attempts.iter().filter(|one| one.delivery_id == newest.id);
    Some(tries.max_by_key(|one| one.number)?.message.clone())
}

/// Shows a webhook that was just made or given another secret, with that secret.
pub(super) async fn show_secret(
    tenant: &Tenant,
    state: &AppState,
    id: ContactId,
    (secret, renewed): (String, bool),
) -> PageResult {
    let mut page = page(tenant, state, id, FormErrors::new()).await?;
    page.secret = Some(secret);
    page.renewed = renewed;
    render(&page)
}

/// The page with what was typed and what is wrong with it.
pub(super) async fn again(
    tenant: &Tenant,
    state: &AppState,
    (id, fields): (ContactId, &Fields),
    errors: FormErrors,
) -> PageResult {
    let mut page = page(tenant, state, id, errors).await?;
    page.quiet = QuietForm::sent(fields);
    page.contact.only_critical = fields.flag("only_critical");
    page.contact.in_default = fields.flag("in_default");
    if let Some(name) = fields.optional("name") {
        name.clone_into(&mut page.contact.name);
    }
    render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

/// Judges a code.
pub async fn verify(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<ContactId>,
    ip: ClientIp,
    fields: Fields,
) -> PageResult {
    tenant.require_edit()?;
    let caller = tenant.caller(ip.network(), state.now());
    let mut transaction = tenant.begin(&state).await?;
    let outcome =
        contacts::verify(&mut transaction, &state, &caller, id, fields.text("code")).await;
    // The try counts whatever its outcome.
    transaction.commit().await.map_err(store::Error::from)?;
    let errors = match outcome {
        Ok(CodeOutcome::Right) => return see_other("/contacts?done=verified"),
        Ok(CodeOutcome::Wrong { left: 0 }) => FormErrors::one(
            "code",
            "That code is wrong, and it was tried 5 times. Send a new one.",
        ),
        Ok(CodeOutcome::Wrong { left: 1 }) => {
            FormErrors::one("code", "That code is wrong. 1 try is left.")
        }
        Ok(CodeOutcome::Wrong { left }) => FormErrors::one(
            "code",
            format!("That code is wrong. {left} tries are left."),
        ),
        Ok(CodeOutcome::Dead) => FormErrors::one(
            "code",
            "No code is waiting: it is too old or was tried too often. Send a new one.",
        ),
        Err(error) => complaints(error)?,
    };
    render_with(
        StatusCode::UNPROCESSABLE_ENTITY,
        &page(&tenant, &state, id, errors).await?,
    )
}

/// Sends another code, or another test message to a hook.
pub async fn resend(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<ContactId>,
    ip: ClientIp,
) -> PageResult {
    tenant.require_edit()?;
    let caller = tenant.caller(ip.network(), state.now());
    let mut transaction = tenant.begin(&state).await?;
    match contacts::resend(&mut transaction, &state, &caller, id).await {
        Ok((contact, test)) => {
            transaction.commit().await.map_err(store::Error::from)?;
            let Some(test) = test else {
                let done = match contact.channel {
                    Channel::Voice => "called",
                    _ => "sent",
                };
                return see_other(&format!("/contacts/{id}?done={done}"));
            };
            hook_tests::wait(&state, tenant.account_id(), test).await?;
            see_other(&format!("/contacts/{id}?done=tried"))
        }
        Err(error @ UseCaseError::TooSoon { .. }) => {
            let errors = FormErrors::one("code", error.to_string());
            let page = page(&tenant, &state, id, errors).await?;
            render_with(StatusCode::TOO_MANY_REQUESTS, &page)
        }
        Err(
            error @ UseCaseError::Conflict {
                pointer: Some(_), ..
            },
        ) => {
            let errors = FormErrors::one("code", error.to_string());
            render_with(
                StatusCode::CONFLICT,
                &page(&tenant, &state, id, errors).await?,
            )
        }
        Err(UseCaseError::Conflict { .. }) => see_other(&format!("/contacts/{id}")),
        Err(error) => Err(error.into()),
    }
}
