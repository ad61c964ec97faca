//! Actions on one contact.

use axum::extract::State;
use axum::response::Response;
use domain::ids::ContactId;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::{ContactView, tested, view};
use crate::api::auth::Writer;
use crate::api::body::{Body, NoBody};
use crate::api::etag;
use crate::api::id::Id;
use crate::api::problem::{ApiResult, Problem};
use crate::state::AppState;
use crate::usecases::contacts::{self, CodeOutcome};

/// The code that a contact got.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"code": "482913"}))]
pub struct CodeInput {
    /// Six digits.
    code: String,
}

/// Verify a contact
///
/// Takes the code that was sent to it: by mail good for 24 hours, else for 10 minutes; five tries.
#[utoipa::path(post, path = "/api/v1/contacts/{contact_id}/verify", tag = "Contacts", operation_id = "contacts.verify",
    params(("contact_id" = String, Path, description = "`con_…`")), request_body = CodeInput,
    responses((status = 200, body = ContactView)))]
pub async fn verify(
    State(state): State<AppState>,
    writer: Writer,
    Id(id): Id<ContactId>,
    body: Body,
) -> ApiResult<Response> {
    let input: CodeInput = body.decode()?;
    let mut tx = writer.begin(&state).await?;
    let outcome =
        contacts::verify(&mut tx, &state, &writer.caller(&state), id, &input.code).await?;
    let contact = store::contacts::find(&mut tx, writer.account_id(), id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let proven = view(&mut tx, &state, (writer.account_id(), false), contact).await?;
    // A wrong try counts too.
    writer.finish(tx).await?;
    match outcome {
        CodeOutcome::Right => etag::tagged(StatusCode::OK, None, &proven),
        CodeOutcome::Wrong { left } => Err(Problem::field("/code", "wrong_code", wrong_code(left))),
        CodeOutcome::Dead => Err(Problem::field(
            "/code",
            "expired_code",
            "is no longer good; ask for another with /resend",
        )),
    }
}

fn wrong_code(left: u32) -> String {
    match left {
        0 => {
            "is not the code that was sent, and it was tried 5 times; ask for another with /resend"
                .to_owned()
        }
        1 => "is not the code that was sent; 1 try is left".to_owned(),
        _ => format!("is not the code that was sent; {left} tries are left"),
    }
}

/// Send another code or test
///
/// At the earliest 60 seconds after the last. An address that has not confirmed gets one mail a day over all
/// accounts: before that 429 says when the next can go, and the code of the last one still counts. 409 when
/// the owner of the address asked not to be written to. A webhook or chat contact gets another test message; the
/// answer waits up to 10 s for it, and `verified` says what came of it.
#[utoipa::path(post, path = "/api/v1/contacts/{contact_id}/resend", tag = "Contacts", operation_id = "contacts.resend",
    params(("contact_id" = String, Path, description = "`con_…`")), responses((status = 200, body = ContactView)))]
pub async fn resend(
    State(state): State<AppState>,
    writer: Writer,
    Id(id): Id<ContactId>,
    _: NoBody,
) -> ApiResult<Response> {
    let mut tx = writer.begin(&state).await?;
    let account = writer.account_id();
    let (contact, test) = contacts::resend(&mut tx, &state, &writer.caller(&state), id).await?;
    let sent = view(&mut tx, &state, (account, false), contact).await?;
    writer.finish(tx).await?;
    let sent = match test {
        Some(test) if !writer.is_dry_run() => tested(&state, (account, id), test).await?,
        _ => sent,
    };
    etag::tagged(StatusCode::OK, None, &sent)
}

/// Renew the secret of a webhook
///
/// The answer carries the new `secret`, now and never again. For 24 hours each message is signed with both, the
/// new one first, so that your endpoint can change over at any time; renewed twice, the first of the three is gone.
#[utoipa::path(post, path = "/api/v1/contacts/{contact_id}/renew-secret", tag = "Contacts",
    operation_id = "contacts.renew_secret", params(("contact_id" = String, Path, description = "`con_…`")),
    responses((status = 200, body = ContactView)))]
pub async fn renew_secret(
    State(state): State<AppState>,
    writer: Writer,
    Id(id): Id<ContactId>,
    _: NoBody,
) -> ApiResult<Response> {
    let mut tx = writer.begin(&state).await?;
    let (contact, secret) =
        contacts::renew_secret(&mut tx, &state, &writer.caller(&state), id).await?;
    let whose = (writer.account_id(), false);
    let renewed = view(&mut tx, &state, whose, contact).await?;
    writer.finish(tx).await?;
    if writer.is_dry_run() {
        return etag::tagged(StatusCode::OK, None, &renewed);
    }
    renewed.shown_once(StatusCode::OK, secret)
}

/// Send a test message
///
/// To a proven contact, at most one a minute. SMS are paid from the wallet.
#[utoipa::path(post, path = "/api/v1/contacts/{contact_id}/test", tag = "Contacts", operation_id = "contacts.test",
    params(("contact_id" = String, Path, description = "`con_…`")), responses((status = 200, body = ContactView)))]
pub async fn test(
    State(state): State<AppState>,
    writer: Writer,
    Id(id): Id<ContactId>,
    _: NoBody,
) -> ApiResult<Response> {
    let mut tx = writer.begin(&state).await?;
    let contact = contacts::test(&mut tx, &state, &writer.caller(&state), id).await?;
    let asked = view(&mut tx, &state, (writer.account_id(), false), contact).await?;
    writer.finish(tx).await?;
    etag::tagged(StatusCode::OK, None, &asked)
}
