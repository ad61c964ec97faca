//! One policy: made and changed.

use askama::Template;
use axum::extract::{Path, State};
use domain::alert::Policy;
use domain::alert::policy::{MAX_STEPS, Step};
use domain::contact::Contact;
use domain::ids::PolicyId;
use http::StatusCode;

use super::form::{Again, PolicyForm};
use crate::error::{PageError, PageResult};
use crate::extract::{ClientIp, Fields, FormErrors, Tenant};
use crate::people::People;
use crate::state::AppState;
use crate::usecases::{UseCaseError, policies};
use crate::view::{Shell, render_with, see_other};

#[derive(Template)]
#[template(path = "policies/form.html")]
struct FormPage {
    shell: Shell,
    form: PolicyForm,
    errors: FormErrors,
    contacts: Vec<Contact>,
    /// Id and name.
    schedules: Vec<(String, String)>,
    /// Id and words.
    members: Vec<(String, String)>,
    /// The policy that is changed.
    id: Option<String>,
    is_default: bool,
    /// The default policy goes by its built-in rule.
    is_built_in: bool,
    has_room: bool,
    can_edit: bool,
}

/// The empty form.
pub async fn new(tenant: Tenant, State(state): State<AppState>) -> PageResult {
    tenant.require_edit()?;
    page(
        &tenant,
        &state,
        PolicyForm::default().with_room(),
        Shown::default(),
    )
    .await
}

/// The form with what is set.
pub async fn show(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<PolicyId>,
) -> PageResult {
    let policy = find(&tenant, &state, id).await?;
    let form = PolicyForm::of_policy(&policy).with_room();
    page(&tenant, &state, form, Shown::of(&policy)).await
}

/// Makes it.
pub async fn create(
    tenant: Tenant,
    State(state): State<AppState>,
    ip: ClientIp,
    fields: Fields,
) -> PageResult {
    tenant.require_edit()?;
    let form = PolicyForm::of(&fields);
    if fields.text("do") == "more" {
        return page(&tenant, &state, form.with_one_more(), Shown::default()).await;
    }
    let (steps, again) = match form.settings() {
        Ok(settings) => settings,
        Err(errors) => return page(&tenant, &state, form, errors.into()).await,
    };
    let policy = Policy {
        id: PolicyId::generate(),
        name: form.name.clone(),
        steps: Some(steps),
        repeat: again.repeat,
        reminder_seconds: again.reminder_seconds,
        version: 1,
    };
    let caller = tenant.caller(ip.network(), state.now());
    let mut transaction = tenant.begin(&state).await?;
    match policies::create(&mut transaction, &caller, policy).await {
        Ok(_) => {
            transaction.commit().await.map_err(store::Error::from)?;
            see_other("/policies?done=saved")
        }
        Err(error) => {
            drop(transaction);
            let errors = form.complaints(error)?;
            page(&tenant, &state, form, errors.into()).await
        }
    }
}

/// Saves it, or shows what is wrong. `do=built_in` gives the default policy its rule back.
pub async fn save(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<PolicyId>,
    ip: ClientIp,
    fields: Fields,
) -> PageResult {
    let policy = find(&tenant, &state, id).await?;
    tenant.require_edit()?;
    let form = PolicyForm::of(&fields);
    if fields.text("do") == "more" {
        return page(&tenant, &state, form.with_one_more(), Shown::of(&policy)).await;
    }
    let restores = fields.text("do") == "built_in" && policy.is_default(tenant.account_id());
    let settings = match form.settings() {
        _ if restores => (None, None),
        Ok((steps, again)) => (Some(steps), Some(again)),
        Err(errors) => return page(&tenant, &state, form, Shown::of(&policy).with(errors)).await,
    };
    match store(&tenant, &state, ip, (id, &form.name, settings)).await {
        Ok(()) => see_other("/policies?done=saved"),
        Err(error) => {
            let errors = form.complaints(error)?;
            page(&tenant, &state, form, Shown::of(&policy).with(errors)).await
        }
    }
}

/// The steps and how often they are told again; without them the built-in rule and as often as before.
type Settings = (Option<Vec<Step>>, Option<Again>);

async fn store(
    tenant: &Tenant,
    state: &AppState,
    ip: ClientIp,
    (id, name, (steps, again)): (PolicyId, &str, Settings),
) -> Result<(), UseCaseError> {
    let caller = tenant.caller(ip.network(), state.now());
    let mut transaction = store::tenant::begin(&state.pool, tenant.account_id()).await?;
    let before = policies::find_locked(&mut transaction, &caller, id).await?;
    let again = again.unwrap_or(Again {
        repeat: before.repeat,
        reminder_seconds: before.reminder_seconds,
    });
    let after = Policy {
        name: name.to_owned(),
        steps,
        repeat: again.repeat,
        reminder_seconds: again.reminder_seconds,
        ..before.clone()
    };
    policies::update(&mut transaction, &caller, (&before, after)).await?;
    transaction.commit().await?;
    Ok(())
}

pub(super) async fn find(tenant: &Tenant, state: &AppState, id: PolicyId) -> PageResult<Policy> {
    let mut transaction = tenant.read(state).await?;
    let found = store::policies::find(&mut transaction, tenant.account_id(), id).await?;
    found.ok_or(PageError::NotFound)
}

/// What the page is about beside the form.
#[derive(Default)]
struct Shown<'p> {
    policy: Option<&'p Policy>,
    errors: FormErrors,
}

impl<'p> Shown<'p> {
    fn of(policy: &'p Policy) -> Self {
        Self {
            policy: Some(policy),
            ..Self::default()
        }
    }

    fn with(self, errors: FormErrors) -> Self {
        Self { errors, ..self }
    }
}

impl From<FormErrors> for Shown<'_> {
    fn from(errors: FormErrors) -> Self {
        Self::default().with(errors)
    }
}

async fn page(tenant: &Tenant, state: &AppState, form: PolicyForm, shown: Shown<'_>) -> PageResult {
    let people = People::read(state, tenant.account_id()).await?;
    let mut transaction = tenant.read(state).await?;
    let schedules = store::oncall::list(&mut transaction, tenant.account_id()).await?;
    let status = if shown.errors.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let is_default = shown
        .policy
        .is_some_and(|policy| policy.is_default(tenant.account_id()));
    let title = shown
        .policy
        .map_or("New escalation policy", |policy| policy.name.as_str());
    render_with(
        status,
        &FormPage {
            shell: tenant.shell(title).section("contacts"),
            has_room: form.steps.len() < MAX_STEPS,
            form,
            errors: shown.errors,
            contacts: people.contacts,
            schedules: schedules
                .into_iter()
                .map(|schedule| (schedule.id.to_string(), schedule.name))
                .collect(),
            members: people
                .members
                .iter()
                .map(|member| (member.id.to_string(), member.called().to_owned()))
                .collect(),
            id: shown.policy.map(|policy| policy.id.to_string()),
            is_default,
            is_built_in: is_default && shown.policy.is_some_and(|policy| policy.steps.is_none()),
            can_edit: tenant.role().can_edit(),
        },
    )
}
