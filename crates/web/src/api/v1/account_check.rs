//! `/account-check`.

use axum::Json;
use axum::extract::State;
use domain::alert::standing::Finding;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::auth::Reader;
use crate::api::problem::ApiResult;
use crate::api::query::{Page, Params};
use crate::state::AppState;
use crate::usecases::account_check;

/// Something that would keep an alert from arriving.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Finding)]
pub struct FindingView {
    /// `tells_nobody`, `only_critical`, `unusable_contact`, `nobody_on_call`, `wallet_empty` or `only_mail`; more may come.
    code: &'static str,
    #[schema(value_type = FindingSeverity)]
    severity: &'static str,
    /// One or two sentences.
    text: String,
    /// The page on which it is put right.
    link: String,
}

/// How bad a finding is.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum FindingSeverity {
    /// An alert reaches nobody.
    Problem,
    /// An alert may come late or be overlooked.
    Advice,
}

/// Check the account
///
/// What would keep an alert from arriving, the worst first: monitors that tell nobody, steps that end at a
/// contact that is not confirmed, times in which nobody is on call (the coming two weeks), an empty wallet.
#[utoipa::path(get, path = "/api/v1/account-check", tag = "Account", operation_id = "account.check",
    responses((status = 200, body = Page<FindingView>)))]
pub async fn check(
    State(state): State<AppState>,
    reader: Reader,
    params: Params,
) -> ApiResult<Json<Page<FindingView>>> {
    params.finish()?;
    let mut tx = reader.begin(&state).await?;
    let found = account_check::check(&mut tx, &state, reader.account_id()).await?;
    let view = |finding: Finding| FindingView {
        code: finding.code,
        severity: finding.severity.as_str(),
        text: finding.text,
        link: state.config.link(&finding.link),
    };
    let data = found.into_iter().map(view).collect();
    Ok(Json(Page::new(data, None::<()>)))
}
