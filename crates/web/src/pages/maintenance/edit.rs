//! One window: made and changed, with its next times before it is saved.

use askama::Template;
use axum::extract::{Path, State};
use domain::ids::MaintenanceWindowId;
use domain::maintenance::MaintenanceWindow;
use http::StatusCode;
use sqlx::PgConnection;
use store::monitors::Listed;

use super::form::{Parts, WindowForm};
use super::words::{self, DAYS};
use crate::error::{PageError, PageResult};
use crate::extract::{ClientIp, Fields, FormErrors, Tenant};
use crate::state::AppState;
use crate::usecases::{UseCaseError, maintenance};
use crate::view::{Moment, Shell, render_with, see_other};

/// Monitors that a form offers; more are named by a tag or the API.
const MOST: u32 = 500;

#[derive(Template)]
#[template(path = "maintenance/form.html")]
struct FormPage {
    shell: Shell,
    form: WindowForm,
    errors: FormErrors,
    /// Id and name.
    monitors: Vec<(String, String)>,
    tags: Vec<String>,
    days: [(&'static str, &'static str); 7],
    zones: Vec<String>,
    /// The window that is changed.
    id: Option<String>,
    until: Option<Moment>,
    /// Its next times, as far as the form can be read.
    next: Option<Vec<String>>,
    can_edit: bool,
}

/// The empty form.
pub async fn new(tenant: Tenant, State(state): State<AppState>) -> PageResult {
    tenant.require_edit()?;
    let form = WindowForm::empty(state.now(), tenant.timezone());
    page(&tenant, &state, form, Shown::default()).await
}

/// The form with what is set.
pub async fn show(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<MaintenanceWindowId>,
) -> PageResult {
    let window = find(&tenant, &state, id).await?;
    let form = WindowForm::of_window(&window, state.now(), tenant.timezone());
    page(&tenant, &state, form, Shown::of(&window)).await
}

/// Makes it.
pub async fn create(
    tenant: Tenant,
    State(state): State<AppState>,
    ip: ClientIp,
    fields: Fields,
) -> PageResult {
    tenant.require_edit()?;
    let form = WindowForm::of(&fields, tenant.timezone());
    let now = state.now();
    let parts = match form.parts(now) {
        Ok(parts) => parts,
        Err(errors) => return page(&tenant, &state, form, Shown::default().with(errors)).await,
    };
    let window = MaintenanceWindow {
        id: MaintenanceWindowId::generate(),
        name: parts.name,
        targets: parts.targets,
        schedule: parts.schedule,
        ended_at: None,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    let caller = tenant.caller(ip.network(), now);
    let mut transaction = tenant.begin(&state).await?;
    let made = if fields.text("do") == "preview" {
        maintenance::check(&mut transaction, &caller, (None, &window)).await
    } else {
        maintenance::create(&mut transaction, &caller, window.clone())
            .await
            .map(|_| ())
    };
    match made {
        Ok(()) if fields.text("do") == "preview" => {
            drop(transaction);
            let shown = Shown::default().preview(&window);
            page(&tenant, &state, form, shown).await
        }
        Ok(()) => {
            transaction.commit().await.map_err(store::Error::from)?;
            see_other("/maintenance?done=saved")
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
    Path(id): Path<MaintenanceWindowId>,
    ip: ClientIp,
    fields: Fields,
) -> PageResult {
    let window = find(&tenant, &state, id).await?;
    tenant.require_edit()?;
    let form = WindowForm::of(&fields, tenant.timezone());
    let parts = match form.parts(state.now()) {
        Ok(parts) => parts,
        Err(errors) => return page(&tenant, &state, form, Shown::of(&window).with(errors)).await,
    };
    let preview = fields.text("do") == "preview";
    match store(&tenant, &state, ip, (id, parts, preview)).await {
        Ok(after) if preview => {
            let shown = Shown::of(&window).preview(&after);
            page(&tenant, &state, form, shown).await
        }
        Ok(_) => see_other("/maintenance?done=saved"),
        Err(error) => {
            let errors = form.complaints(error)?;
            page(&tenant, &state, form, Shown::of(&window).with(errors)).await
        }
    }
}

async fn store(
    tenant: &Tenant,
    state: &AppState,
    ip: ClientIp,
    (id, parts, preview): (MaintenanceWindowId, Parts, bool),
) -> Result<MaintenanceWindow, UseCaseError> {
    let caller = tenant.caller(ip.network(), state.now());
    let mut transaction = store::tenant::begin(&state.pool, tenant.account_id()).await?;
    let before = maintenance::find_locked(&mut transaction, &caller, id).await?;
    let after = MaintenanceWindow {
        name: parts.name,
        targets: parts.targets,
        schedule: parts.schedule,
        ..before.clone()
    };
    if preview {
        maintenance::check(&mut transaction, &caller, (Some(&before), &after)).await?;
        return Ok(after);
    }
    let after = maintenance::update(&mut transaction, &caller, (&before, after)).await?;
    transaction.commit().await?;
    Ok(after)
}

pub(super) async fn find(
    tenant: &Tenant,
    state: &AppState,
    id: MaintenanceWindowId,
) -> PageResult<MaintenanceWindow> {
    let mut transaction = tenant.read(state).await?;
    let found = store::maintenance::find(&mut transaction, tenant.account_id(), id).await?;
    found.ok_or(PageError::NotFound)
}

/// The account's monitors by name.
pub(super) async fn monitors(
    connection: &mut PgConnection,
    tenant: &Tenant,
    state: &AppState,
) -> PageResult<Vec<Listed>> {
    let listed = store::monitors::list(
        connection,
        &state.secrets,
        tenant.account_id(),
        &Default::default(),
        (Default::default(), None, MOST),
        state.now(),
    )
    .await;
    Ok(listed?)
}

/// What the page is about beside the form.
#[derive(Default)]
struct Shown<'w> {
    window: Option<&'w MaintenanceWindow>,
    preview: Option<&'w MaintenanceWindow>,
    errors: FormErrors,
}

impl<'w> Shown<'w> {
    fn of(window: &'w MaintenanceWindow) -> Self {
        Self {
            window: Some(window),
            preview: Some(window),
            ..Self::default()
        }
    }

    fn with(self, errors: FormErrors) -> Self {
        Self {
            errors,
            preview: None,
            ..self
        }
    }

    fn preview(self, window: &'w MaintenanceWindow) -> Self {
        Self {
            preview: Some(window),
            ..self
        }
    }
}

async fn page(tenant: &Tenant, state: &AppState, form: WindowForm, shown: Shown<'_>) -> PageResult {
    let now = state.now();
    let mut transaction = tenant.read(state).await?;
    let monitors = monitors(&mut transaction, tenant, state).await?;
    let tags = store::monitors::list_tags(&mut transaction, tenant.account_id()).await?;
    let status = if shown.errors.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let title = shown
        .window
        .map_or("Plan maintenance", |window| window.name.as_str());
    let zone = form.zone();
    let current = shown.window.and_then(|window| window.current(now));
    let next = shown.preview.map(|window| {
        let next = window.next(now);
        next.iter().map(|one| words::span(one, &zone)).collect()
    });
    let name = |listed: &Listed| {
        let monitor = &listed.monitor;
        (monitor.id.to_string(), monitor.settings().name)
    };
    render_with(
        status,
        &FormPage {
            shell: tenant.shell(title).section("maintenance"),
            errors: shown.errors,
            monitors: monitors.iter().map(name).collect(),
            tags: tags.into_iter().map(|(tag, _)| tag).collect(),
            days: DAYS,
            zones: jiff::tz::db()
                .available()
                .map(|name| name.as_str().to_owned())
                .collect(),
            id: shown.window.map(|window| window.id.to_string()),
            until: current.map(|one| Moment::new(one.ends_at, tenant.zone())),
            next,
            can_edit: tenant.role().can_edit(),
            form,
        },
    )
}
