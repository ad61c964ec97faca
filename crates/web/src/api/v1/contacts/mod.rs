//! `/contacts`.

pub mod actions;

use axum::extract::State;
use axum::response::Response;
use domain::contact::{Channel, Contact, phone};
use domain::ids::ContactId;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::auth::{Reader, Writer};
use crate::api::body::Body;
use crate::api::etag;
use crate::api::gone;
use crate::api::id::Id;
use crate::api::json::Json;
use crate::api::problem::{ApiResult, Problem};
use crate::api::query::{Page, Params, cut};
use crate::api::read_only::ReadOnly;
use crate::state::AppState;
use crate::usecases::contacts::{self, ContactChange, NewContact};
use crate::usecases::monitors::lock_account;

/// An address that alerts go to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Contact)]
pub struct ContactView {
    /// `con_…`
    #[schema(read_only)]
    id: String,
    /// The page with all contacts.
    #[schema(read_only)]
    html_url: String,
    #[schema(value_type = ContactKind)]
    kind: &'static str,
    name: String,
    /// Mail address, or number in E.164 form; numbers are masked for read keys.
    address: String,
    /// Proven by a code. Nothing else is sent before.
    #[schema(read_only)]
    verified: bool,
    /// The default policy includes it.
    in_default: bool,
    /// Why nothing is sent to it any more.
    #[schema(read_only)]
    disabled_reason: Option<String>,
}

/// How a contact is reached.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum ContactKind {
    /// Mail.
    Email,
    /// Text message.
    Sms,
}

/// A contact to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "sms", "name": "Kim", "address": "+49 151 12345678"}))]
pub struct ContactInput {
    #[schema(value_type = ContactKind)]
    kind: Channel,
    /// The address by default.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// Mail address, or phone number with its country code.
    #[schema(min_length = 3, max_length = 254)]
    address: String,
    /// True by default.
    #[serde(default)]
    in_default: Option<bool>,
}

/// What can be changed of a contact, as a merge patch.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Kim, on call"}))]
pub struct ContactPatch {
    /// Null restores the default: the address.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// Null restores the default: true.
    in_default: Option<bool>,
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
    let data = contacts
        .into_iter()
        .map(|contact| ContactView::of(&state, contact, reader.masks()))
        .collect();
    Ok(axum::Json(Page::new(data, next)))
}

/// Create a contact
///
/// It gets a code of six digits, good for 10 minutes; `/verify` takes it.
#[utoipa::path(post, path = "/api/v1/contacts", tag = "Contacts", operation_id = "contacts.create",
    request_body = ContactInput,
    responses((status = 201, body = ContactView, headers(("Location" = String, description = "Address of the new contact")))))]
pub async fn create(
    State(state): State<AppState>,
    writer: Writer,
    body: Body,
) -> ApiResult<Response> {
    let input: ContactInput = body.decode()?;
    let new = NewContact {
        kind: input.kind,
        name: input.name,
        address: input.address,
        in_default: input.in_default.unwrap_or(true),
    };
    let mut tx = writer.begin(&state).await?;
    let contact = contacts::create(&mut tx, &state, &writer.caller(&state), new).await?;
    writer.finish(tx).await?;
    let id = contact.id;
    let view = ContactView::of(&state, contact, false);
    if writer.is_dry_run() {
        return etag::tagged(StatusCode::OK, None, &view);
    }
    let mut response = etag::tagged(StatusCode::CREATED, None, &view)?;
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
    etag::fresh(
        &headers,
        None,
        &ContactView::of(&state, contact, reader.masks()),
    )
}

/// Change a contact
///
/// A merge patch of `name` and `in_default`. Another address is another contact.
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
    let default_membership =
        (body.0.clone().remove("in_default") == Some(Json::Null)).then_some(true);
    READ_ONLY.take_out(&mut body.0, &ContactView::of(&state, before.clone(), false))?;
    unchanged(&state, &mut body.0, before)?;
    let patch: ContactPatch = body.decode()?;
    let change = ContactChange {
        name: patch.name.or(default_name),
        in_default: patch.in_default.or(default_membership),
    };
    let contact = contacts::update(&mut tx, &writer.caller(&state), id, change).await?;
    writer.finish(tx).await?;
    etag::tagged(
        StatusCode::OK,
        None,
        &ContactView::of(&state, contact, false),
    )
}

/// What only we set.
const READ_ONLY: ReadOnly = ReadOnly {
    fixed: &["id", "html_url", "verified", "disabled_reason"],
    moving: &[],
};

/// Kind and address may be sent back as they were read, and cannot change.
fn unchanged(state: &AppState, patch: &mut Json, before: Contact) -> ApiResult<()> {
    let (plain, masked) = (
        ContactView::of(state, before.clone(), false),
        ContactView::of(state, before, true),
    );
    for (key, known) in [
        ("kind", [plain.kind, plain.kind]),
        ("address", [&plain.address, &masked.address]),
    ] {
        match patch.remove(key) {
            Some(Json::String(sent)) if !known.contains(&sent.as_str()) => {
                return Err(Problem::new(
                    crate::api::code::Code::Conflict,
                    format!("The {key} of a contact cannot change. Make a new one."),
                ));
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
    Ok(())
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
        let tag = etag::tag_of(None, &ContactView::of(&state, contact, false))?;
        etag::check_match(&headers, &tag)?;
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
    let tag = etag::tag_of(None, &ContactView::of(state, contact.clone(), false))?;
    etag::check_match(headers, &tag)?;
    Ok(contact)
}

impl ContactView {
    /// A contact; numbers are masked for those who only read.
    pub fn of(state: &AppState, contact: Contact, masked: bool) -> Self {
        let hide = |text: String| {
            if masked && contact.channel == Channel::Sms {
                phone::masked(&text)
            } else {
                text
            }
        };
        let name = if contact.name == contact.address {
            hide(contact.name)
        } else {
            contact.name
        };
        Self {
            id: contact.id.to_string(),
            html_url: state.config.link("/contacts"),
            kind: contact.channel.as_str(),
            name,
            address: hide(contact.address),
            verified: contact.verified_at.is_some(),
            in_default: contact.in_default,
            disabled_reason: contact.disabled_reason,
        }
    }
}
