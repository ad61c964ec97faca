//! `/schedules`: who is on call now, until when, and who is next.

use askama::Template;
use axum::extract::{Query, State};
use domain::oncall::{self, Override};
use serde::Deserialize;

use super::words;
use crate::error::PageResult;
use crate::extract::Tenant;
use crate::people::People;
use crate::state::AppState;
use crate::view::{Shell, render};

/// A schedule as the list shows it.
struct Line {
    id: String,
    name: String,
    /// `None`: nobody.
    who: Option<String>,
    stands_in: bool,
    until: Option<String>,
    next: Option<(String, String)>,
}

#[derive(Template)]
#[template(path = "schedules/list.html")]
struct ListPage {
    shell: Shell,
    lines: Vec<Line>,
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
    let (account, now) = (tenant.account_id(), state.now());
    let people = People::read(&state, account).await?;
    let mut transaction = tenant.read(&state).await?;
    let schedules = store::oncall::list(&mut transaction, account).await?;
    let overrides = store::oncall::list_overrides_of_all(&mut transaction, account, now).await?;
    let zone = tenant.zone();
    let lines = schedules.iter().map(|schedule| {
        let own = overrides.iter().filter(|(id, _)| *id == schedule.id);
        let own: Vec<Override> = own.map(|(_, one)| one.clone()).collect();
        let stands = oncall::now(schedule, &own, now);
        Line {
            id: schedule.id.to_string(),
            name: schedule.name.clone(),
            who: stands.who.map(|who| people.name(who).to_owned()),
            stands_in: stands.is_override,
            until: stands.until.map(|until| words::minute(until, &zone)),
            next: stands.next.map(|next| {
                let from = words::minute(next.from, &zone);
                (people.name(next.who).to_owned(), from)
            }),
        }
    });
    let notice = match done.done.as_str() {
        "deleted" => Some("Deleted."),
        _ => None,
    };
    render(&ListPage {
        shell: tenant
            .shell("On-call schedules")
            .section("contacts")
            .notice(notice.map(str::to_owned)),
        lines: lines.collect(),
        can_edit: tenant.role().can_edit(),
    })
}
