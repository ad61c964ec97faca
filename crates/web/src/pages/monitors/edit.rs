//! Changing a monitor's settings.

use axum::extract::{Path, State};
use domain::ids::MonitorId;
use domain::monitor::{Monitor, MonitorSpec};

use super::form::{MonitorForm, complaints};
use super::form_view::{again_editing, form_page};
use super::new::checked;
use crate::error::{PageError, PageResult};
use crate::extract::{ClientIp, Fields, FormErrors, Tenant};
use crate::state::AppState;
use crate::usecases::{self, UseCaseError};
use crate::view::{render, see_other};

/// The form with what is set.
pub async fn show(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<MonitorId>,
) -> PageResult {
    let monitor = find(&tenant, &state, id).await?;
    tenant.require_edit()?;
    let mut page = form_page(
        &tenant,
        &state,
        MonitorForm::of_spec(&monitor.spec),
        FormErrors::new(),
    )
    .await?;
    page.set_editing(Some(&monitor));
    render(&page)
}

/// Saves it, or shows what is wrong.
pub async fn save(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<MonitorId>,
    ip: ClientIp,
    fields: Fields,
) -> PageResult {
    let monitor = find(&tenant, &state, id).await?;
    tenant.require_edit()?;
    let form = MonitorForm::of_existing(&fields, Some(&monitor.spec));
    let spec = match checked(&form, &fields, Some(&monitor.spec))
        .map(|specs| specs.into_iter().next())
    {
        Ok(Some(spec)) => spec,
        Ok(None) => return Err(PageError::NotFound),
        Err(errors) => return again_editing(&tenant, &state, form, errors, Some(&monitor)).await,
    };
    let origin = |spec: &MonitorSpec| spec.http.as_ref().and_then(|http| http.origin.clone());
    let named = origin(&spec).filter(|new| origin(&monitor.spec).as_ref() != Some(new));
    match store(&tenant, &state, ip, (id, spec)).await {
        Ok(()) if named.is_some() => see_other(&format!("/monitors/{id}?done=named#origin")),
        Ok(()) => see_other(&format!("/monitors/{id}?done=saved")),
        Err(error) => {
            again_editing(
                &tenant,
                &state,
                form,
                complaints(error, &[])?,
                Some(&monitor),
            )
            .await
        }
    }
}

async fn store(
    tenant: &Tenant,
    state: &AppState,
    ip: ClientIp,
    (id, spec): (MonitorId, MonitorSpec),
) -> Result<(), UseCaseError> {
    let caller = tenant.caller(ip.network(), state.now());
    let mut transaction = store::tenant::begin(&state.pool, tenant.account_id()).await?;
    let before = usecases::monitors::find_locked(&mut transaction, state, &caller, id).await?;
    usecases::monitors::save(&mut transaction, state, &caller, &before, spec).await?;
    transaction.commit().await?;
    Ok(())
}

async fn find(tenant: &Tenant, state: &AppState, id: MonitorId) -> PageResult<Monitor> {
    let mut transaction = tenant.read(state).await?;
    let found =
        store::monitors::find(&mut transaction, &state.secrets, tenant.account_id(), id).await?;
    found.ok_or(PageError::NotFound)
}
