//! `/contacts`.

pub mod actions;
mod parts;
mod view;

use axum::extract::State;
use axum::response::Response;
use domain::contact::hook::{
    Gotify, Matrix, Ntfy, Opsgenie, PagerDuty, Pushover, Service, Telegram,
};
use domain::contact::{Channel, Contact, QuietHours, phone};
use domain::ids::{ContactId, UserId};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use utoipa::ToSchema;

pub use self::parts::{
    GotifyParts, MatrixParts, NtfyParts, OpsgenieParts, PagerDutyParts, PushoverParts,
    TelegramParts,
};
pub use self::view::{ContactKind, ContactView};
use self::view::{tested, view};
use crate::api::auth::{Reader, Writer};
use crate::api::body::Body;
use crate::api::etag;
use crate::api::gone;
use crate::api::id::Id;
use crate::api::json::Json;
use crate::api::openapi::shapes;
use crate::api::problem::{ApiResult, Problem};
use crate::api::query::{Page, Params, cut};
use crate::api::read_only::ReadOnly;
use crate::state::AppState;
use crate::usecases::contacts::{self, ContactChange, NewContact, Reached};
use crate::usecases::monitors::{MASK, lock_account};

/// A contact to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "sms", "name": "Kim", "address": "+49 151 12345678"}))]
pub struct ContactInput {
    #[schema(value_type = ContactKind)]
    kind: Channel,
    /// The address by default; of a URL what may be shown of it.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// Of `email`, `sms` and `voice`: mail address, or phone number with its country code.
    #[serde(default)]
    #[schema(min_length = 3, max_length = 254)]
    address: Option<String>,
    /// Of `webhook`, `slack`, `discord`, `teams`, `mattermost` and `google_chat`: where messages are posted. A
    /// secret. All other kinds have an object of their name.
    #[serde(default)]
    #[schema(min_length = 8, max_length = 2048)]
    url: Option<String>,
    #[serde(default)]
    #[schema(value_type = Option<TelegramParts>)]
    telegram: Option<Telegram>,
    #[serde(default)]
    #[schema(value_type = Option<MatrixParts>)]
    matrix: Option<Matrix>,
    #[serde(default)]
    #[schema(value_type = Option<NtfyParts>)]
    ntfy: Option<Ntfy>,
    #[serde(default)]
    #[schema(value_type = Option<PushoverParts>)]
    pushover: Option<Pushover>,
    #[serde(default)]
    #[schema(value_type = Option<GotifyParts>)]
    gotify: Option<Gotify>,
    #[serde(default)]
    #[schema(value_type = Option<PagerDutyParts>)]
    pagerduty: Option<PagerDuty>,
    #[serde(default)]
    #[schema(value_type = Option<OpsgenieParts>)]
    opsgenie: Option<Opsgenie>,
    /// True by default; for `voice` false.
    #[serde(default)]
    in_default: Option<bool>,
    /// Of `voice`: also call when the outage is over. False by default.
    #[serde(default)]
    call_on_recovery: Option<bool>,
    /// Whose it is, `usr_…`: a member who is on call is reached by all of theirs. Nobody's by default.
    #[serde(default)]
    #[schema(schema_with = shapes::member_id)]
    member_id: Option<UserId>,
    /// Tell it of critical monitors alone. False by default.
    #[serde(default)]
    only_critical: Option<bool>,
    /// When messages wait; not of `webhook`, `pagerduty` and `opsgenie`, which are programs.
    #[serde(default)]
    #[schema(value_type = Option<QuietHoursParts>)]
    quiet_hours: Option<QuietHours>,
}

/// What can be changed of a contact, as a merge patch.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Kim, on call"}))]
pub struct ContactPatch {
    /// Null restores the default: the address.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// Null restores the default: true, for `voice` false.
    in_default: Option<bool>,
    /// Of `voice`: also call when the outage is over. Null restores the default: false.
    call_on_recovery: Option<bool>,
    /// Null: nobody's.
    #[schema(schema_with = shapes::member_id)]
    member_id: Option<UserId>,
    /// Null restores the default: false.
    only_critical: Option<bool>,
    /// Null takes them off; else all of them are replaced.
    #[schema(value_type = Option<QuietHoursParts>)]
    quiet_hours: Option<QuietHours>,
}

/// Times of the week in which messages wait for their end.
#[derive(Debug, ToSchema)]
#[schema(as = QuietHours, example = json!({"timezone": "Europe/Berlin", "ranges": [{"days": [], "from": "22:00", "to": "07:00"}], "except_critical": true}))]
pub struct QuietHoursParts {
    /// An IANA zone; the times are local ones, also where clocks change.
    #[schema(example = "Europe/Berlin")]
    pub timezone: String,
    /// The times.
    #[schema(min_items = 1, max_items = 14)]
    pub ranges: Vec<QuietRangeParts>,
    /// Messages about critical monitors are sent all the same; true by default.
    #[schema(required = false)]
    pub except_critical: bool,
}

/// One time. A range that ends at or before its begin ends on the next day.
#[derive(Debug, ToSchema)]
#[schema(as = QuietRange)]
pub struct QuietRangeParts {
    /// On which days it begins; every day when empty.
    #[schema(required = false)]
    pub days: Vec<DayName>,
    /// When it begins.
    #[schema(example = "22:00", pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    pub from: String,
    /// When it ends; `24:00` for the end of the day.
    #[schema(example = "07:00", pattern = "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
    pub to: String,
}

/// A day of the week.
#[derive(Debug, ToSchema)]
#[schema(as = QuietDay, rename_all = "snake_case")]
#[expect(missing_docs, reason = "days")]
pub enum DayName {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

/// List contacts
#[utoipa::path(get, path = "/api/v1/contacts", tag = "Contacts", operation_id = "contacts.list",
    responses((status = 200, body = Page<ContactView>)))]
pub async fn list(
    State(state): State<AppState>,
    reader: Reader,
    mut params: Params,
) -> ApiResult<axum::Json<Page<ContactView>>> {
    let page = params.page::<ContactId>()?;
    params.finish()?;
    let mut tx = reader.begin(&state).await?;
    let mut contacts =
        store::contacts::list_page(&mut tx, reader.account_id(), page.cursor, page.limit + 1)
            .await?;
    let next = cut(&mut contacts, page.limit, |contact| contact.id);
    let mut data = Vec::with_capacity(contacts.len());
    for contact in contacts {
        data.push(
            view(
                &mut tx,
                &state,
                (reader.account_id(), reader.masks()),
                contact,
            )
            .await?,
        );
    }
    Ok(axum::Json(Page::new(data, next)))
}

/// Create a contact
///
/// An address or number gets a code of six digits, good for 24 hours by mail and else for 10 minutes; `/verify`
/// takes it. An address that has not confirmed gets one mail a day over all accounts: 429 until the next can go,
/// and 409 when its owner asked not to be written to. A `voice`
/// contact is called, and the code is said twice. A webhook or
/// chat contact gets a test message, and is verified when that arrives: the answer waits up to 10 s for
/// it and is 201 either way; `/resend` repeats it. The `secret` of a webhook is in this answer and nowhere else.
#[utoipa::path(post, path = "/api/v1/contacts", tag = "Contacts", operation_id = "contacts.create",
    request_body = ContactInput,
    responses((status = 201, body = ContactView, headers(("Location" = String, description = "Address of the new contact")))))]
pub async fn create(
    State(state): State<AppState>,
    writer: Writer,
    body: Body,
) -> ApiResult<Response> {
    let input: ContactInput = body.decode()?;
    let new = input.read()?;
    let mut tx = writer.begin(&state).await?;
    let created = contacts::create(&mut tx, &state, &writer.caller(&state), new).await?;
    let (id, account) = (created.contact.id, writer.account_id());
    let dry = view(&mut tx, &state, (account, false), created.contact).await?;
    writer.finish(tx).await?;
    if writer.is_dry_run() {
        return etag::tagged(StatusCode::OK, None, &dry);
    }
    let made = match created.test {
        Some(test) => tested(&state, (account, id), test).await?,
        None => dry,
    };
    let mut response = match created.secret {
        Some(secret) => made.shown_once(StatusCode::CREATED, secret)?,
        None => etag::tagged(StatusCode::CREATED, None, &made)?,
    };
    if let Ok(location) = HeaderValue::from_str(&format!("/api/v1/contacts/{id}")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// Get a contact
#[utoipa::path(get, path = "/api/v1/contacts/{contact_id}", tag = "Contacts", operation_id = "contacts.get",
    params(("contact_id" = String, Path, description = "`con_…`")), responses((status = 200, body = ContactView)))]
pub async fn get(
    State(state): State<AppState>,
    reader: Reader,
    Id(id): Id<ContactId>,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    params.finish()?;
    let mut tx = reader.begin(&state).await?;
    let contact = store::contacts::find(&mut tx, reader.account_id(), id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let whose = (reader.account_id(), reader.masks());
    etag::fresh(
        &headers,
        None,
        &view(&mut tx, &state, whose, contact).await?,
    )
}

/// Change a contact
///
/// A merge patch of `name`, `in_default`, `call_on_recovery`, `member_id`, `only_critical` and `quiet_hours`
/// (replaced as a whole). Another address is another contact.
#[utoipa::path(patch, path = "/api/v1/contacts/{contact_id}", tag = "Contacts", operation_id = "contacts.update",
    params(("contact_id" = String, Path, description = "`con_…`")), request_body = ContactPatch,
    responses((status = 200, body = ContactView)))]
pub async fn update(
    State(state): State<AppState>,
    writer: Writer,
    Id(id): Id<ContactId>,
    headers: HeaderMap,
    mut body: Body,
) -> ApiResult<Response> {
    let mut tx = writer.begin(&state).await?;
    let before = locked(&state, &writer, &mut tx, id, &headers).await?;
    let default_name =
        (body.0.clone().remove("name") == Some(Json::Null)).then(|| before.address.clone());
    let default_membership = (body.0.clone().remove("in_default") == Some(Json::Null))
        .then_some(before.channel.is_default());
    let default_recovery =
        (body.0.clone().remove("call_on_recovery") == Some(Json::Null)).then_some(false);
    let nobodys = (body.0.clone().remove("member_id") == Some(Json::Null)).then_some(None);
    let default_critical =
        (body.0.clone().remove("only_critical") == Some(Json::Null)).then_some(false);
    let no_hours = (body.0.clone().remove("quiet_hours") == Some(Json::Null)).then_some(None);
    let plain = view(
        &mut tx,
        &state,
        (writer.account_id(), false),
        before.clone(),
    )
    .await?;
    READ_ONLY.take_out(&mut body.0, &plain)?;
    unchanged(&mut body.0, &before, &plain)?;
    let patch: ContactPatch = body.decode()?;
    let change = ContactChange {
        name: patch.name.or(default_name),
        in_default: patch.in_default.or(default_membership),
        call_on_recovery: patch.call_on_recovery.or(default_recovery),
        member_id: patch.member_id.map(Some).or(nobodys),
        only_critical: patch.only_critical.or(default_critical),
        quiet_hours: patch.quiet_hours.map(Some).or(no_hours),
    };
    let contact = contacts::update(&mut tx, &writer.caller(&state), id, change).await?;
    let changed = view(&mut tx, &state, (writer.account_id(), false), contact).await?;
    writer.finish(tx).await?;
    etag::tagged(StatusCode::OK, None, &changed)
}

/// What only we set.
const READ_ONLY: ReadOnly = ReadOnly {
    fixed: &["id", "html_url", "verified", "disabled_reason"],
    moving: &[],
};

/// Kind and address may be sent back as they were read, masked or not, and cannot change.
fn unchanged(patch: &mut Json, before: &Contact, plain: &ContactView) -> ApiResult<()> {
    let masked = phone::masked(&before.address);
    let reached = match (&plain.address, &plain.url) {
        (Some(address), _) if before.channel.is_phone() => ("address", [address.as_str(), &masked]),
        (Some(address), _) => ("address", [address.as_str(), address]),
        (None, url) => ("url", [url.as_deref().unwrap_or(MASK), MASK]),
    };
    for (key, known) in [("kind", [plain.kind, plain.kind]), reached] {
        match patch.remove(key) {
            Some(Json::String(sent)) if !known.contains(&sent.as_str()) => {
                return Err(cannot_change(key));
            }
            None | Some(Json::String(_)) => {}
            Some(other) => {
                return Err(Problem::field(
                    &format!("/{key}"),
                    "wrong_type",
                    format!("must be a text, not {}", other.kind()),
                ));
            }
        }
    }
    let key = &contacts::pointer(before.channel)[1..];
    match (&plain.service(), patch.remove(key)) {
        (Some(service), Some(sent)) => same_parts(key, service, &sent),
        _ => Ok(()),
    }
}

/// Each part is the one that was read, or its mask.
fn same_parts(key: &str, service: &Service, sent: &Json) -> ApiResult<()> {
    let Json::Object(parts) = sent else {
        let message = format!("must be an object, not {}", sent.kind());
        return Err(Problem::field(&format!("/{key}"), "wrong_type", message));
    };
    let known = [service.clone(), service.masked(MASK)];
    let known: Vec<Json> = known.iter().filter_map(|one| Json::of(one).ok()).collect();
    for (name, part) in parts {
        let mut read = known.iter().filter_map(|one| one.get(key)?.get(name));
        if !read.any(|one| one == part) {
            return Err(cannot_change(key));
        }
    }
    Ok(())
}

fn cannot_change(key: &str) -> Problem {
    Problem::new(
        crate::api::code::Code::Conflict,
        format!("The {key} of a contact cannot change. Make a new one."),
    )
}

/// Delete a contact
///
/// Monitors that named it forget it; one that named nobody else uses the default policy again.
#[utoipa::path(delete, path = "/api/v1/contacts/{contact_id}", tag = "Contacts", operation_id = "contacts.delete",
    params(("contact_id" = String, Path, description = "`con_…`")), responses((status = 204)))]
pub async fn delete(
    State(state): State<AppState>,
    writer: Writer,
    Id(id): Id<ContactId>,
    headers: HeaderMap,
) -> ApiResult<StatusCode> {
    let mut tx = writer.begin(&state).await?;
    let caller = writer.caller(&state);
    lock_account(&mut tx, &caller).await?;
    store::contacts::lock(&mut tx, caller.account_id, id).await?;
    let known = store::contacts::find(&mut tx, caller.account_id, id).await?;
    if let Some(contact) = known {
        let plain = view(&mut tx, &state, (caller.account_id, false), contact).await?;
        etag::check_match(&headers, &etag::tag_of(None, &plain)?)?;
    }
    let outcome = contacts::delete(&mut tx, &state, &caller, id).await;
    let before = ("contact.deleted", id.to_string());
    gone::twice(outcome, &mut tx, caller.account_id, (before.0, &before.1)).await?;
    writer.finish(tx).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The contact, locked, if it still is the version that the client read.
async fn locked(
    state: &AppState,
    writer: &Writer,
    connection: &mut sqlx::PgConnection,
    id: ContactId,
    headers: &HeaderMap,
) -> ApiResult<Contact> {
    store::contacts::lock(connection, writer.account_id(), id).await?;
    let contact = store::contacts::find(connection, writer.account_id(), id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let whose = (writer.account_id(), false);
    let plain = view(connection, state, whose, contact.clone()).await?;
    etag::check_match(headers, &etag::tag_of(None, &plain)?)?;
    Ok(contact)
}

impl ContactInput {
    fn read(self) -> ApiResult<NewContact> {
        let (kind, own) = (self.kind, contacts::pointer(self.kind));
        let services = [
            self.telegram.map(Service::Telegram),
            self.matrix.map(Service::Matrix),
            self.ntfy.map(Service::Ntfy),
            self.pushover.map(Service::Pushover),
            self.gotify.map(Service::Gotify),
            self.pagerduty.map(Service::PagerDuty),
            self.opsgenie.map(Service::Opsgenie),
        ];
        let texts = [("/address", self.address), ("/url", self.url)];
        let texts = texts
            .into_iter()
            .filter_map(|(at, text)| Some((at, Reached::Text(text?))));
        let services = services.into_iter().flatten().map(|service| {
            let at = contacts::pointer(service.channel());
            (at, Reached::Service(service))
        });
        let sent: Vec<(&str, Reached)> = texts.chain(services).collect();
        if let Some((stray, _)) = sent.iter().find(|(at, _)| *at != own) {
            let message = format!("does not belong to {}; send {}", kind.as_str(), &own[1..]);
            return Err(Problem::field(stray, "not_applicable", message));
        }
        let at = sent.into_iter().next().map(|(_, reached)| reached);
        Ok(NewContact {
            kind,
            name: self.name,
            at: at.ok_or_else(|| Problem::field(own, "required", "must be sent"))?,
            in_default: self.in_default.unwrap_or(kind.is_default()),
            call_on_recovery: self.call_on_recovery.unwrap_or(false),
            member_id: self.member_id,
            only_critical: self.only_critical.unwrap_or(false),
            quiet_hours: self.quiet_hours,
        })
    }
}
