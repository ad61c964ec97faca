//! The server behind a monitor, as clients read it.

use axum::extract::State;
use axum::response::Response;
use domain::ids::MonitorId;
use domain::origin::{file_url, record_name};
use domain::target::{AddressPolicy, Origin};
use http::StatusCode;
use serde::Serialize;
use store::origins::Stored;
use utoipa::ToSchema;

use super::view::MonitorView;
use crate::api::auth::Writer;
use crate::api::body::NoBody;
use crate::api::id::Id;
use crate::api::problem::ApiResult;
use crate::api::v1::checks::FailureView;
use crate::state::AppState;
use crate::usecases::monitors;

/// The server behind an `http` monitor: whether it is shown to be yours, and how it was last.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Origin)]
pub struct OriginView {
    /// Nothing is asked of the origin unless it is `proven`.
    #[schema(value_type = OriginState)]
    state: &'static str,
    /// When the proof was last seen.
    #[schema(format = DateTime)]
    proven_at: Option<String>,
    /// `dns` or `file`.
    proven_by: Option<&'static str>,
    /// What the record or the file has to be. It stays the same for this origin.
    token: Option<String>,
    /// Name of the TXT record; null where the origin is an address.
    dns_record: Option<String>,
    /// Address of the file.
    file_url: String,
    /// When the proof was last looked for.
    #[schema(format = DateTime)]
    asked_at: Option<String>,
    /// Why it was not found then.
    reason: Option<String>,
    /// When the origin was last looked at while what stands in front of it was up.
    #[schema(format = DateTime)]
    last_look: Option<String>,
    /// What that look met; null when it was good.
    failure: Option<FailureView>,
    /// Since when it fails.
    #[schema(format = DateTime)]
    failing_since: Option<String>,
}

/// Whether an origin is shown to be yours.
#[derive(Debug, ToSchema)]
#[schema(as = OriginState, rename_all = "snake_case")]
pub enum OriginState {
    /// Not yet.
    Unproven,
    /// It is.
    Proven,
    /// It was, and its proof is gone.
    Lost,
}

impl OriginView {
    /// What is known of an origin, and what proves it.
    pub fn of(stored: &Stored, token: Option<String>) -> Option<Self> {
        let origin = Origin::parse(&stored.origin, AddressPolicy::SelfHosted).ok()?;
        let standing = &stored.standing;
        Some(Self {
            state: standing.state.as_str(),
            proven_at: standing.proven.map(|(at, _)| at.to_string()),
            proven_by: standing.proven.map(|(_, how)| how.as_str()),
            token,
            dns_record: record_name(&origin),
            file_url: file_url(&origin),
            asked_at: standing.asked_at.map(|at| at.to_string()),
            reason: standing.why.clone(),
            last_look: standing.looked_at.map(|at| at.to_string()),
            failure: standing.failure.as_ref().map(FailureView::of),
            failing_since: standing.failing_since.map(|at| at.to_string()),
        })
    }
}

/// Check the proof of an origin now
///
/// Looks for the token in DNS and in the file, and answers with the monitor. At most 6 a minute, together with
/// `/check`. The proof is looked for by itself when the origin is set, and daily.
#[utoipa::path(post, path = "/api/v1/monitors/{monitor_id}/origin/verify", tag = "Monitors", operation_id = "monitors.verify_origin",
    params(("monitor_id" = String, Path, description = "`mon_…`")), responses((status = 200, body = MonitorView)))]
pub async fn verify(
    State(state): State<AppState>,
    writer: Writer,
    Id(id): Id<MonitorId>,
    _: NoBody,
) -> ApiResult<Response> {
    let caller = writer.caller(&state);
    let mut tx = writer.begin(&state).await?;
    let proof = monitors::verify_origin(&mut tx, &state, &caller, id).await?;
    writer.finish(tx).await?;
    if writer.is_dry_run() {
        return Ok(crate::api::v1::dry_run_passed());
    }
    monitors::wait_for_proof(&state, writer.account_id(), proof).await?;
    let tx = writer.begin(&state).await?;
    super::answer(&state, &writer, tx, (id, StatusCode::OK)).await
}
