//! `/policies`: all of them, the default one first.

use askama::Template;
use axum::extract::{Query, State};
use domain::alert::standing::Finding;
use serde::Deserialize;

use super::summary;
use crate::error::PageResult;
use crate::extract::Tenant;
use crate::people::People;
use crate::state::AppState;
use crate::usecases::account_check;
use crate::view::{Shell, render};

/// A policy as the list shows it.
struct Line {
    id: String,
    name: String,
    is_default: bool,
    steps: String,
    monitors: usize,
}

#[derive(Template)]
#[template(path = "policies/list.html")]
struct ListPage {
    shell: Shell,
    lines: Vec<Line>,
    /// By which policy news goes that is no outage; empty: by each monitor's own.
    notices: String,
    /// What would keep an alert from arriving.
    findings: Vec<Finding>,
    can_edit: bool,
}

/// What has just been done.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Done {
    done: String,
}

/// Shows them.
pub async fn show(
    tenant: Tenant,
    State(state): State<AppState>,
    Query(done): Query<Done>,
) -> PageResult {
    let account = tenant.account_id();
    let people = People::read(&state, account).await?;
    let mut transaction = tenant.read(&state).await?;
    let schedules = store::oncall::list(&mut transaction, account).await?;
    let mut lines = Vec::new();
    for policy in store::policies::list(&mut transaction, account).await? {
        let used = store::monitors::list_ids_with_policy(&mut transaction, account, policy.id);
        lines.push(Line {
            id: policy.id.to_string(),
            name: policy.name.clone(),
            is_default: policy.is_default(account),
            steps: summary(&policy, &people, &schedules),
            monitors: used.await?.len(),
        });
    }
    let notices = store::accounts::find_notice_policy(&mut transaction, account).await?;
    let findings = account_check::check(&mut transaction, &state, account).await?;
    let notice = match done.done.as_str() {
        "saved" => Some("Saved. The next outage goes by it."),
        "notices" => Some("Saved. The next news goes by it."),
        "deleted" => Some("Deleted. Its monitors tell the default contacts again."),
        _ => None,
    };
    render(&ListPage {
        shell: tenant
            .shell("Escalation policies")
            .section("contacts")
            .notice(notice.map(str::to_owned)),
        lines,
        notices: notices.map_or_else(String::new, |id| id.to_string()),
        findings,
        can_edit: tenant.role().can_edit(),
    })
}
