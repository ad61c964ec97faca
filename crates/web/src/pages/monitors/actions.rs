//! What is pressed on a monitor's page.

use axum::extract::{Path, State};
use domain::ids::MonitorId;
use store::token_lookups::Kind;

use crate::error::{PageError, PageResult};
use crate::extract::{ClientIp, Fields, Tenant};
use crate::state::AppState;
use crate::usecases::monitors;
use crate::usecases::{self, UseCaseError};
use crate::view::see_other;

/// Stops looking.
pub async fn pause(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<MonitorId>,
    ip: ClientIp,
) -> PageResult {
    tenant.require_edit()?;
    let caller = tenant.caller(ip.network(), state.now());
    let mut transaction = tenant.begin(&state).await?;
    monitors::pause(&mut transaction, &state, &caller, id).await?;
    transaction.commit().await.map_err(store::Error::from)?;
    see_other(&format!("/monitors/{id}?done=paused"))
}

/// Looks again.
pub async fn resume(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<MonitorId>,
    ip: ClientIp,
) -> PageResult {
    tenant.require_edit()?;
    let caller = tenant.caller(ip.network(), state.now());
    let mut transaction = tenant.begin(&state).await?;
    match monitors::resume(&mut transaction, &state, &caller, id).await {
        Ok(_) => {
            transaction.commit().await.map_err(store::Error::from)?;
            see_other(&format!("/monitors/{id}?done=resumed"))
        }
        Err(UseCaseError::PlanLimit(_)) => see_other(&format!("/monitors/{id}?done=full")),
        Err(error) => Err(error.into()),
    }
}

/// Makes a second one with the same settings and opens its form.
pub async fn duplicate(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<MonitorId>,
    ip: ClientIp,
) -> PageResult {
    tenant.require_edit()?;
    let caller = tenant.caller(ip.network(), state.now());
    let mut transaction = tenant.begin(&state).await?;
    match monitors::duplicate(&mut transaction, &state, &caller, id).await {
        Ok(created) => {
            transaction.commit().await.map_err(store::Error::from)?;
            see_other(&format!("/monitors/{}/edit", created.monitor.id))
        }
        Err(UseCaseError::PlanLimit(_)) => see_other(&format!("/monitors/{id}?done=full")),
        Err(error) => Err(error.into()),
    }
}

/// Looks now, and shows what was seen.
pub async fn check(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<MonitorId>,
    ip: ClientIp,
) -> PageResult {
    tenant.require_respond()?;
    let caller = tenant.caller(ip.network(), state.now());
    let mut transaction = tenant.begin(&state).await?;
    let pending = match monitors::check_now(&mut transaction, &state, &caller, id).await {
        Ok(pending) => pending,
        Err(UseCaseError::TooSoon { .. }) => {
            return see_other(&format!("/monitors/{id}?done=often"));
        }
        Err(UseCaseError::Conflict { .. }) => return see_other(&format!("/monitors/{id}")),
        Err(error) => return Err(error.into()),
    };
    transaction.commit().await.map_err(store::Error::from)?;
    match usecases::looks::wait(&state, tenant.account_id(), pending).await {
        Ok(_) => see_other(&format!("/monitors/{id}?done=checked#asked")),
        Err(UseCaseError::Unavailable(_)) => see_other(&format!("/monitors/{id}?done=unanswered")),
        Err(error) => Err(error.into()),
    }
}

/// Has the proof of its origin looked for now.
pub async fn verify_origin(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<MonitorId>,
    ip: ClientIp,
) -> PageResult {
    tenant.require_edit()?;
    let caller = tenant.caller(ip.network(), state.now());
    let mut transaction = tenant.begin(&state).await?;
    let proof = match monitors::verify_origin(&mut transaction, &state, &caller, id).await {
        Ok(proof) => proof,
        Err(UseCaseError::TooSoon { .. }) => {
            return see_other(&format!("/monitors/{id}?done=often#origin"));
        }
        Err(UseCaseError::Conflict { .. }) => return see_other(&format!("/monitors/{id}")),
        Err(error) => return Err(error.into()),
    };
    transaction.commit().await.map_err(store::Error::from)?;
    match monitors::wait_for_proof(&state, tenant.account_id(), proof).await {
        Ok(_) => see_other(&format!("/monitors/{id}#origin")),
        Err(UseCaseError::Unavailable(_)) => {
            see_other(&format!("/monitors/{id}?done=unanswered#origin"))
        }
        Err(error) => Err(error.into()),
    }
}

/// Watches for the text that was proposed, and looks at once whether it is there.
pub async fn watch_keyword(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<MonitorId>,
    ip: ClientIp,
    fields: Fields,
) -> PageResult {
    tenant.require_edit()?;
    let caller = tenant.caller(ip.network(), state.now());
    let mut transaction = tenant.begin(&state).await?;
    let version = fields.text("version").parse().unwrap_or_default();
    let of = (id, version);
    let pending = match monitors::watch_keyword(&mut transaction, &state, &caller, of).await {
        Ok(pending) => pending,
        Err(UseCaseError::Conflict { .. }) => {
            return see_other(&format!("/monitors/{id}?done=changed"));
        }
        Err(error) => return Err(error.into()),
    };
    transaction.commit().await.map_err(store::Error::from)?;
    let Some(pending) = pending else {
        return see_other(&format!("/monitors/{id}?done=saved"));
    };
    match usecases::looks::wait(&state, tenant.account_id(), pending).await {
        Ok(seen) if seen.check.verdict.is_good() => {
            see_other(&format!("/monitors/{id}?done=watched"))
        }
        Ok(_) => see_other(&format!("/monitors/{id}?done=checked#asked")),
        Err(UseCaseError::Unavailable(_) | UseCaseError::Conflict { .. }) => {
            see_other(&format!("/monitors/{id}?done=saved"))
        }
        Err(error) => Err(error.into()),
    }
}

/// Does not propose a text any more.
pub async fn dismiss_keyword(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<MonitorId>,
    ip: ClientIp,
) -> PageResult {
    tenant.require_edit()?;
    let caller = tenant.caller(ip.network(), state.now());
    let mut transaction = tenant.begin(&state).await?;
    monitors::dismiss_keyword(&mut transaction, &state, &caller, id).await?;
    transaction.commit().await.map_err(store::Error::from)?;
    see_other(&format!("/monitors/{id}"))
}

/// `/m/{short}` of messages: to the monitor's page, where signing in is asked for.
pub async fn short(State(state): State<AppState>, Path(code): Path<String>) -> PageResult {
    let mut connection = state.pool.acquire().await?;
    let code = code.to_ascii_uppercase();
    let found = store::token_lookups::find(&mut connection, Kind::Monitor, &code)
        .await?
        .ok_or(PageError::NotFound)?;
    see_other(&format!("/monitors/{}", MonitorId::from_uuid(found.row_id)))
}
