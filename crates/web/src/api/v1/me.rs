//! `/me`: the account behind the key.

use axum::extract::State;
use axum::response::Response;
use domain::account::Plan;
use domain::ids::PolicyId;
use domain::monitor::validate::check_line;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use store::accounts::Account;
use utoipa::ToSchema;

use crate::api::auth::{Reader, Writer};
use crate::api::body::Body;
use crate::api::etag;
use crate::api::openapi::shapes;
use crate::api::problem::{ApiResult, Problem};
use crate::api::query::Params;
use crate::extract::ApiKeyAuth;
use crate::state::AppState;
use crate::usecases;

/// The account behind the key.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    account: AccountView,
    /// Who made the key; null when nobody in person did.
    user: Option<UserView>,
    /// `free`, `solo`, `team` or `enterprise`.
    plan: &'static str,
    limits: LimitsView,
    usage: UsageView,
    wallet: WalletView,
}

/// An account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Account)]
pub struct AccountView {
    id: String,
    name: String,
    /// IANA name.
    timezone: String,
    /// The policy by which news that is no outage goes, of all monitors: certificates, domains, slow, partly
    /// down, blocked, not looked at. Null: whom each monitor tells.
    notice_policy_id: Option<String>,
}

/// A person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub struct UserView {
    id: String,
    name: String,
    email: String,
}

/// What the plan allows.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Limits)]
pub struct LimitsView {
    /// Paused ones count.
    monitors: u32,
    min_interval_seconds: u32,
    members: u32,
    contacts: u32,
    /// Webhook and chat contacts among them.
    integrations: u32,
    api_keys: u32,
    history_months: u32,
    requests_per_minute: u32,
    /// Most that text messages and calls may cost in 24 hours.
    messages_a_day: WalletView,
}

/// What is in use.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Usage)]
pub struct UsageView {
    monitors: u32,
    members: u32,
    contacts: u32,
    api_keys: u32,
}

/// What SMS and calls are paid from.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Wallet)]
pub struct WalletView {
    /// Decimal.
    #[schema(example = "0.50")]
    amount: String,
    #[schema(example = "USD")]
    currency: &'static str,
}

/// What can be changed of the account, as a merge patch.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"timezone": "Europe/Berlin"}))]
pub struct MeInput {
    /// At most 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// IANA name, such as `Europe/Berlin`.
    timezone: Option<String>,
    /// A policy for all news that is no outage; null: whom each monitor tells.
    #[schema(schema_with = shapes::policy_id)]
    notice_policy_id: Option<PolicyId>,
}

/// Get the account
#[utoipa::path(get, path = "/api/v1/me", tag = "Account", operation_id = "me.get", responses((status = 200, body = Me)))]
pub async fn get(
    State(state): State<AppState>,
    reader: Reader,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    params.finish()?;
    let user = creator(&state, reader.key()).await?;
    let mut tx = reader.begin(&state).await?;
    let (account, me) = read(&mut tx, reader.key(), user).await?;
    etag::fresh(&headers, Some(account.version), &me)
}

/// Change the account
#[utoipa::path(patch, path = "/api/v1/me", tag = "Account", operation_id = "me.update", request_body = MeInput,
    responses((status = 200, body = Me)))]
pub async fn update(
    State(state): State<AppState>,
    writer: Writer,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Response> {
    for key in ["name", "timezone"] {
        if body.0.clone().remove(key) == Some(crate::api::json::Json::Null) {
            return Err(Problem::field(
                &format!("/{key}"),
                "required",
                "must be given; it has no default",
            ));
        }
    }
    let names_policy = body.0.clone().remove("notice_policy_id").is_some();
    let input: MeInput = body.decode()?;
    let user = creator(&state, writer.key()).await?;
    let mut tx = writer.begin(&state).await?;
    store::accounts::lock(&mut tx, writer.account_id()).await?;
    let account = store::accounts::find(&mut tx, writer.account_id())
        .await?
        .ok_or_else(Problem::not_found)?;
    etag::check_match(&headers, &etag::Tag::of(Some(account.version), b""))?;
    let name = input.name.unwrap_or_else(|| account.name.clone());
    let timezone = input.timezone.unwrap_or_else(|| account.timezone.clone());
    check_line("/name", &name, 200).map_err(|error| Problem::invalid(vec![error]))?;
    if jiff::tz::TimeZone::get(&timezone).is_err() {
        return Err(Problem::field(
            "/timezone",
            "invalid",
            "must be an IANA time zone such as Europe/Berlin",
        ));
    }
    if (&name, &timezone) != (&account.name, &account.timezone) {
        usecases::account::set_profile(&mut tx, &writer.caller(&state), &name, &timezone).await?;
    }
    if names_policy {
        let caller = writer.caller(&state);
        usecases::account::set_notice_policy(&mut tx, &caller, input.notice_policy_id).await?;
    }
    let (account, me) = read(&mut tx, writer.key(), user).await?;
    writer.finish(tx).await?;
    etag::tagged(StatusCode::OK, Some(account.version), &me)
}

/// People are not an account's rows: they are read outside of its transaction.
async fn creator(state: &AppState, key: &ApiKeyAuth) -> ApiResult<Option<UserView>> {
    let mut connection = state.pool.acquire().await?;
    let Some(id) = key.created_by else {
        return Ok(None);
    };
    let user = store::users::get(&mut connection, id).await?;
    Ok(Some(UserView {
        id: user.id.to_string(),
        name: user.name,
        email: user.email,
    }))
}

async fn read(
    connection: &mut PgConnection,
    key: &ApiKeyAuth,
    user: Option<UserView>,
) -> ApiResult<(Account, Me)> {
    let id = key.account_id;
    let account = store::accounts::find(connection, id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let usage = UsageView {
        monitors: store::monitors::count(connection, id).await?,
        members: u32::try_from(store::memberships::count(connection, id).await?)
            .unwrap_or(u32::MAX),
        contacts: store::contacts::count(connection, id).await?,
        api_keys: store::api_keys::count(connection, id).await?,
    };
    let balance = store::wallets::find_balance(connection, id).await?;
    let notices = store::accounts::find_notice_policy(connection, id).await?;
    let me = Me {
        account: AccountView {
            id: id.to_string(),
            name: account.name.clone(),
            timezone: account.timezone.clone(),
            notice_policy_id: notices.map(|id| id.to_string()),
        },
        user,
        plan: account.plan.as_str(),
        limits: LimitsView::of(account.plan),
        usage,
        wallet: WalletView {
            amount: super::amount(balance),
            currency: "USD",
        },
    };
    Ok((account, me))
}

impl LimitsView {
    fn of(plan: Plan) -> Self {
        let limits = plan.limits();
        Self {
            monitors: limits.monitors,
            min_interval_seconds: limits.min_interval_seconds,
            members: limits.members,
            contacts: limits.contacts,
            integrations: limits.integrations,
            api_keys: limits.api_keys,
            history_months: limits.history_months,
            requests_per_minute: limits.requests_per_minute,
            messages_a_day: WalletView {
                amount: super::amount(limits.messages_micros_per_day),
                currency: "USD",
            },
        }
    }
}
