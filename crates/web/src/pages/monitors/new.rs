//! Adding monitors: by one address, several, or with every setting; and "Test", which saves nothing.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use domain::account::PracticeMode;
use domain::account::practice::{PRACTICE_TEXT, site_path};
use domain::check::LookResult;
use domain::contact::Contact;
use domain::heartbeat::Rhythm;
use domain::ids::ContactId;
use domain::monitor::validate::validate;
use domain::monitor::{HttpSpec, Kind, MonitorSpec};
use domain::target::AddressPolicy;
use futures::future::join_all;
use http::StatusCode;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::form::{MonitorForm, complaints};
use super::show_view::LookView;
use crate::error::{PageError, PageResult};
use crate::extract::{ClientIp, Fields, FormErrors, Tenant};
use crate::pages::practice::set_practice_mode;
use crate::state::AppState;
use crate::usecases::monitors::{Created, NewMonitor};
use crate::usecases::{self, UseCaseError};
use crate::view::{Moment, Shell, render, render_with, see_other};

/// The form, for adding and for editing.
#[derive(Template)]
#[template(path = "monitors/form.html")]
pub struct FormPage {
    pub shell: Shell,
    pub form: MonitorForm,
    pub errors: FormErrors,
    pub contacts: Vec<Contact>,
    pub intervals: Vec<Interval>,
    pub shortest: u32,
    /// The monitor that is edited.
    pub editing: Option<Editing>,
    /// When a heartbeat is expected next, by what stands in the form.
    pub upcoming: Vec<Moment>,
    /// What a test look saw.
    pub tested: Option<LookView>,
    /// Why there was no test look.
    pub untested: Option<String>,
    pub is_full: Option<String>,
    /// This host has no right to send ICMP.
    pub ping_forbidden: bool,
}

/// The monitor that is edited.
pub struct Editing {
    pub id: String,
    pub name: String,
}

/// One choice of how often.
pub struct Interval {
    pub seconds: u32,
    pub text: String,
}

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
    if carried.kind == Kind::Heartbeat.as_str() {
        form.kind = carried.kind;
        form.timezone = tenant.timezone().to_owned();
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
    let form = MonitorForm::of(&fields);
    let editing = editing(&tenant, &state, &fields).await?;
    let before = editing.as_ref().map(|monitor| &monitor.spec);
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

/// The same while a monitor is edited.
pub(super) async fn again_editing(
    tenant: &Tenant,
    state: &AppState,
    form: MonitorForm,
    errors: FormErrors,
    editing: Option<&domain::monitor::Monitor>,
) -> PageResult<Response> {
    let mut page = form_page(tenant, state, form, errors).await?;
    page.set_editing(editing);
    render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

pub(super) async fn form_page(
    tenant: &Tenant,
    state: &AppState,
    form: MonitorForm,
    errors: FormErrors,
) -> PageResult<FormPage> {
    let mut transaction = tenant.read(state).await?;
    let contacts = store::contacts::list(&mut transaction, tenant.account_id()).await?;
    let shortest = tenant.plan().limits().min_interval_seconds;
    let upcoming = upcoming(&form, state, &tenant.zone());
    Ok(FormPage {
        upcoming,
        shell: tenant.shell("Add monitor").section("monitors"),
        intervals: intervals(shortest, form.interval_seconds.parse().ok()),
        shortest,
        form,
        errors,
        contacts,
        editing: None,
        tested: None,
        untested: None,
        is_full: None,
        ping_forbidden: !state.config.may_ping,
    })
}

impl FormPage {
    /// The form is that of an existing monitor.
    pub fn set_editing(&mut self, monitor: Option<&domain::monitor::Monitor>) {
        if let Some(monitor) = monitor {
            let name = monitor.settings().name;
            self.shell.title = format!("Edit {name}");
            self.editing = Some(Editing {
                id: monitor.id.to_string(),
                name,
            });
        }
    }

    /// An error stands at a field that is folded away.
    fn errs_below(&self) -> bool {
        let mut fields = self.errors.iter().map(|error| error.field.as_str());
        fields.any(|field| !matches!(field, "target" | "name"))
    }

    fn tells(&self, contact: &ContactId) -> bool {
        self.form.tells(contact)
    }
}

/// The next five times at which a heartbeat is expected, if the settings say when.
fn upcoming(form: &MonitorForm, state: &AppState, zone: &TimeZone) -> Vec<Moment> {
    let spec = form.specs(None).ok().and_then(|mut specs| specs.pop());
    let target = spec.map(|spec| domain::monitor::Settings::of(&spec).target);
    let Some(heartbeat) = target.as_ref().and_then(|target| target.heartbeat()) else {
        return Vec::new();
    };
    let zone = match &heartbeat.rhythm {
        Rhythm::Period(_) => zone.clone(),
        Rhythm::Cron { timezone, .. } => domain::words::zone(timezone),
    };
    let times = heartbeat.upcoming(state.now(), 5).into_iter();
    times.map(|at| Moment::new(at, zone.clone())).collect()
}

fn intervals(shortest: u32, current: Option<u32>) -> Vec<Interval> {
    let mut seconds: Vec<u32> = [10, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 21_600, 86_400]
        .into_iter()
        .filter(|seconds| *seconds >= shortest)
        .collect();
    seconds.extend(current.filter(|current| !seconds.contains(current)));
    seconds.sort_unstable();
    let text =
        |seconds| domain::words::duration(jiff::SignedDuration::from_secs(i64::from(seconds)));
    seconds
        .into_iter()
        .map(|seconds| Interval {
            seconds,
            text: text(seconds),
        })
        .collect()
}
