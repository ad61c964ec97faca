//! `/maintenance`: what runs, what comes, what was.

use askama::Template;
use axum::extract::{Query, State};
use domain::maintenance::{MaintenanceWindow, WindowStatus};
use jiff::Timestamp;
use serde::Deserialize;
use store::monitors::Listed;

use super::edit::monitors;
use super::words;
use crate::error::PageResult;
use crate::extract::Tenant;
use crate::state::AppState;
use crate::view::{Moment, Shell, render};

/// A window as the list shows it.
struct Line {
    id: String,
    name: String,
    targets: String,
    when: String,
    /// The one that runs ends then.
    until: Option<Moment>,
    /// The next one.
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "maintenance/list.html")]
struct ListPage {
    shell: Shell,
    running: Vec<Line>,
    coming: Vec<Line>,
    over: Vec<Line>,
    /// Value and words of what a quick window can be for.
    choices: Vec<(String, String)>,
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
    let now = state.now();
    let mut transaction = tenant.read(&state).await?;
    let windows = store::maintenance::list(&mut transaction, tenant.account_id()).await?;
    let monitors = monitors(&mut transaction, &tenant, &state).await?;
    let of = |status| -> Vec<Line> {
        let of_status = windows.iter().filter(|window| window.status(now) == status);
        of_status
            .map(|window| line(window, &tenant, &monitors, now))
            .collect()
    };
    let notice = match done.done.as_str() {
        "saved" => Some("Saved. It holds from now on."),
        "ended" => Some("Ended. What is still down is told now."),
        "deleted" => Some("Deleted."),
        _ => None,
    };
    render(&ListPage {
        shell: tenant
            .shell("Maintenance")
            .section("maintenance")
            .notice(notice.map(str::to_owned)),
        running: of(WindowStatus::Active),
        coming: of(WindowStatus::Scheduled),
        over: of(WindowStatus::Ended),
        choices: choices(&monitors),
        can_edit: tenant.role().can_edit(),
    })
}

fn line(window: &MaintenanceWindow, tenant: &Tenant, monitors: &[Listed], now: Timestamp) -> Line {
    let zone = tenant.zone();
    let next = window.next(now);
    let runs = next.first().filter(|one| one.contains(now));
    let coming = next.iter().find(|one| !one.contains(now));
    Line {
        id: window.id.to_string(),
        name: window.name.clone(),
        targets: words::targets(window, monitors),
        when: words::schedule(window, &zone),
        until: runs.map(|one| Moment::new(one.ends_at, zone.clone())),
        next: coming.map(|one| words::span(one, &zone)),
    }
}

/// All, the tags in use, and each monitor.
fn choices(monitors: &[Listed]) -> Vec<(String, String)> {
    let mut tags: Vec<String> = monitors
        .iter()
        .flat_map(|listed| listed.monitor.settings().tags)
        .collect();
    tags.sort_unstable();
    tags.dedup();
    let all = ("all".to_owned(), "all monitors".to_owned());
    let tags = tags
        .into_iter()
        .map(|tag| (format!("tag:{tag}"), format!("tag {tag}")));
    let each = monitors.iter().map(|listed| {
        let monitor = &listed.monitor;
        (monitor.id.to_string(), monitor.settings().name)
    });
    std::iter::once(all).chain(tags).chain(each).collect()
}
