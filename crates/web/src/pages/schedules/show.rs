//! One schedule: who is on call, the coming weeks, gaps, and who stands in.

use askama::Template;
use axum::extract::{Path, Query, State};
use domain::ids::ScheduleId;
use domain::oncall::{self, Override, Participant, Rota, Schedule, Span};
use http::StatusCode;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use store::token_lookups::{self, Kind};

use super::calendar::{Week, weeks};
use super::words;
use crate::error::{PageError, PageResult};
use crate::extract::{FormErrors, Tenant};
use crate::people::People;
use crate::state::AppState;
use crate::view::{Moment, Shell, render_with};

/// Gaps are looked for so far ahead.
const AHEAD: SignedDuration = SignedDuration::from_hours(24 * 28);
/// Gaps that are listed one by one.
const LISTED: usize = 5;

/// What stands in the form of an override.
#[derive(Debug, Clone, Default)]
pub(super) struct OverrideForm {
    pub who: String,
    pub from: String,
    pub to: String,
}

/// A person's calendar address.
#[derive(Default)]
pub(super) enum Calendar {
    /// None was made.
    #[default]
    None,
    /// Made then; it is not shown again.
    Made(Timestamp),
    /// Just made.
    Shown(String),
}

/// An override as the page shows it.
struct StandIn {
    id: String,
    who: String,
    when: String,
}

/// A layer as the page shows it.
struct LayerLine {
    turns: String,
    times: Option<String>,
}

#[derive(Template)]
#[template(path = "schedules/show.html")]
struct ShowPage {
    shell: Shell,
    id: String,
    name: String,
    timezone: String,
    /// `None`: nobody.
    who: Option<String>,
    stands_in: bool,
    until: Option<String>,
    next: Option<(String, String)>,
    weeks: Vec<Week>,
    gaps: Vec<String>,
    more_gaps: usize,
    layers: Vec<LayerLine>,
    overrides: Vec<StandIn>,
    form: OverrideForm,
    errors: FormErrors,
    choices: Vec<(String, String)>,
    made: Option<Moment>,
    address: Option<String>,
    can_edit: bool,
    can_respond: bool,
}

/// What has just been done.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Done {
    done: String,
}

/// What the page is about beside the schedule.
#[derive(Default)]
pub(super) struct Shown {
    pub form: Option<OverrideForm>,
    pub errors: FormErrors,
    pub calendar: Calendar,
    pub notice: Option<&'static str>,
}

/// Shows it.
pub async fn show(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<ScheduleId>,
    Query(done): Query<Done>,
) -> PageResult {
    let notice = match done.done.as_str() {
        "saved" => Some("Saved. It holds from now on."),
        "stands_in" => Some("Saved. The coming weeks show it."),
        "taken_back" => Some("Deleted. The turns hold again."),
        _ => None,
    };
    let shown = Shown {
        notice,
        ..Shown::default()
    };
    page(&tenant, &state, id, shown).await
}

pub(super) async fn find(
    tenant: &Tenant,
    state: &AppState,
    id: ScheduleId,
) -> PageResult<Schedule> {
    let mut transaction = tenant.read(state).await?;
    let found = store::oncall::find(&mut transaction, tenant.account_id(), id).await?;
    found.ok_or(PageError::NotFound)
}

pub(super) async fn page(
    tenant: &Tenant,
    state: &AppState,
    id: ScheduleId,
    shown: Shown,
) -> PageResult {
    let (account, now) = (tenant.account_id(), state.now());
    let schedule = find(tenant, state, id).await?;
    let people = People::read(state, account).await?;
    let mut transaction = tenant.read(state).await?;
    // This week's days are shown from Monday on.
    let since = now - SignedDuration::from_hours(24 * 8);
    let overrides = store::oncall::list_overrides(&mut transaction, account, id, since).await?;
    let rows = (id.uuid(), tenant.user().id.uuid());
    let made = token_lookups::find_made(&mut transaction, account, Kind::Calendar, rows).await?;
    drop(transaction);
    let calendar = match shown.calendar {
        Calendar::None => made.map_or(Calendar::None, Calendar::Made),
        other => other,
    };
    let status = if shown.errors.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let zone = domain::words::zone(&schedule.timezone);
    let form = shown.form.unwrap_or_else(|| usual(tenant, &zone, now));
    let (gaps, more_gaps) = gaps(&schedule, &overrides, &zone, now);
    let stands = oncall::now(&schedule, &overrides, now);
    let named = |who: Participant| people.name(who).to_owned();
    render_with(
        status,
        &ShowPage {
            shell: tenant
                .shell(schedule.name.as_str())
                .section("contacts")
                .notice(shown.notice.map(str::to_owned)),
            id: id.to_string(),
            who: stands.who.map(named),
            stands_in: stands.is_override,
            until: stands.until.map(|until| words::minute(until, &zone)),
            next: stands
                .next
                .map(|next| (named(next.who), words::minute(next.from, &zone))),
            weeks: weeks(&Rota::new(&schedule, &overrides), &zone, now, &people),
            gaps,
            more_gaps,
            layers: layers(&schedule, &people),
            overrides: overrides
                .iter()
                .filter(|one| one.ends_at > now)
                .map(|one| stand_in(one, &people, &zone))
                .collect(),
            form,
            errors: shown.errors,
            choices: people.choices(),
            made: match &calendar {
                Calendar::Made(at) => Some(Moment::new(*at, tenant.zone())),
                _ => None,
            },
            address: match calendar {
                Calendar::Shown(address) => Some(address),
                _ => None,
            },
            can_edit: tenant.role().can_edit(),
            can_respond: tenant.role().can_respond(),
            name: schedule.name,
            timezone: schedule.timezone,
        },
    )
}

fn layers(schedule: &Schedule, people: &People) -> Vec<LayerLine> {
    let lines = schedule.layers.iter().map(|layer| LayerLine {
        turns: words::layer(layer, people),
        times: layer.times.as_deref().map(words::times),
    });
    lines.collect()
}

fn stand_in(one: &Override, people: &People, zone: &TimeZone) -> StandIn {
    let when = Span {
        from: one.starts_at,
        to: one.ends_at,
    };
    StandIn {
        id: one.id.to_string(),
        who: people.name(one.participant).to_owned(),
        when: words::span(when, zone),
    }
}

/// The first gaps of the coming weeks, and how many more there are.
fn gaps(
    schedule: &Schedule,
    overrides: &[Override],
    zone: &TimeZone,
    now: Timestamp,
) -> (Vec<String>, usize) {
    let to = now.saturating_add(AHEAD).unwrap_or(Timestamp::MAX);
    let shifts = oncall::shifts(schedule, overrides, now, to);
    let found = oncall::gaps(&shifts, now, to);
    let more = found.len().saturating_sub(LISTED);
    let listed = found.into_iter().take(LISTED).map(|gap| {
        // What began before, or goes on after it, has no end that is worth a second.
        let from = if gap.from == now { "now" } else { "" };
        match (from, gap.to == to) {
            ("now", true) => "now, and all of the coming four weeks".to_owned(),
            ("now", false) => format!("now, until {}", words::minute(gap.to, zone)),
            (_, true) => format!("from {}", words::minute(gap.from, zone)),
            _ => words::span(gap, zone),
        }
    });
    (listed.collect(), more)
}

/// Whoever looks, from the next full hour on for eight hours.
fn usual(tenant: &Tenant, zone: &TimeZone, now: Timestamp) -> OverrideForm {
    let hour = |hours: i64| {
        let at = (now + SignedDuration::from_hours(hours)).to_zoned(zone.clone());
        at.strftime("%Y-%m-%dT%H:00").to_string()
    };
    OverrideForm {
        who: tenant.user().id.to_string(),
        from: hour(1),
        to: hour(9),
    }
}
