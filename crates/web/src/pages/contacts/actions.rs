//! What is done with a contact that is there.

use askama::Template;
use axum::extract::{Path, State};
use domain::contact::{Channel, Contact};
use domain::ids::ContactId;
use domain::monitor::validate::FieldError;

use super::quiet;
use super::verify::again;
use crate::error::{PageError, PageResult};
use crate::extract::{ClientIp, Fields, Tenant};
use crate::state::AppState;
use crate::usecases::UseCaseError;
use crate::usecases::contacts::{self, ContactChange};
use crate::view::{Shell, render, see_other};

/// Changes its name and whether the default policy includes it.
pub async fn edit(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<ContactId>,
    ip: ClientIp,
    fields: Fields,
) -> PageResult {
    tenant.require_edit()?;
    let caller = tenant.caller(ip.network(), state.now());
    let hours = match quiet::typed(&fields) {
        Ok(hours) => hours,
        Err(wrong) => return again(&tenant, &state, (id, &fields), wrong).await,
    };
    let change = ContactChange {
        only_critical: Some(fields.flag("only_critical")),
        quiet_hours: Some(hours),
        name: fields.optional("name").map(str::to_owned),
        in_default: Some(fields.flag("in_default")),
        // The box is on the page of a number that is called alone.
        call_on_recovery: Some(fields.flag("call_on_recovery")),
        member_id: fields
            .has("member_id")
            .then(|| fields.text("member_id").parse().ok()),
    };
    let mut transaction = tenant.begin(&state).await?;
    match contacts::update(&mut transaction, &caller, id, change).await {
        Ok(_) => {}
        Err(UseCaseError::Invalid(wrong)) if wrong.iter().all(is_of_quiet_hours) => {
            drop(transaction);
            return again(&tenant, &state, (id, &fields), quiet::complaints(&wrong)).await;
        }
        Err(error) => return Err(error.into()),
    }
    transaction.commit().await.map_err(store::Error::from)?;
    see_other(&format!("/contacts/{id}?done=saved"))
}

fn is_of_quiet_hours(error: &FieldError) -> bool {
    error.pointer.starts_with("/quiet_hours")
}

/// Sends a test message.
pub async fn test(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<ContactId>,
    ip: ClientIp,
) -> PageResult {
    tenant.require_edit()?;
    let caller = tenant.caller(ip.network(), state.now());
    let mut transaction = tenant.begin(&state).await?;
    match contacts::test(&mut transaction, &state, &caller, id).await {
        Ok(contact) => {
            transaction.commit().await.map_err(store::Error::from)?;
            see_other(match contact.channel {
                Channel::Voice => "/contacts?done=rings",
                _ => "/contacts?done=tested",
            })
        }
        Err(UseCaseError::TooSoon { .. }) => see_other("/contacts?done=soon"),
        Err(UseCaseError::Conflict { .. }) => see_other(&format!("/contacts/{id}")),
        Err(error) => Err(error.into()),
    }
}

/// Gives a webhook another secret, which is on the page that answers and nowhere else.
pub async fn renew_secret(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<ContactId>,
    ip: ClientIp,
) -> PageResult {
    tenant.require_edit()?;
    let caller = tenant.caller(ip.network(), state.now());
    let mut transaction = tenant.begin(&state).await?;
    let renewed = contacts::renew_secret(&mut transaction, &state, &caller, id).await;
    let (_, secret) = match renewed {
        Ok(renewed) => renewed,
        Err(UseCaseError::Conflict { .. }) => return see_other(&format!("/contacts/{id}")),
        Err(error) => return Err(error.into()),
    };
    transaction.commit().await.map_err(store::Error::from)?;
    super::verify::show_secret(&tenant, &state, id, (secret, true)).await
}

#[derive(Template)]
#[template(path = "contacts/delete.html")]
struct DeletePage {
    shell: Shell,
    contact: Contact,
    is_last: bool,
}

/// Asks once more.
pub async fn confirm(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<ContactId>,
) -> PageResult {
    let mut transaction = tenant.read(&state).await?;
    let all = store::contacts::list(&mut transaction, tenant.account_id()).await?;
    let contact = all
        .iter()
        .find(|contact| contact.id == id)
        .cloned()
        .ok_or(PageError::NotFound)?;
    tenant.require_edit()?;
    let is_last = !all.iter().any(|other| other.id != id && other.is_usable());
    render(&DeletePage {
        shell: tenant.shell("Delete contact").section("contacts"),
        contact,
        is_last,
    })
}

/// Deletes it.
pub async fn delete(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<ContactId>,
    ip: ClientIp,
) -> PageResult {
    tenant.require_edit()?;
    let caller = tenant.caller(ip.network(), state.now());
    let mut transaction = tenant.begin(&state).await?;
    contacts::delete(&mut transaction, &state, &caller, id).await?;
    transaction.commit().await.map_err(store::Error::from)?;
    see_other("/contacts?done=deleted")
}
