//! `/schedules/{id}/on-call` and `/schedules/{id}/shifts`.

use axum::extract::State;
use domain::ids::ScheduleId;
use domain::oncall::{self, Override, Participant, Schedule, Shift, Span};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::auth::Reader;
use crate::api::id::Id;
use crate::api::problem::{ApiResult, Problem};
use crate::api::query::Params;
use crate::people::People;
use crate::state::AppState;

/// The longest time whose shifts are told at once.
const MOST: SignedDuration = SignedDuration::from_hours(24 * 366);
/// What is told when `to` is left out: four weeks.
const USUAL: SignedDuration = SignedDuration::from_hours(24 * 28);

/// What participants are called, for those who may read numbers and those who may not.
#[derive(Clone, Copy)]
pub struct Names<'p> {
    people: &'p People,
    masks: bool,
}

impl<'p> Names<'p> {
    pub(super) const fn new(people: &'p People, masks: bool) -> Self {
        Self { people, masks }
    }

    fn of(self, who: Participant) -> String {
        if self.masks {
            self.people.masked_name(who)
        } else {
            self.people.name(who).to_owned()
        }
    }
}

/// Who is on call.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OnCall)]
pub struct OnCallView {
    /// `usr_…` or `con_…`; null when nobody is on call.
    participant: Option<String>,
    /// What they are called.
    name: Option<String>,
    /// They stand in.
    is_override: bool,
    /// When that changes; null when it does not within 92 days.
    #[schema(format = DateTime)]
    until: Option<String>,
    /// The next shift.
    next: Option<ShiftView>,
}

/// A time in which one person is on call.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Shift)]
pub struct ShiftView {
    /// `usr_…` or `con_…`
    participant: String,
    /// What they are called.
    name: String,
    #[schema(format = DateTime)]
    starts_at: String,
    #[schema(format = DateTime)]
    ends_at: String,
    /// They stand in.
    is_override: bool,
}

/// A time in which nobody is on call.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Gap)]
pub struct GapView {
    #[schema(format = DateTime)]
    starts_at: String,
    #[schema(format = DateTime)]
    ends_at: String,
}

/// Who is on call in some time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Shifts)]
pub struct ShiftsView {
    #[schema(format = DateTime)]
    from: String,
    #[schema(format = DateTime)]
    to: String,
    /// In order, cut at both ends.
    data: Vec<ShiftView>,
    /// When nobody is on call.
    gaps: Vec<GapView>,
}

/// Get who is on call
#[utoipa::path(get, path = "/api/v1/schedules/{schedule_id}/on-call", tag = "On call", operation_id = "schedules.on_call",
    params(("schedule_id" = String, Path, description = "`sch_…`")), responses((status = 200, body = OnCallView)))]
pub async fn on_call(
    State(state): State<AppState>,
    reader: Reader,
    Id(id): Id<ScheduleId>,
    params: Params,
) -> ApiResult<axum::Json<OnCallView>> {
    params.finish()?;
    let now = state.now();
    let (schedule, overrides) = read(&state, &reader, id, now).await?;
    let people = People::read(&state, reader.account_id()).await?;
    let names = Names::new(&people, reader.masks());
    Ok(axum::Json(OnCallView::of(
        &schedule, &overrides, names, now,
    )))
}

/// List shifts
///
/// Who is on call from `from` (default: now) to `to` (default: four weeks later), a year at most, and when
/// nobody is. What one person has in a row is one shift, unless a part of it is an override.
#[utoipa::path(get, path = "/api/v1/schedules/{schedule_id}/shifts", tag = "On call", operation_id = "schedules.shifts",
    params(("schedule_id" = String, Path, description = "`sch_…`"),
        ("from" = Option<String>, Query, description = "RFC 3339, or a time before now such as `-24h`"),
        ("to" = Option<String>, Query, description = "RFC 3339, or a time before now such as `-24h`")),
    responses((status = 200, body = ShiftsView)))]
pub async fn shifts(
    State(state): State<AppState>,
    reader: Reader,
    Id(id): Id<ScheduleId>,
    mut params: Params,
) -> ApiResult<axum::Json<ShiftsView>> {
    let now = state.now();
    let (from, to) = params.range(now)?;
    params.finish()?;
    let from = from.unwrap_or(now);
    let to = to.unwrap_or_else(|| from.saturating_add(USUAL).unwrap_or(Timestamp::MAX));
    if from >= to {
        return Err(Problem::field("?from", "out_of_range", "must be before to"));
    }
    if to.duration_since(from) > MOST {
        let message = "must be at most 366 days after from";
        return Err(Problem::field("?to", "out_of_range", message));
    }
    let (schedule, overrides) = read(&state, &reader, id, from).await?;
    let people = People::read(&state, reader.account_id()).await?;
    let names = Names::new(&people, reader.masks());
    let found = oncall::shifts(&schedule, &overrides, from, to);
    let gaps = oncall::gaps(&found, from, to);
    Ok(axum::Json(ShiftsView {
        from: from.to_string(),
        to: to.to_string(),
        data: found
            .iter()
            .map(|shift| ShiftView::of(shift, names))
            .collect(),
        gaps: gaps.into_iter().map(GapView::of).collect(),
    }))
}

/// A schedule and its overrides that are not over at `from`.
async fn read(
    state: &AppState,
    reader: &Reader,
    id: ScheduleId,
    from: Timestamp,
) -> ApiResult<(Schedule, Vec<Override>)> {
    let account = reader.account_id();
    let mut tx = reader.begin(state).await?;
    let schedule = store::oncall::find(&mut tx, account, id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let overrides = store::oncall::list_overrides(&mut tx, account, id, from).await?;
    Ok((schedule, overrides))
}

impl OnCallView {
    pub(super) fn of(
        schedule: &Schedule,
        overrides: &[Override],
        names: Names<'_>,
        now: Timestamp,
    ) -> Self {
        let now = oncall::now(schedule, overrides, now);
        Self {
            participant: now.who.map(|who| who.to_string()),
            name: now.who.map(|who| names.of(who)),
            is_override: now.is_override,
            until: now.until.map(|until| until.to_string()),
            next: now.next.map(|next| ShiftView::of(&next, names)),
        }
    }
}

impl ShiftView {
    fn of(shift: &Shift, names: Names<'_>) -> Self {
        Self {
            participant: shift.who.to_string(),
            name: names.of(shift.who),
            starts_at: shift.from.to_string(),
            ends_at: shift.to.to_string(),
            is_override: shift.is_override(),
        }
    }
}

impl GapView {
    fn of(gap: Span) -> Self {
        Self {
            starts_at: gap.from.to_string(),
            ends_at: gap.to.to_string(),
        }
    }
}
