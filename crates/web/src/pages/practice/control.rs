//! The page with the buttons.

use askama::Template;
use axum::extract::{Path, State};
use domain::account::{Practice, PracticeMode};
use domain::incident::Actor;
use domain::status::Shown;
use domain::words;
use store::look_requests::Reason;

use crate::error::{PageError, PageResult};
use crate::extract::{ClientIp, Fields, Visitor};
use crate::pages::monitors::parts::StatusLine;
use crate::state::AppState;
use crate::throttle;
use crate::usecases::{Caller, looks};
use crate::view::{Live, Moment, Shell, render, see_other};

#[derive(Template)]
#[template(path = "practice/control.html")]
struct ControlPage {
    shell: Shell,
    path: String,
    site: String,
    mode: PracticeMode,
    changed: Option<Moment>,
    /// The monitor that watches the site, for a member of the account.
    monitor: Option<Watcher>,
    /// The visitor is a member of the account and nothing watches the site yet.
    unwatched: bool,
    outbox: bool,
}

struct Watcher {
    id: String,
    name: String,
    status: StatusLine,
}

/// Shows the buttons, and what the monitor of the site says of it.
pub async fn show(
    visitor: Visitor,
    State(state): State<AppState>,
    Path(token): Path<String>,
) -> PageResult {
    let site = find(&state, &token).await?;
    let zone = words::zone(&site.timezone);
    let member = visitor
        .signed_in
        .as_ref()
        .and_then(|signed_in| signed_in.membership.as_ref());
    let is_member = member.is_some_and(|membership| membership.account_id == site.account_id);
    let listed = if is_member {
        watchers(&state, &site, &token).await?.into_iter().next()
    } else {
        None
    };
    let now = state.now();
    let mut shell = visitor.shell("Practice site");
    if let Some(listed) = &listed {
        let id = listed.monitor.id.to_string();
        shell = shell.worst(Some(listed.shown)).live(Live {
            now: now.to_string(),
            zone: site.timezone.clone(),
            topics: format!("monitor:{id} incident:*"),
            watch: id,
        });
    }
    render(&ControlPage {
        shell,
        path: domain::account::practice::control_path(&token),
        site: state
            .config
            .link(&domain::account::practice::site_path(&token)),
        mode: site.mode,
        changed: site.changed_at.map(|at| Moment::new(at, zone)),
        unwatched: is_member && listed.is_none(),
        monitor: listed.map(|listed| Watcher {
            id: listed.monitor.id.to_string(),
            name: listed.monitor.settings().name,
            status: StatusLine::new(listed.shown, listed.confirming),
        }),
        outbox: state.config.outbox,
    })
}

/// A press: the site changes, and its monitors are looked at at once.
pub async fn press(
    State(state): State<AppState>,
    Path(token): Path<String>,
    ip: ClientIp,
    fields: Fields,
) -> PageResult {
    let mode = PracticeMode::parse(fields.text("mode")).ok_or_else(|| {
        PageError::BadRequest(
            "The practice site has no such button. Nothing was changed.".to_owned(),
        )
    })?;
    set_practice_mode(&state, &token, mode, ip).await?;
    see_other(&domain::account::practice::control_path(&token))
}

/// Changes how the site answers, and has its monitors look at once.
pub async fn set_practice_mode(
    state: &AppState,
    token: &str,
    mode: PracticeMode,
    ip: ClientIp,
) -> PageResult<()> {
    let site = find(state, token).await?;
    let now = state.now();
    let mut transaction = store::tenant::begin(&state.pool, site.account_id).await?;
    store::practice::set_mode(&mut transaction, site.account_id, mode, now).await?;
    transaction.commit().await.map_err(store::Error::from)?;
    look_at_once(state, &site, token, ip).await
}

/// Asks for a look by every monitor of the site, as often as "Check now" may be pressed; over that the
/// timetable sees the change.
async fn look_at_once(
    state: &AppState,
    site: &Practice,
    token: &str,
    ip: ClientIp,
) -> PageResult<()> {
    let watchers = watchers(state, site, token).await?;
    let caller = Caller {
        account_id: site.account_id,
        actor: Actor::system(),
        user_id: None,
        email: None,
        network: ip.network(),
        now: state.now(),
    };
    let mut transaction = store::tenant::begin(&state.pool, site.account_id).await?;
    let key = format!("practice:{}", site.account_id);
    if throttle::take_within(
        &mut transaction,
        state,
        throttle::CHECK_NOW,
        &key,
        caller.now,
    )
    .await?
    .is_none()
    {
        for watcher in &watchers {
            looks::request(
                &mut transaction,
                state,
                &caller,
                (&watcher.monitor, Reason::Practice),
            )
            .await?;
        }
    }
    transaction.commit().await.map_err(store::Error::from)?;
    Ok(())
}

async fn find(state: &AppState, token: &str) -> PageResult<Practice> {
    let mut connection = state.pool.acquire().await?;
    store::practice::find(&mut connection, token)
        .await?
        .ok_or(PageError::NotFound)
}

/// The monitors of the account that watch its practice site and are not paused, problems first.
async fn watchers(
    state: &AppState,
    site: &Practice,
    token: &str,
) -> PageResult<Vec<store::monitors::Listed>> {
    let filter = store::monitors::Filter {
        text: Some(domain::account::practice::site_path(token)),
        ..store::monitors::Filter::default()
    };
    let mut transaction = store::tenant::begin(&state.pool, site.account_id).await?;
    let order = (store::monitors::Sort::Status, None, 20);
    let found = store::monitors::list(
        &mut transaction,
        &state.secrets,
        site.account_id,
        &filter,
        order,
        state.now(),
    )
    .await?;
    Ok(found
        .into_iter()
        .filter(|listed| listed.shown != Shown::Paused)
        .collect())
}
