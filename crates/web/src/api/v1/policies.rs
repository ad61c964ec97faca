//! `/policies`.

use axum::extract::State;
use axum::response::Response;
use domain::alert::policy::{DEFAULT_NAME, Policy, Step};
use domain::ids::{AccountId, ContactId, PolicyId, ScheduleId, UserId};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::api::auth::{Reader, Writer};
use crate::api::body::Body;
use crate::api::etag;
use crate::api::gone;
use crate::api::id::Id;
use crate::api::json::Json;
use crate::api::openapi::shapes;
use crate::api::problem::{ApiResult, Problem};
use crate::api::query::{Page, Params, cut};
use crate::api::read_only::{self, ReadOnly};
use crate::state::AppState;
use crate::usecases::UseCaseError;
use crate::usecases::policies;

/// An escalation policy: who is told of an outage, step by step, until somebody takes it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Policy)]
pub struct PolicyView {
    /// `pol_…`
    #[schema(read_only)]
    id: String,
    name: String,
    /// Monitors without a policy and without contacts of their own use it.
    #[schema(read_only)]
    is_default: bool,
    /// Those of the default policy are every proven contact with `in_default`, until they are set.
    steps: Vec<StepView>,
    /// Rounds after the first, while nobody has it. A round begins five minutes after the last step, or after
    /// the first step's delay where that is longer.
    repeat: u32,
    /// Seconds between two reminders of those who were told, but by calls, while nobody has it; null for none.
    reminder_seconds: Option<u32>,
}

/// A step of a policy.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Step)]
pub struct StepView {
    /// Seconds after the step before, or for the first after the outage is sure. A step that can reach
    /// nobody is passed over without its wait.
    delay_seconds: u32,
    contact_ids: Vec<String>,
    /// Whoever is on call when the step is due.
    schedule_ids: Vec<String>,
    /// Members, by all contacts that are theirs.
    member_ids: Vec<String>,
}

/// A policy to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Night", "steps": [{"delay_seconds": 0, "contact_ids": ["con_01kaq3v6zjfvcrmb3b5w9b7t2e"]}], "repeat": 0}))]
pub struct PolicyInput {
    /// At most 200 characters.
    #[schema(value_type = String, min_length = 1, max_length = 200)]
    name: Option<String>,
    /// In order.
    #[schema(value_type = Vec<StepInput>, min_items = 1, max_items = 10)]
    steps: Option<Vec<StepInput>>,
    /// Rounds after the first; 0 by default.
    #[schema(minimum = 0, maximum = 10)]
    repeat: Option<u32>,
    /// Seconds between two reminders; none by default. An incident has at most 24.
    #[schema(minimum = 300, maximum = 86400)]
    reminder_seconds: Option<u32>,
}

/// What can be changed of a policy, as a merge patch.
#[derive(Debug, ToSchema)]
#[schema(example = json!({"name": "Night and weekend"}))]
#[expect(dead_code, reason = "it describes: a patch is read as a PolicyInput")]
pub struct PolicyPatch {
    /// Null restores the name of the default policy.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// Null restores the built-in rule of the default policy.
    #[schema(min_items = 1, max_items = 10)]
    steps: Option<Vec<StepInput>>,
    /// Null is 0.
    #[schema(minimum = 0, maximum = 10)]
    repeat: Option<u32>,
    /// Null is none.
    #[schema(minimum = 300, maximum = 86400)]
    reminder_seconds: Option<u32>,
}

/// A step of a policy.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StepInput {
    /// Seconds after the step before, or for the first after the outage is sure; 0 by default.
    #[schema(minimum = 0, maximum = 86400)]
    delay_seconds: Option<u32>,
    /// Contacts that are told. A step has at least one contact, schedule or member.
    #[serde(default)]
    #[schema(schema_with = shapes::step_contact_ids, required = false)]
    contact_ids: Vec<ContactId>,
    /// Schedules: whoever is on call when the step is due.
    #[serde(default)]
    #[schema(schema_with = shapes::step_schedule_ids, required = false)]
    schedule_ids: Vec<ScheduleId>,
    /// Members, by all contacts that are theirs.
    #[serde(default)]
    #[schema(schema_with = shapes::step_member_ids, required = false)]
    member_ids: Vec<UserId>,
}

const READ_ONLY: ReadOnly = ReadOnly {
    fixed: &["id", "is_default"],
    moving: &[],
};

/// List policies
///
/// The default policy is the first.
#[utoipa::path(get, path = "/api/v1/policies", tag = "Policies", operation_id = "policies.list",
    responses((status = 200, body = Page<PolicyView>)))]
pub async fn list(
    State(state): State<AppState>,
    reader: Reader,
    mut params: Params,
) -> ApiResult<axum::Json<Page<PolicyView>>> {
    let page = params.page::<PolicyId>()?;
    params.finish()?;
    let mut tx = reader.begin(&state).await?;
    let account = reader.account_id();
    let mut rows = store::policies::list(&mut tx, account).await?;
    if let Some(last) = page.cursor {
        // The default policy stands first, whatever its id.
        let first = Policy::default_id(account);
        rows.retain(|policy| policy.id != first && (last == first || policy.id > last));
    }
    rows.truncate(usize::try_from(page.limit + 1).unwrap_or(usize::MAX));
    let next = cut(&mut rows, page.limit, |policy| policy.id);
    let contacts = store::contacts::list(&mut tx, account).await?;
    let data = rows
        .iter()
        .map(|policy| PolicyView::of(policy, account, &contacts))
        .collect();
    Ok(axum::Json(Page::new(data, next)))
}

/// Create a policy
#[utoipa::path(post, path = "/api/v1/policies", tag = "Policies", operation_id = "policies.create",
    request_body = PolicyInput,
    responses((status = 201, body = PolicyView, headers(("Location" = String, description = "Address of the new policy")))))]
pub async fn create(
    State(state): State<AppState>,
    writer: Writer,
    body: Body,
) -> ApiResult<Response> {
    if let Some(key) = READ_ONLY.find(&body.0) {
        return Err(read_only::refused(key));
    }
    let input = PolicyInput::read(&body.0)?;
    let policy = Policy {
        id: PolicyId::generate(),
        name: input.name.ok_or_else(|| required("name"))?,
        steps: Some(steps(input.steps.ok_or_else(|| required("steps"))?)),
        repeat: input.repeat.unwrap_or(0),
        reminder_seconds: input.reminder_seconds,
        version: 1,
    };
    let mut tx = writer.begin(&state).await?;
    let policy = policies::create(&mut tx, &writer.caller(&state), policy).await?;
    let view = shown(&mut tx, writer.account_id(), &policy).await?;
    writer.finish(tx).await?;
    if writer.is_dry_run() {
        return etag::tagged(StatusCode::OK, None, &view);
    }
    let mut response = etag::tagged(StatusCode::CREATED, Some(policy.version), &view)?;
    if let Ok(location) = HeaderValue::from_str(&format!("/api/v1/policies/{}", policy.id)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// Get a policy
#[utoipa::path(get, path = "/api/v1/policies/{policy_id}", tag = "Policies", operation_id = "policies.get",
    params(("policy_id" = String, Path, description = "`pol_…`")), responses((status = 200, body = PolicyView)))]
pub async fn get(
    State(state): State<AppState>,
    reader: Reader,
    Id(id): Id<PolicyId>,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    params.finish()?;
    let mut tx = reader.begin(&state).await?;
    let account = reader.account_id();
    let policy = store::policies::find(&mut tx, account, id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let view = shown(&mut tx, account, &policy).await?;
    etag::fresh(&headers, Some(policy.version), &view)
}

/// Change a policy
///
/// A merge patch. Of the default policy, null restores the built-in name and steps.
#[utoipa::path(patch, path = "/api/v1/policies/{policy_id}", tag = "Policies", operation_id = "policies.update",
    params(("policy_id" = String, Path, description = "`pol_…`")), request_body = PolicyPatch,
    responses((status = 200, body = PolicyView)))]
pub async fn update(
    State(state): State<AppState>,
    writer: Writer,
    Id(id): Id<PolicyId>,
    headers: HeaderMap,
    mut body: Body,
) -> ApiResult<Response> {
    let caller = writer.caller(&state);
    let account = caller.account_id;
    let mut tx = writer.begin(&state).await?;
    let before = policies::find_locked(&mut tx, &caller, id).await?;
    etag::check_match(&headers, &etag::Tag::of(Some(before.version), b""))?;
    READ_ONLY.take_out(&mut body.0, &shown(&mut tx, account, &before).await?)?;
    let after = patched(&before, account, &body.0)?;
    let policy = policies::update(&mut tx, &caller, (&before, after)).await?;
    let view = shown(&mut tx, account, &policy).await?;
    writer.finish(tx).await?;
    etag::tagged(StatusCode::OK, Some(policy.version), &view)
}

/// Delete a policy
///
/// Monitors that used it use the default policy again, which itself cannot be deleted.
#[utoipa::path(delete, path = "/api/v1/policies/{policy_id}", tag = "Policies", operation_id = "policies.delete",
    params(("policy_id" = String, Path, description = "`pol_…`")), responses((status = 204)))]
pub async fn delete(
    State(state): State<AppState>,
    writer: Writer,
    Id(id): Id<PolicyId>,
    headers: HeaderMap,
) -> ApiResult<StatusCode> {
    let caller = writer.caller(&state);
    let mut tx = writer.begin(&state).await?;
    let outcome = match policies::find_locked(&mut tx, &caller, id).await {
        Ok(policy) => {
            etag::check_match(&headers, &etag::Tag::of(Some(policy.version), b""))?;
            policies::delete(&mut tx, &state, &caller, &policy).await
        }
        Err(error) => Err::<(), UseCaseError>(error),
    };
    let before = id.to_string();
    gone::twice(
        outcome,
        &mut tx,
        caller.account_id,
        ("policy.deleted", &before),
    )
    .await?;
    writer.finish(tx).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl PolicyInput {
    fn read(body: &Json) -> ApiResult<Self> {
        if let Some(Json::Array(steps)) = body.get("steps")
            && let Some(i) = steps
                .iter()
                .position(|step| !matches!(step, Json::Object(_)))
        {
            let message = format!("must be an object, not {}", steps[i].kind());
            return Err(Problem::field(
                &format!("/steps/{i}"),
                "wrong_type",
                message,
            ));
        }
        body.decode().map_err(|error| Problem::invalid(vec![error]))
    }
}

fn patched(before: &Policy, account: AccountId, patch: &Json) -> ApiResult<Policy> {
    let is_null = |key| patch.get(key) == Some(&Json::Null);
    let is_default = before.is_default(account);
    for key in ["name", "steps"] {
        if is_null(key) && !is_default {
            return Err(required(key));
        }
    }
    let input = PolicyInput::read(patch)?;
    Ok(Policy {
        id: before.id,
        name: match input.name {
            Some(name) => name,
            None if is_null("name") => DEFAULT_NAME.to_owned(),
            None => before.name.clone(),
        },
        steps: match input.steps {
            Some(sent) => Some(steps(sent)),
            None if is_null("steps") => None,
            None => before.steps.clone(),
        },
        repeat: match input.repeat {
            Some(repeat) => repeat,
            None if is_null("repeat") => 0,
            None => before.repeat,
        },
        reminder_seconds: match input.reminder_seconds {
            Some(seconds) => Some(seconds),
            None if is_null("reminder_seconds") => None,
            None => before.reminder_seconds,
        },
        version: before.version,
    })
}

fn steps(sent: Vec<StepInput>) -> Vec<Step> {
    sent.into_iter()
        .map(|step| Step {
            delay_seconds: step.delay_seconds.unwrap_or(0),
            contact_ids: step.contact_ids,
            schedule_ids: step.schedule_ids,
            member_ids: step.member_ids,
        })
        .collect()
}

fn required(key: &str) -> Problem {
    Problem::field(
        &format!("/{key}"),
        "required",
        "must be given; it has no default",
    )
}

async fn shown(
    connection: &mut PgConnection,
    account: AccountId,
    policy: &Policy,
) -> ApiResult<PolicyView> {
    let contacts = store::contacts::list(connection, account).await?;
    Ok(PolicyView::of(policy, account, &contacts))
}

impl PolicyView {
    fn of(policy: &Policy, account: AccountId, contacts: &[domain::contact::Contact]) -> Self {
        let step = |step: Step| StepView {
            delay_seconds: step.delay_seconds,
            contact_ids: step.contact_ids.iter().map(ToString::to_string).collect(),
            schedule_ids: step.schedule_ids.iter().map(ToString::to_string).collect(),
            member_ids: step.member_ids.iter().map(ToString::to_string).collect(),
        };
        Self {
            id: policy.id.to_string(),
            name: policy.name.clone(),
            is_default: policy.is_default(account),
            steps: policy.shown_steps(contacts).into_iter().map(step).collect(),
            repeat: policy.repeat,
            reminder_seconds: policy.reminder_seconds,
        }
    }
}
