//! Somebody stands in, a calendar address, and the end of a schedule.

use askama::Template;
use axum::extract::{Path, State};
use domain::alert::policy::Target;
use domain::ids::{OverrideId, ScheduleId};
use domain::oncall::{Override, Participant, instant};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::show::{Calendar, OverrideForm, Shown, find, page};
use crate::error::PageResult;
use crate::extract::{ClientIp, Fields, FormErrors, Tenant};
use crate::state::AppState;
use crate::usecases::{UseCaseError, schedules};
use crate::view::{Shell, render, see_other};

#[derive(Template)]
#[template(path = "schedules/delete.html")]
struct DeletePage {
    shell: Shell,
    id: String,
    name: String,
    /// Names of the policies that tell whoever is on call.
    policies: Vec<String>,
}

/// Somebody stands in from one time to another.
pub async fn stand_in(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<ScheduleId>,
    ip: ClientIp,
    fields: Fields,
) -> PageResult {
    let schedule = find(&tenant, &state, id).await?;
    tenant.require_respond()?;
    let form = OverrideForm {
        who: fields.text("who").to_owned(),
        from: fields.text("from").to_owned(),
        to: fields.text("to").to_owned(),
    };
    let now = state.now();
    let zone = domain::words::zone(&schedule.timezone);
    let new = match read(&form, &zone, now) {
        Ok(new) => new,
        Err(errors) => return refused(&tenant, &state, id, (form, errors)).await,
    };
    let caller = tenant.caller(ip.network(), now);
    let mut transaction = tenant.begin(&state).await?;
    let schedule = schedules::find_locked(&mut transaction, &caller, id).await?;
    match schedules::add_override(&mut transaction, &caller, &schedule, new).await {
        Ok(_) => {
            transaction.commit().await.map_err(store::Error::from)?;
            see_other(&format!("/schedules/{id}?done=stands_in"))
        }
        Err(error) => {
            drop(transaction);
            let errors = complaints(error)?;
            refused(&tenant, &state, id, (form, errors)).await
        }
    }
}

async fn refused(
    tenant: &Tenant,
    state: &AppState,
    id: ScheduleId,
    (form, errors): (OverrideForm, FormErrors),
) -> PageResult {
    let shown = Shown {
        form: Some(form),
        errors,
        ..Shown::default()
    };
    page(tenant, state, id, shown).await
}

/// The override that a form means, in the schedule's zone.
fn read(form: &OverrideForm, zone: &TimeZone, now: Timestamp) -> Result<Override, FormErrors> {
    let mut errors = FormErrors::new();
    let mut moment = |field: &str, label: &str, text: &str| {
        let local: Option<DateTime> = text.replace(' ', "T").parse().ok();
        let at = local.and_then(|local| instant(local, zone));
        if at.is_none() {
            let wrong =
                format!("{label}: this must be a day and a time, such as 2026-11-29 09:00.");
            errors.add(field, wrong);
        }
        at.unwrap_or(now)
    };
    let (starts_at, ends_at) = (
        moment("from", "From", &form.from),
        moment("to", "To", &form.to),
    );
    let participant: Option<Participant> = form.who.parse().ok();
    if participant.is_none() {
        errors.add("who", "Who: choose somebody.");
    }
    match participant {
        Some(participant) if errors.is_empty() => Ok(Override {
            id: OverrideId::generate(),
            participant,
            starts_at,
            ends_at,
            created_at: now,
        }),
        _ => Err(errors),
    }
}

/// What a use case complains of, at the fields.
fn complaints(error: UseCaseError) -> Result<FormErrors, UseCaseError> {
    let Some(sentences) = error.field_sentences() else {
        return Err(error);
    };
    let mut errors = FormErrors::new();
    for (pointer, sentence) in sentences {
        let (field, label) = match pointer.as_str() {
            "/starts_at" => ("from", "From"),
            "/ends_at" => ("to", "To"),
            _ => ("who", "Who"),
        };
        let sentence = sentence.replace("starts_at", "the begin");
        let sentence = sentence.replacen("This must", "this must", 1);
        errors.add(field, format!("{label}: {sentence}"));
    }
    Ok(errors)
}

/// The turns hold again.
pub async fn take_back(
    tenant: Tenant,
    State(state): State<AppState>,
    Path((schedule, id)): Path<(ScheduleId, OverrideId)>,
    ip: ClientIp,
) -> PageResult {
    find(&tenant, &state, schedule).await?;
    tenant.require_respond()?;
    let caller = tenant.caller(ip.network(), state.now());
    let mut transaction = tenant.begin(&state).await?;
    schedules::delete_override(&mut transaction, &caller, (schedule, id)).await?;
    transaction.commit().await.map_err(store::Error::from)?;
    see_other(&format!("/schedules/{schedule}?done=taken_back"))
}

/// A new calendar address for whoever asks, shown once. The one before ends.
pub async fn renew_calendar(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<ScheduleId>,
    ip: ClientIp,
) -> PageResult {
    find(&tenant, &state, id).await?;
    tenant.require_respond()?;
    let caller = tenant.caller(ip.network(), state.now());
    let rows = (id, tenant.user().id);
    let mut transaction = tenant.begin(&state).await?;
    let token = schedules::renew_calendar(&mut transaction, &caller, rows).await?;
    transaction.commit().await.map_err(store::Error::from)?;
    let shown = Shown {
        calendar: Calendar::Shown(state.config.link(&format!("/oncall/{token}.ics"))),
        ..Shown::default()
    };
    page(&tenant, &state, id, shown).await
}

/// Asks once more.
pub async fn confirm(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<ScheduleId>,
) -> PageResult {
    let schedule = find(&tenant, &state, id).await?;
    tenant.require_edit()?;
    let mut transaction = tenant.read(&state).await?;
    let mut policies = store::policies::list(&mut transaction, tenant.account_id()).await?;
    policies.retain(|policy| policy.names(Target::Schedule(id)));
    render(&DeletePage {
        shell: tenant.shell("Delete schedule").section("contacts"),
        policies: policies.into_iter().map(|policy| policy.name).collect(),
        id: id.to_string(),
        name: schedule.name,
    })
}

/// Deletes it.
pub async fn delete(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<ScheduleId>,
    ip: ClientIp,
) -> PageResult {
    find(&tenant, &state, id).await?;
    tenant.require_edit()?;
    let caller = tenant.caller(ip.network(), state.now());
    let mut transaction = tenant.begin(&state).await?;
    let schedule = schedules::find_locked(&mut transaction, &caller, id).await?;
    schedules::delete(&mut transaction, &caller, &schedule).await?;
    transaction.commit().await.map_err(store::Error::from)?;
    see_other("/schedules?done=deleted")
}
