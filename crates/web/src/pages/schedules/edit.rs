//! One schedule: made and changed.

use askama::Template;
use axum::extract::{Path, State};
use domain::ids::ScheduleId;
use domain::oncall::{Day, MAX_LAYERS, Schedule};
use http::StatusCode;

use super::form::{Parts, ScheduleForm};
use super::show::find;
use crate::error::PageResult;
use crate::extract::{ClientIp, Fields, FormErrors, Tenant};
use crate::people::People;
use crate::state::AppState;
use crate::usecases::{UseCaseError, schedules};
use crate::view::{Shell, render_with, see_other};

#[derive(Template)]
#[template(path = "schedules/form.html")]
struct FormPage {
    shell: Shell,
    form: ScheduleForm,
    errors: FormErrors,
    /// Id and words of everybody who can be on call.
    choices: Vec<(String, String)>,
    days: [Day; 7],
    zones: Vec<String>,
    /// The schedule that is changed.
    id: Option<String>,
    has_room: bool,
}

/// The empty form.
pub async fn new(tenant: Tenant, State(state): State<AppState>) -> PageResult {
    tenant.require_edit()?;
    let form = ScheduleForm::empty(state.now(), tenant.timezone());
    page(&tenant, &state, form, Shown::default()).await
}

/// The form with what is set.
pub async fn show(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<ScheduleId>,
) -> PageResult {
    let schedule = find(&tenant, &state, id).await?;
    tenant.require_edit()?;
    let form = ScheduleForm::of_schedule(&schedule, state.now());
    page(&tenant, &state, form, Shown::of(&schedule)).await
}

/// Makes it.
pub async fn create(
    tenant: Tenant,
    State(state): State<AppState>,
    ip: ClientIp,
    fields: Fields,
) -> PageResult {
    tenant.require_edit()?;
    let form = ScheduleForm::of(&fields);
    let now = state.now();
    if let Some(form) = more(&fields, &form, now) {
        return page(&tenant, &state, form, Shown::default()).await;
    }
    let parts = match form.parts() {
        Ok(parts) => parts,
        Err(errors) => return page(&tenant, &state, form, Shown::default().with(errors)).await,
    };
    let schedule = Schedule {
        members: None,
        id: ScheduleId::generate(),
        name: parts.name,
        timezone: parts.timezone,
        layers: parts.layers,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    let caller = tenant.caller(ip.network(), now);
    let mut transaction = tenant.begin(&state).await?;
    match schedules::create(&mut transaction, &caller, schedule).await {
        Ok(made) => {
            transaction.commit().await.map_err(store::Error::from)?;
            see_other(&format!("/schedules/{}?done=saved", made.id))
        }
        Err(error) => {
            drop(transaction);
            let errors = form.complaints(error)?;
            page(&tenant, &state, form, Shown::default().with(errors)).await
        }
    }
}

/// Saves it, or shows what is wrong.
pub async fn save(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<ScheduleId>,
    ip: ClientIp,
    fields: Fields,
) -> PageResult {
    let schedule = find(&tenant, &state, id).await?;
    tenant.require_edit()?;
    let form = ScheduleForm::of(&fields);
    if let Some(form) = more(&fields, &form, state.now()) {
        return page(&tenant, &state, form, Shown::of(&schedule)).await;
    }
    let parts = match form.parts() {
        Ok(parts) => parts,
        Err(errors) => return page(&tenant, &state, form, Shown::of(&schedule).with(errors)).await,
    };
    match store(&tenant, &state, ip, (id, parts)).await {
        Ok(()) => see_other(&format!("/schedules/{id}?done=saved")),
        Err(error) => {
            let errors = form.complaints(error)?;
            page(&tenant, &state, form, Shown::of(&schedule).with(errors)).await
        }
    }
}

/// The form with more places, when that was asked for.
fn more(fields: &Fields, form: &ScheduleForm, now: jiff::Timestamp) -> Option<ScheduleForm> {
    match fields.text("do") {
        "people" => Some(form.clone()),
        "layer" => Some(form.clone().with_one_more(now)),
        _ => None,
    }
}

async fn store(
    tenant: &Tenant,
    state: &AppState,
    ip: ClientIp,
    (id, parts): (ScheduleId, Parts),
) -> Result<(), UseCaseError> {
    let caller = tenant.caller(ip.network(), state.now());
    let mut transaction = store::tenant::begin(&state.pool, tenant.account_id()).await?;
    let before = schedules::find_locked(&mut transaction, &caller, id).await?;
    let after = Schedule {
        members: None,
        name: parts.name,
        timezone: parts.timezone,
        layers: parts.layers,
        ..before.clone()
    };
    schedules::update(&mut transaction, &caller, (&before, after)).await?;
    transaction.commit().await?;
    Ok(())
}

/// What the page is about beside the form.
#[derive(Default)]
struct Shown<'s> {
    schedule: Option<&'s Schedule>,
    errors: FormErrors,
}

impl<'s> Shown<'s> {
    fn of(schedule: &'s Schedule) -> Self {
        Self {
            schedule: Some(schedule),
            ..Self::default()
        }
    }

    fn with(self, errors: FormErrors) -> Self {
        Self { errors, ..self }
    }
}

async fn page(
    tenant: &Tenant,
    state: &AppState,
    form: ScheduleForm,
    shown: Shown<'_>,
) -> PageResult {
    let people = People::read(state, tenant.account_id()).await?;
    let status = if shown.errors.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let title = shown
        .schedule
        .map_or("New on-call schedule", |schedule| schedule.name.as_str());
    let zones = jiff::tz::db().available();
    render_with(
        status,
        &FormPage {
            shell: tenant.shell(title).section("contacts"),
            has_room: form.layers.len() < MAX_LAYERS,
            form: form.with_room(),
            errors: shown.errors,
            choices: people.choices(),
            days: Day::ALL,
            zones: zones.map(|name| name.as_str().to_owned()).collect(),
            id: shown.schedule.map(|schedule| schedule.id.to_string()),
        },
    )
}
