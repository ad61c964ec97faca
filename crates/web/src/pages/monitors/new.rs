//! Adding monitors: by one address, several, or with every setting; and "Test", which saves nothing.

use axum::extract::{Query, State};
use axum::response::Response;
use domain::account::PracticeMode;
use domain::account::practice::{PRACTICE_TEXT, site_path};
use domain::check::LookResult;
use domain::monitor::validate::validate;
use domain::monitor::{HttpSpec, Kind, MonitorSpec};
use domain::target::AddressPolicy;
use futures::future::join_all;
use http::StatusCode;
use serde::Deserialize;

use super::form::{MonitorForm, complaints};
use super::form_view::{FormPage, again_editing, form_page};
use super::show_view::LookView;
use crate::error::{PageError, PageResult};
use crate::extract::{ClientIp, Fields, FormErrors, Tenant};
use crate::pages::practice::set_practice_mode;
use crate::state::AppState;
use crate::usecases::monitors::{Created, NewMonitor};
use crate::usecases::{self, UseCaseError};
use crate::view::{render, render_with, see_other};

/// What the address carries, from the landing page or another form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Carried {
    /// An address.
    pub url: String,
    /// A kind of monitor.
    pub kind: String,
}

/// The empty form.
pub async fn show(
    tenant: Tenant,
    State(state): State<AppState>,
    Query(carried): Query<Carried>,
) -> PageResult {
    tenant.require_edit()?;
    let target: String = carried.url.trim().chars().take(2_048).collect();
    let mut form = MonitorForm::empty(&target);
    form.timezone = tenant.timezone().to_owned();
    if let Some(kind) = Kind::parse(&carried.kind) {
        form.kind = kind.as_str().to_owned();
    }
    let mut page = form_page(&tenant, &state, form, FormErrors::new()).await?;
    let limit = tenant.plan().limits().monitors;
    let mut transaction = tenant.read(&state).await?;
    let used = store::monitors::count(&mut transaction, tenant.account_id()).await?;
    page.is_full = (used >= limit)
        .then(|| format!("All {limit} monitors of the plan are in use; paused ones count."));
    render(&page)
}

/// Adds one or several, waits for their first looks, and shows them.
pub async fn create(
    tenant: Tenant,
    State(state): State<AppState>,
    ip: ClientIp,
    fields: Fields,
) -> PageResult {
    tenant.require_edit()?;
    let form = MonitorForm::of(&fields);
    let specs = match checked(&form, &fields, None) {
        Ok(specs) => specs,
        Err(errors) => return again(&tenant, &state, form, errors).await,
    };
    let targets: Vec<String> = specs.iter().filter_map(|spec| spec.url.clone()).collect();
    match insert(&tenant, &state, ip, specs).await {
        Ok(created) => after_create(&state, &tenant, &created).await,
        Err(error) => again(&tenant, &state, form, complaints(error, &targets)?).await,
    }
}

/// Watches the practice site, so that a newcomer can break it; with a `mode` it is broken at once.
pub async fn practice(
    tenant: Tenant,
    State(state): State<AppState>,
    ip: ClientIp,
    fields: Fields,
) -> PageResult {
    tenant.require_edit()?;
    let mut transaction = tenant.read(&state).await?;
    let account = store::accounts::find(&mut transaction, tenant.account_id())
        .await?
        .ok_or(PageError::NotFound)?;
    drop(transaction);
    let path = site_path(&account.practice_token);
    let spec = MonitorSpec {
        name: Some("Practice site".to_owned()),
        url: Some(state.config.link(&path)),
        http: Some(HttpSpec {
            keyword: Some(PRACTICE_TEXT.to_owned()),
            ..HttpSpec::default()
        }),
        degraded_above_ms: Some(1_500),
        ..MonitorSpec::default()
    };
    match insert(&tenant, &state, ip, vec![spec]).await {
        Ok(created) => {
            for look in created.iter().filter_map(|created| created.look) {
                // A first look that does not come in time is shown as pending by the next page.
                let _ = usecases::looks::wait(&state, tenant.account_id(), look).await;
            }
            if let Some(mode) = PracticeMode::parse(fields.text("mode")) {
                set_practice_mode(&state, &account.practice_token, mode, ip).await?;
            }
            see_other(&domain::account::practice::control_path(
                &account.practice_token,
            ))
        }
        Err(error) => {
            again(
                &tenant,
                &state,
                MonitorForm::empty(&state.config.link(&path)),
                complaints(error, &[])?,
            )
            .await
        }
    }
}

/// Looks once and shows what it saw; saves nothing.
pub async fn test(
    tenant: Tenant,
    State(state): State<AppState>,
    ip: ClientIp,
    fields: Fields,
) -> PageResult {
    tenant.require_edit()?;
    let editing = editing(&tenant, &state, &fields).await?;
    let before = editing.as_ref().map(|monitor| &monitor.spec);
    let form = MonitorForm::of_existing(&fields, before);
    let mut spec = match checked(&form, &fields, before).map(|specs| specs.into_iter().next()) {
        Ok(Some(spec)) => spec,
        Ok(None) => return Err(PageError::NotFound),
        Err(errors) => return again_editing(&tenant, &state, form, errors, editing.as_ref()).await,
    };
    usecases::monitors::unmask(&mut spec, before);
    let waits = form.waits();
    let mut page = form_page(&tenant, &state, form, FormErrors::new()).await?;
    page.set_editing(editing.as_ref());
    if waits {
        return preview(&tenant, spec, page);
    }
    match look(&tenant, &state, ip, spec).await {
        Ok(result) => page.tested = Some(LookView::of(&result, &tenant.zone())),
        Err(error) => match complaints(error, &[]) {
            Ok(errors) => page.errors = errors,
            Err(UseCaseError::Unavailable(why)) => page.untested = Some(why.to_owned()),
            Err(error) => return Err(error.into()),
        },
    }
    let status = if page.errors.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    render_with(status, &page)
}

/// A heartbeat has nothing to look at: what is shown is when it would be expected.
fn preview(tenant: &Tenant, spec: MonitorSpec, mut page: FormPage) -> PageResult {
    let limits = tenant.plan().limits();
    let wrong = validate(&spec, &limits, AddressPolicy::Hosted);
    if wrong.is_empty() {
        return render(&page);
    }
    page.errors = complaints(UseCaseError::Invalid(wrong), &[])?;
    render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

async fn look(
    tenant: &Tenant,
    state: &AppState,
    ip: ClientIp,
    spec: MonitorSpec,
) -> Result<LookResult, UseCaseError> {
    let caller = tenant.caller(ip.network(), state.now());
    let mut transaction = store::tenant::begin(&state.pool, tenant.account_id()).await?;
    let pending = usecases::monitors::test_look(&mut transaction, state, &caller, spec).await?;
    transaction.commit().await?;
    usecases::looks::wait(state, tenant.account_id(), pending).await
}

async fn insert(
    tenant: &Tenant,
    state: &AppState,
    ip: ClientIp,
    specs: Vec<MonitorSpec>,
) -> Result<Vec<Created>, UseCaseError> {
    let caller = tenant.caller(ip.network(), state.now());
    let mut transaction = store::tenant::begin(&state.pool, tenant.account_id()).await?;
    let new = specs
        .into_iter()
        .map(|spec| NewMonitor {
            spec,
            paused: false,
        })
        .collect();
    let created = usecases::monitors::create_many(&mut transaction, state, &caller, new).await?;
    transaction.commit().await?;
    Ok(created)
}

/// The first looks are on the page when it loads.
async fn after_create(state: &AppState, tenant: &Tenant, created: &[Created]) -> PageResult {
    let looks = created.iter().filter_map(|created| created.look);
    join_all(looks.map(|look| usecases::looks::wait(state, tenant.account_id(), look))).await;
    match created {
        [only] => see_other(&format!("/monitors/{}?first=1", only.monitor.id)),
        several => see_other(&format!("/monitors?done=added&count={}", several.len())),
    }
}

/// The settings, or what is wrong with the fields.
pub(super) fn checked(
    form: &MonitorForm,
    fields: &Fields,
    before: Option<&MonitorSpec>,
) -> Result<Vec<MonitorSpec>, FormErrors> {
    let errors = fields.errors();
    if !errors.is_empty() {
        return Err(errors);
    }
    form.specs(before)
}

async fn editing(
    tenant: &Tenant,
    state: &AppState,
    fields: &Fields,
) -> PageResult<Option<domain::monitor::Monitor>> {
    let Some(id) = fields.optional("editing") else {
        return Ok(None);
    };
    let id = id.parse().map_err(|_| PageError::NotFound)?;
    let mut transaction = tenant.read(state).await?;
    let found =
        store::monitors::find(&mut transaction, &state.secrets, tenant.account_id(), id).await?;
    found.ok_or(PageError::NotFound).map(Some)
}

/// The form comes back as it was typed.
async fn again(
    tenant: &Tenant,
    state: &AppState,
    form: MonitorForm,
    errors: FormErrors,
) -> PageResult<Response> {
    again_editing(tenant, state, form, errors, None).await
}
