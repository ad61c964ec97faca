//! `/monitors/{id}`: one monitor.

use axum::extract::{Path, Query, State};
use domain::check::VerdictKind;
use domain::ids::{AccountId, MonitorId};
use domain::monitor::Monitor;
use domain::report::{Window, step_seconds};
use jiff::SignedDuration;
use serde::Deserialize;
use store::heartbeats::pings;
use store::reports::{ChecksCursor, ChecksFilter};

use super::show_view::{Depends, Facts, Heard, Range, page};
use crate::callbacks::ping::unpacked;
use crate::error::{PageError, PageResult};
use crate::extract::Tenant;
use crate::state::AppState;
use crate::view::render;

/// Maintenance that begins within this is spoken of.
const COMING: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Monitors behind it that are named.
const NAMED: i64 = 20;
/// Looks of one page.
const LOOKS: u32 = 20;
/// How far back looks are listed.
const LOOKS_DAYS: i64 = 90;
/// Rows of a chart's table.
const TABLE_ROWS: u32 = 24;
/// Cells behind a chart: fine enough that a band begins where the outage did.
const FINE: u32 = 360;

/// What the address asks for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// `24h`, `7d`, `30d`, `90d`.
    pub range: String,
    /// Looks with this verdict.
    pub verdict: String,
    /// Looks after this place.
    pub after: String,
    /// It has just been added.
    pub first: String,
    /// What has just been done.
    pub done: String,
    /// The call of a job whose body is shown.
    pub ping: String,
}

/// Shows it.
pub async fn show(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<MonitorId>,
    Query(asked): Query<Asked>,
) -> PageResult {
    let mut transaction = tenant.read(&state).await?;
    let monitor = store::monitors::find_with_deleted(
        &mut transaction,
        &state.secrets,
        tenant.account_id(),
        id,
    )
    .await?
    .ok_or(PageError::NotFound)?;
    let facts = read(&mut transaction, &tenant, &state, &asked, monitor).await?;
    transaction.commit().await.map_err(store::Error::from)?;
    render(&page(&tenant, &state, &asked, &facts))
}

async fn maintenance(
    connection: &mut sqlx::PgConnection,
    (account, id): (AccountId, MonitorId),
    now: jiff::Timestamp,
) -> PageResult<Vec<store::maintenance::Maintained>> {
    let soon = (now, now + COMING);
    Ok(store::maintenance::list_monitors(connection, account, id, soon).await?)
}

async fn read(
    connection: &mut sqlx::PgConnection,
    tenant: &Tenant,
    state: &AppState,
    asked: &Asked,
    monitor: Monitor,
) -> PageResult<Facts> {
    let (now, account, id) = (state.now(), tenant.account_id(), monitor.id);
    let range = Range::of(&asked.range);
    let window = Window::last_hours(now, range.hours());
    let bar = Window::last_days(now, range.bar_days());
    let step = step_seconds(window);
    let listed = listed(connection, state, (account, id)).await?;
    let mut uptimes = Vec::new();
    for range in Range::ALL {
        let window = Window::last_hours(now, range.hours());
        uptimes.push((
            range,
            store::reports::uptime(connection, account, id, window).await?,
        ));
    }
    let bars = async |connection: &mut sqlx::PgConnection, window, count| {
        store::reports::bars(connection, account, &[id], window, count)
            .await
            .map(|mut bars| bars.remove(&id).unwrap_or_default())
    };
    let looks = looks_asked_for(asked);
    let after: Option<ChecksCursor> = asked.after.parse().ok();
    let back = Window::last_days(now, LOOKS_DAYS);
    Ok(Facts {
        range,
        window,
        step: SignedDuration::from_secs(step),
        listed,
        maintenance: maintenance(connection, (account, id), now).await?,
        points: store::reports::response_times(connection, account, id, window, step).await?,
        fine: bars(connection, window, FINE).await?,
        rows: bars(connection, window, TABLE_ROWS).await?,
        bar: bars(connection, bar, range.bar_cells()).await?,
        bar_uptime: store::reports::uptime(connection, account, id, bar).await?,
        uptimes,
        last: store::reports::last_checks(connection, account, &[id])
            .await?
            .remove(&id),
        seen: store::look_requests::find_newest_result(connection, account, id).await?,
        looks: store::reports::list_checks(
            connection,
            (account, id),
            back,
            &looks,
            (after.as_ref(), LOOKS),
        )
        .await?,
        incidents: store::incidents::list(
            connection,
            account,
            &store::incidents::Filter {
                monitor_id: Some(id),
                ..Default::default()
            },
            None,
            6,
        )
        .await?,
        contacts: store::contacts::list(connection, account).await?,
        policies: store::policies::list(connection, account).await?,
        depends: depends(connection, account, &monitor).await?,
        duties: store::oncall::list_duties(connection, account, now).await?,
        heard: heard(connection, account, &monitor, asked).await?,
        certificate: store::certificates::find(connection, account, id).await?,
        origin: origin(connection, (account, id)).await?,
        keyword: store::keyword_proposals::find(connection, account, id).await?,
        monitor,
        now,
    })
}

/// The monitor as lists show it.
async fn listed(
    connection: &mut sqlx::PgConnection,
    state: &AppState,
    (account, id): (AccountId, MonitorId),
) -> PageResult<Option<store::monitors::Listed>> {
    let filter = store::monitors::Filter {
        ids: Some(vec![id]),
        ..Default::default()
    };
    let place = (Default::default(), None, 1);
    let secrets = &state.secrets;
    let found =
        store::monitors::list(connection, secrets, account, &filter, place, state.now()).await?;
    Ok(found.into_iter().next())
}

/// The server behind it, and what proves it.
async fn origin(
    connection: &mut sqlx::PgConnection,
    (account, id): (AccountId, MonitorId),
) -> PageResult<Option<(store::origins::Stored, String)>> {
    let Some(stored) = store::origins::find(connection, account, id).await? else {
        return Ok(None);
    };
    let token = store::origins::find_token(connection, account, &stored.origin).await?;
    Ok(Some((stored, token.unwrap_or_default())))
}

async fn depends(
    connection: &mut sqlx::PgConnection,
    account: AccountId,
    monitor: &Monitor,
) -> PageResult<Depends> {
    let named = monitor.spec.depends_on.as_deref().unwrap_or_default();
    let below = store::dependencies::list_dependents(connection, account, monitor.id, NAMED);
    let (dependents, all) = below.await?;
    Ok(Depends {
        parents: store::monitors::list_names_of(connection, account, named).await?,
        dependents,
        all,
    })
}

fn looks_asked_for(asked: &Asked) -> ChecksFilter {
    ChecksFilter {
        region: None,
        verdict: VerdictKind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == asked.verdict),
    }
}

/// What is heard of a job; nothing of what is looked at.
async fn heard(
    connection: &mut sqlx::PgConnection,
    account: AccountId,
    monitor: &Monitor,
    asked: &Asked,
) -> PageResult<Option<Heard>> {
    let found = store::heartbeats::find(connection, account, monitor.id).await?;
    let Some(stored) = found else { return Ok(None) };
    let before = asked.after.parse().ok();
    let opened = match asked.ping.parse() {
        Ok(number) => pings::find(connection, account, monitor.id, number).await?,
        Err(_) => None,
    };
    let pings = pings::list(connection, account, monitor.id, (before, LOOKS)).await?;
    let is_full = u32::try_from(pings.len()).is_ok_and(|count| count == LOOKS);
    Ok(Some(Heard {
        stored,
        is_newest: before.is_none(),
        older: pings.last().filter(|_| is_full).map(|ping| ping.number),
        pings,
        opened: opened.map(|(ping, body)| {
            let body = body.as_deref().map(unpacked).unwrap_or_default();
            (ping, String::from_utf8_lossy(&body).into_owned())
        }),
    }))
}
