//! `/incidents`: open ones first, then month by month.

use askama::Template;
use axum::extract::{Query, State};
use domain::ids::{GroupId, IncidentId};
use jiff::Timestamp;
use serde::Deserialize;
use sqlx::PgConnection;
use store::incidents::groups::{self, Group};
use store::incidents::{Cursor, Filter};

use super::parts::IncidentLine;
use crate::error::{PageError, PageResult};
use crate::extract::Tenant;
use crate::state::AppState;
use crate::view::{Live, Moment, Shell, render};

/// Incidents of one page.
const ROWS: u32 = 50;
/// Open ones, shown above all pages.
const MOST_OPEN: u32 = 500;

#[derive(Template)]
#[template(path = "incidents/list.html")]
struct ListPage {
    shell: Shell,
    open: Vec<IncidentLine>,
    months: Vec<Month>,
    older: Option<String>,
    is_first_page: bool,
    practice: String,
    /// Only those of one storm are shown.
    storm: Option<Storm>,
}

struct Storm {
    began: Moment,
}

struct Month {
    name: String,
    lines: Vec<IncidentLine>,
}

/// Where the previous page ended.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    after: String,
    group: String,
}

/// Shows them.
pub async fn show(
    tenant: Tenant,
    State(state): State<AppState>,
    Query(asked): Query<Asked>,
) -> PageResult {
    let (now, account, zone) = (state.now(), tenant.account_id(), tenant.zone());
    let mut transaction = tenant.read(&state).await?;
    let storm = match asked.group.as_str() {
        "" => None,
        text => Some(storm(&mut transaction, &tenant, text).await?),
    };
    let of = |open| Filter {
        open: Some(open),
        group_id: storm.as_ref().map(|group| group.id),
        // A drill that goes on is no outage; one that is over is history.
        drills: open.then_some(false),
        ..Filter::default()
    };
    let open =
        store::incidents::list(&mut transaction, account, &of(true), None, MOST_OPEN).await?;
    let closed = store::incidents::list(
        &mut transaction,
        account,
        &of(false),
        cursor(&asked.after),
        ROWS + 1,
    )
    .await?;
    let practice = store::accounts::find(&mut transaction, account)
        .await?
        .map(|account| account.practice_token);
    let more = closed.len() > ROWS as usize;
    let shown = &closed[..closed.len().min(ROWS as usize)];
    let older = shown.last().filter(|_| more).map(|last| {
        let of = storm
            .as_ref()
            .map_or_else(String::new, |group| format!("&group={}", group.id));
        format!(
            "/incidents?after={}.{}{of}",
            last.incident.first_failure_at.as_microsecond(),
            last.incident.id
        )
    });
    let line = |listed| IncidentLine::of(listed, now, &zone);
    let worst = (!open.is_empty()).then_some(domain::status::Shown::Down);
    render(&ListPage {
        shell: tenant
            .shell("Incidents")
            .section("incidents")
            .alert((!open.is_empty()).then(|| format!("({} open)", open.len())))
            .worst(worst)
            .live(Live {
                now: now.to_string(),
                zone: tenant.timezone().to_owned(),
                topics: "incident:*".to_owned(),
                watch: String::new(),
            }),
        open: open.iter().map(line).collect(),
        months: months(shown.iter().map(line).collect()),
        older,
        is_first_page: asked.after.is_empty(),
        practice: practice
            .map(|token| domain::account::practice::control_path(&token))
            .unwrap_or_default(),
        storm: storm.map(|group| Storm {
            began: Moment::new(group.created_at, zone.clone()),
        }),
    })
}

/// The storm that is asked for.
async fn storm(connection: &mut PgConnection, tenant: &Tenant, text: &str) -> PageResult<Group> {
    let id: GroupId = text.parse().map_err(|_| PageError::NotFound)?;
    groups::find(connection, tenant.account_id(), id)
        .await?
        .ok_or(PageError::NotFound)
}

fn months(lines: Vec<IncidentLine>) -> Vec<Month> {
    let mut months: Vec<Month> = Vec::new();
    for line in lines {
        match months.last_mut().filter(|month| month.name == line.month) {
            Some(month) => month.lines.push(line),
            None => months.push(Month {
                name: line.month.clone(),
                lines: vec![line],
            }),
        }
    }
    months
}

fn cursor(text: &str) -> Option<Cursor> {
    let (at, id) = text.split_once('.')?;
    let first_failure_at = Timestamp::from_microsecond(at.parse().ok()?).ok()?;
    Some(Cursor {
        first_failure_at,
        id: id.parse::<IncidentId>().ok()?,
    })
}
