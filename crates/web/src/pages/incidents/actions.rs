//! What people do with an incident.

use askama::Template;
use axum::extract::{Path, State};
use domain::ids::{GroupId, IncidentId};
use domain::incident::feedback::Answerer;
use store::token_lookups::Kind;
use uuid::Uuid;

use crate::error::{PageError, PageResult};
use crate::extract::{ClientIp, Fields, Tenant};
use crate::state::AppState;
use crate::usecases::{self, UseCaseError, feedback, incidents, monitors};
use crate::view::{Shell, render, see_other};

/// Takes it.
pub async fn acknowledge(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<IncidentId>,
    ip: ClientIp,
) -> PageResult {
    tenant.require_respond()?;
    let caller = tenant.caller(ip.network(), state.now());
    let mut transaction = tenant.begin(&state).await?;
    incidents::acknowledge(&mut transaction, &caller, id).await?;
    transaction.commit().await.map_err(store::Error::from)?;
    see_other(&format!("/incidents/{id}?done=acknowledged"))
}

#[derive(Template)]
#[template(path = "incidents/resolve.html")]
struct ResolvePage {
    shell: Shell,
    id: IncidentId,
    name: String,
}

/// It still fails: asks once more.
pub async fn confirm(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<IncidentId>,
) -> PageResult {
    let mut transaction = tenant.read(&state).await?;
    let account = tenant.account_id();
    let incident = store::incidents::find(&mut transaction, account, id)
        .await?
        .ok_or(PageError::NotFound)?;
    tenant.require_respond()?;
    if !incident.is_open() {
        return see_other(&format!("/incidents/{id}"));
    }
    let monitor = store::monitors::find(
        &mut transaction,
        &state.secrets,
        account,
        incident.monitor_id,
    )
    .await?;
    let name = monitor
        .map(|monitor| monitor.settings().name)
        .unwrap_or_default();
    render(&ResolvePage {
        shell: tenant.shell("End the incident").section("incidents"),
        id,
        name,
    })
}

/// Ends it.
pub async fn resolve(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<IncidentId>,
    ip: ClientIp,
    fields: Fields,
) -> PageResult {
    tenant.require_respond()?;
    let caller = tenant.caller(ip.network(), state.now());
    let mut transaction = tenant.begin(&state).await?;
    match incidents::resolve(&mut transaction, &caller, id, fields.flag("force")).await {
        Ok(_) => {
            transaction.commit().await.map_err(store::Error::from)?;
            see_other(&format!("/incidents/{id}?done=resolved"))
        }
        Err(UseCaseError::StillFailing) => see_other(&format!("/incidents/{id}/resolve")),
        Err(error) => Err(error.into()),
    }
}

/// Nobody is told or reminded for a while, or no longer so.
pub async fn snooze(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<IncidentId>,
    ip: ClientIp,
    fields: Fields,
) -> PageResult {
    tenant.require_respond()?;
    let caller = tenant.caller(ip.network(), state.now());
    let mut transaction = tenant.begin(&state).await?;
    let seconds = match fields.text("for") {
        "end" => None,
        "tomorrow" => Some(incidents::until_tomorrow(state.now(), &tenant.zone())),
        // The page offers nothing that is out of bounds.
        text => Some(
            text.parse()
                .unwrap_or(900)
                .clamp(incidents::MIN_SNOOZE_SECONDS, incidents::MAX_SNOOZE_SECONDS),
        ),
    };
    match seconds {
        Some(seconds) => incidents::snooze(&mut transaction, &caller, id, seconds).await?,
        None => incidents::unsnooze(&mut transaction, &caller, id).await?,
    };
    transaction.commit().await.map_err(store::Error::from)?;
    let done = match seconds {
        Some(_) => "snoozed",
        None => "unsnoozed",
    };
    see_other(&format!("/incidents/{id}?done={done}"))
}

/// Adds a comment to the timeline.
pub async fn comment(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<IncidentId>,
    ip: ClientIp,
    fields: Fields,
) -> PageResult {
    tenant.require_respond()?;
    let caller = tenant.caller(ip.network(), state.now());
    let mut transaction = tenant.begin(&state).await?;
    if fields.text("text").is_empty() || !fields.errors().is_empty() {
        store::incidents::find(&mut transaction, tenant.account_id(), id)
            .await?
            .ok_or(PageError::NotFound)?;
        return see_other(&format!("/incidents/{id}?done=empty"));
    }
    incidents::comment(&mut transaction, &caller, id, fields.text("text")).await?;
    transaction.commit().await.map_err(store::Error::from)?;
    see_other(&format!("/incidents/{id}?done=commented#timeline"))
}

/// Says whether the cause was right, and what it was.
pub async fn judge(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<IncidentId>,
    fields: Fields,
) -> PageResult {
    tenant.require_respond()?;
    let mut transaction = tenant.begin(&state).await?;
    let by = Answerer::User(tenant.user().id);
    let answer = (fields.flag("right"), fields.text("text"));
    let of = (tenant.account_id(), id);
    match feedback::judge(&mut transaction, of, by, answer, state.now()).await {
        Ok(_) => transaction.commit().await.map_err(store::Error::from)?,
        Err(UseCaseError::Invalid(_)) => {
            return see_other(&format!("/incidents/{id}?done=unfit#cause"));
        }
        Err(error) => return Err(error.into()),
    }
    see_other(&format!("/incidents/{id}?done=judged#cause"))
}

/// Looks at the incident's monitor now.
pub async fn check(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<IncidentId>,
    ip: ClientIp,
) -> PageResult {
    tenant.require_respond()?;
    let account = tenant.account_id();
    let caller = tenant.caller(ip.network(), state.now());
    let mut transaction = tenant.begin(&state).await?;
    let incident = store::incidents::find(&mut transaction, account, id)
        .await?
        .ok_or(PageError::NotFound)?;
    let back = |done: &str| see_other(&format!("/incidents/{id}?done={done}"));
    let pending =
        match monitors::check_now(&mut transaction, &state, &caller, incident.monitor_id).await {
            Ok(pending) => pending,
            Err(UseCaseError::TooSoon { .. }) => return back("often"),
            Err(UseCaseError::Conflict { .. }) => return back(""),
            Err(error) => return Err(error.into()),
        };
    transaction.commit().await.map_err(store::Error::from)?;
    match usecases::looks::wait(&state, account, pending).await {
        Ok(_) => back("checked#asked"),
        Err(UseCaseError::Unavailable(_)) => back("unanswered"),
        Err(error) => Err(error.into()),
    }
}

/// `/g/{short}` of messages: to the incidents of a storm, for members of its account.
pub async fn group(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(code): Path<String>,
) -> PageResult {
    let group = GroupId::from_uuid(row_behind(&tenant, &state, (Kind::Group, &code)).await?);
    see_other(&format!("/incidents?group={group}"))
}

/// `/i/{short}` of messages: to the incident's page, for members of its account.
pub async fn short(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(code): Path<String>,
) -> PageResult {
    let id = row_behind(&tenant, &state, (Kind::Incident, &code)).await?;
    see_other(&format!("/incidents/{}", IncidentId::from_uuid(id)))
}

/// What a short code of the account stands for.
async fn row_behind(
    tenant: &Tenant,
    state: &AppState,
    (kind, code): (Kind, &str),
) -> PageResult<Uuid> {
    let mut connection = state.pool.acquire().await?;
    let code = code.to_ascii_uppercase();
    let found = store::token_lookups::find(&mut connection, kind, &code).await?;
    let found = found.filter(|found| found.account_id == tenant.account_id());
    Ok(found.ok_or(PageError::NotFound)?.row_id)
}
